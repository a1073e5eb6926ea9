import Libevent
import SyncPlugin
import SyncRPC
import SyncTestKit
import SyncUnits
import SyncWire
import TransportCommand
import TransportMemory
import WireFixtures

/// A real agent on a pipe, whose one connection many clients share: their streams get numbers of their
/// own on it. Only tests need that; it makes a pipe's agent one for whole scenarios of commands.
final class SharedPipe: MemoryEndpointHost {
  private let thread: LoopThread
  private let multiplexer: Multiplexer

  init(serving name: String) async throws {
    thread = try LoopThread()
    multiplexer = Multiplexer(on: thread.loop)
    try await multiplexer.start(
      agent: try CommandTransport(
        address: "exec '\(CoderProcess.built())' agent --transport pipe --log-level error",
        environment: [:]),
      clients: try MemoryTransport(address: name, environment: [:]))
  }

  deinit { thread.stop() }
}

private actor Multiplexer {
  private nonisolated let loop: any EventLoop
  private var agent: (any Connection)?
  private var listener: (any Listener)?
  private var clients: [Int: Client] = [:]
  private var owners: [UInt64: (client: Int, stream: UInt64)] = [:]
  private var lastClient = 0
  private var lastStream: UInt64 = 0

  private final class Client {
    let connection: any Connection
    var streams: [UInt64: UInt64] = [:]
    init(_ connection: any Connection) { self.connection = connection }
  }

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(on loop: any EventLoop) { self.loop = loop }

  func start(agent transport: any Transport, clients: any Transport) async throws {
    let agent = try await transport.connect(on: loop, timeout: nil)
    self.agent = agent
    agent.activate(
      FrameReader { [weak self] frame, data in
        self?.assumeIsolated { $0.agentSent(frame, data) }
      })
    listener = try clients.listen(on: loop, report: { _ in }) { [weak self] connection in
      nonisolated(unsafe) let connection = connection
      self?.assumeIsolated { $0.add(connection) }
    }
  }

  private func add(_ connection: any Connection) {
    lastClient += 1
    let id = lastClient
    clients[id] = Client(connection)
    connection.activate(
      FrameReader(
        onEnd: { [weak self] in self?.assumeIsolated { $0.remove(id) } },
        { [weak self] frame, data in self?.assumeIsolated { $0.client(id, sent: frame, data) } }))
  }

  private func client(_ id: Int, sent frame: FrameHeader, _ data: [UInt8]) {
    guard let client = clients[id] else { return }
    if client.streams[frame.stream] == nil {
      lastStream += 1
      client.streams[frame.stream] = lastStream
      owners[lastStream] = (id, frame.stream)
    }
    send(frame, data, stream: client.streams[frame.stream]!, to: agent)
  }

  private func agentSent(_ frame: FrameHeader, _ data: [UInt8]) {
    guard let owner = owners[frame.stream] else { return }
    send(frame, data, stream: owner.stream, to: clients[owner.client]?.connection)
  }

  /// What the client still waited for is not wanted any more.
  private func remove(_ id: Int) {
    for stream in clients.removeValue(forKey: id)?.streams.values.sorted() ?? [] {
      owners[stream] = nil
      var bytes: [UInt8] = []
      FrameWriter.append(.cancel, stream: stream, message: 1_000, control: true, to: &bytes)
      agent?.send(bytes.span.bytes)
    }
  }

  private func send(
    _ frame: FrameHeader, _ data: [UInt8], stream: UInt64, to connection: (any Connection)?
  ) {
    guard let kind = PacketKind(rawValue: frame.kind) else { return }
    var bytes: [UInt8] = []
    FrameWriter.append(
      kind, stream: stream, message: frame.message, control: frame.isControl, data: data,
      to: &bytes)
    connection?.send(bytes.span.bytes)
  }
}
