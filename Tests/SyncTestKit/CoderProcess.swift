import Foundation
import Synchronization

/// What a process printed and how it ended.
public struct ProcessOutput: Equatable, Sendable {
  /// Standard output, as UTF-8.
  public var output: String
  /// Standard error, as UTF-8.
  public var error: String
  /// The exit status; nil if a signal ended the process.
  public var status: Int32?
  /// The signal that ended the process.
  public var signal: Int32?

  /// Creates what a test expects.
  public init(output: String, error: String, status: Int32?, signal: Int32? = nil) {
    self.output = output
    self.error = error
    self.status = status
    self.signal = signal
  }
}

/// A `coder`, or any other program, as a real process of a test.
///
/// Threading: may be used from anywhere; waiting does not block the threads of other tasks. A process
/// that nobody holds any more is killed.
public final class CoderProcess: Sendable {
  /// The id of the process.
  public let processID: Int32
  private let collector: Collector

  /// The program of this name that was built with the running tests, which is beside their bundle. If
  /// there is none: what CODER_PROGRAM names, or else `name`, to be found in PATH.
  public static func built(_ name: String = "coder") -> String {
    let runner =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let beside = URL(fileURLWithPath: runner).deletingLastPathComponent()
      .appendingPathComponent(name).path
    if FileManager.default.isExecutableFile(atPath: beside) { return beside }
    return ProcessInfo.processInfo.environment["CODER_PROGRAM"] ?? name
  }

  /// Starts `program`, which is looked up in PATH. Of this process's environment it gets PATH only,
  /// and `environment`; its standard input is `input`.
  public init(
    _ arguments: [String], program: String = built(), environment: [String: String] = [:],
    input: [UInt8] = []
  ) throws {
    let (child, descriptors) = try spawn(program, arguments, environment)
    processID = child
    let collector = Collector()
    self.collector = collector
    Thread.detachNewThread { collector.collect(child, descriptors, input) }
  }

  deinit { collector.killIfRunning(processID, SIGKILL) }

  /// Runs a program to its end.
  public static func run(
    _ arguments: [String], program: String = built(), environment: [String: String] = [:],
    input: [UInt8] = []
  ) async throws -> ProcessOutput {
    let process = try CoderProcess(
      arguments, program: program, environment: environment, input: input)
    return await process.end()
  }

  /// Waits for the end of the process.
  public func end() async -> ProcessOutput {
    await collector.wait { $0.result != nil }
    return collector.state.withLock { $0.result! }
  }

  /// What the process has printed to standard output by now.
  public var outputSoFar: String {
    collector.state.withLock { String(decoding: $0.output, as: UTF8.self) }
  }

  /// Waits until standard output contains `text`, or the process has ended.
  public func waitForOutput(_ text: String) async {
    await collector.wait { state in
      state.result != nil || String(decoding: state.output, as: UTF8.self).contains(text)
    }
  }

  /// Waits until standard error contains `text`, `count` times in all, or the process has ended.
  public func waitForError(_ text: String, count: Int = 1) async {
    await collector.wait { state in
      if state.result != nil { return true }
      let error = String(decoding: state.error, as: UTF8.self)
      if count == 1 { return error.contains(text) }
      return error.components(separatedBy: text).count > count
    }
  }

  /// Sends a signal to the process, unless it has ended.
  public func send(_ signal: Int32) { collector.killIfRunning(processID, signal) }
}

/// Reads what a process prints, and its end, on a thread of its own.
private final class Collector: Sendable {
  struct State {
    var output = Data()
    var error = Data()
    var isReaped = false
    var result: ProcessOutput?
    var waiters: [Waiter] = []
  }

  struct Waiter {
    let isOver: @Sendable (State) -> Bool
    let continuation: CheckedContinuation<Void, Never>
  }

  let state = Mutex(State())

  func wait(_ isOver: @escaping @Sendable (State) -> Bool) async {
    await withCheckedContinuation { continuation in
      let isOverNow = state.withLock { state in
        if isOver(state) { return true }
        state.waiters.append(Waiter(isOver: isOver, continuation: continuation))
        return false
      }
      if isOverNow { continuation.resume() }
    }
  }

  /// Once a process has been waited for, its id may belong to another one.
  func killIfRunning(_ child: pid_t, _ signal: Int32) {
    state.withLock { if !$0.isReaped { _ = kill(child, signal) } }
  }

  func collect(_ child: pid_t, _ descriptors: SpawnDescriptors, _ input: [UInt8]) {
    if !input.isEmpty { write(input, to: descriptors.input) }
    close(descriptors.input)
    var entries = [descriptors.output, descriptors.error].map {
      pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
    }
    while entries.contains(where: { $0.fd >= 0 }) {
      poll(&entries, 2, -1)
      for index in entries.indices where entries[index].fd >= 0 && entries[index].revents != 0 {
        let data = readAvailable(entries[index].fd)
        if data.isEmpty {
          close(entries[index].fd)
          entries[index].fd = -1
        }
        update { if index == 0 { $0.output.append(data) } else { $0.error.append(data) } }
      }
    }
    var information = siginfo_t()
    while waitid(P_PID, id_t(child), &information, WEXITED | WNOWAIT) == -1, errno == EINTR {}
    var status: Int32 = 0
    state.withLock { state in
      while waitpid(child, &status, 0) == -1, errno == EINTR {}
      state.isReaped = true
    }
    let isSignal = status & 0x7f != 0
    update { state in
      state.result = ProcessOutput(
        output: String(decoding: state.output, as: UTF8.self),
        error: String(decoding: state.error, as: UTF8.self),
        status: isSignal ? nil : status >> 8 & 0xff, signal: isSignal ? status & 0x7f : nil)
    }
  }

  private func update(_ change: (inout State) -> Void) {
    let woken = state.withLock { state in
      change(&state)
      let snapshot = state
      defer { state.waiters.removeAll { $0.isOver(snapshot) } }
      return state.waiters.filter { $0.isOver(snapshot) }
    }
    for waiter in woken { waiter.continuation.resume() }
  }

  private func readAvailable(_ descriptor: Int32) -> Data {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      if count >= 0 { return Data(buffer[..<count]) }
      if errno != EINTR { return Data() }
    }
  }

  private func write(_ bytes: [UInt8], to descriptor: Int32) {
    // A program that ends without reading must not end the tests: blocked, the signal goes with this
    // thread. Ignoring it would be inherited by the programs that are tested.
    var brokenPipe = sigset_t()
    sigemptyset(&brokenPipe)
    sigaddset(&brokenPipe, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &brokenPipe, nil)
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno != EINTR { return }
      rest = rest.dropFirst(max(0, count))
    }
  }
}

private struct SpawnDescriptors: Sendable {
  let input: Int32
  let output: Int32
  let error: Int32
}

/// Between making a pipe and marking it, another thread's child could inherit it, and keep it open.
private let spawning = Mutex(())

/// The function of this name, which Swift's headers leave out; nil before version 2.34 of the library.
private let addCloseFrom = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np").map {
  unsafeBitCast(
    $0,
    to: (@convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32).self)
}

private func spawn(
  _ program: String, _ arguments: [String], _ environment: [String: String]
) throws -> (pid_t, SpawnDescriptors) {
  try spawning.withLock { _ in
    let (input, output, error) = (try pipe(), try pipe(), try pipe())
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input.reading, STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, output.writing, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, error.writing, STDERR_FILENO)
    // What other tests have open without marking it would take room, and keep pipes from ending.
    _ = addCloseFrom?(&actions, STDERR_FILENO + 1)
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    let variables = ["PATH": path].merging(environment) { $1 }.map { "\($0)=\($1)" }
    var argumentList = ([program] + arguments).map { strdup($0) } + [nil]
    var variableList = variables.map { strdup($0) } + [nil]
    defer { for text in argumentList + variableList { free(text) } }
    // The threads of Swift's tasks block signals, and children would inherit that.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var child = pid_t()
    let result = posix_spawnp(&child, program, &actions, &attributes, &argumentList, &variableList)
    for descriptor in [input.reading, output.writing, error.writing] { close(descriptor) }
    guard result == 0 else {
      for descriptor in [input.writing, output.reading, error.reading] { close(descriptor) }
      throw POSIXError(POSIXErrorCode(rawValue: result) ?? .EINVAL)
    }
    return (
      child,
      SpawnDescriptors(input: input.writing, output: output.reading, error: error.reading)
    )
  }
}

private func pipe() throws -> (reading: Int32, writing: Int32) {
  var ends: [Int32] = [0, 0]
  guard Foundation.pipe(&ends) == 0 else { throw POSIXError(.EMFILE) }
  for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
  return (ends[0], ends[1])
}
