internal import SyncPlugin
internal import SyncSystem
internal import SyncUnits

/// What `why` shows: a tree from the unit down to the roots of its waiting, a line a unit.
struct WhyText {
  let lines: [String]

  /// `suggestions` are the names that may have been meant by units that nobody registered.
  init(_ explanation: Explanation, suggestions: [UnitID: UnitID], now: UInt64 = SystemTime.now) {
    lines = explanation.nodes.flatMap { node -> [String] in
      let indent = String(repeating: "  ", count: node.depth)
      var line = "\(indent)\(node.unit.name.escapingControlCharacters): "
      line += Self.state(node, now)
      if let requirement = node.requirement, requirement != .success {
        line += "; required: \(requirement)"
      }
      if let suggestion = suggestions[node.unit] {
        line += "; did you mean \(suggestion.name.quoted)?"
      }
      if node.isRepeated { line += " (see above)" }
      let more = node.omitted == 0 ? [] : ["\(indent)  … and \(node.omitted) more"]
      return [line] + more
    }
  }

  private static func state(_ node: Explanation.Node, _ now: UInt64) -> String {
    let details = node.details
    let end = details.ending.map { "\($0)" } ?? ""
    let reason = end.isEmpty ? "" : ": \(end.escapingControlCharacters)"
    switch node.status {
    case .notRegistered: return "not registered, nobody has declared or started it"
    case .pending where details.isBlocked: return "pending, blocked for good"
    case .pending: return node.depth == 0 ? "pending" : "pending, not started yet"
    case .started:
      let health = details.isHealthy ? ", healthy" : ""
      guard let holder = details.holder else { return "started\(health)" }
      let command = holder.command.isEmpty ? "" : " (\(holder.command.escapingControlCharacters))"
      let seconds = Duration.seconds(Int64((now > holder.since ? now - holder.since : 0) / 1_000))
      return "started\(health), held by pid \(holder.processID)\(command) for \(seconds.goNotation)"
    case .completed: return "completed"
    case .failed: return "failed\(reason)"
    case .skipped: return "skipped\(reason)"
    case .other(let name): return name.escapingControlCharacters
    }
  }
}
