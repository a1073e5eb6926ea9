internal import SyncAgent
internal import SyncPlugin
internal import SyncSystem
internal import SyncUnits

/// How the program ended; the numbers are those of `sysexits.h` where it has a fitting one.
enum ExitStatus: Int32, CaseIterable, Sendable {
  case success = 0
  case failure = 1
  case dependencyFailed = 10
  case stalled = 11
  case usage = 64
  case cycle = 65
  case unavailable = 69
  case cannotCreate = 73
  case outputFailed = 74
  case agentAlreadyRunning = 75
  case protocolError = 76
  case permissionDenied = 77
  case disabled = 78
  case timeout = 124
  case runFailed = 125
  case commandNotExecutable = 126
  case commandNotFound = 127

  /// What is not a status of its own.
  static let remark =
    "During a wait, SIGINT, SIGTERM and SIGHUP end the command by the signal itself."

  /// What it means, for the help.
  var meaning: String {
    switch self {
    case .success: "done"
    case .failure: "the agent refused: the unit has that status already, is not known or not ready"
    case .dependencyFailed: "something that is required failed or was skipped, and can never be met"
    case .stalled: "with --fail-on-stall: nobody works on anything that is waited for"
    case .usage: "wrong arguments"
    case .cycle: "the dependency would close a cycle"
    case .unavailable: "no agent there, no answer from it, or its end during a wait"
    case .cannotCreate: "the agent's socket cannot be created: something else is in its place"
    case .outputFailed: "standard output cannot be written"
    case .agentAlreadyRunning: "another agent serves that socket"
    case .protocolError: "the other side speaks another protocol, or is too old for the call"
    case .permissionDenied: "the agent is another user's, or did not prove who it is"
    case .disabled: "the agent's socket server is not enabled"
    case .timeout: "the dependencies were not satisfied in time"
    case .runFailed: "run: it could not do its part; before the command 10, 11, 64 and 124 as start"
    case .commandNotExecutable: "agent, run: the command cannot be executed"
    case .commandNotFound: "agent, run: there is no such command"
    }
  }
}

/// The program ends as a command that it ran did, which has said for itself what there is to say.
struct CommandEnded: Error, Sendable {
  /// The exit status, as a shell reports it.
  let status: Int32
  /// The signal that ended the command, where it was one that ends processes politely: then the
  /// program ends by it too, so that a shell loop around it stops.
  let signal: Int32?

  init(_ ending: SupervisedCommand.Ending) {
    switch ending {
    case .exited(let status):
      self.status = status
      signal = nil
    case .signalled(let signal):
      status = 128 + signal
      self.signal = Signal.termination.contains(signal) ? signal : nil
    }
  }
}

/// Why a command failed: what is printed, and the exit status.
package struct CommandFailure: Error, Sendable {
  var status: ExitStatus
  package var message: String
  package var hints: [String] = []
}

extension CommandFailure {
  /// What was asked for in a wrong way. The message repeats words of the command line, which may hold line
  /// feeds; only those of an agent's errors are meant to break a line.
  static func usage(_ message: String, hints: [String] = []) -> CommandFailure {
    CommandFailure(status: .usage, message: message.escapingControlCharacters, hints: hints)
  }

  /// A manager's refusal, behind the words with which the command introduces it.
  init(_ prefix: String, _ error: UnitError) {
    let status: ExitStatus =
      switch error.code {
      case .invalidName: .usage
      case .cycle: .cycle
      case .dependencyFailed: .dependencyFailed
      case .permissionDenied: .permissionDenied
      case .unavailable, .deadlineExceeded: .unavailable
      case .protocolViolation, .unsupported: .protocolError
      default: .failure
      }
    // It says who failed and whom that concerns, in whichever call it was noticed.
    let prefix = error.code == .dependencyFailed ? "" : prefix
    self.init(status: status, message: prefix + error.message)
    if error.code == .protocolViolation {
      hints.append("is this the socket of a coder agent?")
    }
  }

  init(_ prefix: String, _ error: PluginError) {
    let status: ExitStatus =
      switch error.code {
      case .invalidArgument, .unsupported: .usage
      case .permissionDenied: .permissionDenied
      case .endpointInUse: .agentAlreadyRunning
      case .endpointBlocked: .cannotCreate
      default: .unavailable
      }
    let hints = error.hint.map { [$0] } ?? []
    if status == .usage {
      self = .usage(prefix + error.message, hints: hints)
    } else {
      // It may hold what a command has said, line by line.
      self.init(status: status, message: prefix + error.message, hints: hints)
    }
  }
}
