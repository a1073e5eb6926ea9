internal import Libevent
public import SyncPlugin
internal import SyncSystem

/// A command that an agent runs as its child, with an environment in which it finds the agent.
public struct SupervisedCommand: Sendable {
  /// The command could not be run.
  public struct Failure: Error, Sendable, CustomStringConvertible {
    /// What happened, in one line.
    public let description: String
    /// What a shell would report: 127 if there is no such command, 126 if it cannot be executed.
    public let status: Int32
  }

  /// How the command ended.
  public enum Ending: Hashable, Sendable {
    /// By itself, with this status.
    case exited(Int32)
    /// By this signal.
    case signalled(Int32)

    init(_ ending: ProcessEnding) {
      self =
        switch ending {
        case .exited(let status): .exited(status)
        case .signalled(let signal): .signalled(signal)
        }
    }
  }

  /// The command and its arguments; looked up in PATH if it has no slash.
  public var arguments: [String]
  /// How the agent's environment is changed for it, made from what the agent serves; nil takes a
  /// variable away.
  public var variables: @Sendable ([Endpoint]) -> [String: String?]

  /// Describes a command.
  /// - Precondition: there is at least one argument.
  public init(
    _ arguments: [String], variables: @escaping @Sendable ([Endpoint]) -> [String: String?]
  ) {
    precondition(!arguments.isEmpty, "a command has a name")
    self.arguments = arguments
    self.variables = variables
  }

  /// The running command.
  /// Unchecked: it belongs to the loop's thread, and the closures that use it run there.
  final class Child: @unchecked Sendable {
    private let process: ChildProcess
    private var watch: Registration?

    fileprivate init(
      _ process: ChildProcess, on loop: LibeventLoop,
      onEnd: @escaping @Sendable (ProcessEnding) -> Void
    ) {
      self.process = process
      watch = loop.whenReadable(process.descriptor) { [unowned self] in
        guard let ending = process.reap() else { return }
        watch = nil
        onEnd(ending)
      }
    }

    deinit { Descriptor.close(process.descriptor) }

    /// Sends a signal, unless the command has ended.
    func send(_ signal: Int32) { if watch != nil { process.send(signal) } }
  }

  /// Starts the command in the process group of the agent, so that it keeps its terminal.
  func start(
    serving endpoints: [Endpoint], on loop: LibeventLoop,
    onEnd: @escaping @Sendable (ProcessEnding) -> Void
  ) throws -> Child {
    do {
      let process = try ChildProcess(
        arguments, variables: variables(endpoints), endsWithParent: true)
      return Child(process, on: loop, onEnd: onEnd)
    } catch {
      throw Failure(
        description: "cannot run \(arguments[0]): \(error.reason)",
        status: error.errno == Errno.notFound ? 127 : 126)
    }
  }
}
