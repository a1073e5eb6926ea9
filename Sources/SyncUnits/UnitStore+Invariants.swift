extension UnitStore {
  /// Checks everything that is counted against what it counts, in time linear in the size; for tests.
  package func checkInvariants() throws(InvariantViolation) {
    try graph.checkInvariants()
    guard graph.nodeCount == units.count, index.count == ids.count, ids.count == units.count else {
      throw InvariantViolation(
        "\(units.count) units, \(graph.nodeCount) nodes, \(index.count) names")
    }
    guard requirements.count == graph.edgeCount else {
      throw InvariantViolation("\(requirements.count) requirements, \(graph.edgeCount) edges")
    }
    for (node, unit) in units.enumerated() { try check(node, unit) }
    let registered = units.count { $0.state != .notRegistered }
    let unfinished = units.count { $0.phase.isUnfinished }
    guard registered == registeredCount, unfinished == unfinishedCount else {
      throw InvariantViolation(
        "counted \(registeredCount) registered units and \(unfinishedCount) unfinished ones, "
          + "there are \(registered) and \(unfinished)")
    }
  }

  private func check(_ node: Node, _ unit: Unit) throws(InvariantViolation) {
    guard self.node(of: ids[node]) == node else {
      throw InvariantViolation("unit \(ids[node]) is not found under its name")
    }
    var (unmet, lost) = (0, 0)
    for edge in graph.dependencies(of: node) {
      switch requirements[edge.edge].standing(for: units[edge.node].phase) {
      case .met: break
      case .open: unmet += 1
      case .lost: (unmet, lost) = (unmet + 1, lost + 1)
      }
    }
    guard unit.unmet == unmet, unit.lost == lost else {
      throw InvariantViolation(
        "unit \(ids[node]) counts \(unit.unmet) unmet dependencies, \(unit.lost) of them lost; "
          + "it has \(unmet) and \(lost)")
    }
    if unit.state == .notRegistered, graph.hasDependencies(node) {
      throw InvariantViolation("unit \(ids[node]) has dependencies and is not registered")
    }
    let mayHaveEnding = unit.state == .failed || unit.state == .skipped
    guard mayHaveEnding || endings[node] == nil, unit.state == .started || holders[node] == nil
    else {
      throw InvariantViolation("unit \(ids[node]) keeps what belongs to another status")
    }
  }
}
