import SyncPlugin
import SyncRPC
import SyncTestKit
import SyncUnits
import Testing
import WaitingPoll
import WireFixtures

/// What a client of ours makes of an agent that does not know all of our calls.
@Suite struct OlderAgentTests {
  private func run(
    _ version: AgentVersion, _ manager: LocalUnitManager = LocalUnitManager(),
    _ body: @escaping @Sendable (RemoteUnitManager, ServedAgent) async throws -> Void
  ) throws {
    let loop = ManualLoop()
    let agent = try ServedAgent(manager, on: loop) { VersionedTransport($0, version) }
    try loop.run {
      let client = try await agent.connect()
      try await body(client, agent)
      await client.close()
    }
  }

  @Test func anOriginalAgentKeepsTheContract() throws {
    try run(.original) { client, agent in
      let clock = agent.loop.clock
      try await AgentContract.check(client, try PollStrategy(argument: "10ms"), clock: clock)
    }
  }

  /// It would lose the answers otherwise.
  @Test func anOriginalAgentHearsOneCallAtATime() throws {
    try run(.original) { client, agent in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for index in 0..<100 {
          group.addTask(executorPreference: agent.loop) {
            try await client.start(UnitID("unit \(index)"))
          }
        }
        try await group.waitForAll()
      }
      #expect(try await client.list().count == 100)
    }
  }

  @Test func whatTheOriginalKnowsIsAskedInItsWords() throws {
    let manager = LocalUnitManager()
    try manager.start("db")
    try manager.finish("db", as: .failed(Ending("no")), generation: nil)
    try run(.original, manager) { client, agent in
      try await client.want("app", dependsOn: ["db", "disk"], .success)
      let report = try await client.status(of: "app")
      #expect(report.status == .pending && report.details == nil && !report.isReady)
      #expect(report.dependencies.map(\.unit) == ["db", "disk"])
      #expect(report.dependencies.map(\.currentStatus) == [.started, .notRegistered])
      #expect(report.dependencies.allSatisfy { $0.requirement == .success })
      let list = try await client.list()
      #expect(
        list.map { "\($0.unit) \($0.status) \($0.isReady)" } == [
          "app pending false", "db started true",
        ])
      #expect(list.allSatisfy { $0.details == nil })
      #expect(
        agent.takeLog() == [
          "1 connected, with a peer", #"1 want "app" "db""#, #"1 want "app" "disk""#,
          #"1 status "app""#, "1 list",
        ])
    }
  }

  struct Refused: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: String
    let call: @Sendable (RemoteUnitManager) async throws -> Void
  }

  static let refused: [Refused] = [
    Refused(
      testDescription: "a condition",
      text: #"protocol error: unknown rpc: "/unitsync.v1.UnitSync/Want""#,
      call: { try await $0.want("app", dependsOn: ["db"], Requirement(.completion)) }),
    Refused(
      testDescription: "a wait", text: "the agent does not know the call Wait",
      call: { try await $0.waitUntilReady("app") }),
    Refused(
      testDescription: "a start with options", text: "the agent does not know the call Start",
      call: { _ = try await $0.start("app", StartOptions()) }),
    Refused(
      testDescription: "a failure",
      text: #"protocol error: unknown rpc: "/unitsync.v1.UnitSync/Finish""#,
      call: { try await $0.finish("app", as: .failed(Ending()), generation: nil) }),
    Refused(
      testDescription: "an end of a generation",
      text: #"protocol error: unknown rpc: "/unitsync.v1.UnitSync/Finish""#,
      call: { try await $0.finish("app", as: .completed, generation: 1) }),
    Refused(
      testDescription: "health",
      text: #"protocol error: unknown rpc: "/unitsync.v1.UnitSync/MarkHealthy""#,
      call: { try await $0.markHealthy("app", generation: nil) }),
    Refused(
      testDescription: "a reset",
      text: #"protocol error: unknown rpc: "/unitsync.v1.UnitSync/Reset""#,
      call: { try await $0.reset("app", cascade: false) }),
    Refused(
      testDescription: "an explanation",
      text: #"protocol error: unknown rpc: "/unitsync.v1.UnitSync/Why""#,
      call: { _ = try await $0.explain("app") }),
  ]

  @Test(arguments: refused)
  func anOriginalAgentRefusesWhatItDoesNotKnow(_ refused: Refused) throws {
    try run(.original) { client, _ in
      let error = await #expect(throws: UnitError.self) { try await refused.call(client) }
      #expect(error == UnitError(.unsupported, refused.text))
      // The connection goes on.
      let units = try await client.list()
      #expect(units.isEmpty)
    }
  }
}
