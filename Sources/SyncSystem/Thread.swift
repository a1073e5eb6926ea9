internal import Glibc

/// Which thread runs.
package struct ThreadID: Hashable, Sendable {
  private let handle: pthread_t

  package static var current: ThreadID { ThreadID(handle: pthread_self()) }
}

/// Runs `body` on a new thread, which nobody joins.
package func startThread(_ body: @escaping @Sendable () -> Void) throws(SystemError) {
  final class Start {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var thread = pthread_t()
  let start = Unmanaged.passRetained(Start(body))
  let result = pthread_create(
    &thread, nil,
    { context in
      Unmanaged<Start>.fromOpaque(context!).takeRetainedValue().body()
      return nil
    }, start.toOpaque())
  guard result == 0 else {
    start.release()
    throw SystemError(.clone, result)
  }
  pthread_detach(thread)
}
