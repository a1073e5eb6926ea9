public import SyncPlugin
internal import SyncSystem
internal import Synchronization

/// Connections inside one process, between loops or on one: for tests and for programs that embed an
/// agent. No descriptor is used, so that all of it can run under a clock that a test moves.
public struct MemoryTransport: Transport {
  public static let scheme = "memory"
  public static let syntax = "memory:NAME"
  public static let summary = "inside one process, for tests and for programs that embed an agent"
  public static let sides: TransportSides = [.agent, .client]

  /// What the two sides find each other by, in all of the process.
  public let name: String

  public var endpoint: Endpoint { Endpoint(scheme: Self.scheme, address: name) }

  public init(address: String?, environment: Environment) throws(PluginError) {
    guard let address else {
      throw PluginError(
        .invalidArgument, "memory needs a name", hint: "write it as in memory:test")
    }
    name = address
  }

  public func listen(
    on loop: any EventLoop, report: @escaping @Sendable (ListenerEvent) -> Void,
    accept: @escaping (sending any Connection) -> Void
  ) throws(PluginError) -> any Listener {
    let listener = MemoryListener(endpoint: endpoint, name: name, loop: loop, accept: accept)
    let isFree = listeners.withLock { listeners in
      if listeners[name] != nil { return false }
      listeners[name] = listener
      return true
    }
    guard isFree else {
      throw PluginError(.endpointInUse, "memory endpoint \(name) is not available")
    }
    return listener
  }

  nonisolated(nonsending)
    public func connect(on loop: any EventLoop, timeout: Duration?) async throws -> any Connection
  {
    guard let listener = listeners.withLock({ $0[name] }) else {
      throw PluginError(.unreachable, "connect to memory \(name): nobody listens")
    }
    let (client, agent) = MemoryConnection.pair(on: loop, and: listener.loop)
    listener.loop.enqueue { listener.take(agent) }
    return client
  }
}

private let listeners = Mutex<[String: MemoryListener]>([:])

/// Belongs to its loop's thread; others only hand it connections there.
/// Unchecked, because others hold it to reach that loop, and its two constants are all that they touch.
private final class MemoryListener: Listener, @unchecked Sendable {
  let endpoint: Endpoint
  let loop: any EventLoop
  private let name: String
  private let accept: (sending any Connection) -> Void
  private var isClosed = false

  init(
    endpoint: Endpoint, name: String, loop: any EventLoop,
    accept: @escaping (sending any Connection) -> Void
  ) {
    self.endpoint = endpoint
    self.name = name
    self.loop = loop
    self.accept = accept
  }

  func take(_ connection: MemoryConnection) {
    if isClosed { return connection.abort() }
    accept(connection)
  }

  func close() {
    isClosed = true
    listeners.withLock { $0[name] = nil }
  }
}
