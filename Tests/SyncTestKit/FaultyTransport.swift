public import SyncPlugin
import Synchronization

/// What goes wrong on a connection, on what is received.
public struct Faults: Sendable {
  /// Bytes arrive in pieces of at most so many.
  public var split: Int?
  /// Each piece arrives so much later.
  public var delay: Duration?
  /// After so many bytes nothing arrives any more, and nobody is told.
  public var dropAfter: Int?
  /// After so many bytes the connection breaks.
  public var resetAfter: Int?

  /// Describes faults; without arguments there are none.
  public init(
    split: Int? = nil, delay: Duration? = nil, dropAfter: Int? = nil, resetAfter: Int? = nil
  ) {
    self.split = split
    self.delay = delay
    self.dropAfter = dropAfter
    self.resetAfter = resetAfter
  }
}

/// Another transport whose client's side has faults.
///
/// Threading: as the transport below. Each connection asks `faults` for its own, with its number from
/// 0, so that a seeded generator can decide.
public struct FaultyTransport: Transport {
  public static let scheme = "faulty"
  public static let syntax = "faulty"
  public static let summary = "another transport with faults, for tests"
  public static let sides: TransportSides = .client

  private let base: any Transport
  private let faults: @Sendable (Int) -> Faults
  private let counter = Counter()

  private final class Counter: Sendable {
    let next = Atomic<Int>(0)
  }

  /// Puts faults on `base`.
  public init(_ base: any Transport, faults: @escaping @Sendable (Int) -> Faults) {
    self.base = base
    self.faults = faults
  }

  /// It cannot be chosen by name.
  public init(address: String?, environment: Environment) throws(PluginError) {
    throw PluginError(.unsupported, "faulty is made in tests only")
  }

  public var endpoint: Endpoint { base.endpoint }

  public func listen(
    on loop: any EventLoop, report: @escaping @Sendable (ListenerEvent) -> Void,
    accept: @escaping (sending any Connection) -> Void
  ) throws(PluginError) -> any Listener {
    try base.listen(on: loop, report: report, accept: accept)
  }

  nonisolated(nonsending)
    public func connect(on loop: any EventLoop, timeout: Duration?) async throws -> any Connection
  {
    let number = counter.next.wrappingAdd(1, ordering: .relaxed).oldValue
    return FaultyConnection(
      try await base.connect(on: loop, timeout: timeout), faults(number), on: loop)
  }
}

/// A connection on which what is received suffers from faults. Belongs to the loop's thread.
public final class FaultyConnection: Connection {
  private let base: any Connection
  private let faults: Faults
  private let loop: any EventLoop
  private var handler: (any ConnectionHandler)?
  private var received = 0
  private var timers: [UInt64: Registration] = [:]
  private var lastTimer: UInt64 = 0

  /// Puts faults on `base`, which is not yet activated.
  public init(_ base: any Connection, _ faults: Faults, on loop: any EventLoop) {
    self.base = base
    self.faults = faults
    self.loop = loop
  }

  public var peer: Peer? { base.peer }
  public var secrets: ConnectionSecrets? { base.secrets }
  public var isCongested: Bool { base.isCongested }

  public func activate(_ handler: any ConnectionHandler) {
    self.handler = handler
    base.activate(Receiver(self))
  }

  public func pause() { base.pause() }
  public func resume() { base.resume() }
  public func send(_ bytes: RawSpan) { base.send(bytes) }
  public func endOutput() { base.endOutput() }

  public func close() {
    end()
    base.close()
  }

  public func abort() {
    end()
    base.abort()
  }

  private func end() {
    handler = nil
    timers = [:]
  }

  /// Does `body` after the delay, behind all that waits already.
  private func later(_ body: @escaping () -> Void) {
    guard let delay = faults.delay else { return body() }
    lastTimer += 1
    let id = lastTimer
    timers[id] = loop.schedule(after: delay) { [weak self] in
      self?.timers[id] = nil
      body()
    }
  }

  private func deliver(_ piece: [UInt8]) {
    var piece = piece[...]
    if let limit = faults.dropAfter { piece = piece.prefix(max(0, limit - received)) }
    if let limit = faults.resetAfter { piece = piece.prefix(max(0, limit - received)) }
    received += piece.count
    if !piece.isEmpty { handler?.received(Array(piece).span.bytes) }
    if let limit = faults.resetAfter, received >= limit, let handler {
      end()
      base.abort()
      handler.failed(PluginError(.unreachable, "reset on purpose after \(limit) bytes"))
    }
  }

  private var isSilent: Bool { faults.dropAfter.map { received >= $0 } ?? false }

  /// Holds the connection, which the connection below must not do for longer than it is open.
  private final class Receiver: ConnectionHandler {
    private weak let connection: FaultyConnection?
    init(_ connection: FaultyConnection) { self.connection = connection }

    func received(_ bytes: RawSpan) {
      guard let connection else { return }
      var rest = bytes.withUnsafeBytes(Array.init)[...]
      while !rest.isEmpty {
        let piece = Array(rest.prefix(max(1, connection.faults.split ?? rest.count)))
        rest = rest.dropFirst(piece.count)
        connection.later { [weak connection] in connection?.deliver(piece) }
      }
    }

    func reachedEndOfInput() {
      connection?.later { [weak connection] in
        if connection?.isSilent == false { connection?.handler?.reachedEndOfInput() }
      }
    }

    func drained() { connection?.handler?.drained() }

    func failed(_ reason: PluginError) {
      connection?.later { [weak connection] in
        if connection?.isSilent == false { connection?.handler?.failed(reason) }
      }
    }
  }
}
