import SyncPlugin

/// One end of a connection in the hands of a check: keeps what arrives. Belongs to the loop's thread.
final class Probe: ConnectionHandler, @unchecked Sendable {
  let connection: any Connection
  private let loop: any EventLoop
  private(set) var received: [UInt8] = []
  private(set) var hasInputEnded = false
  private(set) var failure: PluginError?
  private(set) var drainedCount = 0
  private var waiter: Waiter?

  private struct Waiter {
    let condition: @Sendable (Probe) -> Bool
    let continuation: UnsafeContinuation<Bool, Never>
    let timer: Registration
  }

  /// Longer than anything that works takes on a busy machine.
  private static let patience: Duration = .seconds(20)

  init(_ connection: any Connection, on loop: any EventLoop) {
    self.connection = connection
    self.loop = loop
    connection.activate(self)
  }

  func received(_ bytes: RawSpan) {
    bytes.withUnsafeBytes { received.append(contentsOf: $0) }
    check()
  }

  func reachedEndOfInput() {
    hasInputEnded = true
    check()
  }

  func drained() {
    drainedCount += 1
    check()
  }

  func failed(_ reason: PluginError) {
    failure = reason
    check()
  }

  var isOver: Bool { hasInputEnded || failure != nil }

  func send(_ bytes: [UInt8]) { connection.send(bytes.span.bytes) }

  /// Waits until `condition` holds, which something that arrives brings about.
  nonisolated(nonsending)
    func wait(_ promise: String, _ condition: @escaping @Sendable (Probe) -> Bool) async throws
  {
    let holds = await withUnsafeContinuation { continuation in
      loop.enqueue { [self] in
        let timer = loop.schedule(after: Self.patience) { [self] in end(false) }
        waiter = Waiter(condition: condition, continuation: continuation, timer: timer)
        check()
      }
    }
    try require(
      holds,
      "\(promise); there were \(received.count) bytes, end of input: \(hasInputEnded), "
        + "failure: \(failure?.message ?? "none")")
  }

  /// Forgets the first bytes.
  func drop(_ count: Int) { received.removeFirst(count) }

  private func check() {
    guard let waiter else { return }
    if waiter.condition(self) {
      end(true)
    } else if isOver {
      end(false)
    }
  }

  private func end(_ holds: Bool) {
    guard let waiter else { return }
    self.waiter = nil
    waiter.timer.cancel()
    waiter.continuation.resume(returning: holds)
  }
}
