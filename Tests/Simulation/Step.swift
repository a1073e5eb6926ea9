package import SyncUnits

/// What a client does: one call, or the end of one, or of all.
package enum Step: Hashable, Sendable {
  case want(UnitID, [UnitID], Requirement, isLeased: Bool)
  case start(Start)
  case finish(UnitID, End, generation: UInt64?)
  case markHealthy(UnitID)
  case reset(UnitID, cascade: Bool)
  case wait(WaitGoal)
  /// Takes back one of the client's open calls, if there are any.
  case cancel(Int)
  /// Ends the connection; the client's next step begins with another.
  case leave

  package enum End: String, CaseIterable, Sendable { case complete, fail, skip }

  package struct Start: Hashable, Sendable {
    package let unit: UnitID
    package var isLeased = false
    package var keepsPending = false
    package var locks: Set<String> = []

    /// Whether it goes in the words of the original, which do not tell the generation.
    var isOriginal: Bool { !isLeased && !keepsPending && locks.isEmpty }

    func answer(_ generation: UInt64) -> Answer { isOriginal ? .done : .generation(generation) }
  }
}

/// What has come of a call.
package enum Answer: Hashable, Sendable {
  case done
  case generation(UInt64)
  case failed(UnitError.Code)
  case cancelled
}

// MARK: As text

extension Step: CustomStringConvertible {
  package var description: String {
    func names(_ units: [UnitID]) -> String {
      units.map { $0.name.isEmpty ? "''" : $0.name }.joined(separator: " ")
    }
    return switch self {
    case .want(let unit, let dependencies, let requirement, let isLeased):
      "want \(names([unit] + dependencies))"
        + (requirement.condition == .success ? "" : " --requires=\(requirement.condition)")
        + (requirement.isOptional ? " --optional" : "") + (isLeased ? " --lease" : "")
    case .start(let start):
      "start \(names([start.unit]))" + (start.isLeased ? " --lease" : "")
        + (start.keepsPending ? " --keep" : "")
        + start.locks.sorted().map { " --lock=\($0)" }.joined()
    case .finish(let unit, let end, let generation):
      "\(end) \(names([unit]))" + (generation.map { " --generation=\($0)" } ?? "")
    case .markHealthy(let unit): "healthy \(names([unit]))"
    case .reset(let unit, let cascade): "reset \(names([unit]))" + (cascade ? " --cascade" : "")
    case .wait(.ready(let unit)): "wait \(names([unit]))"
    case .wait(.units(let units, let condition, let count)):
      "wait \(names(units)) --for=\(condition) --count=\(count)"
    case .wait(.allUnits): "wait --all"
    case .cancel(let number): "cancel \(number)"
    case .leave: "leave"
    }
  }

  /// Reads what ``description`` prints; nil if it is something else.
  package init?(_ text: String) {
    let words = text.split(separator: " ").map(String.init)
    let flags = words.filter { $0.hasPrefix("--") }
    let names = words.dropFirst().filter { !$0.hasPrefix("--") }
    let units = names.map { UnitID($0 == "''" ? "" : $0) }
    func values(_ flag: String) -> [String] {
      flags.filter { $0.hasPrefix("--\(flag)=") }.map { String($0.dropFirst(flag.count + 3)) }
    }
    func has(_ flag: String) -> Bool { flags.contains("--\(flag)") }
    func condition(_ flag: String) -> Requirement.Condition? {
      values(flag).last.flatMap(Requirement.Condition.init(rawValue:))
    }

    switch (words.first, units.first) {
    case ("want", let unit?):
      self = .want(
        unit, Array(units.dropFirst()),
        Requirement(condition("requires") ?? .success, isOptional: has("optional")),
        isLeased: has("lease"))
    case ("start", let unit?):
      self = .start(
        Start(
          unit: unit, isLeased: has("lease"), keepsPending: has("keep"), locks: Set(values("lock")))
      )
    case ("healthy", let unit?): self = .markHealthy(unit)
    case ("reset", let unit?): self = .reset(unit, cascade: has("cascade"))
    case ("wait", nil) where has("all"): self = .wait(.allUnits)
    case ("wait", let unit?):
      guard let condition = condition("for") else {
        self = .wait(.ready(unit))
        return
      }
      self = .wait(
        .units(units, condition, count: values("count").last.flatMap { Int($0) } ?? units.count))
    case ("cancel", _?): self = .cancel(Int(names[0]) ?? 0)
    case ("leave", nil): self = .leave
    case (let word?, let unit?):
      guard let end = End(rawValue: word) else { return nil }
      self = .finish(unit, end, generation: values("generation").last.flatMap { UInt64($0) })
    default: return nil
    }
  }
}
