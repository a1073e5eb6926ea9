import Libevent
import SyncPlugin
import SyncRPC
import SyncSystem
import SyncTestKit
import SyncUnits
import Synchronization
import Testing
import TransportMemory

/// Processes that a test ends as it likes, each a pipe whose other end it holds.
private final class FakeProcesses: Sendable {
  private struct State {
    var writing: [Int32: [Int32]] = [:]
    var reading: [Int32] = []
    var closed: [Int32] = []
    var relations: [ProcessWatch.Relation] = []
  }

  private let state = Mutex(State())

  var watch: ProcessWatch {
    ProcessWatch(
      find: { [self] process, relation, _ throws(UnitError) in
        guard process != 13, let pipe = try? Descriptor.pipe() else {
          throw UnitError(.permissionDenied, "process \(process) cannot be watched: no")
        }
        state.withLock { state in
          state.relations.append(relation)
          // Found twice, it is watched twice, and both hear of its end.
          state.writing[process, default: []].append(pipe.writing)
          state.reading.append(pipe.reading)
        }
        return WatchedProcess(id: process, command: "script", descriptor: pipe.reading)
      },
      close: { [self] descriptor in
        Descriptor.close(descriptor)
        state.withLock { $0.closed.append(descriptor) }
      }, command: { "client \($0)" }, now: { 1_000 })
  }

  func end(_ process: Int32) {
    let writing = state.withLock { $0.writing.removeValue(forKey: process) } ?? []
    for descriptor in writing { Descriptor.close(descriptor) }
  }

  var relations: [ProcessWatch.Relation] { state.withLock { $0.relations } }
  /// Each descriptor is closed once, by whoever was given it.
  var isAllClosed: Bool { state.withLock { $0.closed.sorted() == $0.reading.sorted() } }
}

/// Units that fail with the process that holds them, at a real loop.
@Suite struct HoldTests {
  private struct Site: Sendable {
    let loop: LibeventLoop
    let manager: LocalUnitManager
    let server: SyncServer
    let transport: MemoryTransport

    /// Lets the loop go on, unless the test has taken too long.
    func turn() async throws {
      try Task.checkCancellation()
      await Task.yield()
    }

    func connect() async throws -> RemoteUnitManager {
      try await RemoteUnitManager(connectingTo: transport, on: loop)
    }
  }

  private static let lastNumber = Atomic<Int>(0)

  private func run(
    _ watch: ProcessWatch?, _ body: @escaping @Sendable (Site) async throws -> Void
  ) throws {
    let loop = try LibeventLoop()
    try loop.run {
      let manager = LocalUnitManager()
      let server = SyncServer(manager: manager, on: loop, processWatch: watch)
      let number = Self.lastNumber.wrappingAdd(1, ordering: .relaxed).newValue
      let transport = try MemoryTransport(address: "hold-\(number)", environment: [:])
      let listener = try transport.listen(
        on: loop, report: { _ in }, accept: { server.serve($0) })
      let site = Site(loop: loop, manager: manager, server: server, transport: transport)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask(executorPreference: loop) { try await body(site) }
        // What waits for an event that does not come fails.
        group.addTask(executorPreference: loop) {
          try await loop.clock.sleep(for: .seconds(60))
          throw TimedOut()
        }
        try await group.next()
        group.cancelAll()
      }
      listener.close()
      #expect(manager.waiterCount == 0)
      try manager.checkInvariants()
    }
  }

  private static func locked(_ locks: String...) -> StartOptions {
    var options = StartOptions()
    options.locks = locks
    return options
  }

  @Test func allUnitsOfAScriptFailWithIt() throws {
    let processes = FakeProcesses()
    try run(processes.watch) { site in
      let client = try await site.connect()
      try await client.want("app", dependsOn: "db")
      for unit: UnitID in ["db", "cache", "done"] {
        _ = try await client.start(unit, StartOptions(), tie: .hold(process: 77))
      }
      let other = try await site.connect()
      _ = try await other.start("other", StartOptions(), tie: .hold(process: 78))
      let holder = try await client.status(of: "db").details?.holder
      #expect(
        holder == Holder(processID: 77, command: "script", since: 1_000, isWatched: true))
      #expect(await client.peer?.processID == ThisProcess.id)
      try await client.complete("done")
      // The command line that started it for the script has long ended.
      await client.close()
      processes.end(77)
      let error = await #expect(throws: UnitError.self) {
        try await other.wait(for: .units(["db", "cache"], .success, count: 2))
      }
      #expect(
        error?.message.hasPrefix("unit 'db' failed: its script ended (pid 77) without completing")
          == true)
      try? await site.manager.wait(for: .units(["cache"], .completion, count: 1))
      #expect(
        site.manager.list().map(\.status) == [.pending, .failed, .failed, .completed, .started])
      await other.close()
      processes.end(78)
      try await site.manager.wait(for: .units(["other"], .completion, count: 1))
    }
    #expect(processes.isAllClosed)
    #expect(processes.relations == [.ancestor, .ancestor, .ancestor, .ancestor])
  }

  /// A generation that is over does not fail with the script that began it.
  @Test func aScriptTakesOnlyItsOwnGenerationAlong() throws {
    let processes = FakeProcesses()
    try run(processes.watch) { site in
      let client = try await site.connect()
      _ = try await client.start("db", StartOptions(), tie: .hold(process: 77))
      try await client.complete("db")
      #expect(try await client.start("db", StartOptions()) == 2)
      _ = try await client.start("last", StartOptions(), tie: .hold(process: 77))
      processes.end(77)
      try await site.manager.wait(for: .units(["last"], .completion, count: 1))
      #expect(try site.manager.status(of: "db").status == .started)
      await client.close()
    }
    #expect(processes.isAllClosed)
  }

  /// What is refused is not watched either.
  @Test func aRefusedStartHoldsNothing() throws {
    let processes = FakeProcesses()
    try run(processes.watch) { site in
      let client = try await site.connect()
      try await client.start("db")
      let cases: [(UnitID, Int32, UnitError)] = [
        (
          "db", 77,
          UnitError(
            .sameStatus,
            #"cannot start unit "db": checking status for unit "db": same status already set"#)
        ),
        (
          "app", 13,
          UnitError(.permissionDenied, "process 13 cannot be watched: no")
        ),
      ]
      for (unit, process, expected) in cases {
        let error = await #expect(throws: UnitError.self) {
          _ = try await client.start(unit, StartOptions(), tie: .hold(process: process))
        }
        #expect(error == expected)
      }
      await client.close()
      #expect(site.manager.list().map(\.unit) == ["db"])
    }
    #expect(processes.isAllClosed)
  }

  @Test func holdingNeedsAWatch() throws {
    try run(nil) { site in
      let client = try await site.connect()
      let error = await #expect(throws: UnitError.self) {
        _ = try await client.start("db", StartOptions(), tie: .hold(process: 77))
      }
      #expect(error == UnitError(.unsupported, "hold needs a unix transport"))
      // A lease needs no more than the connection.
      _ = try await client.start("db", StartOptions(), tie: .lease(process: 77))
      await client.close()
      try await site.manager.wait(for: .units(["db"], .completion, count: 1))
      #expect(try site.manager.status(of: "db").details?.holder == nil)
    }
  }

  // MARK: Leases

  /// The unit fails with the connection, and its lock is free when the command has ended too.
  @Test func aLockOutlivesTheClientUntilItsCommandEnds() throws {
    let processes = FakeProcesses()
    try run(processes.watch) { site in
      let client = try await site.connect()
      _ = try await client.start("first", Self.locked("apt"), tie: .lease(process: 77))
      #expect(try site.manager.status(of: "first").details?.holder?.processID == 77)
      let other = try await site.connect()
      async let second = other.start("second", Self.locked("apt"))
      while site.manager.waiterCount == 0 { try await site.turn() }
      await client.close()
      try await other.wait(for: .units(["first"], .completion, count: 1))
      let ending = try site.manager.status(of: "first").details?.ending
      #expect(
        ending == Ending("its holder ended (pid \(ThisProcess.id)) without finishing it"))
      #expect(site.manager.lockCount == 1 && site.manager.waiterCount == 1)
      processes.end(77)
      #expect(try await second == 1)
      await other.close()
    }
    #expect(processes.isAllClosed)
    #expect(processes.relations == [.child])
  }

  /// A command that is run again is another process, and the same generation.
  @Test func aRunAgainNamesAnotherProcess() throws {
    let processes = FakeProcesses()
    try run(processes.watch) { site in
      let client = try await site.connect()
      try await client.want("app", dependsOn: [], .success, isLeased: true)
      let options = Self.locked("apt")
      #expect(try await client.start("app", options, tie: .lease(process: 77)) == 1)
      #expect(try await client.start("app", options, tie: .lease(process: 78)) == 1)
      processes.end(77)
      await client.close()
      try await site.manager.wait(for: .units(["app"], .completion, count: 1))
      #expect(site.manager.lockCount == 1)
      processes.end(78)
      // Given back as if it had been waited for.
      _ = try await site.manager.start("next", options)
    }
    #expect(processes.isAllClosed)
  }

  /// Nothing is left to wait for.
  @Test func withoutLocksTheCommandIsNotWaitedFor() throws {
    let processes = FakeProcesses()
    try run(processes.watch) { site in
      let client = try await site.connect()
      _ = try await client.start("app", StartOptions(), tie: .lease(process: 77))
      await client.close()
      try await site.manager.wait(for: .units(["app"], .completion, count: 1))
    }
    #expect(processes.isAllClosed)
    processes.end(77)
  }

  /// What was declared for a client that dies before it could start can never start.
  @Test func aDeclarationFailsWithItsConnection() throws {
    try run(FakeProcesses().watch) { site in
      let client = try await site.connect()
      try await client.want("app", dependsOn: ["db"], .success, isLeased: true)
      let error = await #expect(throws: UnitError.self) {
        try await client.want("db", dependsOn: ["app"], .success, isLeased: true)
      }
      #expect(error?.code == .cycle)
      async let waiting = client.start("app", Self.locked("apt"), tie: .lease(process: 0))
      do {
        _ = try await waiting
        Issue.record("it started")
      } catch {
        #expect(error is UnitError)
      }
      await client.close()
      try await site.manager.wait(for: .units(["app"], .completion, count: 1))
      #expect(try site.manager.status(of: "app").status == .failed)
    }
  }

  /// A start that waits for a lock ends with its connection, and does not come to its turn later.
  @Test func aStartThatWaitsEndsWithItsConnection() throws {
    try run(FakeProcesses().watch) { site in
      _ = try await site.manager.start("first", Self.locked("apt"))
      let client = try await site.connect()
      async let waiting = client.start("second", Self.locked("apt"), tie: .lease(process: 77))
      while site.manager.waiterCount == 0 { try await site.turn() }
      await client.close()
      do {
        _ = try await waiting
        Issue.record("it started")
      } catch {
        #expect(error is UnitError)
      }
      while site.manager.waiterCount > 0 { try await site.turn() }
      try site.manager.complete("first")
      #expect(try site.manager.status(of: "second").status == .notRegistered)
    }
  }
}
