import SyncPlugin
import SyncRPC
import SyncTestKit
import SyncUnits
import SyncWire
import Testing
import WireFixtures

/// Who has which secrets, and what comes of it.
struct ProofCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  var client: ConnectionSecrets? = secrets(1, 2)
  var agent: ConnectionSecrets? = secrets(1, 2)
  /// Nil if both believe each other.
  var error: UnitError?
  /// Why the agent closed the connection, where it was the one.
  var reason: String?

  static func secrets(_ client: UInt8, _ agent: UInt8) -> ConnectionSecrets {
    func secret(_ byte: UInt8) -> Secret { Secret([UInt8](repeating: byte, count: 16)) }
    return ConnectionSecrets(client: secret(client), agent: secret(agent))
  }

  static let refused = UnitError(
    .permissionDenied, "the client did not prove that it may use this agent")
  static let stranger = UnitError(
    .permissionDenied, "whoever listens there is not the agent that the endpoint file names")

  static let all: [ProofCase] = [
    ProofCase(testDescription: "right on both sides"),
    ProofCase(
      testDescription: "the client's is wrong", client: secrets(3, 2), error: refused,
      reason: "the client did not prove itself"),
    ProofCase(testDescription: "the agent's is wrong", agent: secrets(1, 3), error: stranger),
    ProofCase(testDescription: "the agent has none", agent: nil, error: stranger),
    ProofCase(
      testDescription: "the two are exchanged", client: secrets(2, 1), error: refused,
      reason: "the client did not prove itself"),
  ]
}

@Suite struct ProofTests {
  @Test(arguments: ProofCase.all)
  func nobodyBelievesAStranger(_ proof: ProofCase) throws {
    let manager = LocalUnitManager()
    let agent = try ServedAgent(manager, on: ManualLoop()) {
      SecretTransport($0, client: proof.client, agent: proof.agent)
    }
    let error = try agent.loop.run { () -> UnitError? in
      do {
        let client = try await agent.connect()
        try await client.start("a")
        await client.close()
        return nil
      } catch let error as UnitError {
        return error
      }
    }
    #expect(error == proof.error)
    #expect(manager.list().isEmpty == (proof.error != nil))
    agent.loop.runUntilIdle()
    let reason = proof.reason ?? "by the client"
    #expect(agent.takeLog().last == "1 disconnected: \(reason)")
  }

  /// A client that has no secrets makes its calls, and is turned away with the first.
  @Test func aClientWithoutSecretsIsTurnedAway() throws {
    let agent = try ServedAgent(LocalUnitManager(), on: ManualLoop()) {
      SecretTransport($0, client: nil, agent: ProofCase.secrets(1, 2))
    }
    let error = #expect(throws: UnitError.self) {
      try agent.loop.run { try await agent.connect().ping() }
    }
    #expect(error == ProofCase.refused)
  }

  // MARK: Limits of a connection

  /// What is not done in time, or is too much, ends the connection, and nobody else's.
  struct Limit: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var hasSecrets = false
    let bytes: [UInt8]
    /// How long it takes from the bytes to the end; nil if it goes on.
    let time: Duration?
    var reason = ""
  }

  static let limits: [Limit] = [
    Limit(
      testDescription: "says nothing and has to prove itself", hasSecrets: true, bytes: [],
      time: .seconds(10), reason: "the client did not prove itself within 10s"),
    Limit(testDescription: "says nothing and need not prove itself", bytes: [], time: nil),
    Limit(
      testDescription: "half a frame", bytes: Array(call(.ping).prefix(9)), time: .seconds(10),
      reason: "a frame took longer than 10s"),
    Limit(
      testDescription: "half a frame behind a whole call",
      bytes: call(.ping) + call(.ping, stream: 2).prefix(9), time: .seconds(10),
      reason: "a frame took longer than 10s"),
    Limit(
      testDescription: "more than a stranger may say", hasSecrets: true,
      bytes: [0x03, 1, 1, 0x80, 0x80, 8] + [UInt8](repeating: 1, count: 64 << 10), time: .zero,
      reason: "the client did not prove itself"),
    Limit(
      testDescription: "not the protocol", bytes: Array("GET".utf8), time: .zero,
      reason: "internal error: unknown packet kind: Kind(35)"),
  ]

  @Test(arguments: limits)
  func aConnectionThatIsOfNoUseEnds(_ limit: Limit) throws {
    let secrets = limit.hasSecrets ? ProofCase.secrets(1, 2) : nil
    let loop = ManualLoop()
    let agent = try ServedAgent(LocalUnitManager(), on: loop) {
      SecretTransport($0, client: nil, agent: secrets)
    }
    let wire = try loop.run {
      let wire = Wire(try await agent.transport.connect(on: loop, timeout: nil))
      wire.send(limit.bytes)
      return wire
    }
    loop.runUntilIdle()
    if limit.time != .zero {
      loop.advance(by: .milliseconds(9_999))
      loop.runUntilIdle()
      #expect(!wire.hasEnded)
      // More of the same frame does not buy more time.
      if !limit.bytes.isEmpty { wire.send([0x2f]) }
      loop.advance(by: .milliseconds(1))
      loop.runUntilIdle()
    }
    #expect(wire.hasEnded == (limit.time != nil))
    let end = limit.time == nil ? nil : "1 disconnected: \(limit.reason)"
    #expect(agent.takeLog().last { $0.contains("disconnected") } == end)
    wire.connection.close()
    loop.runUntilIdle()
    #expect(try loop.run { await agent.server.connectionCount } == 0)
  }

  @Test func aServerThatIsClosedServesNobodyElse() throws {
    let loop = ManualLoop()
    let agent = try ServedAgent(LocalUnitManager(), on: loop)
    try loop.run {
      let client = try await agent.connect()
      try await client.ping()
      await agent.server.close()
      #expect(await client.waitUntilClosed() == UnitError(.unavailable, "manager closed: EOF"))
      let late = try await agent.connect()
      let error = await #expect(throws: UnitError.self) { try await late.ping() }
      #expect(error?.message == "manager closed: EOF")
    }
    #expect(agent.takeLog().last == "1 disconnected: the agent is ending")
  }

  /// Nothing more is read from a client that does not take its answers, and it gets them all once it does.
  @Test func whoeverTakesNoAnswersIsNotReadFrom() throws {
    let loop = ManualLoop()
    let manager = LocalUnitManager()
    let name = String(repeating: "n", count: 4_000)
    for index in 0..<100 { try manager.start(UnitID("\(index) \(name)")) }
    let agent = try ServedAgent(manager, on: loop)
    let count = 20
    let wire = try loop.run {
      let wire = Wire(try await agent.transport.connect(on: loop, timeout: nil))
      wire.connection.pause()
      for stream in 1...count { wire.send(call(.list, stream: UInt64(stream))) }
      return wire
    }
    loop.runUntilIdle()
    #expect(wire.received.isEmpty)
    let answered = agent.takeLog().count { $0.hasSuffix("list") }
    #expect(answered < 5)
    #expect(try loop.run { await agent.server.heldBackByteCount } > 0)
    wire.connection.resume()
    loop.runUntilIdle()
    #expect(answered + agent.takeLog().count { $0.hasSuffix("list") } == count)
    #expect(wire.received.count > count * 100 * 4_000)
  }
}
