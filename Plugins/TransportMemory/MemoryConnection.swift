public import SyncPlugin
internal import SyncSystem
internal import SyncUnits

/// One end of a connection inside a process.
///
/// Threading: each end belongs to the thread of its own loop, as all connections do; what is sent
/// arrives as a closure on the other's loop.
/// Unchecked, because that rule cannot be said to the compiler: the loop is not known before there is one.
public final class MemoryConnection: Connection, @unchecked Sendable {
  public let peer: Peer? = Peer(processID: ThisProcess.id, userID: ThisProcess.userID)
  public let secrets: ConnectionSecrets? = nil
  public private(set) var isCongested = false

  private enum Arrival: Sendable {
    case bytes([UInt8])
    case endOfInput
  }

  private let loop: any EventLoop
  private var other: MemoryConnection?
  private var handler: (any ConnectionHandler)?
  private var isPaused = true
  private var isClosed = false
  private var hasEndedOutput = false
  private var waiting: [Arrival] = []
  private var undelivered = 0

  private init(loop: any EventLoop) { self.loop = loop }

  /// Makes two ends that are connected, each for a loop; it may be the same.
  public static func pair(
    on first: any EventLoop, and second: any EventLoop
  ) -> (MemoryConnection, MemoryConnection) {
    let ends = (MemoryConnection(loop: first), MemoryConnection(loop: second))
    ends.0.other = ends.1
    ends.1.other = ends.0
    return ends
  }

  public func activate(_ handler: any ConnectionHandler) {
    self.handler = handler
    resume()
  }

  public func pause() { isPaused = true }

  public func resume() {
    isPaused = false
    // Not before the caller has returned: nothing is delivered while something is being asked for.
    loop.enqueue { self.deliver() }
  }

  public func send(_ bytes: RawSpan) {
    guard !isClosed, !hasEndedOutput, bytes.byteCount > 0 else { return }
    undelivered += bytes.byteCount
    if undelivered > Limits.outputHighWater { isCongested = true }
    pass(.bytes(bytes.withUnsafeBytes(Array.init)))
  }

  public func endOutput() {
    if isClosed || hasEndedOutput { return }
    hasEndedOutput = true
    pass(.endOfInput)
  }

  public func close() {
    if isClosed { return }
    endOutput()
    isClosed = true
    handler = nil
    if let other { discard(other) }
    // The two ends keep each other until the first is closed.
    other = nil
  }

  public func abort() { close() }

  private func pass(_ arrival: Arrival) {
    guard let other else { return }
    other.loop.enqueue {
      other.waiting.append(arrival)
      if other.isClosed { other.discard(self) } else { other.deliver() }
    }
  }

  private func deliver() {
    while !isPaused, !isClosed, !waiting.isEmpty {
      switch waiting.removeFirst() {
      case .bytes(let bytes):
        handler?.received(bytes.span.bytes)
        if let other { acknowledge(bytes.count, to: other) }
      case .endOfInput: handler?.reachedEndOfInput()
      }
    }
  }

  /// Nobody takes what waits here any more; who has sent it need not wait for that.
  private func discard(_ sender: MemoryConnection) {
    for case .bytes(let bytes) in waiting { acknowledge(bytes.count, to: sender) }
    waiting = []
  }

  private func acknowledge(_ count: Int, to sender: MemoryConnection) {
    sender.loop.enqueue { sender.delivered(count) }
  }

  private func delivered(_ count: Int) {
    undelivered -= count
    if isCongested, undelivered <= Limits.outputLowWater {
      isCongested = false
      handler?.drained()
    }
  }
}
