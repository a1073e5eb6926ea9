internal import CLibevent
internal import SyncSystem

/// One event of libevent: a descriptor, a signal or a time to wait for. Belongs to the loop's thread.
final class Event {
  enum Trigger {
    case readable(Int32)
    case writable(Int32)
    case time
  }

  private var event: UnsafeMutablePointer<event>?
  private let handler: () -> Void

  init(base: OpaquePointer, _ trigger: Trigger, _ handler: @escaping () -> Void) {
    self.handler = handler
    let (descriptor, flags): (Int32, Int32) =
      switch trigger {
      case .readable(let descriptor): (descriptor, EV_READ | EV_PERSIST)
      case .writable(let descriptor): (descriptor, EV_WRITE | EV_PERSIST)
      case .time: (-1, 0)
      }
    event = event_new(
      base, descriptor, Int16(flags),
      { _, _, context in
        let event = Unmanaged<Event>.fromOpaque(context!).takeUnretainedValue()
        // The handler may drop the last reference to its own event.
        withExtendedLifetime(event) { event.handler() }
      }, Unmanaged.passUnretained(self).toOpaque())
    precondition(event != nil, "libevent is out of memory")
  }

  /// Begins to wait.
  /// - Throws: `notPermitted` if nobody can wait for the descriptor, as for a plain file; otherwise the
  ///   kernel is out of what waiting takes.
  func add() throws(SystemError) {
    if event_add(event, nil) != 0 { throw SystemError(last: .epollControl) }
  }

  func add(after delay: Duration) {
    let (seconds, attoseconds) = max(delay, .zero).components
    var time = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
    event_add(event, &time)
  }

  func remove() { event_del(event) }

  deinit { event_free(event) }
}
