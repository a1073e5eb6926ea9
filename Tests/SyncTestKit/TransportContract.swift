import Foundation
import Libevent
public import SyncPlugin
import Synchronization

/// What every transport promises, as one check: bytes arrive whole and in order in both directions,
/// ends and back-pressure are passed on, endpoints are there and gone when they should be.
public enum TransportContract {
  /// Checks a transport that has both sides.
  ///
  /// `address` is one that is free now, or nil where the transport finds one itself. The check takes a
  /// loop of libevent on a thread of its own; nothing is left of it afterwards.
  ///
  /// With `countsDescriptors` it also insists that this process has as many open descriptors as
  /// before; leave it out where other tests run at the same time.
  /// - Throws: ``ContractViolation``; what the transport throws where it should not.
  public static func check(
    _ type: any Transport.Type, address: String?, environment: Environment,
    countsDescriptors: Bool = false
  ) async throws {
    let before = countsDescriptors ? OpenDescriptors.ofThisProcess : nil
    try await run(type, address, environment)
    if let before { try await before.requireSame() }
  }

  private static func run(
    _ type: any Transport.Type, _ address: String?, _ environment: Environment
  ) async throws {
    let thread = try LoopThread()
    defer { thread.stop() }
    try await TransportCheck(type, address, environment, on: thread.loop).run()
  }
}

/// The check itself, on the thread of its loop.
private actor TransportCheck {
  private nonisolated let loop: any EventLoop
  private let type: any Transport.Type
  private let address: String?
  private let environment: Environment
  private var accepted: [any Connection] = []
  private var acceptWaiter: UnsafeContinuation<Void, Never>?
  private var lastMark: UInt8 = 0

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(
    _ type: any Transport.Type, _ address: String?, _ environment: Environment,
    on loop: any EventLoop
  ) {
    self.type = type
    self.address = address
    self.environment = environment
    self.loop = loop
  }

  func run() async throws {
    try checkDescription()
    let transport = try type.init(address: address, environment: environment)
    if address != nil { try await checkUnreachable(transport, "before anybody listens") }
    let listener = try listen(transport)
    // With everything filled in that was left to the transport.
    let named = try type.init(address: listener.endpoint.address, environment: environment)
    try await checkOwnership(named)
    try await checkBothDirections(named)
    try await checkBackPressure(named)
    try await checkEndOfCongestion(named)
    try await checkHalfClose(named)
    try await checkClose(named)
    try await checkAbort(named)
    try await checkMany(named)
    try await checkListenerClose(listener, named)
  }

  // MARK: The promises

  private func checkDescription() throws {
    let scheme = type.scheme
    try require(!scheme.isEmpty && !scheme.contains(":"), "a scheme is a name without a colon")
    try require(type.syntax.hasPrefix(scheme), "the syntax begins with the scheme")
    try require(!type.summary.contains("\n"), "the summary is one line")
    try require(
      type.sides.isSuperset(of: [.agent, .client]), "this check is for transports with both sides")
  }

  private func checkUnreachable(_ transport: any Transport, _ when: String) async throws {
    try await requireError(
      "connecting \(when) throws PluginError.unreachable",
      { ($0 as? PluginError)?.code == .unreachable }
    ) {
      try await transport.connect(on: loop, timeout: .seconds(5)).abort()
    }
  }

  private func checkOwnership(_ transport: any Transport) async throws {
    try await requireError(
      "listening where somebody listens throws PluginError.endpointInUse",
      { ($0 as? PluginError)?.code == .endpointInUse }
    ) {
      try self.listen(transport).close()
    }
  }

  private func checkBothDirections(_ transport: any Transport) async throws {
    let (client, agent) = try await connect(transport)
    try require(
      client.connection.secrets == agent.connection.secrets, "both ends have the same secrets")
    for (sender, receiver) in [(client, agent), (agent, client)] {
      var sent: [UInt8] = []
      for count in [1, 2, 1_000, 70_000, 3] {
        let bytes = Self.bytes(count)
        sender.send(bytes)
        sent += bytes
      }
      let count = sent.count
      try await receiver.wait("all bytes arrive") { $0.received.count >= count }
      try require(receiver.received == sent, "bytes arrive in order and unchanged")
    }
    client.connection.close()
    agent.connection.close()
  }

  private func checkBackPressure(_ transport: any Transport) async throws {
    let (client, agent) = try await connect(transport)
    agent.connection.pause()
    let sent = try await congest(client)
    let (count, drained) = (sent.count, client.drainedCount)
    agent.connection.resume()
    try await client.wait("a connection is drained when all was read") { $0.drainedCount > drained }
    try await agent.wait("all bytes arrive after a pause") { $0.received.count >= count }
    try require(agent.received == sent, "bytes arrive in order and unchanged after a pause")
    client.connection.close()
    agent.connection.close()
  }

  /// Sends until nothing more is taken, and returns what was sent.
  private func congest(_ sender: Probe) async throws -> [UInt8] {
    let piece = Self.bytes(64 << 10)
    var sent: [UInt8] = []
    // The kernel takes some, and may make room for more; at last it does not.
    repeat {
      while !sender.connection.isCongested {
        try require(sent.count < 256 << 20, "whoever sends more than is read becomes congested")
        sender.send(piece)
        sent += piece
      }
      try await loop.clock.sleep(for: .milliseconds(20))
    } while !sender.connection.isCongested
    return sent
  }

  private func checkEndOfCongestion(_ transport: any Transport) async throws {
    let (client, agent) = try await connect(transport)
    client.connection.pause()
    agent.connection.pause()
    _ = try await congest(agent)
    let drained = agent.drainedCount
    client.connection.close()
    try await agent.wait("whoever sends in vain hears of it, also while it is paused") {
      $0.isOver || $0.drainedCount > drained
    }
    agent.connection.resume()
    try await agent.wait("and of the end, when it reads on") { $0.isOver }
    agent.connection.abort()
  }

  private func checkHalfClose(_ transport: any Transport) async throws {
    let (client, agent) = try await connect(transport)
    let request = Self.bytes(100_000)
    client.send(request)
    client.connection.endOutput()
    try await agent.wait("the end of output is the other's end of input") { $0.hasInputEnded }
    try require(agent.received == request, "the end comes behind all that was sent")
    let answer = Self.bytes(100_000)
    agent.send(answer)
    try await client.wait("after the end of output answers still arrive") {
      $0.received.count >= answer.count
    }
    agent.connection.close()
    try await client.wait("the other's close is the end of input") { $0.isOver }
    client.connection.close()
  }

  private func checkClose(_ transport: any Transport) async throws {
    let (client, agent) = try await connect(transport)
    let last = Self.bytes(1 << 20)
    agent.send(last)
    agent.connection.close()
    try await client.wait("what was sent before close arrives") {
      $0.received.count >= last.count && $0.hasInputEnded
    }
    try require(client.received == last, "close comes behind all that was sent")
    client.connection.close()
    try require(!agent.isOver, "whoever closes a connection hears no more of it")
  }

  private func checkAbort(_ transport: any Transport) async throws {
    let (client, agent) = try await connect(transport)
    client.connection.abort()
    try await agent.wait("after abort the other side hears of the end") { $0.isOver }
    agent.connection.abort()
    agent.send([1])
  }

  private func checkMany(_ transport: any Transport) async throws {
    var pairs: [(client: Probe, agent: Probe)] = []
    for _ in 0..<64 { pairs.append(try await connect(transport)) }
    for (index, pair) in pairs.enumerated() { pair.client.send([UInt8(index)]) }
    for (index, pair) in pairs.enumerated() {
      try await pair.agent.wait("each connection carries its own bytes") { !$0.received.isEmpty }
      try require(pair.agent.received == [UInt8(index)], "connections do not mix")
    }
    for pair in pairs {
      pair.client.connection.close()
      pair.agent.connection.close()
    }
  }

  private func checkListenerClose(_ listener: any Listener, _ transport: any Transport) async throws
  {
    let (client, agent) = try await connect(transport)
    listener.close()
    client.send([7])
    try await agent.wait("connections stay when their listener closes") { $0.received == [7] }
    client.connection.close()
    try await agent.wait("the client's close arrives") { $0.isOver }
    agent.connection.close()
    try await checkUnreachable(transport, "after the listener has closed")
    try await listenAgain(transport)
  }

  /// Whoever starts a child process in this moment has a copy of every descriptor until the child runs its
  /// program, of the listener that was closed too.
  private func listenAgain(_ transport: any Transport) async throws {
    for _ in 0..<100 {
      do throws(PluginError) {
        return try listen(transport).close()
      } catch {
        guard error.code == .endpointInUse else { throw error }
      }
      try await loop.clock.sleep(for: .milliseconds(50))
    }
    try listen(transport).close()
  }

  // MARK: Tools

  private func listen(_ transport: any Transport) throws(PluginError) -> any Listener {
    try transport.listen(on: loop, report: { _ in }) { [weak self] connection in
      // Accepted on the loop's thread, which is the actor's.
      let box = Box(connection)
      self?.assumeIsolated { $0.accept(box.connection) }
    }
  }

  /// Both are used on the loop's thread only.
  private struct Box: @unchecked Sendable {
    let connection: any Connection
    init(_ connection: any Connection) { self.connection = connection }
  }

  private func accept(_ connection: any Connection) {
    accepted.append(connection)
    acceptWaiter?.resume()
    acceptWaiter = nil
  }

  /// A transport may connect to itself to see whether somebody is there: those connections end, and
  /// carry no mark.
  private func connect(_ transport: any Transport) async throws -> (client: Probe, agent: Probe) {
    let client = Probe(try await transport.connect(on: loop, timeout: .seconds(10)), on: loop)
    lastMark &+= 1
    client.send([lastMark])
    while true {
      await withUnsafeContinuation { continuation in
        // Asked in here, because others may have their turn before.
        if accepted.isEmpty { acceptWaiter = continuation } else { continuation.resume() }
      }
      let agent = Probe(accepted.removeFirst(), on: loop)
      try await agent.wait("a connection that is accepted carries bytes") {
        $0.isOver || !$0.received.isEmpty
      }
      if agent.received.first == lastMark {
        agent.drop(1)
        return (client, agent)
      }
      agent.connection.close()
    }
  }

  private static func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
  }
}
