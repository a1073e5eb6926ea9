/// The loop that runs an agent or a command line: it waits for descriptors and timers, and is the
/// executor of all tasks that work on them.
///
/// Threading: one thread runs the loop. Everything below is called on that thread and calls back on
/// it; closures need no synchronization for what they touch there.
public protocol EventLoop: SerialExecutor, TaskExecutor {
  /// The loop's time, which nobody can set. Sleeping on it does not need another thread.
  var clock: any Clock<Duration> { get }

  /// Makes a connection of open descriptors.
  func connection(_ channel: Channel) -> sending any Connection

  /// Accepts what comes in at a listening socket and hands each descriptor, which does not block
  /// and is not inherited, to `accept`, which owns it. When the process runs out of descriptors or
  /// memory, accepting pauses for ``ListenerEvent/backOff`` and `report` is told once.
  /// Cancelling the registration stops it and leaves the socket open.
  func accept(
    on socket: Int32, report: @escaping @Sendable (ListenerEvent) -> Void,
    accept: @escaping (Int32) -> Void
  ) -> Registration

  /// Calls `body` whenever `descriptor` can be read without waiting, until it is cancelled.
  func whenReadable(_ descriptor: Int32, _ body: @escaping () -> Void) -> Registration

  /// Calls `body` whenever `descriptor` can be written without waiting, until it is cancelled.
  func whenWritable(_ descriptor: Int32, _ body: @escaping () -> Void) -> Registration

  /// Calls `body` soon, after what was asked for before. May be called from any thread, and even when
  /// the loop does not run: then when it does again.
  func enqueue(_ body: @escaping @Sendable () -> Void)

  /// Keeps the loop running although what it was run for has ended, until the registration is
  /// cancelled; for ``SyncUnits/Limits/endingTime`` at most.
  func linger() -> Registration

  /// Calls `body` once after `delay`.
  func schedule(after delay: Duration, _ body: @escaping () -> Void) -> Registration
}

/// Open descriptors that make up a connection, one for each direction or the same for both. They do
/// not block where the kernel allows it. The connection owns them, and closes them.
public struct Channel: Sendable {
  /// What is received comes from here; a plain file or a device will do.
  public var reading: Int32
  /// What is sent goes there.
  public var writing: Int32
  /// Who is at the other end, if the kernel says so.
  public var peer: Peer?
  /// What both sides have to show, if the kernel does not.
  public var secrets: ConnectionSecrets?
  /// Called on the loop's thread when the connection has ended, right before the descriptors are
  /// closed, with the reason if it broke.
  public var onClose: (@Sendable (PluginError?) -> Void)?

  /// Describes a connection.
  public init(
    reading: Int32, writing: Int32, peer: Peer? = nil, secrets: ConnectionSecrets? = nil,
    onClose: (@Sendable (PluginError?) -> Void)? = nil
  ) {
    self.reading = reading
    self.writing = writing
    self.peer = peer
    self.secrets = secrets
    self.onClose = onClose
  }
}

/// What a listener has to report.
public enum ListenerEvent: Sendable {
  /// Accepting pauses because of this error, as the kernel names it.
  case pausing(String)
  /// Accepting works again.
  case resuming
  /// Somebody was turned away, for this reason.
  case refused(String)
  /// Nobody will come any more: what was served has ended, with the reason if it broke. An agent ends
  /// then.
  case ended(PluginError?)

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
