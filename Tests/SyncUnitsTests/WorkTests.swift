import Testing

@testable import SyncUnits

/// Work of units in tasks that are cancelled, or whose units somebody else ends.
@Suite struct WorkTests {
  private func until(_ condition: () -> Bool) async {
    while !condition() { await Task.yield() }
  }

  @Test func aCancelledWaitLeavesTheUnitPending() async throws {
    let manager = LocalUnitManager()
    let work = Task { try await manager.withUnit("app", after: ["db"]) { Issue.record("began") } }
    await until { manager.waiterCount == 1 }
    work.cancel()
    await #expect(throws: CancellationError.self) { try await work.value }
    #expect(manager.waiterCount == 0)
    #expect(manager.list().map(\.status) == [.pending])
    // Somebody else may do it.
    try manager.complete("app")
  }

  @Test func aTaskThatWasCancelledBeforeDoesNotBegin() async throws {
    let manager = LocalUnitManager()
    let work = Task {
      while !Task.isCancelled { await Task.yield() }
      try await manager.withUnit("app") { Issue.record("began") }
    }
    work.cancel()
    await #expect(throws: CancellationError.self) { try await work.value }
    let start = Task {
      while !Task.isCancelled { await Task.yield() }
      _ = try await manager.start("app", StartOptions())
    }
    start.cancel()
    await #expect(throws: CancellationError.self) { try await start.value }
    #expect(try manager.status(of: "app").status != .started)
  }

  enum Meanwhile: CaseIterable { case completed, reset }

  /// What has been said meanwhile stands.
  @Test(arguments: Meanwhile.allCases)
  func somebodyElseEndsIt(_ meanwhile: Meanwhile) async throws {
    let manager = LocalUnitManager()
    let result = await Result<Void, UnitError>.of {
      try await manager.withUnit("app") {
        switch meanwhile {
        case .completed: try manager.complete("app")
        case .reset: try manager.reset("app", cascade: false)
        }
      }
    }
    switch meanwhile {
    case .completed:
      try result.get()
      #expect(try manager.status(of: "app").status == .completed)
    case .reset:
      let error = #expect(throws: UnitError.self) { try result.get() }
      #expect(error?.code == .wrongStatus)
      #expect(try manager.status(of: "app").status == .pending)
    }
  }

  /// A dependency that begins anew between the end of the wait and the start is waited for again.
  @Test func aDependencyMayBeginAnewBeforeTheStart() async throws {
    let manager = LocalUnitManager()
    try manager.want("app", dependsOn: "db")
    try manager.start("db")
    for _ in 0..<200 {
      let work = Task { try await manager.withUnit("app") {} }
      await until { manager.waiterCount == 1 }
      try manager.complete("db")
      // Between the two the work may begin, or not.
      try manager.start("db")
      try manager.complete("db")
      try await work.value
      try manager.start("db")
      try manager.checkInvariants()
    }
    #expect(try manager.status(of: "app").status == .completed)
  }

  @Test func startsThatWaitForLocksEndWithTheManager() async throws {
    let manager = LocalUnitManager()
    var options = StartOptions()
    options.locks = ["apt"]
    _ = try await manager.start("first", options)
    let waiting = Task { [options] in try await manager.start("second", options) }
    await until { manager.waiterCount == 1 }
    manager.shutDown()
    let error = await #expect(throws: UnitError.self) { _ = try await waiting.value }
    #expect(error == UnitError(.unavailable, "the unit manager is shutting down"))
    let late = Task { [options] in try await manager.start("third", options) }
    let refusal = await #expect(throws: UnitError.self) { _ = try await late.value }
    #expect(refusal?.code == .unavailable)
  }

  /// The start that waited was refused in its turn: what it depends on has failed meanwhile.
  @Test func aStartThatWaitedMayBeRefusedInItsTurn() async throws {
    let manager = LocalUnitManager()
    var options = StartOptions()
    options.locks = ["apt"]
    _ = try await manager.start("first", options)
    let waiting = Task { [options] in try await manager.start("second", options) }
    await until { manager.waiterCount == 1 }
    try manager.want("second", dependsOn: "db")
    try manager.complete("first")
    let error = await #expect(throws: UnitError.self) { _ = try await waiting.value }
    #expect(error?.code == .notReady)
    #expect(manager.lockCount == 0)
    try manager.checkInvariants()
  }

  /// A lease that has ended takes along what comes to its turn only then.
  @Test func aLeaseThatHasEndedStartsNothing() throws {
    let manager = LocalUnitManager()
    let lease = manager.newLease()
    #expect(manager.end(lease, keepsLocks: true, Ending("gone")).isEmpty)
    _ = manager.start("app", StartOptions(), lease: lease) { _ in }
    let report = try manager.status(of: "app")
    #expect(report.status == .failed)
    #expect(report.details?.ending == Ending("its holder has gone before it could begin"))
    #expect(manager.generation(of: "app", startedWith: lease) == nil)
  }
}

extension Result where Failure == UnitError {
  /// What comes of a body that throws nothing else.
  fileprivate static func of(_ body: () async throws -> Success) async -> Result {
    do {
      return .success(try await body())
    } catch {
      return .failure(error as? UnitError ?? UnitError(.other, "\(error)"))
    }
  }
}
