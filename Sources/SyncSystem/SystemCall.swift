internal import Glibc
internal import Synchronization

/// The system calls of this package, by the names under which they appear in errors and tests.
package enum SystemCall: String, Sendable {
  case accept, bind, chmod, clone, connect, dup, epollControl = "epoll_ctl", eventfd, exec, fchmod,
    fcntl, flock, fstat
  case ftruncate, getcwd, getrandom, getrlimit, getsockname, getsockopt, listen, lstat, mkdir,
    mkdtemp
  case open, opendir, pidfdOpen = "pidfd_open", pipe, read, rename, rmdir, sendto, setrlimit,
    setsockopt, shutdown
  case signalfd, socket, socketpair, stat, unlink, write
}

/// A system call that failed.
package struct SystemError: Error, Hashable, Sendable {
  package let call: SystemCall
  package let errno: Int32

  package init(_ call: SystemCall, _ errno: Int32) {
    self.call = call
    self.errno = errno
  }

  /// What has just made `call` fail in a library that makes calls of its own.
  package init(last call: SystemCall) {
    self.init(call, Glibc.errno)
  }
}

extension SystemError: CustomStringConvertible {
  /// `connect: no such file or directory`, as Go prints it.
  package var description: String { "\(call.rawValue): \(reason)" }

  /// The text of the error number, with a small first letter.
  package var reason: String {
    let text = String(cString: strerror(errno))
    return text.prefix(1).lowercased() + text.dropFirst()
  }
}

/// The error numbers that callers tell apart.
package enum Errno {
  package static let addressInUse = EADDRINUSE
  package static let exists = EEXIST
  package static let inProgress = EINPROGRESS
  package static let accessDenied = EACCES
  package static let brokenPipe = EPIPE
  package static let connectionRefused = ECONNREFUSED
  package static let connectionReset = ECONNRESET
  package static let invalidArgument = EINVAL
  package static let isSymbolicLink = ELOOP
  package static let noMemory = ENOMEM
  package static let noProcess = ESRCH
  package static let notFound = ENOENT
  package static let notPermitted = EPERM
  package static let notConnected = ENOTCONN
  package static let notExecutable = ENOEXEC
  package static let tooManyOpenFiles = EMFILE
  package static let tooManyOpenFilesInSystem = ENFILE
  package static let wouldBlock = EAGAIN
}

/// The choke point: every call whose failure is reported goes through here, is repeated when a signal
/// interrupts it, and can be made to fail by ``withSystemCallHook(_:_:)``. Questions that have an
/// answer in any case (a clock, an id, whether a descriptor is a terminal) and `close` do not.
@discardableResult
func check<Result: SignedInteger>(
  _ call: SystemCall, _ body: () -> Result
) throws(SystemError) -> Result {
  while true {
    if let forced = forcedErrno(call) {
      if forced == EINTR { continue }
      throw SystemError(call, forced)
    }
    let result = body()
    if result != -1 { return result }
    let number = errno
    if number != EINTR { throw SystemError(call, number) }
  }
}

/// Decides whether a call on this thread fails: its error number, or nil to let it through.
package typealias SystemCallHook = (SystemCall) -> Int32?

private let hookCount = Atomic<Int>(0)
private let hooks = Mutex<[ThreadID: HookBox]>([:])

/// Unchecked: the hook is called only on the thread that installed it.
private struct HookBox: @unchecked Sendable {
  let hook: SystemCallHook
}

/// Runs `body` with `hook` before every system call that this thread makes in it. For tests: the
/// hook records calls, or makes them fail with the error number that it returns.
package func withSystemCallHook<R>(_ hook: @escaping SystemCallHook, _ body: () throws -> R)
  rethrows -> R
{
  let thread = ThreadID.current
  hooks.withLock { $0[thread] = HookBox(hook: hook) }
  hookCount.add(1, ordering: .relaxed)
  defer {
    hookCount.subtract(1, ordering: .relaxed)
    hooks.withLock { $0[thread] = nil }
  }
  return try body()
}

@inline(__always)
private func forcedErrno(_ call: SystemCall) -> Int32? {
  if hookCount.load(ordering: .relaxed) == 0 { return nil }
  return hooks.withLock { $0[.current] }?.hook(call)
}
