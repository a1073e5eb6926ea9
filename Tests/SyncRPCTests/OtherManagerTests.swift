import SyncPlugin
import SyncRPC
import SyncTestKit
import SyncUnits
import Testing
import WaitingPush

/// A server whose units are elsewhere: it asks another agent, in tasks.
@Suite struct OtherManagerTests {
  /// Runs `body` with a client of an agent that passes everything on to `agent`.
  private func run(
    _ agent: MemoryAgent,
    _ body: @escaping @Sendable (RemoteUnitManager, ServedAgent) async throws -> Void
  ) throws {
    let loop = agent.loop
    try loop.run {
      let remote = try await agent.connect()
      let relay = try ServedAgent(remote, on: loop)
      let client = try await relay.connect()
      try await body(client, relay)
      await client.close()
      await remote.close()
    }
    loop.runUntilIdle()
    #expect(agent.manager.waiterCount == 0)
  }

  @Test func keepsTheContract() throws {
    let agent = try MemoryAgent()
    let (loop, strategy) = (agent.loop, try PushStrategy(argument: nil))
    try run(agent) { client, _ in
      try await client.ping()
      try await AgentContract.check(client, strategy, clock: loop.clock)
    }
  }

  @Test func passesOnWhatTheOriginalCannotSay() throws {
    let agent = try MemoryAgent()
    try run(agent) { client, relay in
      try await client.want("app", dependsOn: ["db", "disk"], Requirement(.healthy))
      var options = StartOptions()
      options.locks = ["apt"]
      #expect(try await client.start("db", options) == 1)
      try await client.markHealthy("db", generation: 1)
      #expect(try await client.status(of: "app").dependencies.map(\.isSatisfied) == [true, false])
      let failed = Outcome.failed(Ending("no", exitStatus: 3))
      try await client.finish("db", as: failed, generation: 1)
      #expect(try await client.explain("app").nodes.map(\.isLost) == [false, true, false])
      let error = await #expect(throws: UnitError.self) {
        try await client.wait(for: .units(["db"], .success, count: 1))
      }
      #expect(error?.message == "unit 'db' failed: no (exit status 3)")
      try await client.reset("db", cascade: true)
      #expect(
        try await client.list()
          == [
            UnitSummary(
              unit: "app", status: .pending, isReady: false, details: UnitDetails(generation: 2)),
            UnitSummary(
              unit: "db", status: .pending, isReady: true, details: UnitDetails(generation: 2)),
          ])
      #expect(try await client.originalStatus(of: "db").status == .pending)
      #expect(
        relay.takeLog() == [
          "1 connected, with a peer", #"1 want "app" "db" "disk" (healthy)"#, "1 hello",
          #"1 start "db""#, #"1 healthy "db""#, #"1 status "app""#,
          #"1 fail "db" (no (exit status 3))"#, #"1 why "app""#,
          #"1 wait for success of 1 of "db": unit 'db' failed: no (exit status 3)"#,
          #"1 reset "db" --cascade"#, "1 list", #"1 status "db""#,
        ])
    }
  }

  /// Nobody would let the unit fail when the script ends.
  @Test func whatMayDieIsNotTakenOn() throws {
    let agent = try MemoryAgent()
    try run(agent) { client, _ in
      for tie in [StartCall.Tie.lease(process: 0), .hold(process: 77)] {
        let error = await #expect(throws: UnitError.self) {
          _ = try await client.start("db", StartOptions(), tie: tie)
        }
        #expect(error?.code == .unsupported)
      }
      let error = await #expect(throws: UnitError.self) {
        try await client.want("app", dependsOn: ["db"], .success, isLeased: true)
      }
      #expect(error?.message == "units that are elsewhere cannot be held from here")
      #expect(agent.manager.list().isEmpty)
    }
  }

  enum WaitEnd: CaseIterable { case cancelled, left, serverClosed }

  /// The end of a wait goes all the way to where the units are.
  @Test(arguments: WaitEnd.allCases)
  func aWaitIsTakenBackAllTheWay(_ end: WaitEnd) throws {
    let agent = try MemoryAgent()
    try agent.manager.want("a", dependsOn: "b")
    let loop = agent.loop
    try run(agent) { client, relay in
      let wait = Task(executorPreference: loop) { try await client.waitUntilReady("a") }
      await until { agent.manager.waiterCount > 0 }
      #expect(await relay.server.deferredCallCount == 1)
      switch end {
      case .cancelled: wait.cancel()
      case .left: await client.close()
      case .serverClosed: await relay.server.close()
      }
      await #expect(throws: (any Error).self) { try await wait.value }
      await until { agent.manager.waiterCount == 0 }
      #expect(await relay.server.deferredCallCount == 0)
    }
  }

  /// The other agent is gone: its words are passed on, and the connection stays.
  @Test func theEndOfTheOtherAgentIsTold() throws {
    let agent = try MemoryAgent()
    let loop = agent.loop
    try loop.run {
      let remote = try await agent.connect()
      let relay = try ServedAgent(remote, on: loop)
      let client = try await relay.connect()
      await remote.close()
      let error = await #expect(throws: UnitError.self) { _ = try await client.list() }
      #expect(error?.message == "manager closed: closed by its owner")
      try await client.ping()
      #expect(await relay.server.connectionCount == 1)
      await client.close()
    }
  }
}
