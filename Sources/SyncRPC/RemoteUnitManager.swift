public import SyncPlugin
public import SyncUnits
internal import SyncWire

/// Units that an agent elsewhere keeps, over a connection.
///
/// Threading: an actor whose executor is the loop of its connection; all calls may be made from
/// anywhere. Calls that are made at the same time go out one after another, because an original
/// agent loses answers otherwise; only once the agent has said that it can do better (asked before
/// the first wait) are several open at a time. Cancelling a task takes its call back; whether it took
/// effect then is not known. There is no reconnecting: a manager whose connection has ended throws
/// `unavailable` from then on. ``close()`` it before letting it go, because its timers and its
/// connection belong to the loop's thread.
public actor RemoteUnitManager {
  private nonisolated let loop: any EventLoop
  private let callTimeout: Duration?
  private var connection: (any Connection)?
  private var session = ClientSession()
  private var buffer = ReceiveBuffer()
  private var output: [UInt8] = []
  private var waiting: [PendingCall] = []
  private var open: [PendingCall] = []
  private var openLimit = 1
  private var capabilities: Set<String>?
  private var lastID: UInt64 = 0
  private var ending: UnitError?
  private var endWaiters: [EndWaiter] = []

  private struct EndWaiter {
    let id: UInt64
    let continuation: UnsafeContinuation<Void, Never>
  }

  /// A call that somebody waits for.
  /// Unchecked: closures that take it back carry its id, and it is touched in the actor's isolation only.
  private final class PendingCall: @unchecked Sendable {
    let id: UInt64
    let method: Method
    let request: [UInt8]
    let metadata: CallMetadata?
    /// On which the answer will come, once the call has been sent.
    var stream: UInt64 = 0
    var timer: Registration?
    var continuation: UnsafeContinuation<Void, Never>?
    /// Set when the call is over, before its task goes on.
    var answer: [UInt8] = []
    var error: UnitError?

    init(id: UInt64, method: Method, request: [UInt8], metadata: CallMetadata?) {
      self.id = id
      self.method = method
      self.request = request
      self.metadata = metadata
    }
  }

  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// Connects to an agent.
  ///
  /// `callTimeout` limits connecting, and each call but waits from the moment in which it is made;
  /// nil is no limit.
  /// - Throws: what `transport` throws; `UnitError` `permissionDenied` if the sides do not prove
  ///   themselves to each other where they have to, and what all calls throw.
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
    if let secrets = connection.secrets {
      do {
        try await prove(secrets)
      } catch {
        close()
        throw error
      }
    }
  }

  /// Nothing else is sent, nor believed, before both sides have seen the other's secret.
  private func prove(_ secrets: ConnectionSecrets) async throws(UnitError) {
    try secrets.check(try await hello(metadata: secrets.metadata))
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

  // MARK: Capabilities

  /// The process at the other end, where the transport can know.
  package var peer: Peer? { connection?.peer }

  /// Whether the agent knows a call, which is asked before the first that an original one does not know.
  func supports(_ method: Method) async throws(UnitError) -> Bool {
    if capabilities == nil { _ = try await hello(metadata: nil) }
    return capabilities?.contains(method.rawValue) == true
  }

  package func require(_ method: Method) async throws(UnitError) {
    guard try await supports(method) else {
      throw UnitError(.unsupported, "the agent does not know the call \(method.rawValue)")
    }
  }

  /// Asks the agent what it can do beyond the original's calls; an original one can do nothing.
  private func hello(metadata: CallMetadata?) async throws(UnitError) -> HelloResponse {
    do throws(UnitError) {
      let request = HelloRequest(version: HelloResponse.currentVersion)
      let answer = try await call(
        .hello, request, metadata: metadata, timeout: callTimeout, answer: HelloResponse.self)
      capabilities = Set(answer.capabilities)
      openLimit = Int(clamping: max(1, min(answer.limits?.streams ?? 1, UInt64(Limits.streams))))
      return answer
    } catch {
      guard error.code == .unsupported else { throw error }
      capabilities = []
      return HelloResponse()
    }
  }

  // MARK: Calls

  func perform(
    _ method: Method, _ request: some ProtobufMessage
  ) async throws(UnitError) {
    _ = try await call(method, request, answer: EmptyMessage.self)
  }

  func call<Answer: ProtobufMessage>(
    _ method: Method, _ request: some ProtobufMessage, answer: Answer.Type
  ) async throws(UnitError) -> Answer {
    try await call(method, request, timeout: callTimeout, answer: answer)
  }

  func call<Answer: ProtobufMessage>(
    _ method: Method, _ request: some ProtobufMessage, metadata: CallMetadata? = nil,
    timeout: Duration?, answer: Answer.Type
  ) async throws(UnitError) -> Answer {
    lastID += 1
    let id = lastID
    let call = PendingCall(id: id, method: method, request: request.encoded, metadata: metadata)
    await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        call.continuation = continuation
        if Task.isCancelled { return finish(call, .cancelled) }
        if let ending { return finish(call, ending) }
        call.timer = timeout.map { deadline(of: id, $0) }
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
      throw .notTheProtocol(error)
    }
  }

  private func deadline(of id: UInt64, _ timeout: Duration) -> Registration {
    loop.schedule(after: timeout) { [unowned self] in
      assumeIsolated { manager in
        manager.take(
          back: id, UnitError(.deadlineExceeded, "no answer within \(timeout.goNotation)"))
      }
    }
  }

  private func sendNext() {
    while open.count < openLimit, !waiting.isEmpty {
      let call = waiting.removeFirst()
      call.stream = session.begin(
        call.method, request: call.request, metadata: call.metadata, output: &output)
      open.append(call)
    }
    flush()
  }

  /// Ends a call that is not to be waited for any more, wherever it is by now.
  private func take(back id: UInt64, _ error: UnitError) {
    if let index = waiting.firstIndex(where: { $0.id == id }) {
      finish(waiting.remove(at: index), error)
    } else if let index = open.firstIndex(where: { $0.id == id }) {
      let call = open.remove(at: index)
      session.cancel(call.stream, output: &output)
      finish(call, error)
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
      guard let index = open.firstIndex(where: { $0.stream == event.stream }) else { continue }
      let call = open.remove(at: index)
      switch event.result {
      case .success(let answer):
        call.answer = answer
        finish(call, nil)
      case .failure(let error): finish(call, error)
      }
    }
    sendNext()
    return offset
  }

  private func end(_ error: UnitError) {
    guard ending == nil else { return }
    ending = error
    connection = nil
    for call in open + waiting { finish(call, error) }
    open = []
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
  static let cancelled = UnitError(.cancelled, "the call was cancelled")

  static func notTheProtocol(_ error: ProtobufError) -> UnitError {
    UnitError(.protocolViolation, "the answer is not the protocol's: \(error)")
  }
}
