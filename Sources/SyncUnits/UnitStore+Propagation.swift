extension UnitStore {
  /// All of a unit that its dependents can tell.
  struct Phase: Equatable {
    let state: State
    let isHealthy: Bool
    let hasStarted: Bool
    /// Whether it is pending and something that it requires can never be met.
    let isBlocked: Bool

    /// Whether it may still change without being started anew or reset.
    var isUnfinished: Bool { state == .started || (state == .pending && !isBlocked) }
  }

  /// How a requirement stands.
  enum Standing { case met, open, lost }

  /// Changes a unit, and everything that follows from it.
  mutating func change(_ node: Node, _ body: (inout Unit) -> Void) {
    let old = units[node].phase
    body(&units[node])
    propagate(from: node, old)
  }

  /// Counts anew in the dependents of a unit that was `old` before, and of those that are blocked or
  /// unblocked by it. One call only ever blocks or only ever unblocks, so that no unit comes twice.
  mutating func propagate(from node: Node, _ old: Phase) {
    guard units[node].phase != old else { return }
    var open = [(node: node, old: old)]
    while let (node, old) = open.popLast() {
      let new = units[node].phase
      note(node, old, new)
      for edge in graph.dependents(of: node) {
        let requirement = requirements[edge.edge]
        let (before, after) = (requirement.standing(for: old), requirement.standing(for: new))
        if before == after { continue }
        let dependent = units[edge.node].phase
        count(edge.node, from: before, to: after)
        if units[edge.node].phase != dependent { open.append((edge.node, dependent)) }
      }
    }
  }

  private mutating func note(_ node: Node, _ old: Phase, _ new: Phase) {
    changed.append(node)
    if old.state == .notRegistered { registeredCount += 1 }
    if old.isUnfinished { unfinishedCount -= 1 }
    if new.isUnfinished { unfinishedCount += 1 }
  }

  /// Counts one dependency of a unit, whose standing has changed.
  mutating func count(_ node: Node, from before: Standing, to after: Standing) {
    if before != .met { units[node].unmet -= 1 }
    if before == .lost { units[node].lost -= 1 }
    if after != .met { units[node].unmet += 1 }
    if after == .lost { units[node].lost += 1 }
    let unit = units[node]
    if unit.unmet == 0 || (after == .lost && unit.lost == 1) { changed.append(node) }
  }
}

extension UnitStore.Unit {
  var phase: UnitStore.Phase {
    UnitStore.Phase(
      state: state, isHealthy: isHealthy, hasStarted: hasStarted,
      isBlocked: state == .pending && lost > 0)
  }
}

extension Requirement {
  /// How it stands for a unit in this phase: the truth table in `CONDITIONS.md`.
  func standing(for phase: UnitStore.Phase) -> UnitStore.Standing {
    switch phase.state {
    case .completed: .met
    case .notRegistered: isOptional ? .met : .open
    case .pending:
      // A blocked unit may still be skipped, and that is an end too.
      phase.isBlocked && condition != .completion && !isOptional ? .lost : .open
    case .started:
      switch condition {
      case .started: .met
      case .healthy: phase.isHealthy ? .met : .open
      case .success, .completion: .open
      }
    case .failed, .skipped:
      switch condition {
      case _ where isOptional: .met
      case .completion: .met
      case .started: phase.state == .failed && phase.hasStarted ? .met : .lost
      case .success, .healthy: .lost
      }
    }
  }
}
