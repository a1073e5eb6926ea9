internal import SyncPlugin
internal import SyncSystem

/// Time awake since some moment in the past (CLOCK_MONOTONIC), slept away on a loop.
struct LoopClock: Clock {
  typealias Duration = Swift.Duration

  struct Instant: InstantProtocol {
    let time: Swift.Duration
    func advanced(by duration: Swift.Duration) -> Instant { Instant(time: time + duration) }
    func duration(to other: Instant) -> Swift.Duration { other.time - time }
    static func < (left: Instant, right: Instant) -> Bool { left.time < right.time }
  }

  let loop: LibeventLoop

  var now: Instant { Instant(time: SystemTime.monotonic) }
  var minimumResolution: Swift.Duration { .microseconds(1) }

  func sleep(until deadline: Instant, tolerance: Swift.Duration?) async throws {
    let sleeper = Sleeper()
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        loop.perform { sleeper.sleep(for: now.duration(to: deadline), on: loop, continuation) }
      }
    } onCancel: {
      loop.perform { sleeper.cancel() }
    }
  }
}

/// One sleeping task.
/// Unchecked: made wherever somebody sleeps, and touched on the loop's thread only.
private final class Sleeper: @unchecked Sendable {
  private var continuation: CheckedContinuation<Void, any Error>?
  private var timer: Registration?
  private var isCancelled = false

  func sleep(
    for delay: Duration, on loop: LibeventLoop, _ continuation: CheckedContinuation<Void, any Error>
  ) {
    if isCancelled { return continuation.resume(throwing: CancellationError()) }
    self.continuation = continuation
    timer = loop.schedule(after: delay) { self.end(.success(())) }
  }

  func cancel() {
    isCancelled = true
    end(.failure(CancellationError()))
  }

  private func end(_ result: Result<Void, any Error>) {
    timer?.cancel()
    timer = nil
    continuation?.resume(with: result)
    continuation = nil
  }
}
