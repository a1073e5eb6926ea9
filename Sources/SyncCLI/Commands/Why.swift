internal import SyncRPC
internal import SyncText
internal import SyncUnits

extension Command {
  static let why = Command(
    name: "why",
    arguments: "<unit>",
    summary: "Show what a unit waits for, down to the roots",
    discussion: """
      A tree: below each unit that waits stands what it waits for, who works on it and since when, \
      what failed, and what nobody has registered, which most often is a misspelt name.
      """,
    examples: """
      # What holds up app?
      coder exp sync why app
      """,
    options: [Options.output],
    completion: .units,
    run: { invocation in
      let unit = try invocation.onlyUnit()
      let format = try invocation.outputFormat()
      try invocation.withClient { client in
        let explanation = try await client.call("explain unit failed: ") {
          try await $0.explain(unit)
        }
        let suggestions = await client.manager.suggestions(for: explanation)
        switch format {
        case .json: try invocation.console.print(json(explanation, suggestions).text(.indented))
        case .table:
          var lines = WhyText(explanation, suggestions: suggestions).lines
          if explanation.isStalled, explanation.nodes.first?.status == .pending {
            lines.append("nobody works on anything that anybody waits for")
          }
          try invocation.console.print(lines.joined(separator: "\n"))
        }
      }
    })

  private static func json(
    _ explanation: Explanation, _ suggestions: [UnitID: UnitID]
  ) -> JSON {
    let nodes = explanation.nodes.map { node -> JSON in
      var members: [(name: String, value: JSON)] = [
        ("unit_name", .string(node.unit.name)), ("depth", .integer(node.depth)),
        ("status", .string(node.status.wireName)),
        ("required", .string(node.requirement?.condition.rawValue ?? "")),
        ("is_optional", .boolean(node.requirement?.isOptional ?? false)),
        ("is_lost", .boolean(node.isLost)), ("is_repeated", .boolean(node.isRepeated)),
      ]
      members += node.details.jsonMembers
      if let suggestion = suggestions[node.unit] {
        members.append(("did_you_mean", .string(suggestion.name)))
      }
      return .object(members)
    }
    return .object([("is_stalled", .boolean(explanation.isStalled)), ("units", .array(nodes))])
  }
}

extension UnitManager {
  /// Registered units that may have been meant by those in the tree that are not.
  fileprivate func suggestions(for explanation: Explanation) async -> [UnitID: UnitID] {
    let missing = explanation.nodes.filter { $0.status == .notRegistered }.map(\.unit)
    guard !missing.isEmpty, let units = try? await list() else { return [:] }
    // A name that waits for the misspelt one is not the one that was meant.
    let waiting = Set(explanation.nodes.filter { $0.status == .pending }.map(\.unit))
    let names = units.map(\.unit).filter { !waiting.contains($0) }.map(\.name)
    return Dictionary(
      missing.compactMap { unit in
        closestMatch(to: unit.name, among: names).map { (unit, UnitID($0)) }
      }, uniquingKeysWith: { first, _ in first })
  }
}
