public import SyncPlugin
public import SyncUnits
internal import SyncWire

/// Units that an agent elsewhere keeps, over a connection.
///
/// Threading: an actor whose executor is the loop of its connection; all calls may be made from
/// anywhere. Calls that are made at the same time go out one after another, because an original
/// agent loses answers otherwise. Cancelling a task takes its call back; whether it took effect
/// then is not known. There is no reconnecting: a manager whose connection has ended throws
/// `unavailable` from then on. ``close()`` it before letting it go, because its timers and its
/// connection belong to the loop's thread.
public actor RemoteUnitManager: UnitManager {
  private nonisolated let loop: any EventLoop
  private let callTimeout: Duration?
  private var connection: (any Connection)?
  private var session = ClientSession()
  private var buffer = ReceiveBuffer()
  private var output: [UInt8] = []
  private var waiting: [PendingCall] = []
  private var current: CurrentCall?
  private var lastID: UInt64 = 0
  private var ending: UnitError?
  private var endWaiters: [EndWaiter] = []

  private struct CurrentCall {
    let call: PendingCall
    let stream: UInt64
  }

  private struct EndWaiter {
    let id: UInt64
    let continuation: UnsafeContinuation<Void, Never>
  }

  /// Belongs to the actor: it is touched in its isolation only.
  private final class PendingCall: @unchecked Sendable {
    let id: UInt64
    let method: Method
    let request: [UInt8]
    var timer: Registration?
    var continuation: UnsafeContinuation<Void, Never>?
    /// Set when the call is over, before its task goes on.
    var answer: [UInt8] = []
    var error: UnitError?

    init(id: UInt64, method: Method, request: [UInt8]) {
      self.id = id
      self.method = method
      self.request = request
    }
  }

  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// Connects to an agent.
  ///
  /// `callTimeout` limits connecting, and each call from the moment in which it is made; nil is no
  /// limit.
  /// - Throws: what `transport` throws.
  public init(
    connectingTo transport: any Transport, on loop: any EventLoop,
    callTimeout: Duration? = .seconds(10)
  ) async throws {
    self.loop = loop
    self.callTimeout = callTimeout
    try await connect(to: transport)
  }

  private func connect(to transport: any Transport) async throws {
    let connection = try await transport.connect(on: loop, timeout: callTimeout)
    self.connection = connection
    connection.activate(Handler(manager: self))
  }

  /// Ends the connection; calls that are open throw `unavailable`.
  public func close() {
    connection?.close()
    end(UnitError(.unavailable, "manager closed: closed by its owner"))
  }

  /// Returns when the connection has ended, or the task was cancelled.
  /// - Returns: why it ended; nil if the task was cancelled.
  public func waitUntilClosed() async -> UnitError? {
    lastID += 1
    let id = lastID
    await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        if ending != nil || Task.isCancelled { return continuation.resume() }
        endWaiters.append(EndWaiter(id: id, continuation: continuation))
      }
    } onCancel: {
      Task(executorPreference: loop) { await self.forgetEndWaiter(id) }
    }
    return ending
  }

  private func forgetEndWaiter(_ id: UInt64) {
    guard let index = endWaiters.firstIndex(where: { $0.id == id }) else { return }
    endWaiters.remove(at: index).continuation.resume()
  }

  // MARK: UnitManager

  /// Asks the agent for a sign of life.
  /// - Throws: `unavailable`, `deadlineExceeded`, `protocolViolation`, `unsupported`, `other`, as all
  ///   calls here may.
  public func ping() async throws(UnitError) {
    _ = try await call(.ping, EmptyMessage(), answer: EmptyMessage.self)
  }

  public func want(_ unit: UnitID, dependsOn dependency: UnitID) async throws(UnitError) {
    let request = WantRequest(unit: unit.name, dependsOn: dependency.name)
    _ = try await call(.want, request, answer: EmptyMessage.self)
  }

  public func start(_ unit: UnitID) async throws(UnitError) {
    _ = try await call(.start, UnitRequest(unit: unit.name), answer: EmptyMessage.self)
  }

  public func complete(_ unit: UnitID) async throws(UnitError) {
    _ = try await call(.complete, UnitRequest(unit: unit.name), answer: EmptyMessage.self)
  }

  public func isReady(_ unit: UnitID) async throws(UnitError) -> Bool {
    try await call(.ready, UnitRequest(unit: unit.name), answer: ReadyResponse.self).ready
  }

  public func status(of unit: UnitID) async throws(UnitError) -> UnitReport {
    try await call(.status, UnitRequest(unit: unit.name), answer: StatusResponse.self).report
  }

  public func list() async throws(UnitError) -> [UnitSummary] {
    try await call(.list, EmptyMessage(), answer: ListResponse.self).summaries
  }

  // MARK: Calls

  private func call<Answer: ProtobufMessage>(
    _ method: Method, _ request: some ProtobufMessage, answer: Answer.Type
  ) async throws(UnitError) -> Answer {
    lastID += 1
    let id = lastID
    let call = PendingCall(id: id, method: method, request: request.encoded)
    await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        call.continuation = continuation
        if Task.isCancelled { return finish(call, .cancelled) }
        if let ending { return finish(call, ending) }
        call.timer = deadline(of: id)
        waiting.append(call)
        sendNext()
      }
    } onCancel: {
      Task(executorPreference: loop) { await self.take(back: id, .cancelled) }
    }
    if let error = call.error { throw error }
    let answer = call.answer
    do throws(ProtobufError) {
      return try Answer(decoding: answer.span.bytes)
    } catch {
      throw UnitError(.protocolViolation, "the answer is not the protocol's: \(error)")
    }
  }

  private func deadline(of id: UInt64) -> Registration? {
    guard let callTimeout else { return nil }
    return loop.schedule(after: callTimeout) { [unowned self] in
      assumeIsolated { manager in
        manager.take(
          back: id,
          UnitError(.deadlineExceeded, "no answer within \(callTimeout.goNotation)"))
      }
    }
  }

  private func sendNext() {
    guard current == nil, !waiting.isEmpty else { return }
    let call = waiting.removeFirst()
    let stream = session.begin(call.method, request: call.request, output: &output)
    current = CurrentCall(call: call, stream: stream)
    flush()
  }

  /// Ends a call that is not to be waited for any more, wherever it is by now.
  private func take(back id: UInt64, _ error: UnitError) {
    if let index = waiting.firstIndex(where: { $0.id == id }) {
      finish(waiting.remove(at: index), error)
    } else if let current, current.call.id == id {
      session.cancel(current.stream, output: &output)
      self.current = nil
      finish(current.call, error)
      flush()
      sendNext()
    }
  }

  private func finish(_ call: PendingCall, _ error: UnitError?) {
    call.error = error
    call.timer = nil
    call.continuation?.resume()
    call.continuation = nil
  }

  private func flush() {
    if output.isEmpty { return }
    connection?.send(output.span.bytes)
    output.removeAll(keepingCapacity: true)
  }

  // MARK: From the connection

  private func received(_ bytes: RawSpan) {
    do {
      try buffer.feed(bytes, process)
    } catch {
      connection?.abort()
      end(UnitError(.protocolViolation, "manager closed: \(error)"))
    }
  }

  private func process(_ bytes: RawSpan) throws(WireError) -> Int {
    var offset = 0
    while let event = try session.next(in: bytes, at: &offset, output: &output) {
      guard let current, current.stream == event.stream else { continue }
      self.current = nil
      switch event.result {
      case .success(let answer):
        current.call.answer = answer
        finish(current.call, nil)
      case .failure(let error): finish(current.call, error)
      }
      sendNext()
    }
    flush()
    return offset
  }

  private func end(_ error: UnitError) {
    guard ending == nil else { return }
    ending = error
    connection = nil
    if let current { finish(current.call, error) }
    for call in waiting { finish(call, error) }
    current = nil
    waiting = []
    for waiter in endWaiters { waiter.continuation.resume() }
    endWaiters = []
  }

  /// Brings the connection's callbacks, which come on the loop's thread, to the actor.
  private final class Handler: ConnectionHandler {
    private weak let manager: RemoteUnitManager?

    init(manager: RemoteUnitManager) { self.manager = manager }

    func received(_ bytes: RawSpan) { manager?.assumeIsolated { $0.received(bytes) } }

    func reachedEndOfInput() {
      manager?.assumeIsolated {
        $0.connection?.abort()
        $0.end(UnitError(.unavailable, "manager closed: EOF"))
      }
    }

    func drained() {}

    func failed(_ reason: PluginError) {
      manager?.assumeIsolated {
        $0.end(UnitError(.unavailable, "manager closed: \(reason.message)"))
      }
    }
  }
}

extension UnitError {
  fileprivate static let cancelled = UnitError(.other, "the call was cancelled")
}
