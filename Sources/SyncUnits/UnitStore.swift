/// The state machine of all units: names, statuses and the graph between them.
///
/// A pure value: every call either changes it and says what became ready, or throws and leaves it
/// as it was. Readiness is counted, not searched: each unit knows how many of its dependencies are
/// unsatisfied, and a change touches its direct dependents only.
package struct UnitStore {
  package typealias Node = UnitGraph.Node

  package private(set) var graph = UnitGraph()
  private var index = HashIndex()
  private let hash = SeededHash()
  // Apart, because a name is looked at to find a unit, and what it does only then.
  private var ids: [UnitID] = []
  private var units: [Unit] = []

  private struct Unit {
    var state = State.notRegistered
    var unsatisfied: Int32 = 0

    var status: UnitStatus {
      switch state {
      case .notRegistered: .notRegistered
      case .pending: .pending
      case .started: .started
      case .completed: .completed
      }
    }
  }

  private enum State: UInt8 { case notRegistered, pending, started, completed }

  package init() {}

  /// Declares that `id` depends on `dependency`, and registers `id`. Naming a dependency does not
  /// register it. Declaring it again changes nothing.
  package mutating func want(
    _ id: UnitID, dependsOn dependency: UnitID
  ) throws(UnitError) {
    try validate(id) { "cannot add dependency: registering unit \(id.name.quoted): \($0)" }
    try validate(dependency) { "cannot add dependency: dependency name cannot be empty: \($0)" }
    func cycle(_ path: [UnitID]) -> UnitError {
      let failure =
        "cannot add dependency: adding edge for unit \(id.name.quoted): failed to add dependency"
      return cycleError(failure, id, dependency, path: path)
    }
    guard id != dependency else {
      throw cycle([id, dependency])
    }
    guard graph.edgeCount < Limits.edges else {
      throw UnitError(
        .limitExceeded, "cannot add dependency: more than \(Limits.edges) dependencies")
    }
    let node = try intern(id)
    let dependencyNode = try intern(dependency)
    do {
      guard try graph.addEdge(from: node, to: dependencyNode) else { return }
    } catch {
      throw cycle(error.nodes.map { ids[$0] })
    }
    if units[dependencyNode].state != .completed { units[node].unsatisfied += 1 }
    if units[node].state == .notRegistered { units[node].state = .pending }
  }

  /// Begins the work of `id`, registering it if nobody did. A completed unit begins anew, and its
  /// dependents are unsatisfied until it completes again.
  package mutating func start(_ id: UnitID) throws(UnitError) {
    func failure(_ reason: String) -> String { "cannot start unit \(id.name.quoted): \(reason)" }
    try validate(id, failure)
    let node = try intern(id)
    guard units[node].unsatisfied == 0 else {
      throw UnitError(.notReady, failure("unit not ready"))
    }
    guard units[node].state != .started else { throw sameStatus(id, failure) }
    if units[node].state == .completed {
      for dependent in graph.dependents(of: node) { units[dependent].unsatisfied += 1 }
    }
    units[node].state = .started
  }

  /// Takes a start back: the unit is pending again, as if its work had not begun.
  package mutating func reset(_ id: UnitID) throws(UnitError) {
    func failure(_ reason: String) -> String { "cannot reset unit \(id.name.quoted): \(reason)" }
    try validate(id, failure)
    guard let node = node(of: id), units[node].state != .notRegistered else {
      throw UnitError(.notFound, failure("unit not found"))
    }
    guard units[node].state == .started else {
      throw UnitError(.notStarted, failure("unit is \(units[node].status), not started"))
    }
    units[node].state = .pending
  }

  /// Ends the work of `id`, and appends the units that became ready by it to `ready`.
  package mutating func complete(_ id: UnitID, ready: inout [Node]) throws(UnitError) {
    func failure(_ reason: String) -> String { "cannot complete unit \(id.name.quoted): \(reason)" }
    try validate(id) { failure("updating status for unit \(id.name.quoted): \($0)") }
    guard let node = node(of: id), units[node].state != .notRegistered else {
      throw UnitError(
        .notFound, failure("unit \(id.name.quoted) must be registered first: unit not found"))
    }
    guard units[node].state != .completed else { throw sameStatus(id, failure) }
    units[node].state = .completed
    for dependent in graph.dependents(of: node) {
      units[dependent].unsatisfied -= 1
      if units[dependent].unsatisfied == 0 { ready.append(dependent) }
    }
  }

  /// Whether all dependencies of `id` are satisfied; a unit that nobody knows has none.
  package func isReady(_ id: UnitID) throws(UnitError) -> Bool {
    try validateForReading(id)
    return node(of: id).map { units[$0].unsatisfied == 0 } ?? true
  }

  /// The status of `id` and its direct dependencies, sorted by name.
  package func report(on id: UnitID) throws(UnitError) -> UnitReport {
    try validateForReading(id)
    guard let node = node(of: id) else {
      return UnitReport(status: .notRegistered, isReady: true, dependencies: [])
    }
    let dependencies = graph.dependencies(of: node).map { index in
      let dependency = units[index]
      return Dependency(
        unit: ids[index], requiredStatus: .completed, currentStatus: dependency.status,
        isSatisfied: dependency.state == .completed)
    }
    return UnitReport(
      status: units[node].status, isReady: units[node].unsatisfied == 0,
      dependencies: dependencies.sorted { $0.unit < $1.unit })
  }

  /// All registered units, sorted by name.
  package func summaries() -> [UnitSummary] {
    units.indices.lazy.filter { units[$0].state != .notRegistered }
      .map { node in
        UnitSummary(
          unit: ids[node], status: units[node].status, isReady: units[node].unsatisfied == 0)
      }
      .sorted { $0.unit < $1.unit }
  }

  /// The node of a unit that has one and is not ready: what a waiter waits for.
  package func unreadyNode(of id: UnitID) throws(UnitError) -> Node? {
    try isReady(id) ? nil : node(of: id)
  }

  /// The units and their dependencies in the DOT language, coloured by status.
  package func dot() -> String {
    graph.dot(
      nodes: units.indices.sorted { ids[$0] < ids[$1] },
      label: { ids[$0].name },
      colour: { node in
        switch units[node].state {
        case .notRegistered: "white"
        case .pending: units[node].unsatisfied == 0 ? "khaki" : "lightgrey"
        case .started: "lightblue"
        case .completed: "palegreen"
        }
      })
  }

  private func node(of id: UnitID) -> Node? {
    index.find(id.withBytes { hash($0) }) { ids[$0] == id }
  }

  private mutating func intern(_ id: UnitID) throws(UnitError) -> Node {
    let hashed = id.withBytes { hash($0) }
    if let node = index.find(hashed, { ids[$0] == id }) { return node }
    guard units.count < Limits.units else {
      throw UnitError(
        .limitExceeded, "cannot add unit \(id.name.quoted): more than \(Limits.units) units")
    }
    let node = graph.addNode()
    ids.append(id)
    units.append(Unit())
    index.insert(node, hashed)
    return node
  }

  private func validate(_ id: UnitID, _ failure: (String) -> String) throws(UnitError) {
    if id.name.isEmpty { throw UnitError(.invalidName, failure("unit name is required")) }
    if id.name.utf8.count > Limits.nameBytes {
      throw UnitError(
        .invalidName,
        "unit name is too long: \(id.name.utf8.count) bytes, at most \(Limits.nameBytes) are allowed"
      )
    }
  }

  private func validateForReading(_ id: UnitID) throws(UnitError) {
    try validate(id) { "cannot check readiness: unit ID cannot be empty: \($0)" }
  }

  private func sameStatus(_ id: UnitID, _ failure: (String) -> String) -> UnitError {
    let reason = "checking status for unit \(id.name.quoted): same status already set"
    return UnitError(.sameStatus, failure(reason))
  }

  private func cycleError(
    _ failure: String, _ id: UnitID, _ dependency: UnitID, path: [UnitID]
  ) -> UnitError {
    let edge =
      "\(id.name.escapingControlCharacters) -> \(dependency.name.escapingControlCharacters)"
    return UnitError(.cycle, "\(failure)\nadding edge (\(edge)): cycle detected", cycle: path)
  }
}

extension UnitStore {
  /// Checks everything that is counted against what it counts, in time linear in the size; for tests.
  package func checkInvariants() throws(InvariantViolation) {
    try graph.checkInvariants()
    guard graph.nodeCount == units.count, index.count == ids.count, ids.count == units.count else {
      throw InvariantViolation(
        "\(units.count) units, \(graph.nodeCount) nodes, \(index.count) names")
    }
    for (node, unit) in units.enumerated() {
      guard self.node(of: ids[node]) == node else {
        throw InvariantViolation("unit \(ids[node]) is not found under its name")
      }
      let unsatisfied = graph.dependencies(of: node).count(where: { units[$0].state != .completed })
      guard unit.unsatisfied == unsatisfied else {
        throw InvariantViolation(
          "unit \(ids[node]) counts \(unit.unsatisfied) unsatisfied dependencies, it has \(unsatisfied)"
        )
      }
      if unit.state == .notRegistered, graph.dependencies(of: node).contains(where: { _ in true }) {
        throw InvariantViolation("unit \(ids[node]) has dependencies and is not registered")
      }
    }
  }
}
