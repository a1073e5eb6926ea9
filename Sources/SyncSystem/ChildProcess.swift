internal import CLinux
internal import Glibc

/// How a process ended.
package enum ProcessEnding: Hashable, Sendable, CustomStringConvertible {
  case exited(Int32)
  case signalled(Int32)

  init(waitStatus status: Int32) {
    let signal = status & 0x7f
    self = signal == 0 ? .exited(status >> 8 & 0xff) : .signalled(signal)
  }

  /// What a shell would report.
  package var status: Int32 {
    switch self {
    case .exited(let status): status
    case .signalled(let signal): 128 + signal
    }
  }

  package var description: String {
    switch self {
    case .exited(let status): "exit status \(status)"
    case .signalled(let signal): "signal \(signal)"
    }
  }
}

/// A process that this one has started, and must reap.
package struct ChildProcess: Sendable {
  /// What it becomes descriptors 0, 1 and 2 from; nil is what this process has there.
  package struct Streams: Sendable {
    package var input: Int32?
    package var output: Int32?
    package var error: Int32?

    package init(input: Int32? = nil, output: Int32? = nil, error: Int32? = nil) {
      self.input = input
      self.output = output
      self.error = error
    }
  }

  package let id: Int32
  /// Readable as soon as the process has ended; owned by whoever started it.
  package let descriptor: Int32

  /// Starts `arguments[0]`, which is looked up in PATH if it has no slash, with the variables of this
  /// process's environment as `variables` changes them.
  ///
  /// With `endsWithParent` it gets SIGTERM when the calling thread ends, in whatever way.
  package init(
    _ arguments: [String], variables: [String: String?] = [:], streams: Streams = Streams(),
    leadsGroup: Bool = false, endsWithParent: Bool = false
  ) throws(SystemError) {
    var child: pid_t = 0
    let failure = withSpawnRequest(arguments, variables) { request in
      request.input = streams.input ?? -1
      request.output = streams.output ?? -1
      request.error = streams.error ?? -1
      request.leads_group = leadsGroup ? 1 : 0
      request.death_signal = endsWithParent ? SIGTERM : 0
      return spawn_process(&request, &child)
    }
    guard failure == 0 else { throw SystemError(.exec, failure) }
    try self.init(started: child)
  }

  /// A child that was started already; it is killed if it cannot be watched.
  init(started child: Int32) throws(SystemError) {
    id = child
    do {
      descriptor = try check(.pidfdOpen) { open_process(child) }
    } catch {
      kill(child, SIGKILL)
      waitpid(child, nil, 0)
      throw error
    }
  }

  /// Collects how the process ended; nil if it has not. Called until it is not nil, and not again.
  package func reap() -> ProcessEnding? {
    var status: Int32 = 0
    guard waitpid(id, &status, WNOHANG) == id else { return nil }
    return ProcessEnding(waitStatus: status)
  }

  /// Sends a signal; called only before it was reaped.
  package func send(_ signal: Int32) { kill(id, signal) }

  /// Sends a signal to the group that it leads, whoever is left in it; also after it was reaped, as
  /// long as somebody is left.
  package func sendToGroup(_ signal: Int32) { kill(-id, signal) }
}

/// Lends a request for a child that has this process's own descriptors, and is in its group.
func withSpawnRequest(
  _ arguments: [String], _ variables: [String: String?],
  _ body: (inout spawn_request) -> Int32
) -> Int32 {
  let argumentList = arguments.map { strdup($0) } + [nil]
  let variableList = ThisProcess.copyEnvironment(changing: variables) + [nil]
  defer { for text in argumentList + variableList { free(text) } }
  return argumentList.withUnsafeBufferPointer { argumentList in
    variableList.withUnsafeBufferPointer { variableList in
      var request = spawn_request(
        program: argumentList[0], arguments: argumentList.baseAddress,
        environment: variableList.baseAddress, input: -1, output: -1, error: -1, passed: -1,
        passed_number: -1, leads_group: 0, death_signal: 0)
      return body(&request)
    }
  }
}
