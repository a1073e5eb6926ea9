import Foundation
import Libevent
import StandardPlugins
import SyncPlugin
import SyncRPC
import SyncTestKit
import SyncUnits
import Testing

/// The truth table in `Sources/SyncUnits/CONDITIONS.md`, cell by cell, over every way to an agent and with
/// every strategy.
@Suite struct ConditionTests {
  static func table() throws -> ConditionContract {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Sources/SyncUnits/CONDITIONS.md")
    return try ConditionContract(markdown: String(contentsOf: file, encoding: .utf8))
  }

  @Test(arguments: Reach.allCases, ["poll:1ms", "push"])
  func holdsInEveryCell(_ reach: Reach, _ strategy: String) async throws {
    let table = try Self.table()
    let strategy = try PluginCatalog.standard.waitingStrategy(strategy)
    switch reach {
    case .memory:
      let agent = try MemoryAgent()
      try agent.loop.run {
        try await table.check(try await agent.connect(), strategy, clock: agent.loop.clock)
      }
      #expect(agent.manager.waiterCount == 0)
    case .pipe:
      let agent = try await PipeAgent()
      try await table.check(agent.manager, strategy, clock: agent.clock)
      await agent.stop()
    case .unix, .tcp, .exec:
      let agent = try await TestAgent(transport: reach == .tcp ? "tcp" : "unix")
      let endpoint =
        switch reach {
        case .exec: Endpoint(parsing: ExecTests.relay("unix:\(agent.socketPath)"))
        case .tcp: Endpoint(scheme: "tcp", address: nil)
        default: Endpoint(scheme: "unix", address: agent.socketPath)
        }
      let transport = try PluginCatalog.standard.transport(
        for: endpoint, environment: Environment { agent.environment[$0] })
      let thread = try LoopThread()
      try await Task(executorPreference: thread.loop) {
        let manager = try await RemoteUnitManager(connectingTo: transport, on: thread.loop)
        try await table.check(manager, strategy, clock: thread.loop.clock)
        await manager.close()
      }.value
      thread.stop()
    }
  }

  /// A check that cannot fail is worth nothing.
  @Test func aWrongTableIsFoundOut() async throws {
    let wrong = try ConditionContract(
      markdown: """
        | db | success |
        | --- | --- |
        | failed | waits |
        """)
    let agent = try MemoryAgent()
    #expect(throws: ContractViolation.self) {
      try agent.loop.run {
        try await wrong.check(
          try await agent.connect(), try PluginCatalog.standard.waitingStrategy("push"),
          clock: agent.loop.clock)
      }
    }
  }
}
