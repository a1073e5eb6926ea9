import Foundation
import Libevent
import SyncPlugin
import SyncSystem
import Synchronization
import Testing

@Suite struct LoopTests {
  @Test func runsTasksFromAnyThreadOnItsOwn() async throws {
    let thread = try LoopThread()
    let loop = thread.loop
    for _ in 0..<500 {
      let onLoop = await Task(executorPreference: loop) { loop.isIsolatingCurrentContext() }.value
      #expect(onLoop == true)
      await Task.yield()
    }
    thread.stop()
  }

  /// Work that begets work, in as many steps as you like, and then somebody else who wakes the loop.
  @Test func isWokenWhateverItDidBefore() async throws {
    let thread = try LoopThread()
    for steps in 0..<40 {
      await withCheckedContinuation { continuation in
        Self.chain(steps, on: thread.loop) { continuation.resume() }
      }
      // The loop goes to sleep in between, or is about to.
      await withCheckedContinuation { continuation in
        thread.loop.enqueue { continuation.resume() }
      }
    }
    thread.stop()
  }

  private static func chain(
    _ steps: Int, on loop: LibeventLoop, _ end: @escaping @Sendable () -> Void
  ) {
    loop.enqueue { if steps == 0 { end() } else { chain(steps - 1, on: loop, end) } }
  }

  @Test func endsWithItsTaskAndThrowsWhatItThrows() throws {
    let loop = try LibeventLoop()
    let count = Mutex(0)
    for _ in 0..<2 { try loop.run { count.withLock { $0 += 1 } } }
    #expect(count.withLock { $0 } == 2)
    #expect(throws: CancellationError.self) { try loop.run { throw CancellationError() } }
  }

  @Test func sleepsInTheOrderOfTime() throws {
    let loop = try LibeventLoop()
    try loop.run {
      let order = await withTaskGroup(of: Int.self) { group in
        for delay in [30, 10, 20] {
          group.addTask {
            try? await loop.clock.sleep(for: .milliseconds(delay))
            return delay
          }
        }
        return await group.reduce(into: []) { $0.append($1) }
      }
      #expect(order == [10, 20, 30])
    }
  }

  @Test func aCancelledSleepEndsAtOnce() throws {
    let loop = try LibeventLoop()
    try loop.run {
      let sleep = Task(executorPreference: loop) {
        try await loop.clock.sleep(for: .seconds(3_600))
      }
      await Task.yield()
      sleep.cancel()
      await #expect(throws: CancellationError.self) { try await sleep.value }
    }
  }

  /// Bytes through a connection, in both directions and more of them than a socket holds.
  @Test func carriesBytesAndHoldsBackWhoSendsTooMany() throws {
    let loop = try LibeventLoop()
    var ends: [Int32] = [0, 0]
    socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends)
    for end in ends { try Descriptor.setNonblocking(end) }
    let total = 4 << 20
    try loop.run { [ends] in
      let transfer = Transfer(loop: loop, ends: ends, total: total)
      let log = await transfer.run()
      #expect(log.received == total)
      #expect(log.congestions > 0)
      #expect(log.congestions == log.drains)
      #expect(log.reachedEnd)
    }
  }
}

/// Sends from one end as long as it is not congested, and counts what comes out of the other.
private actor Transfer {
  struct Log: Sendable {
    var received = 0
    var congestions = 0
    var drains = 0
    var reachedEnd = false
  }

  private nonisolated let loop: LibeventLoop
  private let sender: any Connection
  private let receiver: any Connection
  private let total: Int
  private var sent = 0
  private var log = Log()
  private var done: CheckedContinuation<Void, Never>?

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(loop: LibeventLoop, ends: [Int32], total: Int) {
    self.loop = loop
    self.total = total
    sender = loop.connection(Channel(reading: ends[0], writing: ends[0]))
    receiver = loop.connection(Channel(reading: ends[1], writing: ends[1]))
  }

  func run() async -> Log {
    sender.activate(Handler(transfer: self, isSender: true))
    receiver.activate(Handler(transfer: self, isSender: false))
    sendMore()
    await withCheckedContinuation { done = $0 }
    return log
  }

  private func sendMore() {
    let piece = [UInt8](repeating: 7, count: 64 << 10)
    while sent < total, !sender.isCongested {
      sender.send(piece.span.bytes)
      sent += piece.count
    }
    if sender.isCongested { log.congestions += 1 } else { sender.close() }
  }

  private final class Handler: ConnectionHandler {
    private let transfer: Transfer
    private let isSender: Bool

    init(transfer: Transfer, isSender: Bool) {
      self.transfer = transfer
      self.isSender = isSender
    }

    func received(_ bytes: RawSpan) {
      let count = bytes.byteCount
      transfer.assumeIsolated { $0.log.received += count }
    }

    func drained() {
      transfer.assumeIsolated {
        $0.log.drains += 1
        $0.sendMore()
      }
    }

    func reachedEndOfInput() {
      let isSender = isSender
      transfer.assumeIsolated {
        if isSender { return }
        $0.log.reachedEnd = true
        $0.receiver.close()
        $0.done?.resume()
      }
    }

    func failed(_ reason: PluginError) { Issue.record("\(reason)") }
  }
}
