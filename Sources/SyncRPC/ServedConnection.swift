internal import SyncPlugin
internal import SyncUnits
internal import SyncWire

/// One connection of a ``SyncServer``: between the bytes of the transport, the session and the
/// manager. Belongs to the loop's thread.
final class ServedConnection: ConnectionHandler {
  private let id: UInt64
  private let connection: any Connection
  private unowned let server: SyncServer
  private let localManager: LocalUnitManager?
  private var session: ServerSession
  private var buffer = ReceiveBuffer()
  private var output: [UInt8] = []
  private var deferred: [UInt64: Deferred] = [:]
  private var frameTimer: Registration?
  private var proofTimer: Registration?
  private var unprovenBytes = 0
  private var isClosed = false
  /// What was started here and fails when the connection ends.
  private var lease: LocalUnitManager.Lease?
  /// The command that works on it; its locks are not free before it has ended.
  private var leasedProcess: WatchedProcess?

  /// What will answer a call later.
  private enum Deferred {
    /// The waiter of a manager in this process.
    case waiter(UInt64)
    case task(Task<Void, Never>)
  }

  init(id: UInt64, connection: any Connection, server: SyncServer) {
    self.id = id
    self.connection = connection
    self.server = server
    localManager = server.manager as? LocalUnitManager
    session = ServerSession(secrets: connection.secrets)
    if !session.isProven {
      proofTimer = server.loop.schedule(after: Limits.proofTime) { [unowned self] in
        close(reason: "\(WireError.unproven) within \(Limits.proofTime.goNotation)")
      }
    }
  }

  var deferredCount: Int { deferred.count }
  var heldBackByteCount: Int { connection.isCongested ? buffer.count : 0 }

  // MARK: From the transport

  func received(_ bytes: RawSpan) {
    do throws(WireError) {
      if !session.isProven {
        unprovenBytes += bytes.byteCount
        guard unprovenBytes <= Limits.proofBytes else { throw .unproven }
      }
      var used = 0
      try buffer.feed(bytes) { bytes throws(WireError) in
        used = try process(bytes)
        return used
      }
      // Nothing is kept for a client that does not take its answers.
      if connection.isCongested { connection.pause() }
      if session.isProven { proofTimer = nil }
      limitFrameTime(hasProgressed: used > 0)
    } catch {
      close(reason: error.description)
    }
  }

  func drained() {
    connection.resume()
    // What was held back while the client did not take its answers.
    received([UInt8]().span.bytes)
  }

  func reachedEndOfInput() {
    takeBack(session.endInput(output: &output))
    flush()
    close(reason: nil)
  }

  func failed(_ reason: PluginError) {
    isClosed = true
    end(reason: reason.message)
  }

  // MARK: Calls

  /// Uses whole packets up to the point where the client should first take its answers.
  private func process(_ bytes: RawSpan) throws(WireError) -> Int {
    var offset = 0
    defer { flush() }
    while !isClosed, !connection.isCongested,
      let event = try session.next(in: bytes, at: &offset, output: &output)
    {
      switch event {
      case .call(let call, let stream): perform(call, stream: stream)
      case .cancelled(let stream): takeBack([stream])
      }
      if output.count > Limits.outputLowWater { flush() }
    }
    return offset
  }

  private func perform(_ call: Call, stream: UInt64) {
    if let localManager {
      do throws(UnitError) {
        if let reply = try call.answer(from: localManager) {
          return finish(call, .success(reply), stream: stream)
        }
      } catch {
        return finish(call, .failure(error), stream: stream)
      }
    }
    switch (call, localManager) {
    case (.wait(let goal), let manager?):
      let waiter: @Sendable (Result<Void, any Error>) -> Void = later(call, stream: stream) {
        .done
      }
      deferAnswer(on: stream) { manager.when(goal, waiter) }
    case (.want(let unit, let dependencies, let requirement, isLeased: true), let manager?):
      do throws(UnitError) {
        try manager.want(
          unit, dependsOn: dependencies, requirement, lease: currentLease(of: manager))
        finish(call, .success(.done), stream: stream)
      } catch {
        finish(call, .failure(error), stream: stream)
      }
    case (.startWith(let start), let manager?):
      do throws(UnitError) {
        try begin(start, call, manager, stream: stream)
      } catch {
        finish(call, .failure(error), stream: stream)
      }
    default: answerLater(call, stream: stream)
    }
  }

  /// Costs no task: many may wait.
  private func deferAnswer(on stream: UInt64, _ register: () -> UInt64) {
    // The answer comes in another turn of the loop at the earliest.
    deferred[stream] = .waiter(register())
  }

  /// What brings a result, which may come from any thread and from in between another connection's work,
  /// to this connection, if that is still there.
  private func later<Value: Sendable, Failure: Error>(
    _ call: Call, stream: UInt64, _ reply: @escaping @Sendable (Value) -> Reply
  ) -> @Sendable (Result<Value, Failure>) -> Void {
    let (id, server) = (id, self.server)
    return { [loop = server.loop, weak server] result in
      loop.enqueue { [weak server] in
        server?.assumeIsolated { server in
          server.connection(id)?.goOn(
            call, result.map(reply).mapError(UnitError.init(ending:)), stream: stream)
        }
      }
    }
  }

  private func goOn(_ call: Call, _ result: Result<Reply, UnitError>, stream: UInt64) {
    guard deferred.removeValue(forKey: stream) != nil else { return }
    finish(call, result, stream: stream)
    flush()
  }

  // MARK: Starting for somebody who may die

  private func begin(
    _ start: StartCall, _ call: Call, _ manager: LocalUnitManager, stream: UInt64
  ) throws(UnitError) {
    var options = start.options
    var lease: LocalUnitManager.Lease?
    var held: WatchedProcess?
    switch start.tie {
    case .none: break
    case .lease(let process):
      lease = currentLease(of: manager)
      try setLeasedProcess(process)
      if let generation = manager.generation(of: start.unit, startedWith: lease!) {
        return finish(call, .success(.generation(generation)), stream: stream)
      }
      if let client = connection.peer?.processID {
        options.holder = server.holder(leasedProcess?.id ?? client, leasedProcess, isWatched: true)
      }
    case .hold(let process):
      held = try find(process, .ancestor)
      options.holder = server.holder(process, held, isWatched: true)
    }
    if let generation = try tryToStart(start.unit, options, lease, held, manager) {
      return finish(call, .success(.generation(generation)), stream: stream)
    }
    let answer = later(call, stream: stream) { Reply.generation($0) } as StartWaiter
    let (unit, server, process) = (start.unit, self.server, held)
    deferAnswer(on: stream) {
      manager.start(unit, options, lease: lease) { [weak server, loop = server.loop] result in
        if let process {
          loop.enqueue { [weak server] in
            server?.assumeIsolated { $0.hold(process, unit, try? result.get()) }
          }
        }
        answer(result)
      }
    }
  }

  /// What can be answered now is, so that no end of the input comes before the answer.
  private func tryToStart(
    _ unit: UnitID, _ options: StartOptions, _ lease: LocalUnitManager.Lease?,
    _ held: WatchedProcess?, _ manager: LocalUnitManager
  ) throws(UnitError) -> UInt64? {
    do throws(UnitError) {
      let generation = try manager.tryToStart(unit, options, lease: lease)
      if let held, let generation { server.assumeIsolated { $0.hold(held, unit, generation) } }
      return generation
    } catch {
      if let held { server.processWatch?.close(held.descriptor) }
      throw error
    }
  }

  private func currentLease(of manager: LocalUnitManager) -> LocalUnitManager.Lease {
    let lease = self.lease ?? manager.newLease()
    self.lease = lease
    return lease
  }

  private typealias StartWaiter = @Sendable (Result<UInt64, UnitError>) -> Void

  private func find(
    _ process: Int32, _ relation: ProcessWatch.Relation
  ) throws(UnitError) -> WatchedProcess {
    guard let watch = server.processWatch, let client = connection.peer?.processID else {
      throw UnitError(.unsupported, "hold needs a unix transport")
    }
    return try watch.find(process, relation, client)
  }

  private func setLeasedProcess(_ process: Int32) throws(UnitError) {
    // Over other transports there is nothing to look for: the end of the connection has to do.
    guard process != 0, connection.peer != nil, server.processWatch != nil else { return }
    let found = try find(process, .child)
    if let old = leasedProcess { server.processWatch?.close(old.descriptor) }
    leasedProcess = found
  }

  private func endLease() {
    guard let lease, let localManager else { return }
    self.lease = nil
    let who = connection.peer.map { "its holder ended (pid \($0.processID))" }
    let ending = Ending("\(who ?? "the connection of its holder ended") without finishing it")
    let remnants = localManager.end(lease, keepsLocks: leasedProcess != nil, ending)
    guard let process = leasedProcess else { return }
    leasedProcess = nil
    if remnants.isEmpty {
      server.processWatch?.close(process.descriptor)
    } else {
      server.assumeIsolated { $0.release(remnants, whenEnded: process) }
    }
  }

  private func takeBack(_ streams: [UInt64]) {
    var waiters: [UInt64] = []
    for stream in streams {
      switch deferred.removeValue(forKey: stream) {
      case .waiter(let waiter): waiters.append(waiter)
      case .task(let task): task.cancel()
      case nil: break
      }
    }
    if !waiters.isEmpty { localManager?.forget(waiters) }
  }

  private func answerLater(_ call: Call, stream: UInt64) {
    let id = id
    let task = Task(executorPreference: server.loop) { [server] in
      let result: Result<Reply, UnitError>
      do {
        result = .success(try await call.answer(from: server.manager))
      } catch {
        result = .failure(UnitError(ending: error))
      }
      server.observer?(.answered(connection: id, call: call.description, error: result.error))
      await server.deliver(result, to: id, stream: stream)
    }
    deferred[stream] = .task(task)
  }

  private func finish(_ call: Call, _ result: Result<Reply, UnitError>, stream: UInt64) {
    session.answer(result, on: stream, output: &output)
    if let observer = server.observer {
      observer(.answered(connection: id, call: call.description, error: result.error))
    }
  }

  func deliver(_ result: Result<Reply, UnitError>, stream: UInt64) {
    deferred[stream] = nil
    session.answer(result, on: stream, output: &output)
    flush()
  }

  // MARK: To the transport

  private func flush() {
    if output.isEmpty { return }
    connection.send(output.span.bytes)
    output.removeAll(keepingCapacity: output.capacity <= 1 << 10)
  }

  private func limitFrameTime(hasProgressed: Bool) {
    if hasProgressed || buffer.isEmpty { frameTimer = nil }
    if buffer.isEmpty || connection.isCongested || frameTimer != nil || isClosed { return }
    frameTimer = server.loop.schedule(after: Limits.frameTime) { [unowned self] in
      close(reason: "a frame took longer than \(Limits.frameTime.goNotation)")
    }
  }

  func close(reason: String?) {
    if isClosed { return }
    isClosed = true
    connection.close()
    end(reason: reason)
  }

  private func end(reason: String?) {
    frameTimer = nil
    proofTimer = nil
    takeBack(deferred.keys.sorted())
    endLease()
    let id = id
    server.assumeIsolated { $0.remove(id, reason: reason) }
  }
}

extension UnitError {
  /// How a call has ended; one that was taken back ends otherwise, and nobody hears it then.
  fileprivate init(ending error: any Error) {
    self = error as? UnitError ?? UnitError(.unavailable, "\(error)")
  }
}

extension Result {
  fileprivate var error: Failure? {
    if case .failure(let error) = self { error } else { nil }
  }
}
