public import SyncPlugin
public import SyncRPC
public import SyncUnits
import Synchronization
import TransportMemory

/// An agent in this process, on a loop on which a test moves time: nothing happens by itself, and the
/// same test does the same each time.
///
///     let agent = try MemoryAgent()
///     try agent.loop.run {
///       let client = try await agent.connect()
///       try await client.want("app", dependsOn: "db")
///     }
///
/// Threading: as ``ManualLoop``.
public final class MemoryAgent: Sendable {
  /// The loop of the agent and of all its clients.
  public let loop = ManualLoop()
  /// The units, for a look behind the protocol.
  public let manager = LocalUnitManager()
  /// What leads to the agent.
  public let transport: any Transport
  private let server: SyncServer
  private let listener: Held

  private static let lastNumber = Atomic<Int>(0)

  /// Closed on the loop, like everything.
  private final class Held: @unchecked Sendable {
    let listener: any Listener
    init(_ listener: any Listener) { self.listener = listener }
  }

  /// Creates an agent that serves.
  public init() throws {
    let number = Self.lastNumber.wrappingAdd(1, ordering: .relaxed).newValue
    let transport = try MemoryTransport(address: "agent-\(number)", environment: [:])
    let server = SyncServer(manager: manager, on: loop)
    listener = Held(
      try transport.listen(on: loop, report: { _ in }, accept: { server.serve($0) }))
    self.transport = transport
    self.server = server
  }

  deinit { listener.listener.close() }

  /// A client of the agent, with `faults` on what it receives. Called in a task on the loop.
  public func connect(
    faults: Faults = Faults(), callTimeout: Duration? = .seconds(10)
  ) async throws -> RemoteUnitManager {
    try await RemoteUnitManager(
      connectingTo: FaultyTransport(transport) { _ in faults }, on: loop,
      callTimeout: callTimeout)
  }

  /// How many connections are being served.
  public func connectionCount() async -> Int { await server.connectionCount }
}
