import SyncUnits

/// What a manager of units has to do, said as plainly as possible: facts, and searches through all of
/// them whenever something is asked. The reference for everything that is cleverer.
/// Of the product it uses words only (names, conditions, goals, error codes).
package struct UnitModel {
  struct Unit: Hashable {
    var status = UnitStatus.notRegistered
    var generation: UInt64 = 0
    var isHealthy = false
    /// Whether the work of this generation has begun.
    var hasBegun = false
  }

  struct Edge: Hashable { let unit, dependency: UnitID }
  struct Leased: Hashable {
    let unit: UnitID
    let generation: UInt64
    let isStarted: Bool
  }

  /// A call that is not answered yet.
  struct OpenCall: Hashable {
    enum Kind: Hashable { case wait(WaitGoal), start(Step.Start) }

    let id, client: Int
    let kind: Kind
  }

  private(set) var units: [UnitID: Unit] = [:]
  private(set) var requirements: [Edge: Requirement] = [:]
  private(set) var lockHolders: [String: UnitID] = [:]
  private(set) var leases: [Int: [Leased]] = [:]
  /// In the order in which they came.
  private(set) var open: [OpenCall] = []
  private var answers: [Int: Answer] = [:]
  /// Whether those who wait for locks may try again.
  private var mayTryLocks = false

  package init() {}

  /// Makes one step, the call `id` of `client`, and returns all calls that are answered by it.
  package mutating func make(_ step: Step, id: Int, by client: Int) -> [Int: Answer] {
    answers = [:]
    switch step {
    case .want(let unit, let dependencies, let requirement, let isLeased):
      answers[id] = want(unit, dependencies, requirement)
      if isLeased, answers[id] == .done, self[unit].status == .pending {
        lease(unit, to: client, isStarted: false)
      }
    case .start(let start): begin(start, id, client)
    case .finish(let unit, let end, let generation):
      answers[id] = notRegistered(unit) ?? finish(unit, end, generation)
    case .markHealthy(let unit): answers[id] = notRegistered(unit) ?? markHealthy(unit)
    case .reset(let unit, let cascade):
      answers[id] = notRegistered(unit) ?? .done
      if answers[id] == .done {
        for unit in [unit] + (cascade ? dependents(of: unit) : []) { reset(unit) }
      }
    case .wait(let goal):
      answers[id] = result(of: goal)
      if answers[id] == nil { open.append(OpenCall(id: id, client: client, kind: .wait(goal))) }
    case .cancel(let number):
      let own = open.filter { $0.client == client }
      if !own.isEmpty { forget([own[number % own.count]], .cancelled) }
    case .leave:
      forget(open.filter { $0.client == client }, .failed(.unavailable))
      for leased in leases.removeValue(forKey: client) ?? [] { end(leased) }
    }
    settle()
    return answers
  }

  private func notRegistered(_ unit: UnitID) -> Answer? {
    if unit.name.isEmpty { return .failed(.invalidName) }
    return self[unit].status == .notRegistered ? .failed(.notFound) : nil
  }

  private mutating func want(
    _ unit: UnitID, _ dependencies: [UnitID], _ requirement: Requirement
  ) -> Answer {
    if unit.name.isEmpty { return .failed(.invalidName) }
    for dependency in dependencies {
      if dependency.name.isEmpty { return .failed(.invalidName) }
      if dependency == unit { return .failed(.cycle) }
    }
    if !dependents(of: unit).isDisjoint(with: dependencies) { return .failed(.cycle) }
    for dependency in dependencies {
      requirements[Edge(unit: unit, dependency: dependency)] = requirement
    }
    if units[unit] == nil { units[unit] = Unit(status: .pending, generation: 1) }
    return .done
  }

  private mutating func begin(_ start: Step.Start, _ id: Int, _ client: Int) {
    if start.isLeased, let leased = startedWithLease(start.unit, client) {
      answers[id] = start.answer(leased.generation)
      return
    }
    let mustStandBack = open.contains { call in
      guard case .start(let other) = call.kind else { return false }
      return !other.locks.isDisjoint(with: start.locks)
    }
    if !tryToStart(start, id, client, mayTakeLocks: !mustStandBack) {
      open.append(OpenCall(id: id, client: client, kind: .start(start)))
    }
  }

  func startedWithLease(_ unit: UnitID, _ client: Int) -> Leased? {
    (leases[client] ?? []).last { leased in
      leased.isStarted && leased.unit == unit && self[unit].status == .started
        && self[unit].generation == leased.generation
    }
  }

  /// Answers the call, unless all that is missing are locks.
  private mutating func tryToStart(
    _ start: Step.Start, _ id: Int, _ client: Int, mayTakeLocks: Bool
  ) -> Bool {
    let unit = start.unit
    if unit.name.isEmpty {
      answers[id] = .failed(.invalidName)
    } else if isLost(unit) {
      if self[unit].status == .pending, !start.keepsPending { units[unit]!.status = .skipped }
      answers[id] = .failed(.dependencyFailed)
    } else if !isReady(unit) {
      answers[id] = .failed(.notReady)
    } else if self[unit].status == .started {
      answers[id] = .failed(.sameStatus)
    } else if !mayTakeLocks && !start.locks.isEmpty
      || start.locks.contains(where: { lockHolders[$0] != nil })
    {
      return false
    } else {
      for lock in start.locks { lockHolders[lock] = unit }
      let generation = self[unit].generation + (self[unit].status == .pending ? 0 : 1)
      units[unit] = Unit(status: .started, generation: generation, hasBegun: true)
      if start.isLeased { lease(unit, to: client, isStarted: true) }
      answers[id] = start.answer(generation)
    }
    return true
  }

  private mutating func finish(_ unit: UnitID, _ end: Step.End, _ generation: UInt64?) -> Answer {
    if let generation, generation != self[unit].generation { return .failed(.wrongStatus) }
    switch (end, self[unit].status) {
    case (.complete, .completed): return .failed(.sameStatus)
    case (.complete, .pending), (.complete, .started): units[unit]!.status = .completed
    case (.fail, .pending), (.fail, .started): units[unit]!.status = .failed
    case (.skip, .pending): units[unit]!.status = .skipped
    default: return .failed(.wrongStatus)
    }
    units[unit]!.isHealthy = false
    releaseLocks(of: unit)
    return .done
  }

  private mutating func markHealthy(_ unit: UnitID) -> Answer {
    guard self[unit].status == .started else { return .failed(.wrongStatus) }
    units[unit]!.isHealthy = true
    return .done
  }

  private mutating func reset(_ unit: UnitID) {
    units[unit] = Unit(status: .pending, generation: self[unit].generation + 1)
    releaseLocks(of: unit)
  }

  // MARK: Leases, locks, and who waits

  private mutating func lease(_ unit: UnitID, to client: Int, isStarted: Bool) {
    leases[client, default: []].append(
      Leased(unit: unit, generation: self[unit].generation, isStarted: isStarted))
  }

  private mutating func end(_ leased: Leased) {
    guard self[leased.unit].generation == leased.generation,
      self[leased.unit].status == (leased.isStarted ? .started : .pending)
    else { return }
    _ = finish(leased.unit, .fail, leased.generation)
    settle()
  }

  private mutating func releaseLocks(of unit: UnitID) {
    let held = lockHolders.filter { $0.value == unit }.keys
    for lock in held { lockHolders[lock] = nil }
    if !held.isEmpty { mayTryLocks = true }
  }

  private mutating func forget(_ calls: [OpenCall], _ answer: Answer) {
    for call in calls {
      open.removeAll { $0 == call }
      answers[call.id] = answer
      if case .start = call.kind { mayTryLocks = true }
    }
    settle()
  }

  /// Locks go to who came first; nobody passes somebody who waits for the same one.
  private mutating func settle() {
    while mayTryLocks {
      mayTryLocks = false
      var claimed: Set<String> = []
      for call in open {
        guard case .start(let start) = call.kind else { continue }
        if claimed.isDisjoint(with: start.locks),
          start.locks.allSatisfy({ lockHolders[$0] == nil }),
          tryToStart(start, call.id, call.client, mayTakeLocks: true)
        {
          open.removeAll { $0 == call }
        } else {
          claimed.formUnion(start.locks)
        }
      }
    }
    for call in open {
      guard case .wait(let goal) = call.kind, let answer = result(of: goal) else { continue }
      answers[call.id] = answer
      open.removeAll { $0 == call }
    }
  }

  /// The calls of a client that are not answered yet, in the order in which they came.
  package func open(by client: Int) -> [Int] { open.filter { $0.client == client }.map(\.id) }

  // MARK: What follows

  subscript(unit: UnitID) -> Unit { units[unit] ?? Unit() }

  func dependencies(of unit: UnitID) -> [UnitID: Requirement] {
    var found: [UnitID: Requirement] = [:]
    for (edge, requirement) in requirements where edge.unit == unit {
      found[edge.dependency] = requirement
    }
    return found
  }

  /// All that depend on a unit, directly or not.
  private func dependents(of unit: UnitID) -> Set<UnitID> {
    var found: Set<UnitID> = []
    var last = -1
    while found.count > last {
      last = found.count
      for edge in requirements.keys
      where edge.dependency == unit || found.contains(edge.dependency) { found.insert(edge.unit) }
    }
    return found
  }

  func isMet(_ requirement: Requirement, by unit: UnitID) -> Bool {
    switch self[unit].status {
    case .completed: true
    case .notRegistered: requirement.isOptional
    case .pending, .other: false
    case .started:
      requirement.condition == .started
        || (requirement.condition == .healthy && self[unit].isHealthy)
    case .failed, .skipped:
      requirement.isOptional || requirement.condition == .completion
        || (requirement.condition == .started && self[unit].hasBegun)
    }
  }

  /// Whether it can never be met by what the unit is now.
  private func isLost(_ requirement: Requirement, by unit: UnitID) -> Bool {
    if requirement.isOptional || isMet(requirement, by: unit) { return false }
    let status = self[unit].status
    return status == .failed || status == .skipped
      || (status == .pending && requirement.condition != .completion && isLost(unit))
  }

  func isReady(_ unit: UnitID) -> Bool {
    dependencies(of: unit).allSatisfy { isMet($0.value, by: $0.key) }
  }

  private func isLost(_ unit: UnitID) -> Bool {
    dependencies(of: unit).contains { isLost($0.value, by: $0.key) }
  }

  func isBlocked(_ unit: UnitID) -> Bool { self[unit].status == .pending && isLost(unit) }

  private func result(of goal: WaitGoal) -> Answer? {
    switch goal {
    case .ready(let unit):
      if unit.name.isEmpty { return .failed(.invalidName) }
      return isLost(unit) ? .failed(.dependencyFailed) : isReady(unit) ? .done : nil
    case .units(let units, let condition, let count):
      if units.contains(where: \.name.isEmpty) { return .failed(.invalidName) }
      let requirement = Requirement(condition)
      if units.count(where: { isMet(requirement, by: $0) }) >= count { return .done }
      let possible = units.count { !isLost(requirement, by: $0) }
      return possible < count ? .failed(.dependencyFailed) : nil
    case .allUnits:
      let statuses = units.map { isBlocked($0.key) ? .skipped : $0.value.status }
      if statuses.isEmpty { return .failed(.notFound) }
      if statuses.contains(.started) || statuses.contains(.pending) { return nil }
      return statuses.allSatisfy { $0 == .completed } ? .done : .failed(.dependencyFailed)
    }
  }
}
