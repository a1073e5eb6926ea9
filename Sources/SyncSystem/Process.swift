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

  package static func ignoreBrokenPipeSignal() { signal(SIGPIPE, SIG_IGN) }

  package static func exit(_ status: Int32) -> Never { Glibc.exit(status) }
}

/// The signals that end a process politely.
package enum TerminationSignal {
  package static let all: [(number: Int32, name: String)] = [
    (SIGTERM, "SIGTERM"), (SIGINT, "SIGINT"), (SIGHUP, "SIGHUP"),
  ]
}
