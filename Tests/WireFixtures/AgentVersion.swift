package import SyncPlugin
package import SyncRPC
internal import SyncWire

/// How an agent of another version differs from ours.
package struct AgentVersion: Sendable {
  /// The calls that it knows. Its Hello, if it knows that, announces those of them that belong there.
  package var methods: Set<Method>
  /// Whether a call that is opened before the last was answered costs that one its answer.
  package var takesOneCallAtATime = false
  /// What its answers to a call carry instead of ours.
  package var alter: @Sendable (_ answer: [UInt8], _ method: Method) -> [UInt8] = { answer, _ in
    answer
  }

  package init(methods: Set<Method>) { self.methods = methods }

  /// All that ours does.
  package static let current = AgentVersion(methods: Set(Method.allCases))

  /// The original: none of the calls of the second service, and one call at a time. API 1.2, which has
  /// SyncList.
  package static let original = {
    var version = AgentVersion(
      methods: Set(Method.allCases.filter { $0.service == .agentSocket }))
    version.takesOneCallAtATime = true
    return version
  }()

  /// This one without a call.
  package func without(_ method: Method) -> AgentVersion {
    var version = self
    version.methods.remove(method)
    return version
  }
}

/// Another transport behind whose endpoint an agent appears as one of another version.
package struct VersionedTransport: Transport {
  package static let scheme = "versioned"
  package static let syntax = "versioned"
  package static let summary = "another transport with an agent of another version, for tests"
  package static let sides: TransportSides = [.agent, .client]

  private let base: any Transport
  private let version: AgentVersion

  package init(_ base: any Transport, _ version: AgentVersion) {
    self.base = base
    self.version = version
  }

  package init(address: String?, environment: Environment) throws(PluginError) {
    throw PluginError(.unsupported, "versioned is made in tests only")
  }

  package var endpoint: Endpoint { base.endpoint }

  package func listen(
    on loop: any EventLoop, report: @escaping @Sendable (ListenerEvent) -> Void,
    accept: @escaping (sending any Connection) -> Void
  ) throws(PluginError) -> any Listener {
    let version = version
    return try base.listen(on: loop, report: report) { connection in
      accept(VersionedConnection(connection, version))
    }
  }

  nonisolated(nonsending)
    package func connect(on loop: any EventLoop, timeout: Duration?) async throws -> any Connection
  {
    try await base.connect(on: loop, timeout: timeout)
  }
}

/// The agent's end of a connection: between the client and a server of ours. Belongs to the loop's thread.
private final class VersionedConnection: Connection {
  private let base: any Connection
  private let version: AgentVersion
  private var handler: (any ConnectionHandler)?
  /// Calls that were opened, and whose answer the client cannot have seen yet.
  private var open: [UInt64: Method?] = [:]
  private var unknown: Set<UInt64> = []
  private var lost: Set<UInt64> = []
  private var fromServer: FrameReader?
  /// What is answered while a read is taken apart: the client sees it after all that it has sent.
  private var answers: [(stream: UInt64, bytes: [UInt8])] = []
  private var isReading = false

  init(_ base: any Connection, _ version: AgentVersion) {
    self.base = base
    self.version = version
    fromServer = FrameReader { [unowned self] in answer($0, $1) }
  }

  var peer: Peer? { base.peer }
  var secrets: ConnectionSecrets? { base.secrets }
  var isCongested: Bool { base.isCongested }

  func activate(_ handler: any ConnectionHandler) {
    self.handler = handler
    base.activate(Receiver(self))
  }

  func pause() { base.pause() }
  func resume() { base.resume() }
  func send(_ bytes: RawSpan) { fromServer?.received(bytes) }
  func endOutput() { base.endOutput() }

  func close() {
    handler = nil
    flush()
    base.close()
  }

  func abort() {
    handler = nil
    base.abort()
  }

  // MARK: From the client

  private func take(_ frame: FrameHeader, _ data: [UInt8]) {
    let stream = frame.stream
    switch PacketKind(rawValue: frame.kind) {
    case .invoke:
      let method = Method(path: data.span.bytes)
      if version.takesOneCallAtATime { lose(open.keys.filter { $0 != stream }) }
      open[stream] = .some(method)
      guard let method, version.methods.contains(method) else {
        unknown.insert(stream)
        let path = String(decoding: data, as: UTF8.self)
        answers.append(
          (stream, failure("protocol error: unknown rpc: \"\(path)\"", stream: stream)))
        return
      }
    case .cancel, .close, .error: open[stream] = nil
    default: break
    }
    if !unknown.contains(stream) { pass(frame, data) }
  }

  private func pass(_ frame: FrameHeader, _ data: [UInt8]) {
    guard let kind = PacketKind(rawValue: frame.kind) else { return }
    let bytes = WireFixtures.frame(
      kind, frame.stream, frame.message, data, control: frame.isControl)
    handler?.received(bytes.span.bytes)
  }

  /// The calls are cancelled, and nobody is told.
  private func lose(_ streams: [UInt64]) {
    for stream in streams.sorted() {
      open[stream] = nil
      lost.insert(stream)
      if !unknown.contains(stream) {
        handler?.received(
          WireFixtures.frame(.cancel, stream, 1_000, control: true).span.bytes)
      }
    }
  }

  // MARK: From the server

  private func answer(_ frame: FrameHeader, _ data: [UInt8]) {
    guard let kind = PacketKind(rawValue: frame.kind) else { return }
    var data = data
    if kind == .message, let method = open[frame.stream] ?? nil {
      if method == .hello { data = announcing(version.methods, in: data) }
      data = version.alter(data, method)
    }
    answers.append(
      (frame.stream, WireFixtures.frame(kind, frame.stream, frame.message, data)))
    if !isReading { flush() }
  }

  private func announcing(_ methods: Set<Method>, in data: [UInt8]) -> [UInt8] {
    guard var hello = try? HelloResponse(decoding: data.span.bytes) else { return data }
    let names = Set(methods.map(\.rawValue))
    hello.capabilities.removeAll { !names.contains($0) }
    return hello.encoded
  }

  private func flush() {
    for (stream, bytes) in answers where !lost.contains(stream) {
      open[stream] = nil
      base.send(bytes.span.bytes)
    }
    answers = []
  }

  private final class Receiver: ConnectionHandler {
    private weak let connection: VersionedConnection?
    private let reader: FrameReader

    init(_ connection: VersionedConnection) {
      self.connection = connection
      reader = FrameReader { [weak connection] in connection?.take($0, $1) }
    }

    func received(_ bytes: RawSpan) {
      connection?.isReading = true
      reader.received(bytes)
      connection?.isReading = false
      connection?.flush()
    }

    func reachedEndOfInput() { connection?.handler?.reachedEndOfInput() }
    func drained() { connection?.handler?.drained() }
    func failed(_ reason: PluginError) { connection?.handler?.failed(reason) }
  }
}
