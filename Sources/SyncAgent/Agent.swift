public import Libevent
public import SyncPlugin
internal import SyncRPC
internal import SyncSystem
public import SyncUnits

/// Serves units over any number of transports.
///
/// Threading: an actor whose executor is the loop.
public actor Agent {
  /// The units.
  public nonisolated let manager: LocalUnitManager
  private nonisolated let loop: LibeventLoop
  private nonisolated let log: Log
  private let server: SyncServer
  private var listeners: [any Listener] = []
  private var signals: [Registration] = []

  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// Creates an agent that serves nobody yet.
  public init(on loop: LibeventLoop, log: Log, manager: LocalUnitManager = LocalUnitManager()) {
    self.loop = loop
    self.log = log
    self.manager = manager
    server = SyncServer(manager: manager, on: loop) { log.write($0) }
  }

  /// Begins to serve an endpoint, and returns it with all its details.
  /// - Throws: what `Transport.listen` throws.
  @discardableResult
  public func listen(on transport: any Transport) throws(PluginError) -> Endpoint {
    let log = log
    let listener = try transport.listen(
      on: loop, report: { log.write($0) }, accept: { [server] in server.serve($0) })
    listeners.append(listener)
    log.write(.info, "listening", ["endpoint": listener.endpoint.description])
    return listener.endpoint
  }

  /// Calls `body`, with the signal's name, instead of what SIGTERM, SIGINT and SIGHUP do by default,
  /// until the agent is closed. A signal that was ignored stays so.
  func whenTerminated(_ body: @escaping @Sendable (String) -> Void) {
    signals = TerminationSignal.expected.map { signal in
      loop.whenSignalled(signal.number) { body(signal.name) }
    }
    TerminationSignal.unblock()
  }

  /// Ends everything: waits end with an error, connections are closed, endpoints are removed.
  public func close() async {
    for listener in listeners { listener.close() }
    listeners = []
    manager.shutDown()
    await server.close()
    signals = []
  }
}

extension Log {
  fileprivate func write(_ event: ListenerEvent) {
    switch event {
    case .pausing(let reason): write(.warn, "accepting connections pauses", ["reason": reason])
    case .resuming: write(.info, "accepting connections again")
    }
  }

  fileprivate func write(_ event: ServerEvent) {
    switch event {
    case .connected(let id, let peer):
      guard writes(.debug) else { return }
      write(.debug, "connected", ["connection": "\(id)", "peer": peer?.description ?? "unknown"])
    case .disconnected(let id, let reason?):
      write(.info, "connection closed", ["connection": "\(id)", "reason": reason])
    case .disconnected(let id, nil):
      if writes(.debug) { write(.debug, "disconnected", ["connection": "\(id)"]) }
    case .answered(let id, let call, let error):
      guard writes(.debug) else { return }
      if let error {
        write(.debug, "refused", ["connection": "\(id)", "call": call, "error": error.message])
      } else {
        write(.debug, "answered", ["connection": "\(id)", "call": call])
      }
    }
  }
}
