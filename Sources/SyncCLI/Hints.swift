internal import SyncText
internal import SyncUnits

/// What can be found out after an error, from calls that every agent knows. Hints are a help: when
/// finding one fails, there is none.
extension UnitManager {
  /// `did you mean "git-clone"?`, if a registered unit other than `dependent` has a similar name.
  func suggestion(for unit: UnitID, wantedBy dependent: UnitID? = nil) async -> String? {
    guard let units = try? await list() else { return nil }
    let names = units.map(\.unit).filter { $0 != unit && $0 != dependent }.map(\.name)
    return closestMatch(to: unit.name, among: names).map { "did you mean \($0.quoted)?" }
  }

  func hintAboutUnregistered(_ unit: UnitID) async -> String {
    let hint = "unit \(unit.name.quoted) is not registered"
    return await suggestion(for: unit).map { "\(hint); \($0)" } ?? hint
  }

  /// `still waiting for: a (started), b (not registered; did you mean "bb"?)`, and the first lines of
  /// what `why` says where it says more.
  func hintsAboutWaiting(of unit: UnitID) async throws -> [String] {
    let dependencies = try await status(of: unit).unsatisfied
    if dependencies.isEmpty { return [] }
    var parts: [String] = []
    for dependency in dependencies {
      var state = dependency.currentStatus.description
      if dependency.currentStatus == .notRegistered,
        let suggestion = await suggestion(for: dependency.unit, wantedBy: unit)
      {
        state += "; \(suggestion)"
      }
      parts.append("\(dependency.unit.name) (\(state))")
    }
    let first = "still waiting for: \(parts.joined(separator: ", "))"
    guard let explanation = try? await explain(unit),
      explanation.nodes.contains(where: { $0.depth > 1 })
    else { return [first] }
    let lines = WhyText(explanation, suggestions: [:]).lines
    return [first] + lines.prefix(6)
  }

  /// `the cycle is b -> a -> b`, found by walking the dependencies from `dependency` to `unit`.
  func hintAboutCycle(from unit: UnitID, to dependency: UnitID) async -> String? {
    // More than anybody would read, and an end for a graph that grows while it is walked.
    let limit = 1_000
    var predecessors: [UnitID: UnitID] = [dependency: unit]
    var queue = [dependency]
    var next = 0
    while next < queue.count, next < limit {
      let current = queue[next]
      next += 1
      if current == unit { break }
      guard let report = try? await status(of: current) else { return nil }
      for further in report.dependencies.map(\.unit) where predecessors[further] == nil {
        predecessors[further] = current
        queue.append(further)
      }
    }
    guard predecessors[unit] != nil || unit == dependency else { return nil }
    var path = [unit]
    repeat { path.append(predecessors[path.last!]!) } while path.last != unit
    return "the cycle is " + path.reversed().map(\.name).joined(separator: " -> ")
  }
}
