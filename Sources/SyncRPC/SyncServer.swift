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
/// asked in a task, which is cancelled when the client takes its call back or leaves. ``close()`` it, or stop the
/// loop, before letting it go: connections do not hold their server.
public actor SyncServer {
  nonisolated let loop: any EventLoop
  nonisolated let manager: any UnitManager
  nonisolated let observer: (@Sendable (ServerEvent) -> Void)?
  nonisolated let processWatch: ProcessWatch?
  private var holds: [Int32: Hold] = [:]
  private var remnants: [Int32: Registration] = [:]

  /// A process that holds units: they fail when it ends.
  private struct Hold {
    let process: WatchedProcess
    let watch: Registration
    var units: [(unit: UnitID, generation: UInt64)]
  }

  private var connections: [UInt64: ServedConnection] = [:]
  private var lastConnection: UInt64 = 0
  private var isClosed = false

  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// Creates a server that serves nobody yet. `observer` hears of everything, on the loop's thread.
  /// Without `processWatch`, clients cannot have processes watched.
  public init(
    manager: any UnitManager, on loop: any EventLoop, processWatch: ProcessWatch? = nil,
    observer: (@Sendable (ServerEvent) -> Void)? = nil
  ) {
    self.manager = manager
    self.loop = loop
    self.processWatch = processWatch
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

  /// How many calls of all connections will be answered later.
  package var deferredCallCount: Int { connections.values.reduce(0) { $0 + $1.deferredCount } }

  /// How many bytes are kept of clients that do not take their answers.
  package var heldBackByteCount: Int {
    connections.values.reduce(0) { $0 + $1.heldBackByteCount }
  }

  /// Ends all connections, after what was answered has been written, and serves no more.
  public func close() {
    isClosed = true
    for (_, served) in connections.sorted(by: { $0.key < $1.key }) {
      served.close(reason: "the agent is ending")
    }
  }

  func remove(_ id: UInt64, reason: String?) {
    guard connections.removeValue(forKey: id) != nil else { return }
    observer?(.disconnected(connection: id, reason: reason))
  }

  // MARK: Processes

  nonisolated func holder(
    _ process: Int32, _ watched: WatchedProcess?, isWatched: Bool
  ) -> Holder? {
    guard let processWatch else { return nil }
    return Holder(
      processID: process, command: watched?.command ?? processWatch.command(process),
      since: processWatch.now(), isWatched: isWatched)
  }

  /// Makes a unit fail when `process` ends; without a generation there is nothing to watch after all.
  func hold(_ process: WatchedProcess, _ unit: UnitID, _ generation: UInt64?) {
    guard let generation, holds[process.id] == nil else {
      if let generation { holds[process.id]?.units.append((unit, generation)) }
      processWatch?.close(process.descriptor)
      return
    }
    let watch = loop.whenReadable(process.descriptor) { [unowned self] in
      assumeIsolated { $0.ended(process) }
    }
    holds[process.id] = Hold(process: process, watch: watch, units: [(unit, generation)])
  }

  private func ended(_ process: WatchedProcess) {
    guard let hold = holds.removeValue(forKey: process.id) else { return }
    hold.watch.cancel()
    processWatch?.close(process.descriptor)
    let ending = Ending("its script ended (pid \(process.id)) without completing")
    for (unit, generation) in hold.units {
      // Refused where it has ended, as it should have.
      try? (manager as? LocalUnitManager)?.finish(
        unit, as: .failed(ending), generation: generation)
    }
  }

  /// Gives locks back when `process` has ended.
  func release(_ locks: [LockTable.Remnant], whenEnded process: WatchedProcess) {
    let watch = loop.whenReadable(process.descriptor) { [unowned self] in
      assumeIsolated { server in
        server.remnants[process.descriptor] = nil
        server.processWatch?.close(process.descriptor)
        (server.manager as? LocalUnitManager)?.release(locks)
      }
    }
    remnants[process.descriptor] = watch
  }

  func connection(_ id: UInt64) -> ServedConnection? { connections[id] }

  func deliver(_ result: Result<Reply, UnitError>, to id: UInt64, stream: UInt64) {
    connections[id]?.deliver(result, stream: stream)
  }
}
