import Synchronization

/// The graph of units in this process's memory, gone when the process ends.
///
/// Threading: all members may be called from any thread; a lock is held for the length of one
/// change and never while other code runs. All calls but ``waitUntilReady(_:)`` answer at once.
public final class LocalUnitManager: UnitManager {
  private let state = Mutex(State())

  private struct State: Sendable {
    var store = UnitStore()
    var waits = WaitTable()
    var lastWaiter: WaitTable.WaiterID = 0
    var closed: UnitError?
  }

  /// Creates a manager that knows no units.
  public init() {}

  public func want(_ unit: UnitID, dependsOn dependency: UnitID) throws(UnitError) {
    try state.withLock { state throws(UnitError) in
      try state.store.want(unit, dependsOn: dependency)
    }
  }

  public func start(_ unit: UnitID) throws(UnitError) {
    try state.withLock { state throws(UnitError) in try state.store.start(unit) }
  }

  public func complete(_ unit: UnitID) throws(UnitError) {
    let woken = try state.withLock { state throws(UnitError) in
      var ready: [UnitStore.Node] = []
      try state.store.complete(unit, ready: &ready)
      return state.waits.take(waitingFor: ready)
    }
    for waiter in woken { waiter(.success(())) }
  }

  /// Takes a start back: `unit` is pending again, its dependents wait on, and somebody else may start
  /// it.
  /// - Throws: `invalidName`, `notFound`, `notStarted`.
  public func reset(_ unit: UnitID) throws(UnitError) {
    try state.withLock { state throws(UnitError) in try state.store.reset(unit) }
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

  public func waitUntilReady(_ unit: UnitID) async throws {
    let id = newWaiter()
    try await withTaskCancellationHandler {
      try await withUnsafeThrowingContinuation { (continuation: WaitContinuation) in
        // The cancellation handler may have run before there was anything to forget.
        if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
        wait(id, for: unit) { continuation.resume(with: $0) }
        if Task.isCancelled { forgetWaiter(id)?(.failure(CancellationError())) }
      }
    } onCancel: {
      forgetWaiter(id)?(.failure(CancellationError()))
    }
  }

  private typealias WaitContinuation = UnsafeContinuation<Void, any Error>

  /// As ``waitUntilReady(_:)`` without a task: `waiter` is called once, now or later, on whatever thread
  /// the end of the wait comes from, and not at all after ``forget(_:)``.
  package func whenReady(
    _ unit: UnitID, _ waiter: @escaping @Sendable (Result<Void, any Error>) -> Void
  ) -> UInt64 {
    let id = newWaiter()
    wait(id, for: unit, waiter)
    return id
  }

  /// Forgets a waiter of ``whenReady(_:_:)``, if it has not been called.
  package func forget(_ waiter: UInt64) { _ = forgetWaiter(waiter) }

  private func newWaiter() -> WaitTable.WaiterID {
    state.withLock { state in
      state.lastWaiter += 1
      return state.lastWaiter
    }
  }

  private func forgetWaiter(_ id: WaitTable.WaiterID) -> WaitTable.Waiter? {
    state.withLock { $0.waits.remove(id) }
  }

  private func wait(
    _ id: WaitTable.WaiterID, for unit: UnitID, _ waiter: @escaping WaitTable.Waiter
  ) {
    let result: Result<Void, any Error>? = state.withLock { state in
      do {
        if let error = state.closed { throw error }
        guard let node = try state.store.unreadyNode(of: unit) else { return .success(()) }
        guard state.waits.count < Limits.waiters else {
          throw UnitError(.limitExceeded, "more than \(Limits.waiters) waiters")
        }
        state.waits.add(id, for: node, waiter)
        return nil
      } catch {
        return .failure(error)
      }
    }
    if let result { waiter(result) }
  }

  /// Ends all waits, now and from now on, with the error `unavailable`. Other calls go on.
  public func shutDown() {
    let waiters = state.withLock { state in
      state.closed = UnitError(.unavailable, "the unit manager is shutting down")
      return state.waits.takeAll()
    }
    for waiter in waiters {
      waiter(.failure(UnitError(.unavailable, "the unit manager is shutting down")))
    }
  }

  /// How many wait in ``waitUntilReady(_:)`` or for an agent now.
  public var waiterCount: Int { state.withLock { $0.waits.count } }

  /// The units and their dependencies in the DOT language of Graphviz, an arrow from each unit to
  /// what it depends on, coloured by status.
  public func dot() -> String { state.withLock { $0.store.dot() } }

  /// Checks the whole state; for tests.
  package func checkInvariants() throws(InvariantViolation) {
    try state.withLock { state throws(InvariantViolation) in try state.store.checkInvariants() }
  }
}
