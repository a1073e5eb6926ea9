public import SyncPlugin
import SyncUnits
import Synchronization

/// What every waiting strategy promises, as one check: it returns when the unit is ready and not
/// before, takes its time from the clock that it is given, ends at once with its task, and passes on
/// what the manager says.
public enum WaitingContract {
  /// Checks a strategy on a manager in this process, under a clock that stands still.
  /// - Throws: ``ContractViolation``; what the strategy throws where it should not.
  public static func check(_ strategy: any WaitingStrategy) async throws {
    let name = type(of: strategy).name
    try require(!name.isEmpty && !name.contains(":"), "a name has no colon")
    try require(type(of: strategy).syntax.hasPrefix(name), "the syntax begins with the name")
    try await checkReady(strategy)
    try await checkWait(strategy)
    try await checkCancellation(strategy)
    try await checkErrors(strategy)
  }

  private static func checkReady(_ strategy: any WaitingStrategy) async throws {
    let run = try WaitingRun(strategy)
    try run.manager.complete("b")
    try await run.end("a unit that is ready is not waited for")
  }

  private static func checkWait(_ strategy: any WaitingStrategy) async throws {
    let run = try WaitingRun(strategy)
    for _ in 0..<5 {
      await run.goOn()
      try require(!run.isOver, "a unit that is not ready is waited for")
    }
    try run.manager.complete("b")
    try await run.end("the wait ends when the unit is ready")
  }

  private static func checkCancellation(_ strategy: any WaitingStrategy) async throws {
    let run = try WaitingRun(strategy)
    await run.goOn()
    run.task.cancel()
    // The clock stands still from here.
    try await requireError(
      "a wait whose task is cancelled throws CancellationError", { $0 is CancellationError }
    ) { try await run.task.value }
    try require(run.manager.waiterCount == 0, "a cancelled wait leaves no waiter behind")
    try require(run.clock.sleeperCount == 0, "a cancelled wait leaves no timer behind")
  }

  private static func checkErrors(_ strategy: any WaitingStrategy) async throws {
    for code in [UnitError.Code.unavailable, .unsupported] {
      let clock = ManualClock()
      let manager = FailingManager(UnitError(code, "no"))
      let task = Task { try await strategy.waitUntilReady("a", on: manager, clock: clock) }
      let mover = Task { await move(clock) }
      // Also after a violation: it would keep a thread busy for ever.
      defer { mover.cancel() }
      try await requireError(
        "what the manager throws is passed on", { ($0 as? UnitError)?.code == code }
      ) { try await task.value }
    }
  }

  fileprivate static func move(_ clock: ManualClock) async {
    while !Task.isCancelled {
      if let next = clock.timeToNextSleeper { clock.advance(by: next) }
      await Task.yield()
    }
  }
}

/// A wait for `a`, which depends on `b`, on a thread of the default executor.
private final class WaitingRun: Sendable {
  let manager = LocalUnitManager()
  let clock = ManualClock()
  let task: Task<Void, any Error>
  private let ended: Flag

  private final class Flag: Sendable {
    let isSet = Atomic<Bool>(false)
  }

  init(_ strategy: any WaitingStrategy) throws {
    let (manager, clock) = (manager, clock)
    try manager.want("a", dependsOn: "b")
    try manager.start("b")
    let ended = Flag()
    self.ended = ended
    task = Task {
      defer { ended.isSet.store(true, ordering: .sequentiallyConsistent) }
      try await strategy.waitUntilReady("a", on: manager, clock: clock)
    }
  }

  var isOver: Bool { ended.isSet.load(ordering: .sequentiallyConsistent) }
  private var isWaiting: Bool { manager.waiterCount > 0 || clock.sleeperCount > 0 }

  /// Lets the strategy come to where it waits, for the clock or for the manager, and moves the clock
  /// to what it waits for.
  func goOn() async {
    while !isWaiting, !isOver { await Task.yield() }
    if let next = clock.timeToNextSleeper { clock.advance(by: next) }
    while !isWaiting, !isOver { await Task.yield() }
  }

  func end(_ promise: String) async throws {
    let mover = Task { [clock] in await WaitingContract.move(clock) }
    defer { mover.cancel() }
    do {
      try await task.value
    } catch {
      throw ContractViolation("\(promise); it threw \(error)")
    }
  }
}

/// Answers everything with the same error.
private struct FailingManager: UnitManager {
  let error: UnitError
  init(_ error: UnitError) { self.error = error }
  func want(
    _ unit: UnitID, dependsOn dependencies: [UnitID], _ requirement: Requirement
  ) throws(UnitError) { throw error }
  func want(_ unit: UnitID, dependsOn dependency: UnitID) throws(UnitError) { throw error }
  func start(_ unit: UnitID) throws(UnitError) { throw error }
  func complete(_ unit: UnitID) throws(UnitError) { throw error }
  func start(_ unit: UnitID, _ options: StartOptions) async throws -> UInt64 { throw error }
  func finish(
    _ unit: UnitID, as outcome: Outcome, generation: UInt64?
  ) throws(UnitError) { throw error }
  func markHealthy(_ unit: UnitID, generation: UInt64?) throws(UnitError) { throw error }
  func reset(_ unit: UnitID, cascade: Bool) throws(UnitError) { throw error }
  func isReady(_ unit: UnitID) throws(UnitError) -> Bool { throw error }
  func status(of unit: UnitID) throws(UnitError) -> UnitReport { throw error }
  func wait(for goal: WaitGoal) async throws { throw error }
  func list() throws(UnitError) -> [UnitSummary] { throw error }
  func explain(_ unit: UnitID) throws(UnitError) -> Explanation { throw error }
}
