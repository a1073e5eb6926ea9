internal import CLinux
internal import Glibc

/// Facts about this process and calls that change it.
package enum ThisProcess {
  package static var id: Int32 { getpid() }
  package static var userID: UInt32 { geteuid() }
  /// The parent when it was first asked for: it may end, and another takes its place.
  package static let parentID: Int32 = getppid()

  /// A variable of the environment; what is not UTF-8 in it is repaired.
  package static func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }

  /// A copy of the whole environment as `NAME=value`, byte for byte but for `changes`, in which nil
  /// takes a variable away. The caller frees it.
  static func copyEnvironment(
    changing changes: [String: String?]
  ) -> [UnsafeMutablePointer<CChar>?] {
    var variables: [UnsafeMutablePointer<CChar>?] = []
    var entry = process_environment()
    while let text = entry?.pointee {
      let name = String(cString: text).prefix { $0 != "=" }
      if !changes.keys.contains(String(name)) { variables.append(strdup(text)) }
      entry = entry?.advanced(by: 1)
    }
    for (name, value) in changes.sorted(by: { $0.key < $1.key }) {
      if let value { variables.append(strdup("\(name)=\(value)")) }
    }
    return variables
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
