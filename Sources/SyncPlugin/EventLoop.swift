/// The loop that runs an agent or a command line: it waits for descriptors and timers, and is the
/// executor of all tasks that work on them.
///
/// Threading: one thread runs the loop. Everything below is called on that thread and calls back on
/// it; closures need no synchronization for what they touch there.
public protocol EventLoop: SerialExecutor, TaskExecutor {
  /// The loop's time, which nobody can set. Sleeping on it does not need another thread.
  var clock: any Clock<Duration> { get }

  /// Makes a connection of open descriptors, one for each direction or the same for both, which do
  /// not block. The connection owns them and closes them.
  func connection(reading: Int32, writing: Int32, peer: Peer?) -> sending any Connection

  /// Accepts what comes in at a listening socket and hands each descriptor, which does not block
  /// and is not inherited, to `accept`, which owns it. When the process runs out of descriptors or
  /// memory, accepting pauses for ``ListenerEvent/backOff`` and `report` is told once.
  /// Cancelling the registration stops it and leaves the socket open.
  func accept(
    on socket: Int32, report: @escaping (ListenerEvent) -> Void,
    accept: @escaping (Int32) -> Void
  ) -> Registration

  /// Calls `body` whenever `descriptor` can be read without waiting, until it is cancelled.
  func whenReadable(_ descriptor: Int32, _ body: @escaping () -> Void) -> Registration

  /// Calls `body` once after `delay`.
  func schedule(after delay: Duration, _ body: @escaping () -> Void) -> Registration
}

/// What a listening socket has to report.
public enum ListenerEvent: Sendable {
  /// Accepting pauses because of this error, as the kernel names it.
  case pausing(String)
  /// Accepting works again.
  case resuming

  /// How long accepting pauses before it is tried again.
  public static let backOff: Duration = .milliseconds(100)
}

/// Something that a loop does until it is cancelled or this object goes away.
/// Belongs to the loop's thread.
public final class Registration {
  private var onCancel: (() -> Void)?

  /// Creates a registration that calls `onCancel` at most once.
  public init(onCancel: @escaping () -> Void) { self.onCancel = onCancel }

  /// Ends it; afterwards nothing is called any more.
  public func cancel() {
    let onCancel = onCancel
    self.onCancel = nil
    onCancel?()
  }

  deinit { onCancel?() }
}
