import Foundation
import Libevent
import StandardPlugins
import SyncPlugin
import SyncRPC
import SyncTestKit
import SyncUnits
import Testing
import TransportMemory

/// Each plugin keeps what its protocol promises, checked as anybody else's would be.
@Suite struct PluginContractTests {
  /// Every catalog entry that there is a check for, with an address that is free.
  static let transports: [(scheme: String, address: String?)] = [
    ("unix", "agent.sock"), ("tcp", nil), ("tcp", "[::1]:0"), ("memory", "contract"),
  ]

  @Test(arguments: transports)
  func transportsKeepTheirs(_ scheme: String, _ address: String?) async throws {
    let folder = try TemporaryFolder()
    let catalog = PluginCatalog(
      PluginCatalog.standard.plugins + [.transport(MemoryTransport.self)])
    try await TransportContract.check(
      try catalog.transportType(scheme: scheme),
      address: scheme == "unix" ? address.map(folder.file) : address,
      environment: ["CODER_AGENT_RUNTIME_DIR": folder.path])
    #expect(folder.files == [])
  }

  @Test(arguments: ["poll", "poll:10ms", "push"])
  func waitingStrategiesKeepTheirs(_ name: String) async throws {
    try await WaitingContract.check(try PluginCatalog.standard.waitingStrategy(name))
  }

  /// A check that cannot fail is worth nothing.
  @Test func brokenPluginsAreFoundOut() async throws {
    await #expect(throws: ContractViolation.self) {
      try await TransportContract.check(Dropping.self, address: "broken", environment: [:])
    }
    for strategy in [Impatient(), Deaf()] as [any WaitingStrategy] {
      await #expect(throws: ContractViolation.self) { try await WaitingContract.check(strategy) }
    }
  }

  /// Loses what comes after half a megabyte, without a word.
  struct Dropping: Transport {
    static let scheme = "dropping"
    static let syntax = "dropping"
    static let summary = "breaks its promise"
    static let sides: TransportSides = [.agent, .client]
    let base: MemoryTransport

    init(address: String?, environment: Environment) throws(PluginError) {
      base = try MemoryTransport(address: address, environment: environment)
    }

    var endpoint: Endpoint { base.endpoint }

    func listen(
      on loop: any EventLoop, report: @escaping @Sendable (ListenerEvent) -> Void,
      accept: @escaping (sending any Connection) -> Void
    ) throws(PluginError) -> any Listener {
      try base.listen(on: loop, report: report, accept: accept)
    }

    nonisolated(nonsending)
      func connect(on loop: any EventLoop, timeout: Duration?) async throws -> any Connection
    {
      let faults = Faults(resetAfter: 512 << 10)
      return FaultyConnection(
        try await base.connect(on: loop, timeout: timeout), faults, on: loop)
    }
  }

  struct Impatient: WaitingStrategy {
    static let name = "impatient"
    static let syntax = "impatient"
    static let summary = "does not wait"
    init() {}
    init(argument: String?) throws(PluginError) {}
    func waitUntilReady(
      _ unit: UnitID, on manager: any UnitManager, clock: any Clock<Duration>
    ) async throws {}
  }

  struct Deaf: WaitingStrategy {
    static let name = "deaf"
    static let syntax = "deaf"
    static let summary = "takes an error for an answer"
    init() {}
    init(argument: String?) throws(PluginError) {}
    func waitUntilReady(
      _ unit: UnitID, on manager: any UnitManager, clock: any Clock<Duration>
    ) async throws {
      repeat {
        try await clock.sleep(for: .seconds(1))
      } while (try? await manager.isReady(unit)) == false
    }
  }
}

/// One agent and its clients in one process, under a clock that stands still.
@Suite struct MemoryAgentTests {
  static let strategies = ["poll", "push"]

  @Test(arguments: strategies)
  func keepsTheContract(_ name: String) throws {
    let agent = try MemoryAgent()
    let strategy = try PluginCatalog.standard.waitingStrategy(name)
    let (transport, loop) = (agent.transport, agent.loop)
    try loop.run { try await AgentContract.check(transport, strategy, on: loop) }
    #expect(agent.manager.waiterCount == 0)
  }

  @Test(arguments: strategies)
  func piecesOfOneByteThatComeLateAreNoDifference(_ name: String) throws {
    let agent = try MemoryAgent()
    let strategy = try PluginCatalog.standard.waitingStrategy(name)
    let loop = agent.loop
    try loop.run {
      let client = try await agent.connect(faults: Faults(split: 1, delay: .milliseconds(1)))
      try await AgentContract.check(client, strategy, clock: loop.clock)
    }
  }

  @Test func anAnswerThatNeverComesEndsTheCall() throws {
    let agent = try MemoryAgent()
    let error = #expect(throws: UnitError.self) {
      try agent.loop.run {
        let client = try await agent.connect(faults: Faults(dropAfter: 3))
        try await client.ping()
      }
    }
    #expect(error == UnitError(.deadlineExceeded, "no answer within 10s"))
  }

  /// A wait whose connection breaks ends, and the agent forgets it.
  @Test func aResetEndsAWaitOnBothSides() throws {
    let agent = try MemoryAgent()
    try agent.manager.want("a", dependsOn: "b")
    let loop = agent.loop
    var limit = 1
    while true {
      let bytes = limit
      do {
        try loop.run {
          let client = try await agent.connect(faults: Faults(resetAfter: bytes))
          _ = try await client.status(of: "a")
          try await client.waitUntilReady("a")
        }
        Issue.record("nothing made the unit ready")
      } catch is ManualLoop.Stalled {
        // All that comes before the wait has come.
        break
      } catch {
        #expect((error as? UnitError)?.code == .unavailable, "after \(limit) bytes")
      }
      loop.runUntilIdle()
      #expect(agent.manager.waiterCount == 0)
      limit += 1
    }
    #expect(limit > 30)
    #expect(agent.manager.waiterCount == 0)
  }

  @Test func aWaitThatIsCancelledIsForgottenAtOnce() throws {
    let agent = try MemoryAgent()
    try agent.manager.want("a", dependsOn: "b")
    let loop = agent.loop
    try loop.run {
      let client = try await agent.connect()
      let wait = Task(executorPreference: loop) { try await client.waitUntilReady("a") }
      while agent.manager.waiterCount == 0 { await Task.yield() }
      wait.cancel()
      await #expect(throws: CancellationError.self) { try await wait.value }
      // One turn there and back, and no time.
      try await client.ping()
      #expect(agent.manager.waiterCount == 0)
      await client.close()
    }
  }

  /// A thousand waits on one connection cost one waiter each, and end together.
  @Test func aThousandWaitsShareAConnection() throws {
    let agent = try MemoryAgent()
    for index in 0..<1_000 { try agent.manager.want(UnitID("u\(index)"), dependsOn: "b") }
    try agent.manager.start("b")
    let loop = agent.loop
    try loop.run {
      let client = try await agent.connect()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for index in 0..<1_000 {
          group.addTask(executorPreference: loop) {
            try await client.waitUntilReady(UnitID("u\(index)"))
          }
        }
        while agent.manager.waiterCount < 1_000 { await Task.yield() }
        // Nobody sleeps and nobody asks: nothing happens until something does.
        #expect(loop.manualClock.sleeperCount == 0)
        try await client.complete("b")
        try await group.waitForAll()
      }
    }
    #expect(agent.manager.waiterCount == 0)
  }
}
