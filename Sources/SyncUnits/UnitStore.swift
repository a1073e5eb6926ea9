/// The state machine of all units: names, statuses and the graph between them.
///
/// A pure value: a call either changes it, and notes in ``changed`` which units others may have waited
/// for, or throws and leaves it as it was. The one exception is the start of a unit that is blocked for
/// good: it throws, and the unit is skipped. Readiness is counted, not searched: each unit knows how
/// many of its dependencies are not met and how many can never be, and a change touches its direct
/// dependents only, unless it blocks or unblocks them.
package struct UnitStore {
  package typealias Node = UnitGraph.Node

  package private(set) var graph = UnitGraph()
  private(set) var index = HashIndex()
  private let hash = SeededHash()
  // Apart, because a name is looked at to find a unit, and what it does only then.
  private(set) var ids: [UnitID] = []
  var units: [Unit] = []
  /// What each edge of the graph requires.
  private(set) var requirements: [Requirement] = []
  /// Why units failed or were skipped.
  private(set) var endings: [Node: Ending] = [:]
  /// Who does the work of started units, where somebody said so.
  private(set) var holders: [Node: Holder] = [:]
  private(set) var locks = LockTable()

  /// How many units are registered.
  var registeredCount = 0
  /// How many of them may still change by themselves: they are started, or pending and not blocked for good.
  var unfinishedCount = 0
  /// The units that became ready, blocked or unblocked, or whose status changed, since it was emptied.
  package var changed: [Node] = []

  struct Unit {
    var state = State.notRegistered
    var isHealthy = false
    /// Whether this generation's work has begun.
    var hasStarted = false
    var generation: UInt32 = 0
    /// How many dependencies are not met.
    var unmet: Int32 = 0
    /// How many of these can never be.
    var lost: Int32 = 0
  }

  enum State: UInt8 { case notRegistered, pending, started, completed, failed, skipped }

  package init() {}

  // MARK: Declaring

  /// Declares that `id` depends on each of `dependencies`, and registers `id`: all or none. Naming a
  /// dependency does not register it. Declaring it again sets its requirement anew.
  package mutating func want(
    _ id: UnitID, dependsOn dependencies: [UnitID], _ requirement: Requirement = .success
  ) throws(UnitError) {
    try validate(id) { "cannot add dependency: registering unit \(id.name.quoted): \($0)" }
    for dependency in dependencies {
      try validate(dependency) { "cannot add dependency: dependency name cannot be empty: \($0)" }
      if dependency == id { throw cycleError(id, dependency, path: [id, dependency]) }
    }
    guard graph.edgeCount + dependencies.count <= Limits.edges else {
      throw UnitError(
        .limitExceeded, "cannot add dependency: more than \(Limits.edges) dependencies")
    }
    guard units.count + dependencies.count < Limits.units else { throw tooManyUnits(id) }
    if dependencies.count > 1 { try checkCycles(id, dependencies) }
    let node = try intern(id)
    for dependency in dependencies {
      let dependencyNode = try intern(dependency)
      do {
        add(
          requirement, to: try graph.addEdge(from: node, to: dependencyNode), node, dependencyNode)
      } catch {
        throw cycleError(id, dependency, path: error.nodes.map { ids[$0] })
      }
    }
    if units[node].state == .notRegistered { register(node) }
  }

  /// With several dependencies the first must not be there when the last is refused.
  private mutating func checkCycles(
    _ id: UnitID, _ dependencies: [UnitID]
  ) throws(UnitError) {
    guard let node = node(of: id) else { return }
    for dependency in dependencies {
      guard let dependencyNode = self.node(of: dependency) else { continue }
      do {
        try graph.makeRoom(from: node, to: dependencyNode)
      } catch {
        throw cycleError(id, dependency, path: error.nodes.map { ids[$0] })
      }
    }
  }

  private mutating func add(
    _ requirement: Requirement, to edge: Int, _ node: Node, _ dependency: Node
  ) {
    let phase = units[dependency].phase
    let before: Standing
    if edge == requirements.count {
      requirements.append(requirement)
      before = .met
    } else {
      before = requirements[edge].standing(for: phase)
      requirements[edge] = requirement
    }
    let old = units[node].phase
    count(node, from: before, to: requirement.standing(for: phase))
    propagate(from: node, old)
  }

  private mutating func register(_ node: Node) {
    change(node) { unit in
      unit.state = .pending
      unit.generation = 1
    }
  }

  // MARK: Going through the statuses

  /// Begins the work of `id`, registering it if nobody did, and returns its generation; nil if all that
  /// is missing are locks. A unit that has ended begins anew, and its dependents are not satisfied any
  /// more. One that is blocked for good is skipped instead, unless the options say otherwise.
  package mutating func start(
    _ id: UnitID, _ options: StartOptions = StartOptions(), mayTakeLocks: Bool = true
  ) throws(UnitError) -> UInt64? {
    func failure(_ reason: String) -> String { "cannot start unit \(id.name.quoted): \(reason)" }
    try validate(id, failure)
    let node = try intern(id)
    guard units[node].lost == 0 else {
      let error = blockedError(node)
      if units[node].state == .pending, !options.keepsPendingOnFailure {
        change(node) { $0.state = .skipped }
        endings[node] = Ending(error.message)
      }
      throw error
    }
    guard units[node].unmet == 0 else { throw UnitError(.notReady, failure("unit not ready")) }
    guard units[node].state != .started else { throw sameStatus(id, failure) }
    guard mayTakeLocks, locks.take(options.locks, for: node) else { return nil }
    endings[node] = nil
    holders[node] = options.holder
    change(node) { unit in
      if unit.state != .pending { unit.generation += 1 }
      unit.state = .started
      unit.hasStarted = true
      unit.isHealthy = false
    }
    return UInt64(units[node].generation)
  }

  /// Ends the newest generation of `id`, or the one that is given, which has to be the newest.
  package mutating func finish(
    _ id: UnitID, as outcome: Outcome, generation: UInt64? = nil
  ) throws(UnitError) {
    func failure(_ reason: String) -> String {
      "cannot \(outcome.verb) unit \(id.name.quoted): \(reason)"
    }
    try validate(id) { failure("updating status for unit \(id.name.quoted): \($0)") }
    let node = try registeredNode(of: id, generation, failure)
    let state = units[node].state
    switch outcome {
    case .completed:
      if state == .completed { throw sameStatus(id, failure) }
      guard state == .pending || state == .started else { throw wrongStatus(node, failure) }
      end(node, .completed, nil)
    case .failed(let ending):
      guard state == .pending || state == .started else { throw wrongStatus(node, failure) }
      end(node, .failed, ending)
    case .skipped(let ending):
      guard state == .pending else { throw wrongStatus(node, failure) }
      end(node, .skipped, ending)
    }
  }

  private mutating func end(_ node: Node, _ state: State, _ ending: Ending?) {
    endings[node] = ending
    holders[node] = nil
    locks.release(node)
    change(node) { unit in
      unit.state = state
      unit.isHealthy = false
    }
  }

  /// Marks a started unit as healthy: dependents that require no more may go on.
  package mutating func markHealthy(
    _ id: UnitID, generation: UInt64? = nil
  ) throws(UnitError) {
    func failure(_ reason: String) -> String {
      "cannot mark unit \(id.name.quoted) healthy: \(reason)"
    }
    try validate(id, failure)
    let node = try registeredNode(of: id, generation, failure)
    guard units[node].state == .started else { throw wrongStatus(node, failure) }
    change(node) { $0.isHealthy = true }
  }

  /// Makes `id` pending again, in a new generation, whatever it was; with `cascade` also all that depend
  /// on it, directly or not.
  package mutating func reset(_ id: UnitID, cascade: Bool = false) throws(UnitError) {
    func failure(_ reason: String) -> String { "cannot reset unit \(id.name.quoted): \(reason)" }
    try validate(id, failure)
    let node = try registeredNode(of: id, nil, failure)
    var nodes = [node]
    if cascade {
      var seen: Set<Node> = [node]
      var next = 0
      while next < nodes.count {
        for dependent in graph.dependents(of: nodes[next])
        where units[dependent.node].state != .notRegistered && seen.insert(dependent.node).inserted
        {
          nodes.append(dependent.node)
        }
        next += 1
      }
    }
    for node in nodes {
      endings[node] = nil
      holders[node] = nil
      locks.release(node)
      change(node) { unit in
        unit.state = .pending
        unit.generation += 1
        unit.hasStarted = false
        unit.isHealthy = false
      }
    }
  }

  // MARK: Locks that outlive their unit's generation

  /// Sets aside the locks of a unit whose holder has died while its command has not: they stay taken
  /// until ``release(_:)``.
  package mutating func setAsideLocks(of id: UnitID) -> LockTable.Remnant? {
    node(of: id).flatMap { locks.setAside($0) }
  }

  package mutating func release(_ remnant: LockTable.Remnant) { locks.release(remnant) }

  /// Whether locks were released since this was set to false.
  package var hasReleasedLocks: Bool {
    get { locks.hasReleased }
    set { locks.hasReleased = newValue }
  }

  package func isAtWork(_ id: UnitID, _ generation: UInt64) -> Bool {
    node(of: id).map { units[$0].state == .started && UInt64(units[$0].generation) == generation }
      ?? false
  }

  package func generation(ofPending id: UnitID) -> UInt64? {
    node(of: id).flatMap { units[$0].state == .pending ? UInt64(units[$0].generation) : nil }
  }

  // MARK: Finding units

  func node(of id: UnitID) -> Node? {
    index.find(id.withBytes { hash($0) }) { ids[$0] == id }
  }

  /// The node of a unit that may be waited for before anybody has named it.
  package mutating func intern(_ id: UnitID) throws(UnitError) -> Node {
    let hashed = id.withBytes { hash($0) }
    if let node = index.find(hashed, { ids[$0] == id }) { return node }
    guard units.count < Limits.units else { throw tooManyUnits(id) }
    let node = graph.addNode()
    ids.append(id)
    units.append(Unit())
    index.insert(node, hashed)
    return node
  }

  private func registeredNode(
    of id: UnitID, _ generation: UInt64?, _ failure: (String) -> String
  ) throws(UnitError) -> Node {
    guard let node = node(of: id), units[node].state != .notRegistered else {
      throw UnitError(
        .notFound, failure("unit \(id.name.quoted) must be registered first: unit not found"))
    }
    if let generation, generation != UInt64(units[node].generation) {
      throw UnitError(
        .wrongStatus,
        failure("generation \(generation) is over, the newest is \(units[node].generation)"))
    }
    return node
  }

  // MARK: Refusing

  func validate(_ id: UnitID, _ failure: (String) -> String) throws(UnitError) {
    if id.name.isEmpty { throw UnitError(.invalidName, failure("unit name is required")) }
    if id.name.utf8.count > Limits.nameBytes {
      throw UnitError(
        .invalidName,
        "unit name is too long: \(id.name.utf8.count) bytes, at most \(Limits.nameBytes) are allowed"
      )
    }
  }

  private func tooManyUnits(_ id: UnitID) -> UnitError {
    UnitError(
      .limitExceeded, "cannot add unit \(id.name.quoted): more than \(Limits.units) units")
  }

  private func sameStatus(_ id: UnitID, _ failure: (String) -> String) -> UnitError {
    let reason = "checking status for unit \(id.name.quoted): same status already set"
    return UnitError(.sameStatus, failure(reason))
  }

  private func wrongStatus(_ node: Node, _ failure: (String) -> String) -> UnitError {
    let status =
      switch units[node].state {
      case .notRegistered: "unit is not registered"
      case .pending: "unit is pending"
      case .started: "unit has started"
      case .completed: "unit has completed"
      case .failed: "unit has failed"
      case .skipped: "unit was skipped"
      }
    return UnitError(.wrongStatus, failure(status))
  }

  private func cycleError(
    _ id: UnitID, _ dependency: UnitID, path: [UnitID]
  ) -> UnitError {
    let failure =
      "cannot add dependency: adding edge for unit \(id.name.quoted): failed to add dependency"
    let edge =
      "\(id.name.escapingControlCharacters) -> \(dependency.name.escapingControlCharacters)"
    return UnitError(.cycle, "\(failure)\nadding edge (\(edge)): cycle detected", cycle: path)
  }
}

extension Outcome {
  fileprivate var verb: String {
    switch self {
    case .completed: "complete"
    case .failed: "fail"
    case .skipped: "skip"
    }
  }
}
