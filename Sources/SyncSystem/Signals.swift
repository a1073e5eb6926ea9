internal import CLinux
internal import Glibc

/// The numbers of the signals that are named here.
package enum Signal {
  package static let hangUp = SIGHUP
  package static let interrupt = SIGINT
  package static let quit = SIGQUIT
  package static let terminate = SIGTERM
  package static let kill = SIGKILL
  package static let user1 = SIGUSR1
  package static let user2 = SIGUSR2
  package static let windowChange = SIGWINCH
  package static let `continue` = SIGCONT

  /// Those that end a process politely.
  package static let termination = [terminate, interrupt, hangUp]

  /// Those that are for the command of a process that does nothing but run it.
  package static let passedOn = termination + [quit, user1, user2]

  package static func name(_ number: Int32) -> String {
    switch number {
    case hangUp: "SIGHUP"
    case interrupt: "SIGINT"
    case quit: "SIGQUIT"
    case terminate: "SIGTERM"
    case user1: "SIGUSR1"
    case user2: "SIGUSR2"
    case kill: "SIGKILL"
    case SIGABRT: "SIGABRT"
    case SIGALRM: "SIGALRM"
    case SIGBUS: "SIGBUS"
    case SIGFPE: "SIGFPE"
    case SIGILL: "SIGILL"
    case SIGPIPE: "SIGPIPE"
    case SIGSEGV: "SIGSEGV"
    case SIGSYS: "SIGSYS"
    case SIGTRAP: "SIGTRAP"
    case SIGXCPU: "SIGXCPU"
    case SIGXFSZ: "SIGXFSZ"
    default: "signal \(number)"
    }
  }

  /// Whether the process was started with the signal ignored: whoever used nohup, or the background,
  /// does not want it to be ended by the terminal.
  package static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    sigaction(number, nil, &action)
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
      == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  /// Ends this process by the signal itself, as it would have ended without being asked.
  package static func endThisProcess(by number: Int32) -> Never {
    Glibc.signal(number, SIG_DFL)
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, number)
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
    raise(number)
    Glibc.exit(128 + number)
  }
}

/// Signals that are read from a descriptor instead of doing what they do by default.
///
/// They stay blocked for this thread, and for threads that it starts, until ``close()``.
package struct SignalDescriptor: Sendable {
  /// One signal as it came.
  package struct Arrival: Sendable {
    package let number: Int32
    /// Whether the kernel sent it, as it does to all of a terminal's foreground, and not a process.
    package let isFromKernel: Bool
  }

  /// Readable as soon as a signal has come.
  package let descriptor: Int32
  private let signals: [Int32]

  /// Begins to collect `signals`, of which those that are ignored stay so.
  package init(_ signals: [Int32]) throws(SystemError) {
    let signals = signals.filter { !Signal.isIgnored($0) }
    self.signals = signals
    var set = Self.set(of: signals)
    pthread_sigmask(SIG_BLOCK, &set, nil)
    let fixed = set
    descriptor = try check(.signalfd) {
      withUnsafePointer(to: fixed) { signalfd(-1, $0, Int32(SFD_NONBLOCK | SFD_CLOEXEC)) }
    }
  }

  /// The next signal that has come; nil if there is none.
  package func next() -> Arrival? {
    var information = signalfd_siginfo()
    let size = MemoryLayout<signalfd_siginfo>.size
    guard Glibc.read(descriptor, &information, size) == size else { return nil }
    return Arrival(
      number: Int32(information.ssi_signo), isFromKernel: information.ssi_code == 0x80)
  }

  /// Lets the signals do again what they do by default.
  package func close() {
    Descriptor.close(descriptor)
    var set = Self.set(of: signals)
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
  }

  private static func set(of signals: [Int32]) -> sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    for signal in signals { sigaddset(&set, signal) }
    return set
  }
}
