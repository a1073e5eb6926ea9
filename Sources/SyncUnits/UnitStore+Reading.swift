extension UnitStore {
  /// Whether all dependencies of `id` are met; a unit that nobody knows has none.
  /// - Throws: `dependencyFailed` if one of them can never be.
  package func isReady(_ id: UnitID) throws(UnitError) -> Bool {
    try validateForReading(id)
    guard let node = node(of: id) else { return true }
    if units[node].lost > 0 { throw blockedError(node) }
    return units[node].unmet == 0
  }

  /// The status of `id` and its direct dependencies, sorted by name.
  package func report(on id: UnitID) throws(UnitError) -> UnitReport {
    try validateForReading(id)
    guard let node = node(of: id) else {
      return UnitReport(status: .notRegistered, isReady: true, dependencies: [])
    }
    let dependencies = graph.dependencies(of: node).map { edge in
      let phase = units[edge.node].phase
      let requirement = requirements[edge.edge]
      return Dependency(
        unit: ids[edge.node], requiredStatus: .completed, currentStatus: phase.state.status,
        isSatisfied: requirement.standing(for: phase) == .met, requirement: requirement)
    }
    let unit = units[node]
    return UnitReport(
      status: unit.state.status, isReady: unit.unmet == 0,
      dependencies: dependencies.sorted { $0.unit < $1.unit }, details: details(node))
  }

  /// All registered units, sorted by name.
  package func summaries() -> [UnitSummary] {
    units.indices.lazy.filter { units[$0].state != .notRegistered }
      .map { node in
        UnitSummary(
          unit: ids[node], status: units[node].state.status, isReady: units[node].unmet == 0,
          details: details(node))
      }
      .sorted { $0.unit < $1.unit }
  }

  func details(_ node: Node) -> UnitDetails {
    let unit = units[node]
    return UnitDetails(
      generation: UInt64(unit.generation), isHealthy: unit.isHealthy,
      isBlocked: unit.phase.isBlocked, ending: endings[node], holder: holders[node])
  }

  /// The units and their dependencies in the DOT language, coloured by status. Units that were only
  /// waited for are left out.
  package func dot() -> String {
    graph.dot(
      nodes: units.indices.filter { units[$0].state != .notRegistered || graph.hasDependents($0) }
        .sorted { ids[$0] < ids[$1] },
      label: { ids[$0].name },
      colour: { node in
        switch units[node].state {
        case .notRegistered: "white"
        case .pending:
          units[node].phase.isBlocked
            ? "lightpink" : units[node].unmet == 0 ? "khaki" : "lightgrey"
        case .started: "lightblue"
        case .completed: "palegreen"
        case .failed: "tomato"
        case .skipped: "lightpink"
        }
      })
  }

  func validateForReading(_ id: UnitID) throws(UnitError) {
    try validate(id) { "cannot check readiness: unit ID cannot be empty: \($0)" }
  }
}

// MARK: Waiting

extension UnitStore {
  /// What a wait is for, with nodes for names.
  package enum Goal {
    case ready(Node)
    case units([Node], Requirement.Condition, count: Int)
    case allUnits

    /// The units whose changes may end the wait; empty if all may.
    var nodes: [Node] {
      switch self {
      case .ready(let node): [node]
      case .units(let nodes, _, _): nodes
      case .allUnits: []
      }
    }
  }

  /// Finds the units of a goal. Those that nobody has named yet are waited for.
  package mutating func resolve(_ goal: WaitGoal) throws(UnitError) -> Goal {
    switch goal {
    case .ready(let unit):
      try validateForReading(unit)
      return .ready(try intern(unit))
    case .units(let units, let condition, let count):
      var nodes: [Node] = []
      for unit in units {
        try validateForReading(unit)
        nodes.append(try intern(unit))
      }
      return .units(nodes, condition, count: count)
    case .allUnits: return .allUnits
    }
  }

  /// What has come of a wait; nil if it goes on.
  package func result(of goal: Goal) -> Result<Void, UnitError>? {
    switch goal {
    case .ready(let node):
      if units[node].lost > 0 { return .failure(blockedError(node)) }
      return units[node].unmet == 0 ? .success(()) : nil
    case .units(let nodes, let condition, let count):
      return result(of: nodes, Requirement(condition), count)
    case .allUnits:
      if registeredCount == 0 {
        return .failure(UnitError(.notFound, "no units are registered"))
      }
      return unfinishedCount == 0 ? resultOfAll() : nil
    }
  }

  private func result(
    of nodes: [Node], _ requirement: Requirement, _ count: Int
  ) -> Result<Void, UnitError>? {
    var met = 0
    var lost: [Node] = []
    for node in nodes {
      switch requirement.standing(for: units[node].phase) {
      case .met: met += 1
      case .open: break
      case .lost: lost.append(node)
      }
    }
    if met >= count { return .success(()) }
    if nodes.count - lost.count >= count { return nil }
    let reasons = lost.map { units[$0].phase.isBlocked ? blockedText($0) : "unit \(fate($0))" }
    return .failure(UnitError(.dependencyFailed, reasons.joined(separator: "\n")))
  }

  private func resultOfAll() -> Result<Void, UnitError> {
    let bad = units.indices.filter {
      switch units[$0].state {
      case .failed, .skipped, .pending: true
      case .notRegistered, .started, .completed: false
      }
    }
    .sorted { ids[$0] < ids[$1] }
    if bad.isEmpty { return .success(()) }
    let lines = bad.map { node in
      units[node].phase.isBlocked
        ? "unit \(quoted(node)): \(blockedText(node))" : "unit \(fate(node))"
    }
    return .failure(UnitError(.dependencyFailed, lines.joined(separator: "\n")))
  }

  // MARK: Who is to blame

  /// Why a unit is blocked for good.
  func blockedError(_ node: Node) -> UnitError {
    UnitError(.dependencyFailed, blockedText(node))
  }

  /// The failure at the root of a blocked unit, and the way from there to it.
  private func blockedText(_ node: Node) -> String {
    var chain: [Node] = []
    var root = node
    repeat {
      chain.append(root)
      root = blocker(of: root)!
    } while units[root].lost > 0 && (units[root].state == .pending || units[root].state == .skipped)
    let way = chain.reversed().map { "required by \(quoted($0))" }.joined(separator: ", ")
    return "dependency \(fate(root)) (\(way))"
  }

  /// The dependency that was declared first of those that can never be met.
  func blocker(of node: Node) -> Node? {
    var first: Node?
    for edge in graph.dependencies(of: node)
    where requirements[edge.edge].standing(for: units[edge.node].phase) == .lost {
      first = edge.node
    }
    return first
  }

  private func fate(_ node: Node) -> String {
    let ending = endings[node]?.description ?? ""
    let end = ending.isEmpty ? "" : ": \(ending.escapingControlCharacters)"
    switch units[node].state {
    case .failed: return "\(quoted(node)) failed\(end)"
    case .skipped: return "\(quoted(node)) was skipped\(end)"
    default: return "\(quoted(node)) is \(units[node].state.status)"
    }
  }

  private func quoted(_ node: Node) -> String { "'\(ids[node].name.escapingControlCharacters)'" }
}

extension UnitStore.State {
  var status: UnitStatus {
    switch self {
    case .notRegistered: .notRegistered
    case .pending: .pending
    case .started: .started
    case .completed: .completed
    case .failed: .failed
    case .skipped: .skipped
    }
  }
}
