import Synchronization

/// A clock that stands still until a test moves it.
///
/// Threading: may be used from anywhere. Sleeping tasks wake in the order of their deadlines.
public final class ManualClock: Clock {
  public typealias Duration = Swift.Duration

  /// A time on the clock.
  public struct Instant: InstantProtocol {
    let time: Swift.Duration
    public func advanced(by duration: Swift.Duration) -> Instant { Instant(time: time + duration) }
    public func duration(to other: Instant) -> Swift.Duration { other.time - time }
    public static func < (left: Instant, right: Instant) -> Bool { left.time < right.time }
  }

  /// Something that happens at a time, unless it is cancelled before.
  struct Alarm: Sendable {
    let id: UInt64
    let deadline: Instant
    let ring: @Sendable (_ isCancelled: Bool) -> Void
  }

  private struct State {
    var now = Instant(time: .zero)
    var alarms: [Alarm] = []
    var lastID: UInt64 = 0
  }

  private let state = Mutex(State())

  /// Creates a clock at zero.
  public init() {}

  /// The time since the clock was made.
  public var elapsed: Swift.Duration { now.time }

  public var now: Instant { state.withLock { $0.now } }
  public var minimumResolution: Swift.Duration { .zero }

  /// How many tasks and timers wait for the clock.
  public var sleeperCount: Int { state.withLock { $0.alarms.count } }

  /// The time until the next one wakes; nil if there is none.
  public var timeToNextSleeper: Swift.Duration? {
    state.withLock { state in
      state.alarms.map(\.deadline).min().map { state.now.duration(to: $0) }
    }
  }

  /// Moves the clock on and wakes all whose time has come, in the order of their deadlines.
  public func advance(by duration: Swift.Duration) {
    let due = state.withLock { state in
      state.now = state.now.advanced(by: duration)
      let now = state.now
      let due = state.alarms.filter { $0.deadline <= now }
      state.alarms.removeAll { $0.deadline <= now }
      return due
    }
    for alarm in due.sorted(by: { ($0.deadline, $0.id) < ($1.deadline, $1.id) }) {
      alarm.ring(false)
    }
  }

  /// Returns when at least `count` tasks sleep on the clock: then it is safe to move it.
  public func waitForSleepers(_ count: Int) async {
    while sleeperCount < count { await Task.yield() }
  }

  public func sleep(until deadline: Instant, tolerance: Swift.Duration?) async throws {
    let id = newID()
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation {
        (continuation: CheckedContinuation<Void, any Error>) in
        if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
        set(
          Alarm(id: id, deadline: deadline) { isCancelled in
            if isCancelled {
              continuation.resume(throwing: CancellationError())
            } else {
              continuation.resume()
            }
          })
        // The cancellation may have come before the alarm was there to be taken away.
        if Task.isCancelled { cancel(id) }
      }
    } onCancel: {
      cancel(id)
    }
  }

  func newID() -> UInt64 {
    state.withLock { state in
      state.lastID += 1
      return state.lastID
    }
  }

  /// Sets an alarm, or rings it now if its time has come.
  func set(_ alarm: Alarm) {
    let isDue = state.withLock { state in
      if alarm.deadline <= state.now { return true }
      state.alarms.append(alarm)
      return false
    }
    if isDue { alarm.ring(false) }
  }

  /// Takes an alarm away, if it has not rung.
  func cancel(_ id: UInt64) {
    let alarm = state.withLock { state in
      state.alarms.firstIndex { $0.id == id }.map { state.alarms.remove(at: $0) }
    }
    alarm?.ring(true)
  }
}
