public import SyncPlugin
import Synchronization

/// A loop that runs nothing by itself and on which time stands still: a test says when to go on. The
/// same test does the same things in the same order each time.
///
/// It has no descriptors; connections on it are those of `MemoryTransport`.
///
/// Threading: tasks may be enqueued from anywhere; everything runs in ``runUntilIdle()``, on the
/// thread that calls it, which only one does at a time.
public final class ManualLoop: EventLoop, @unchecked Sendable {
  // The queue guards itself; the rest belongs to whoever runs the loop.

  /// An operation on the loop waits for something that will not come.
  public struct Stalled: Error, CustomStringConvertible {
    public let description = "nothing on the loop is runnable, and the operation has not ended"
  }

  /// The loop's time.
  public let manualClock = ManualClock()
  private let queue = Mutex<[Work]>([])

  private enum Work {
    case job(UnownedJob)
    case closure(@Sendable () -> Void)
  }

  /// Creates a loop at the time zero.
  public init() {}

  // MARK: Running

  /// Runs all that is runnable, and what becomes so by it.
  public func runUntilIdle() {
    while true {
      let work = queue.withLock { queue in
        defer { queue = [] }
        return queue
      }
      if work.isEmpty { return }
      for item in work {
        switch item {
        case .job(let job):
          job.runSynchronously(
            isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
        case .closure(let body): body()
        }
      }
    }
  }

  /// Moves time on, from one timer to the next, and runs what each of them makes runnable.
  public func advance(by duration: Duration) {
    runUntilIdle()
    var rest = duration
    while let next = manualClock.timeToNextSleeper, next <= rest {
      manualClock.advance(by: next)
      rest -= next
      runUntilIdle()
    }
    manualClock.advance(by: rest)
  }

  /// Runs `operation` as a task on the loop to its end. Time moves on only where nothing else can
  /// happen, and by `patience` at most.
  /// - Throws: what `operation` throws; ``Stalled``.
  public func run<Result: Sendable>(
    patience: Duration = .seconds(60),
    _ operation: @escaping @Sendable () async throws -> Result
  ) throws -> Result {
    let outcome = Mutex<Swift.Result<Result, any Error>?>(nil)
    let task = Task(executorPreference: self) {
      let result: Swift.Result<Result, any Error>
      do { result = .success(try await operation()) } catch { result = .failure(error) }
      outcome.withLock { $0 = result }
    }
    var waited = Duration.zero
    runUntilIdle()
    while outcome.withLock({ $0 == nil }) {
      guard let next = manualClock.timeToNextSleeper, waited + next <= patience else {
        task.cancel()
        runUntilIdle()
        throw Stalled()
      }
      waited += next
      advance(by: next)
    }
    return try outcome.withLock { try $0!.get() }
  }

  // MARK: EventLoop

  public var clock: any Clock<Duration> { manualClock }

  public func enqueue(_ body: @escaping @Sendable () -> Void) {
    queue.withLock { $0.append(.closure(body)) }
  }

  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.withLock { $0.append(.job(job)) }
  }

  public func schedule(after delay: Duration, _ body: @escaping () -> Void) -> Registration {
    let id = manualClock.newID()
    let timer = Timer(body)
    manualClock.set(
      ManualClock.Alarm(id: id, deadline: manualClock.now.advanced(by: max(delay, .zero))) {
        [weak self] isCancelled in
        if !isCancelled { self?.enqueue { timer.fire() } }
      })
    return Registration { [manualClock] in
      timer.body = nil
      manualClock.cancel(id)
    }
  }

  /// Belongs to whoever runs the loop.
  private final class Timer: @unchecked Sendable {
    var body: (() -> Void)?
    init(_ body: @escaping () -> Void) { self.body = body }
    func fire() {
      let body = body
      self.body = nil
      body?()
    }
  }

  public func linger() -> Registration { Registration {} }

  public func connection(_ channel: Channel) -> sending any Connection { Self.noDescriptors() }

  public func accept(
    on socket: Int32, report: @escaping @Sendable (ListenerEvent) -> Void,
    accept: @escaping (Int32) -> Void
  ) -> Registration { Self.noDescriptors() }

  public func whenReadable(_ descriptor: Int32, _ body: @escaping () -> Void) -> Registration {
    Self.noDescriptors()
  }

  public func whenWritable(_ descriptor: Int32, _ body: @escaping () -> Void) -> Registration {
    Self.noDescriptors()
  }

  private static func noDescriptors() -> Never {
    fatalError("a manual loop has no descriptors; use MemoryTransport on it")
  }

  public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    UnownedSerialExecutor(ordinary: self)
  }

  public func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }

  /// Whoever drives the loop is on it: there is one thread at a time.
  public func checkIsolated() {}

  public func isIsolatingCurrentContext() -> Bool? { true }
}
