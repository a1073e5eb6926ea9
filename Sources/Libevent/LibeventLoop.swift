internal import CLibevent
public import SyncPlugin
internal import SyncSystem
internal import SyncUnits
internal import Synchronization

/// An event loop of libevent that is also the executor of its tasks.
///
/// Threading: the thread in ``run()`` is the loop's thread. Tasks may be enqueued from anywhere; what
/// ``EventLoop`` asks for beyond that is for the loop's thread alone. Between two waits for events
/// the loop runs the tasks that became runnable, and then writes what they sent.
/// Unchecked: `queue`, `waker` and `owner` guard themselves, and all the rest is touched by the loop's thread only.
public final class LibeventLoop: EventLoop, @unchecked Sendable {
  let base: OpaquePointer
  private let queue = Mutex(Queue())
  private let waker: Int32
  private let owner = Mutex<ThreadID?>(.current)
  private var wakeEvent: Event?
  private var unflushed: [DescriptorConnection] = []
  private var lingering = 0
  private var isStopped = false
  private var isEnding = false
  private var endingTimer: Registration?

  /// All connections read into the same memory, one after another.
  let readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)

  private struct Queue {
    var work: [Work] = []
    var isWaking = false
  }

  private enum Work {
    case job(UnownedJob)
    case closure(@Sendable () -> Void)
  }

  /// Creates a loop that belongs to the calling thread until another one runs it.
  /// - Throws: `PluginError` `system` when the process is out of descriptors.
  public init() throws(PluginError) {
    // libevent would print on stderr what its callers learn from its results.
    event_set_log_callback { _, _ in }
    do {
      try Self.requireDescriptors()
    } catch {
      throw PluginError(.system, "cannot create an event loop: \(error)")
    }
    guard let base = Self.newBase() else {
      throw PluginError(.system, "cannot create an event loop: out of descriptors or memory")
    }
    self.base = base
    do {
      waker = try Descriptor.eventCounter()
    } catch {
      event_base_free(base)
      throw PluginError(.system, "cannot create an event loop: \(error)")
    }
    let waker = waker
    wakeEvent = Event(base: base, .readable(waker)) { Descriptor.resetEventCounter(waker) }
    do {
      try wakeEvent?.add()
    } catch {
      throw PluginError(.system, "cannot create an event loop: \(error)")
    }
  }

  /// libevent ends the process, and says nothing, where it has one descriptor for itself and not the
  /// two others that it takes too.
  private static func requireDescriptors() throws(SystemError) {
    var spare: [Int32] = []
    defer { for descriptor in spare { Descriptor.close(descriptor) } }
    for _ in 0..<3 { spare.append(try Descriptor.eventCounter()) }
  }

  /// No lock, as one thread uses it; and no variables of libevent's own, which nobody here means.
  private static func newBase() -> OpaquePointer? {
    guard let configuration = event_config_new() else { return nil }
    defer { event_config_free(configuration) }
    event_config_set_flag(configuration, Int32(EVENT_BASE_FLAG_NOLOCK.rawValue))
    event_config_set_flag(configuration, Int32(EVENT_BASE_FLAG_IGNORE_ENV.rawValue))
    return event_base_new_with_config(configuration)
  }

  deinit {
    wakeEvent = nil
    event_base_free(base)
    Descriptor.close(waker)
    readBuffer.deallocate()
  }

  /// Runs until ``stop()``; the calling thread is the loop's thread from then on.
  public func run() {
    owner.withLock { $0 = .current }
    isStopped = false
    isEnding = false
    while !isStopped {
      runWork()
      flush()
      if isStopped { break }
      event_base_loop(base, mayWait() ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK)
    }
  }

  /// Ends ``run()`` after the current turn. May be called from any thread.
  public func stop() {
    perform { self.isStopped = true }
  }

  /// Runs the loop until `operation`, a task on it, has returned, and what lingers has ended.
  /// - Throws: what `operation` throws.
  public func run(_ operation: @escaping @Sendable () async throws -> Void) throws {
    let failure = Failure()
    Task(executorPreference: self) {
      do { try await operation() } catch { failure.error = error }
      self.isEnding = true
      if self.lingering == 0 { return self.isStopped = true }
      self.endingTimer = self.schedule(after: Limits.endingTime) { self.isStopped = true }
    }
    run()
    endingTimer = nil
    if let error = failure.error { throw error }
  }

  /// Runs `body` on the loop's thread: now if it is the calling one, otherwise soon.
  public func perform(_ body: @escaping @Sendable () -> Void) {
    if isOnThread { body() } else { enqueue(body) }
  }

  public func enqueue(_ body: @escaping @Sendable () -> Void) { enqueue(.closure(body)) }

  /// The loop belongs to no thread until one runs it: what its creator asks for is enqueued.
  func leaveThread() { owner.withLock { $0 = nil } }

  /// Whether the calling thread is the loop's.
  var isOnThread: Bool { owner.withLock { $0 } == .current }

  // MARK: Executor

  public func enqueue(_ job: consuming ExecutorJob) { enqueue(.job(UnownedJob(job))) }

  public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    UnownedSerialExecutor(ordinary: self)
  }

  public func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }

  public func checkIsolated() { precondition(isOnThread, "not on the loop's thread") }

  public func isIsolatingCurrentContext() -> Bool? { isOnThread }

  private func enqueue(_ work: Work) {
    let mustWake = queue.withLock { queue in
      queue.work.append(work)
      defer { queue.isWaking = true }
      return !queue.isWaking
    }
    if mustWake, !isOnThread { Descriptor.raiseEventCounter(waker) }
  }

  /// Asked right before waiting: a write that failed has made tasks runnable. From here on whoever
  /// enqueues something has to wake the loop.
  private func mayWait() -> Bool {
    queue.withLock { queue in
      if queue.work.isEmpty { queue.isWaking = false }
      return queue.work.isEmpty
    }
  }

  /// Runs what is runnable and what becomes so by it, but not for ever: tasks that keep each other
  /// busy must not keep the loop from its descriptors.
  private func runWork() {
    for _ in 0..<16 {
      let work = queue.withLock { queue in
        defer { queue.work = [] }
        return queue.work
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

  // MARK: Writing at the end of a turn

  func flushAtEndOfTurn(_ connection: DescriptorConnection) { unflushed.append(connection) }

  private func flush() {
    // By index, because a connection that breaks may make another one send.
    var index = 0
    while index < unflushed.count {
      unflushed[index].flush()
      index += 1
    }
    unflushed.removeAll(keepingCapacity: true)
  }
}

/// What the operation of a run threw.
/// Unchecked: written by a task on the loop, read on the same thread when the loop has stopped.
private final class Failure: @unchecked Sendable {
  var error: (any Error)?
}

extension LibeventLoop {
  public func connection(_ channel: Channel) -> sending any Connection {
    DescriptorConnection(loop: self, channel)
  }

  public func linger() -> Registration {
    lingering += 1
    return Registration { [self] in
      lingering -= 1
      if isEnding, lingering == 0 { isStopped = true }
    }
  }

  public func accept(
    on socket: Int32, report: @escaping @Sendable (ListenerEvent) -> Void,
    accept: @escaping (Int32) -> Void
  ) -> Registration {
    let acceptor = Acceptor(loop: self, socket: socket, report: report, accept: accept)
    return Registration { acceptor.cancel() }
  }

  public func whenReadable(_ descriptor: Int32, _ body: @escaping () -> Void) -> Registration {
    when(.readable(descriptor), body)
  }

  public func whenWritable(_ descriptor: Int32, _ body: @escaping () -> Void) -> Registration {
    when(.writable(descriptor), body)
  }

  private func when(_ trigger: Event.Trigger, _ body: @escaping () -> Void) -> Registration {
    let watch = Watch(on: self, Event(base: base, trigger, body))
    return Registration { watch.cancel() }
  }

  public func schedule(after delay: Duration, _ body: @escaping () -> Void) -> Registration {
    let event = Event(base: base, .time, body)
    event.add(after: delay)
    return Registration { event.remove() }
  }

  public var clock: any Clock<Duration> { LoopClock(loop: self) }
}

/// Waits for a descriptor, as soon as the kernel can.
private final class Watch {
  private let loop: LibeventLoop
  private let event: Event
  private var pause: Registration?

  init(on loop: LibeventLoop, _ event: Event) {
    self.loop = loop
    self.event = event
    begin()
  }

  private func begin() {
    do {
      try event.add()
    } catch {
      // Nobody ever waits for a plain file; all else may be there again later.
      if error.errno == Errno.notPermitted { return }
      pause = loop.schedule(after: ListenerEvent.backOff) { [unowned self] in begin() }
    }
  }

  func cancel() {
    event.remove()
    pause?.cancel()
  }
}
