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

  private struct Sleeper {
    let id: UInt64
    let deadline: Instant
    let continuation: CheckedContinuation<Void, any Error>
  }

  private struct State {
    var now = Instant(time: .zero)
    var sleepers: [Sleeper] = []
    var lastID: UInt64 = 0
  }

  private let state = Mutex(State())

  /// Creates a clock at zero.
  public init() {}

  public var now: Instant { state.withLock { $0.now } }
  public var minimumResolution: Swift.Duration { .zero }

  /// How many tasks sleep on the clock.
  public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

  /// Moves the clock on and wakes all whose time has come.
  public func advance(by duration: Swift.Duration) {
    let due = state.withLock { state in
      state.now = state.now.advanced(by: duration)
      let now = state.now
      let due = state.sleepers.filter { $0.deadline <= now }
      state.sleepers.removeAll { $0.deadline <= now }
      return due
    }
    for sleeper in due.sorted(by: { $0.deadline < $1.deadline }) { sleeper.continuation.resume() }
  }

  /// Returns when at least `count` tasks sleep on the clock: then it is safe to move it.
  public func waitForSleepers(_ count: Int) async {
    while sleeperCount < count { await Task.yield() }
  }

  public func sleep(until deadline: Instant, tolerance: Swift.Duration?) async throws {
    let id = state.withLock { state in
      state.lastID += 1
      return state.lastID
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let result: Result<Void, any Error>? = state.withLock { state in
          if Task.isCancelled { return .failure(CancellationError()) }
          if deadline <= state.now { return .success(()) }
          state.sleepers.append(
            Sleeper(id: id, deadline: deadline, continuation: continuation))
          return nil
        }
        if let result { continuation.resume(with: result) }
      }
    } onCancel: {
      let sleeper = state.withLock { state in
        state.sleepers.firstIndex { $0.id == id }.map { state.sleepers.remove(at: $0) }
      }
      sleeper?.continuation.resume(throwing: CancellationError())
    }
  }
}
