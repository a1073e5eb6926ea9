import SyncUnits
import Synchronization
import Testing

@Suite struct LocalUnitManagerTests {
  /// Lets other tasks run until `condition` holds: an event of the manager, not a time.
  private func until(_ condition: () -> Bool) async {
    while !condition() { await Task.yield() }
  }

  @Test func wakesExactlyTheWaitersWhoseUnitBecameReady() async throws {
    let manager = LocalUnitManager()
    let woken = Log()
    for (unit, dependency): (UnitID, UnitID) in [("a", "x"), ("b", "y"), ("c", "x"), ("c", "y")] {
      try manager.want(unit, dependsOn: dependency)
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for unit: UnitID in ["a", "b", "c"] {
        group.addTask {
          try await manager.waitUntilReady(unit)
          woken.append(unit)
        }
      }
      await until { manager.waiterCount == 3 }
      try manager.start("x")
      try manager.complete("x")
      #expect(manager.waiterCount == 2)
      try await group.next()
      #expect(woken.units == ["a"])
      try manager.start("y")
      try manager.complete("y")
      #expect(manager.waiterCount == 0)
      try await group.waitForAll()
    }
    #expect(Set(woken.units) == ["a", "b", "c"])
  }

  @Test func answersAtOnceWhatIsReady() async throws {
    let manager = LocalUnitManager()
    try await manager.waitUntilReady("nobody knows it")
    try manager.start("a")
    try await manager.waitUntilReady("a")
    await #expect(throws: UnitError.self) { try await manager.waitUntilReady("") }
  }

  @Test func forgetsACancelledWaiter() async throws {
    let manager = LocalUnitManager()
    try manager.want("a", dependsOn: "b")
    for _ in 0..<200 {
      let wait = Task { try await manager.waitUntilReady("a") }
      if Bool.random() { await until { manager.waiterCount == 1 } }
      wait.cancel()
      await #expect(throws: CancellationError.self) { try await wait.value }
      #expect(manager.waiterCount == 0)
    }
  }

  @Test func endsAllWaitsOnShutDown() async throws {
    let manager = LocalUnitManager()
    try manager.want("a", dependsOn: "b")
    let wait = Task { try await manager.waitUntilReady("a") }
    await until { manager.waiterCount == 1 }
    manager.shutDown()
    let error = await #expect(throws: UnitError.self) { try await wait.value }
    #expect(error?.code == .unavailable)
    await #expect(throws: UnitError.self) { try await manager.waitUntilReady("a") }
  }

  @Test func losesNoWakeUpBetweenTheCheckAndTheWait() async throws {
    let manager = LocalUnitManager()
    for round in 0..<2_000 {
      let (unit, dependency) = (UnitID("u\(round)"), UnitID("d\(round)"))
      try manager.want(unit, dependsOn: dependency)
      try manager.start(dependency)
      async let wait: Void = manager.waitUntilReady(unit)
      try manager.complete(dependency)
      try await wait
    }
    try manager.checkInvariants()
  }

  // MARK: withUnit

  @Test func workRunsAfterItsDependenciesAndReleasesItsDependents() async throws {
    let manager = LocalUnitManager()
    let begun = Log()
    let units: [(UnitID, [UnitID])] = [("c", ["a", "b"]), ("b", ["a"]), ("a", [])]
    let count = try await withThrowingTaskGroup(of: Int.self) { group in
      for (unit, dependencies) in units {
        group.addTask {
          try await manager.withUnit(unit, after: dependencies) {
            begun.append(unit)
            return dependencies.count
          }
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(count == 3)
    #expect(begun.units == ["a", "b", "c"])
    #expect(manager.list().allSatisfy { $0.status == .completed })
    try manager.checkInvariants()
  }

  struct Broken: Error {}

  /// The failure of one skips all that depends on it, and leaves nothing started and nobody waiting.
  @Test func workThatThrowsHasFailed() async throws {
    let manager = LocalUnitManager()
    let first = Task {
      try await withThrowingDiscardingTaskGroup { group in
        group.addTask {
          await #expect(throws: UnitError.self) {
            _ = try await manager.withUnit("b", after: ["a"]) { Issue.record("began") }
          }
        }
        group.addTask {
          while manager.waiterCount == 0 { await Task.yield() }
          try await manager.withUnit("a") { () async throws -> Void in throw Broken() }
        }
      }
    }
    await #expect(throws: Broken.self) { try await first.value }
    #expect(manager.waiterCount == 0)
    #expect(manager.list().map(\.status) == [.failed, .skipped])
    // Somebody else may do the work.
    try await manager.withUnit("a") {}
    try await manager.withUnit("b") {}
    try manager.checkInvariants()
  }

  @Test func cancelledWorkHasFailedToo() async throws {
    let manager = LocalUnitManager()
    let begun = AsyncStream.makeStream(of: Void.self)
    let task = Task {
      try await manager.withUnit("a") {
        begun.continuation.yield()
        try await Task.sleep(for: .seconds(3_600))
      }
    }
    for await _ in begun.stream { break }
    #expect(try manager.status(of: "a").status == .started)
    await #expect(throws: UnitError.self) { try await manager.withUnit("a") {} }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(try manager.status(of: "a").status == .failed)
  }
}

private final class Log: Sendable {
  private let log = Mutex<[UnitID]>([])
  var units: [UnitID] { log.withLock { $0 } }
  func append(_ unit: UnitID) { log.withLock { $0.append(unit) } }
}
