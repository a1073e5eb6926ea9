import Libevent
import SyncPlugin
import SyncRPC
import SyncSystem
import SyncTestKit
import SyncUnits
import SyncWire
import Synchronization
import Testing
import TransportMemory
import WaitingPush
import WireFixtures

/// The two ends of a relay: a client at a pair of sockets, and an agent in memory.
@Suite struct RelayTests {
  /// What leads to the near end of the pair, once.
  private struct PairTransport: Transport {
    static let scheme = "pair"
    static let syntax = "pair"
    static let summary = "one of two sockets"
    static let sides: TransportSides = .client
    let descriptor: Int32
    var endpoint: Endpoint { Endpoint(scheme: Self.scheme, address: "") }

    init(descriptor: Int32) { self.descriptor = descriptor }
    init(address: String?, environment: Environment) throws(PluginError) {
      throw PluginError(.unsupported, "pair is made in tests only")
    }

    func listen(
      on loop: any EventLoop, report: @escaping @Sendable (ListenerEvent) -> Void,
      accept: @escaping (sending any Connection) -> Void
    ) throws(PluginError) -> any Listener { throw PluginError(.unsupported, "pair is a client's") }

    nonisolated(nonsending)
      func connect(on loop: any EventLoop, timeout: Duration?) async throws -> any Connection
    {
      loop.connection(Channel(reading: descriptor, writing: descriptor))
    }
  }

  /// What the relay reads and writes, and what leads to its other end.
  private func pair() throws -> (relay: Channel, client: PairTransport) {
    let (near, far) = try UnixSocket.pair()
    try Descriptor.setNonblocking(far)
    return (Channel(reading: far, writing: far), PairTransport(descriptor: near))
  }

  /// Runs `body` on a loop of its own.
  private func run(
    _ body: @escaping @Sendable (LibeventLoop) async throws -> Void
  ) throws {
    let loop = try LibeventLoop()
    try loop.run {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask(executorPreference: loop) { try await body(loop) }
        // What waits for an event that does not come fails.
        group.addTask(executorPreference: loop) {
          try await loop.clock.sleep(for: .seconds(60))
          throw TimedOut()
        }
        try await group.next()
        group.cancelAll()
      }
    }
  }

  private final class Accepted: @unchecked Sendable {
    // Belongs to the loop's thread.
    var listener: (any Listener)?
    var wires: [Wire] = []
    var onAccept: (Wire) -> Void = { _ in }
  }

  /// An endpoint at which a test speaks by hand.
  private func scripted(
    on loop: LibeventLoop, _ onAccept: @escaping (Wire) -> Void = { _ in }
  ) throws -> (MemoryTransport, Accepted) {
    let accepted = Accepted()
    let transport = try ServedAgent.endpoint()
    accepted.listener = try transport.listen(on: loop, report: { _ in }) { connection in
      let wire = Wire(connection)
      accepted.wires.append(wire)
      onAccept(wire)
    }
    return (transport, accepted)
  }

  private func agent(
    _ manager: LocalUnitManager, on loop: LibeventLoop, _ proof: ProofCase? = nil
  ) throws -> (any Transport, any Listener) {
    let server = SyncServer(manager: manager, on: loop)
    let base = try ServedAgent.endpoint()
    let transport: any Transport =
      proof.map { SecretTransport(base, client: $0.client, agent: $0.agent) } ?? base
    return (
      transport, try transport.listen(on: loop, report: { _ in }, accept: { server.serve($0) })
    )
  }

  @Test(arguments: [nil, ProofCase.all[0]])
  func theContractHoldsAcrossARelay(_ proof: ProofCase?) throws {
    try run { loop in
      let manager = LocalUnitManager()
      let (transport, listener) = try agent(manager, on: loop, proof)
      let (channel, far) = try pair()
      async let relay: Void = SyncRelay(on: loop).run(
        client: channel, agent: transport, timeout: nil)
      let client = try await RemoteUnitManager(connectingTo: far, on: loop)
      try await AgentContract.check(client, try PushStrategy(argument: nil), clock: loop.clock)
      await client.close()
      // The client's end is passed on, and the agent's behind it.
      try await relay
      #expect(manager.waiterCount == 0)
      listener.close()
    }
  }

  /// The relay says why, and the client hears nothing that an unproven agent says.
  @Test(arguments: ProofCase.all.dropFirst())
  func aRelayBelievesNoStranger(_ proof: ProofCase) throws {
    try run { loop in
      let manager = LocalUnitManager()
      let (transport, listener) = try agent(manager, on: loop, proof)
      let (channel, far) = try pair()
      async let relay: Void = SyncRelay(on: loop).run(
        client: channel, agent: transport, timeout: nil)
      let client = try await RemoteUnitManager(connectingTo: far, on: loop)
      await #expect(throws: UnitError.self) { try await client.start("a") }
      do {
        try await relay
        Issue.record("it believed the agent")
      } catch {
        #expect(error as? UnitError == proof.error)
      }
      #expect(manager.list().isEmpty)
      listener.close()
    }
  }

  struct Answer: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]
    let error: UnitError
  }

  static let answers: [Answer] = [
    Answer(
      testDescription: "HTTP", bytes: Array("HTTP/1.1 400".utf8),
      error: UnitError(
        .protocolViolation, "internal error: unknown packet kind: Kind(36)")),
    Answer(
      testDescription: "no message", bytes: frame(.closeSend, 1, 1),
      error: UnitError(.protocolViolation, "the agent did not prove itself")),
    Answer(
      testDescription: "no Hello", bytes: success([0x0a, 0xff]),
      error: UnitError(
        .protocolViolation, "proto: cannot parse invalid wire-format data")),
    Answer(
      testDescription: "an original agent",
      bytes: failure(#"protocol error: unknown rpc: "/unitsync.v1.UnitSync/Hello""#),
      error: UnitError(
        .unsupported, #"protocol error: unknown rpc: "/unitsync.v1.UnitSync/Hello""#)),
  ]

  @Test(arguments: answers)
  func whateverElseAnAgentSaysIsNoProof(_ answer: Answer) throws {
    try run { loop in
      let (base, accepted) = try scripted(on: loop) { $0.send(answer.bytes) }
      let transport = SecretTransport(
        base, client: ProofCase.secrets(1, 2), agent: ProofCase.secrets(1, 2))
      let (channel, far) = try pair()
      let error = await #expect(throws: UnitError.self) {
        try await SyncRelay(on: loop).run(client: channel, agent: transport, timeout: nil)
      }
      #expect(error == answer.error)
      Descriptor.close(far.descriptor)
      accepted.listener?.close()
    }
  }

  enum End: CaseIterable { case agentLeaves, agentBreaks, nobodyListens, cancelled }

  @Test(arguments: End.allCases)
  func theEndOfARelay(_ end: End) throws {
    try run { loop in
      let (base, accepted) = try scripted(on: loop) { wire in
        if end == .agentLeaves { wire.connection.close() }
        if end == .agentBreaks { wire.send([1, 2, 3]) }
      }
      if end == .nobodyListens { accepted.listener?.close() }
      let faults = Faults(resetAfter: end == .agentBreaks ? 3 : nil)
      let transport = FaultyTransport(base) { _ in faults }
      let (channel, far) = try pair()
      let relay = Task(executorPreference: loop) {
        try await SyncRelay(on: loop).run(client: channel, agent: transport, timeout: nil)
      }
      if end == .cancelled {
        await until { !accepted.wires.isEmpty }
        relay.cancel()
      }
      let error = await #expect(throws: (any Error).self) { try await relay.value }
      switch end {
      case .agentLeaves:
        #expect(error as? UnitError == UnitError(.unavailable, "the agent closed the connection"))
      case .agentBreaks:
        #expect(
          error as? UnitError == UnitError(.unavailable, "reset on purpose after 3 bytes"))
      case .nobodyListens: #expect((error as? PluginError)?.code == .unreachable)
      case .cancelled: #expect(error is CancellationError)
      }
      if end == .cancelled { await until { accepted.wires[0].hasEnded } }
      Descriptor.close(far.descriptor)
      if end != .nobodyListens { accepted.listener?.close() }
    }
  }

  /// What the client does not take waits at the agent, and not in the relay; then all of it comes.
  @Test func aSlowClientHoldsTheAgentBack() throws {
    try run { loop in
      let (base, accepted) = try scripted(on: loop)
      let (channel, far) = try pair()
      async let relay: Void = SyncRelay(on: loop).run(
        client: channel, agent: base, timeout: nil)
      let client = Wire(try await far.connect(on: loop, timeout: nil))
      client.connection.pause()
      await until { !accepted.wires.isEmpty }
      let agent = accepted.wires[0]
      let piece = (0..<64 << 10).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      var sent = 0
      // The kernel takes some, the relay some more, and then nobody does.
      while !agent.connection.isCongested, sent < 8 << 20 {
        agent.send(piece)
        sent += piece.count
        await Task.yield()
      }
      #expect(agent.connection.isCongested)
      client.connection.resume()
      await until { client.received.count >= sent }
      #expect(
        client.received.starts(with: piece) && client.received.suffix(piece.count) == piece[...])
      await until { !agent.connection.isCongested }
      client.connection.endOutput()
      await until { agent.hasEnded }
      agent.send([9])
      agent.connection.close()
      try await relay
      await until { client.hasEnded }
      #expect(client.received.count == sent + 1)
      client.connection.close()
      accepted.listener?.close()
    }
  }
}
