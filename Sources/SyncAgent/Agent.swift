public import Libevent
public import SyncPlugin
internal import SyncRPC
public import SyncUnits

/// Serves units over any number of transports.
///
/// Threading: an actor whose executor is the loop. ``close()`` it before letting it go: what still comes
/// in on its connections has nobody to go to otherwise, which is a trap.
public actor Agent {
  /// The units.
  public nonisolated let manager: LocalUnitManager
  private nonisolated let loop: LibeventLoop
  private nonisolated let log: Log
  private let server: SyncServer
  private var listeners: [any Listener] = []

  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// Creates an agent that serves nobody yet.
  public init(on loop: LibeventLoop, log: Log, manager: LocalUnitManager = LocalUnitManager()) {
    self.loop = loop
    self.log = log
    self.manager = manager
    server = SyncServer(manager: manager, on: loop, processWatch: .system) { log.write($0) }
  }

  /// Begins to serve an endpoint, and returns it with all its details.
  ///
  /// Some endpoints come to an end by themselves; then `onEnd` is called on the loop's thread, with
  /// the reason if something broke.
  /// - Throws: what `Transport.listen` throws.
  @discardableResult
  public func listen(
    on transport: any Transport, onEnd: @escaping @Sendable (PluginError?) -> Void = { _ in }
  ) throws(PluginError) -> Endpoint {
    let log = log
    let name = transport.endpoint.description
    let listener = try transport.listen(
      on: loop,
      report: { event in
        log.write(event, on: name)
        if case .ended(let reason) = event { onEnd(reason) }
      }, accept: { [server] in server.serve($0) })
    listeners.append(listener)
    log.write(.info, "listening", ["endpoint": listener.endpoint.description])
    return listener.endpoint
  }

  /// Ends everything: connections are closed, their waits with them, and endpoints are removed.
  public func close() async {
    for listener in listeners { listener.close() }
    listeners = []
    await server.close()
    manager.shutDown()
  }
}

extension Log {
  fileprivate func write(_ event: ListenerEvent, on endpoint: String) {
    switch event {
    case .pausing(let reason): write(.warn, "accepting connections pauses", ["reason": reason])
    case .resuming: write(.info, "accepting connections again")
    case .refused(let reason):
      write(.warn, "refused a connection", ["endpoint": endpoint, "reason": reason])
    case .ended(let reason?):
      write(.error, "an endpoint broke", ["endpoint": endpoint, "reason": reason.message])
    case .ended(nil): write(.info, "an endpoint has ended", ["endpoint": endpoint])
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
