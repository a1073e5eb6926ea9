import SyncPlugin
import SyncRPC
import SyncTestKit
import SyncUnits
import Synchronization
import Testing
import TransportMemory

/// A server on a manual loop in front of any manager, and what it says for the log.
final class ServedAgent: Sendable {
  let loop: ManualLoop
  let transport: any Transport
  let server: SyncServer
  private let log: Log
  private let listener: Held

  private static let lastNumber = Atomic<Int>(0)

  private final class Held: @unchecked Sendable {
    let listener: any Listener
    init(_ listener: any Listener) { self.listener = listener }
  }

  /// An endpoint that nobody else has.
  static func endpoint() throws -> MemoryTransport {
    let number = lastNumber.wrappingAdd(1, ordering: .relaxed).newValue
    return try MemoryTransport(address: "served-\(number)", environment: [:])
  }

  /// Serves `manager`; `dress` puts other transports on the endpoint.
  init(
    _ manager: any UnitManager, on loop: ManualLoop,
    dress: (any Transport) -> any Transport = { $0 }
  ) throws {
    self.loop = loop
    let transport = dress(try Self.endpoint())
    self.transport = transport
    let events = Log()
    log = events
    let server = SyncServer(manager: manager, on: loop) { events.append($0) }
    self.server = server
    listener = Held(
      try transport.listen(on: loop, report: { _ in }, accept: { server.serve($0) }))
  }

  deinit { listener.listener.close() }

  private final class Log: Sendable {
    let lines = Mutex<[String]>([])
    func append(_ event: ServerEvent) {
      let line =
        switch event {
        case .connected(let id, let peer): "\(id) connected\(peer == nil ? "" : ", with a peer")"
        case .disconnected(let id, let reason): "\(id) disconnected: \(reason ?? "by the client")"
        case .answered(let id, let call, let error):
          "\(id) \(call)\(error.map { ": \($0.message)" } ?? "")"
        }
      lines.withLock { $0.append(line) }
    }
  }

  /// What was said since it was asked last.
  func takeLog() -> [String] {
    log.lines.withLock { lines in
      defer { lines = [] }
      return lines
    }
  }

  /// A client of the agent. Called in a task on the loop.
  func connect() async throws -> RemoteUnitManager {
    try await RemoteUnitManager(connectingTo: transport, on: loop)
  }
}

/// Lets other tasks of the loop run until `condition` holds; a test that would wait for ever fails.
func until(
  _ condition: () async -> Bool, sourceLocation: SourceLocation = #_sourceLocation
) async {
  for _ in 0..<1_000_000 {
    if await condition() { return }
    await Task.yield()
  }
  Issue.record("it does not come", sourceLocation: sourceLocation)
}

/// One end of a connection in the hands of a test: keeps what arrives. Belongs to the loop's thread.
final class Wire: ConnectionHandler, @unchecked Sendable {
  let connection: any Connection
  private(set) var received: [UInt8] = []
  private(set) var hasEnded = false
  private(set) var failure: String?

  init(_ connection: any Connection) {
    self.connection = connection
    connection.activate(self)
  }

  func send(_ bytes: [UInt8]) { connection.send(bytes.span.bytes) }
  func received(_ bytes: RawSpan) { bytes.withUnsafeBytes { received.append(contentsOf: $0) } }
  func reachedEndOfInput() { hasEnded = true }
  func drained() {}
  func failed(_ reason: PluginError) { failure = reason.message }
}
