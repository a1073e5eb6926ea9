import SyncPlugin
import SyncRPC
import SyncTestKit
import SyncUnits
import Testing
import WireFixtures

/// A client's calls where the agent is slow, says something else, or goes.
@Suite struct RemoteManagerTests {
  /// An agent that a test plays by hand.
  private final class Played: @unchecked Sendable {
    // Belongs to the loop's thread.
    let loop = ManualLoop()
    let transport: any Transport
    var wires: [Wire] = []
    private var listener: (any Listener)?

    init(_ onAccept: @escaping @Sendable (Wire) -> Void = { _ in }) throws {
      transport = try ServedAgent.endpoint()
      listener = try transport.listen(on: loop, report: { _ in }) { [unowned self] connection in
        let wire = Wire(connection)
        wires.append(wire)
        onAccept(wire)
      }
    }

    deinit { listener?.close() }

    func connect(_ callTimeout: Duration? = .seconds(10)) async throws -> RemoteUnitManager {
      try await RemoteUnitManager(
        connectingTo: transport, on: loop, callTimeout: callTimeout)
    }
  }

  private func message(_ body: () async throws -> Void) async -> String? {
    do {
      try await body()
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test func callsInLineHaveTheSameTime() throws {
    let agent = try Played()
    let loop = agent.loop
    try loop.run {
      let client = try await agent.connect()
      let calls = (0..<3).map { _ in
        Task(executorPreference: loop) { try await client.ping() }
      }
      for call in calls {
        #expect(await message { try await call.value } == "no answer within 10s")
      }
      #expect(loop.manualClock.elapsed == .seconds(10))
      await client.close()
    }
  }

  /// One that had not been sent is never heard of, and the one before it goes on.
  @Test func aCallInLineIsTakenBackUnsent() throws {
    let agent = try Played()
    let loop = agent.loop
    try loop.run {
      let client = try await agent.connect()
      let first = Task(executorPreference: loop) { try await client.start("first") }
      await until { agent.wires.first?.received.isEmpty == false }
      let second = Task(executorPreference: loop) { try await client.start("second") }
      await Task.yield()
      second.cancel()
      #expect(await message { try await second.value } == "the call was cancelled")
      agent.wires[0].send(success())
      try await first.value
      let third = Task(executorPreference: loop) { try await client.ping() }
      await Task.yield()
      agent.wires[0].send(success(stream: 2))
      try await third.value
      #expect(!String(decoding: agent.wires[0].received, as: UTF8.self).contains("second"))
      await client.close()
    }
  }

  @Test func whatIsNotTheProtocolEndsAllCalls() throws {
    let agent = try Played { $0.send(Array("HTTP/1.1 400".utf8)) }
    let loop = agent.loop
    try loop.run {
      let client = try await agent.connect()
      let end = Task(executorPreference: loop) { await client.waitUntilClosed() }
      let reason = "manager closed: internal error: unknown packet kind: Kind(36)"
      #expect(await end.value == UnitError(.protocolViolation, reason))
      #expect(await message { try await client.ping() } == reason)
      #expect(await client.waitUntilClosed()?.message == reason)
    }
  }

  @Test func whoeverWatchesForTheEndCanStop() throws {
    let agent = try Played()
    let loop = agent.loop
    try loop.run {
      let client = try await agent.connect()
      let watches = (0..<3).map { _ in
        Task(executorPreference: loop) { await client.waitUntilClosed() }
      }
      await Task.yield()
      watches[1].cancel()
      #expect(await watches[1].value == nil)
      await client.close()
      for watch in [watches[0], watches[2]] {
        #expect(await watch.value?.message == "manager closed: closed by its owner")
      }
    }
  }

  static let calls: [@Sendable (RemoteUnitManager, UnitID) async throws -> Void] = [
    { client, _ in try await client.ping() }, { client, _ in _ = try await client.list() },
    { _ = try await $0.isReady($1) }, { _ = try await $0.status(of: $1) },
    { _ = try await $0.explain($1) }, { _ = try await $0.start($1, StartOptions()) },
    { try await $0.waitUntilReady($1) },
  ]

  /// The call fails, and the connection, whose packets are whole, goes on.
  @Test(arguments: calls.indices)
  func anAnswerThatIsNoMessageIsTold(_ index: Int) throws {
    var version = AgentVersion.current
    version.alter = { answer, method in method == .hello ? answer : [0x0a, 0xff] }
    let loop = ManualLoop()
    let agent = try ServedAgent(LocalUnitManager(), on: loop) { VersionedTransport($0, version) }
    try loop.run {
      let client = try await agent.connect()
      // A unit can be started once only.
      for unit: UnitID in ["a", "b"] {
        let text = await message { try await Self.calls[index](client, unit) }
        #expect(
          text == "the answer is not the protocol's: proto: cannot parse invalid wire-format data")
      }
      await client.close()
    }
  }

  /// More than one packet holds, in both directions.
  @Test func longListsComeInPages() throws {
    let loop = ManualLoop()
    let manager = LocalUnitManager()
    let agent = try ServedAgent(manager, on: loop)
    let units = (0..<900).map { UnitID("\(10_000 + $0) \(String(repeating: "n", count: 4_000))") }
    try loop.run {
      let client = try await agent.connect()
      try await client.want("app", dependsOn: units, .success)
      for unit in units { try manager.start(unit) }
      _ = agent.takeLog()
      let list = try await client.list()
      #expect(list.map(\.unit) == units + ["app"])
      #expect(agent.takeLog() == ["1 list", "1 list"])
      await client.close()
    }
  }
}
