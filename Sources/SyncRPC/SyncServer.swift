public import SyncPlugin
public import SyncUnits
internal import SyncWire

/// What happens at a ``SyncServer``, for logs.
public enum ServerEvent: Sendable {
  /// A client has connected; connections are numbered from 1.
  case connected(connection: UInt64, peer: Peer?)
  /// A connection has ended; `reason` is nil if the client just left.
  case disconnected(connection: UInt64, reason: String?)
  /// A call was answered; `error` is nil if it succeeded.
  case answered(connection: UInt64, call: String, error: UnitError?)
}

/// Serves a ``UnitManager`` to any number of connections.
///
/// Threading: the server is an actor whose executor is the loop, so that it never leaves the loop's
/// thread. Calls on a ``LocalUnitManager`` are answered where they are read; any other manager is
/// asked in a task, which is cancelled when the client takes its call back or leaves.
public actor SyncServer {
  nonisolated let loop: any EventLoop
  nonisolated let manager: any UnitManager
  nonisolated let observer: (@Sendable (ServerEvent) -> Void)?
  private var connections: [UInt64: ServedConnection] = [:]
  private var lastConnection: UInt64 = 0
  private var isClosed = false

  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// Creates a server that serves nobody yet. `observer` hears of everything, on the loop's thread.
  public init(
    manager: any UnitManager, on loop: any EventLoop,
    observer: (@Sendable (ServerEvent) -> Void)? = nil
  ) {
    self.manager = manager
    self.loop = loop
    self.observer = observer
  }

  /// Serves a connection until it ends. Called on the loop's thread, as a transport accepts it.
  ///
  /// Beyond `Limits.connections` a connection is closed at once.
  public nonisolated func serve(_ connection: sending any Connection) {
    assumeIsolated { $0.add(connection) }
  }

  private func add(_ connection: any Connection) {
    guard !isClosed, connections.count < Limits.connections else { return connection.abort() }
    lastConnection += 1
    let id = lastConnection
    let served = ServedConnection(id: id, connection: connection, server: self)
    connections[id] = served
    observer?(.connected(connection: id, peer: connection.peer))
    connection.activate(served)
  }

  /// How many connections are being served.
  public var connectionCount: Int { connections.count }

  /// Ends all connections, after what was answered has been written, and serves no more.
  public func close() {
    isClosed = true
    for served in connections.values { served.close(reason: "the agent is ending") }
  }

  func remove(_ id: UInt64, reason: String?) {
    guard connections.removeValue(forKey: id) != nil else { return }
    observer?(.disconnected(connection: id, reason: reason))
  }

  func connection(_ id: UInt64) -> ServedConnection? { connections[id] }

  func deliver(_ result: Result<Reply, UnitError>, to id: UInt64, stream: UInt64) {
    connections[id]?.deliver(result, stream: stream)
  }
}
