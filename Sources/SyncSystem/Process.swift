internal import Glibc

/// Facts about this process and calls that change it.
package enum ThisProcess {
  package static var id: Int32 { getpid() }
  package static var userID: UInt32 { geteuid() }

  /// A variable of the environment; what is not UTF-8 in it is repaired.
  package static func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }

  /// Allows as many open files as the hard limit does, and returns that number.
  @discardableResult
  package static func raiseOpenFileLimit() throws(SystemError) -> UInt {
    var limit = rlimit()
    try check(.getrlimit) { getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }
    limit.rlim_cur = limit.rlim_max
    try check(.setrlimit) { setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }
    return limit.rlim_cur
  }

  /// Occupies those of the descriptors 0 to 2 that are closed, so that no socket takes their place and
  /// gets what is printed. Using them fails, as it would if they were closed.
  package static func reserveStandardDescriptors() {
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) == -1 {
      _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
  }

  package static func ignoreBrokenPipeSignal() { signal(SIGPIPE, SIG_IGN) }

  package static func exit(_ status: Int32) -> Never { Glibc.exit(status) }
}

/// The signals that end a process politely.
package struct TerminationSignal: Sendable {
  package let number: Int32
  package let name: String

  private static let all = [
    TerminationSignal(number: SIGTERM, name: "SIGTERM"),
    TerminationSignal(number: SIGINT, name: "SIGINT"),
    TerminationSignal(number: SIGHUP, name: "SIGHUP"),
  ]

  /// Those that are not ignored: whoever started this process with nohup, or in the background,
  /// does not want it to be ended by the terminal.
  package static var expected: [TerminationSignal] {
    all.filter { signal in
      var action = sigaction()
      sigaction(signal.number, nil, &action)
      return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
        != unsafeBitCast(SIG_IGN, to: Int.self)
    }
  }

  /// Lets the signals through that the starting process may have blocked.
  package static func unblock() {
    var set = sigset_t()
    sigemptyset(&set)
    for signal in all { sigaddset(&set, signal.number) }
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
  }
}
