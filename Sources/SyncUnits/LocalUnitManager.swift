import Synchronization

/// The graph of units in this process's memory, gone when the process ends.
///
/// Threading: all members may be called from any thread; a lock is held for the length of one
/// change and never while other code runs. All calls but ``wait(for:)``, and ``start(_:_:)`` where it
/// waits for locks, answer at once.
public final class LocalUnitManager: UnitManager {
  let state = Mutex(State())

  struct State: Sendable {
    var store = UnitStore()
    var waits = WaitTable()
    var starts = StartQueue()
    var leases: [Lease: [LeasedUnit]] = [:]
    var lastID: UInt64 = 0
    var closed: UnitError?

    mutating func newID() -> UInt64 {
      lastID += 1
      return lastID
    }

    mutating func forgetStart(_ id: UInt64) -> StartQueue.Waiter? {
      guard let waiter = starts.remove(id) else { return nil }
      // Whoever came later need not stand back any more.
      store.hasReleasedLocks = true
      return waiter
    }
  }

  /// What is to be told outside the lock.
  private struct Woken {
    var starts: [StartQueue.Woken] = []
    var waits: [WaitTable.Woken] = []
  }

  struct LeasedUnit {
    let unit: UnitID
    let generation: UInt64
    /// Whether it was started with the lease, and not only declared.
    let isStarted: Bool
  }

  /// Ties units to something that may end without a word.
  package struct Lease: Hashable, Sendable { let id: UInt64 }

  /// Creates a manager that knows no units.
  public init() {}

  /// Makes a change, and wakes those whose waiting it ends.
  func change<R: Sendable>(
    _ body: (inout State) throws(UnitError) -> R
  ) throws(UnitError) -> R {
    let (result, woken) = state.withLock { state in
      let result: Result<R, UnitError>
      do throws(UnitError) {
        result = .success(try body(&state))
      } catch {
        // The start of a blocked unit throws, and skips it.
        result = .failure(error)
      }
      return (result, Self.takeWoken(&state))
    }
    for start in woken.starts { start() }
    for wait in woken.waits { wait() }
    return try result.get()
  }

  private static func takeWoken(_ state: inout State) -> Woken {
    var woken = Woken()
    if state.store.hasReleasedLocks {
      state.store.hasReleasedLocks = false
      woken.starts = state.starts.takeStartable(in: &state.store)
    }
    if !state.store.changed.isEmpty {
      woken.waits = state.waits.take(changedIn: state.store)
      state.store.changed.removeAll(keepingCapacity: true)
    }
    return woken
  }

  // MARK: UnitManager

  public func want(
    _ unit: UnitID, dependsOn dependencies: [UnitID], _ requirement: Requirement
  ) throws(UnitError) {
    try change { state throws(UnitError) in
      try state.store.want(unit, dependsOn: dependencies, requirement)
    }
  }

  public func want(_ unit: UnitID, dependsOn dependency: UnitID) throws(UnitError) {
    try want(unit, dependsOn: [dependency], .success)
  }

  public func start(_ unit: UnitID) throws(UnitError) {
    _ = try change { state throws(UnitError) in try state.store.start(unit) }
  }

  public func start(_ unit: UnitID, _ options: StartOptions) async throws -> UInt64 {
    let id = state.withLock { $0.newID() }
    return try await withTaskCancellationHandler {
      try await withUnsafeThrowingContinuation { (continuation: StartContinuation) in
        if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
        start(id, unit, options, lease: nil) {
          continuation.resume(
            with: $0.mapError { $0.code == .cancelled ? CancellationError() as any Error : $0 })
        }
        if Task.isCancelled { cancelStart(id) }
      }
    } onCancel: {
      cancelStart(id)
    }
  }

  private typealias StartContinuation = UnsafeContinuation<UInt64, any Error>

  private func cancelStart(_ id: UInt64) {
    forgetStart(id)?(.failure(UnitError(.cancelled, "the start was cancelled")))
  }

  public func complete(_ unit: UnitID) throws(UnitError) {
    try finish(unit, as: .completed, generation: nil)
  }

  public func finish(
    _ unit: UnitID, as outcome: Outcome, generation: UInt64?
  ) throws(UnitError) {
    try change { state throws(UnitError) in
      try state.store.finish(unit, as: outcome, generation: generation)
    }
  }

  public func markHealthy(_ unit: UnitID, generation: UInt64?) throws(UnitError) {
    try change { state throws(UnitError) in
      try state.store.markHealthy(unit, generation: generation)
    }
  }

  public func reset(_ unit: UnitID, cascade: Bool) throws(UnitError) {
    try change { state throws(UnitError) in try state.store.reset(unit, cascade: cascade) }
  }

  public func isReady(_ unit: UnitID) throws(UnitError) -> Bool {
    try state.withLock { state throws(UnitError) in try state.store.isReady(unit) }
  }

  public func status(of unit: UnitID) throws(UnitError) -> UnitReport {
    try state.withLock { state throws(UnitError) in try state.store.report(on: unit) }
  }

  public func list() -> [UnitSummary] {
    state.withLock { $0.store.summaries() }
  }

  public func explain(_ unit: UnitID) throws(UnitError) -> Explanation {
    try state.withLock { state throws(UnitError) in
      try state.store.explanation(of: unit, waiting: Array(state.waits.nodes))
    }
  }

  public func wait(for goal: WaitGoal) async throws {
    let id = state.withLock { $0.newID() }
    try await withTaskCancellationHandler {
      try await withUnsafeThrowingContinuation { (continuation: WaitContinuation) in
        // The cancellation handler may have run before there was anything to forget.
        if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
        wait(id, for: goal) { continuation.resume(with: $0) }
        if Task.isCancelled { forgetWaiter(id)?(.failure(CancellationError())) }
      }
    } onCancel: {
      forgetWaiter(id)?(.failure(CancellationError()))
    }
  }

  private typealias WaitContinuation = UnsafeContinuation<Void, any Error>

  // MARK: Without tasks

  /// Whether a goal is reached now.
  /// - Throws: what ``wait(for:)`` would throw now.
  package func hasReached(_ goal: WaitGoal) throws(UnitError) -> Bool {
    let result = try state.withLock { state throws(UnitError) in
      let goal = try state.store.resolve(goal)
      return state.store.result(of: goal)
    }
    return try result?.get() != nil
  }

  /// As ``wait(for:)`` without a task: `waiter` is called once, now or later, on whatever thread the end
  /// of the wait comes from, and not at all after ``forget(_:)``.
  package func when(
    _ goal: WaitGoal, _ waiter: @escaping @Sendable (Result<Void, any Error>) -> Void
  ) -> UInt64 {
    let id = state.withLock { $0.newID() }
    wait(id, for: goal, waiter)
    return id
  }

  /// As ``start(_:_:)``, with a lease, at whose end the unit fails; nil if the start has to wait for locks.
  package func tryToStart(
    _ unit: UnitID, _ options: StartOptions, lease: Lease?
  ) throws(UnitError) -> UInt64? {
    let generation = try change { state throws(UnitError) in
      try Self.start(unit, options, &state)
    }
    if let lease, let generation { leased(unit, lease, generation) }
    return generation
  }

  private static func start(
    _ unit: UnitID, _ options: StartOptions, _ state: inout State
  ) throws(UnitError) -> UInt64? {
    if let error = state.closed { throw error }
    let mustStandBack = state.starts.wants(options.locks)
    return try state.store.start(unit, options, mayTakeLocks: !mustStandBack)
  }

  /// As ``start(_:_:)`` without a task, and with a lease, at whose end the unit fails. `waiter` is called
  /// as that of ``when(_:_:)`` is.
  package func start(
    _ unit: UnitID, _ options: StartOptions, lease: Lease?,
    _ waiter: @escaping @Sendable (Result<UInt64, UnitError>) -> Void
  ) -> UInt64 {
    let id = state.withLock { $0.newID() }
    start(id, unit, options, lease: lease, waiter)
    return id
  }

  /// Forgets waiters of ``when(_:_:)`` or ``start(_:_:lease:_:)``, if they have not been called. All at
  /// once: none of them takes the place of another.
  package func forget(_ waiters: some Sequence<UInt64>) {
    try? change { state throws(UnitError) in
      for id in waiters where state.waits.remove(id) == nil { _ = state.forgetStart(id) }
    }
  }

  private func forgetWaiter(_ id: WaitTable.WaiterID) -> WaitTable.Waiter? {
    state.withLock { $0.waits.remove(id) }
  }

  private func forgetStart(_ id: UInt64) -> StartQueue.Waiter? {
    try? change { state throws(UnitError) in state.forgetStart(id) }
  }

  private func wait(
    _ id: WaitTable.WaiterID, for goal: WaitGoal, _ waiter: @escaping WaitTable.Waiter
  ) {
    let result: Result<Void, any Error>? = state.withLock { state in
      do {
        if let error = state.closed { throw error }
        let goal = try state.store.resolve(goal)
        if let result = state.store.result(of: goal) { return result.mapError { $0 } }
        try checkWaiterCount(state)
        state.waits.add(id, for: goal, waiter)
        return nil
      } catch {
        return .failure(error)
      }
    }
    if let result { waiter(result) }
  }

  private func start(
    _ id: UInt64, _ unit: UnitID, _ options: StartOptions, lease: Lease?,
    _ waiter: @escaping StartQueue.Waiter
  ) {
    let waiter: StartQueue.Waiter = { result in
      if let lease, case .success(let generation) = result { self.leased(unit, lease, generation) }
      waiter(result)
    }
    do throws(UnitError) {
      let generation = try change { state throws(UnitError) -> UInt64? in
        if let generation = try Self.start(unit, options, &state) { return generation }
        try checkWaiterCount(state)
        state.starts.add(.init(id: id, unit: unit, options: options, waiter: waiter))
        return nil
      }
      if let generation { waiter(.success(generation)) }
    } catch {
      waiter(.failure(error))
    }
  }

  private func checkWaiterCount(_ state: State) throws(UnitError) {
    guard state.waits.count + state.starts.count < Limits.waiters else {
      throw UnitError(.limitExceeded, "more than \(Limits.waiters) waiters")
    }
  }

  // MARK: As a whole

  /// Ends all waits, now and from now on, with the error `unavailable`. Other calls go on.
  public func shutDown() {
    let error = UnitError(.unavailable, "the unit manager is shutting down")
    let (waits, starts) = state.withLock { state in
      state.closed = error
      return (state.waits.takeAll(), state.starts.takeAll())
    }
    for waiter in waits { waiter(.failure(error)) }
    for waiter in starts { waiter(.failure(error)) }
  }

  /// How many wait now: for units, in ``wait(for:)`` or for an agent's clients, or for locks.
  public var waiterCount: Int { state.withLock { $0.waits.count + $0.starts.count } }

  /// How many locks are taken now.
  public var lockCount: Int { state.withLock { $0.store.locks.count } }

  /// The units and their dependencies in the DOT language of Graphviz, an arrow from each unit to
  /// what it depends on, coloured by status.
  public func dot() -> String { state.withLock { $0.store.dot() } }

  /// Checks the whole state; for tests.
  package func checkInvariants() throws(InvariantViolation) {
    try state.withLock { state throws(InvariantViolation) in
      try state.store.checkInvariants()
      try state.waits.checkInvariants(state.store)
      try state.starts.checkInvariants(state.store)
    }
  }
}
