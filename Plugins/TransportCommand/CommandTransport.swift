public import SyncPlugin
internal import SyncSystem

/// The standard input and output of a command that leads to an agent, as with ssh's ProxyCommand.
public struct CommandTransport: Transport {
  public static let scheme = "exec"
  public static let syntax = "exec:COMMAND"
  public static let summary = "a shell command whose input and output lead to an agent"
  public static let sides: TransportSides = .client

  /// What /bin/sh runs.
  public let command: String
  /// How the environment of the command differs from this process's.
  private let variables: [String: String?]

  private static let variable = "CODER_AGENT_TRANSPORT"

  public var endpoint: Endpoint { Endpoint(scheme: Self.scheme, address: command) }

  public init(address: String?, environment: Environment) throws(PluginError) {
    guard let address else {
      throw PluginError(
        .invalidArgument, "exec needs a command",
        hint: "write it as in 'exec:ssh host coder exp sync dial-stdio'")
    }
    command = address
    // The variable that led here would lead a dial-stdio at the other end here again, for ever.
    let leadsHere = environment[Self.variable]?.hasSuffix("\(Self.scheme):\(address)") == true
    variables = leadsHere ? [Self.variable: nil] : [:]
  }

  public func listen(
    on loop: any EventLoop, report: @escaping @Sendable (ListenerEvent) -> Void,
    accept: @escaping (sending any Connection) -> Void
  ) throws(PluginError) -> any Listener {
    throw PluginError(.unsupported, "exec has no agent's side")
  }

  /// Returns as soon as the command runs; whether there is an agent behind it shows later.
  nonisolated(nonsending)
    public func connect(on loop: any EventLoop, timeout: Duration?) async throws -> any Connection
  {
    do {
      let (ours, theirs) = try UnixSocket.pair()
      defer { Descriptor.close(theirs) }
      do {
        let errors = try Descriptor.pipe()
        defer { Descriptor.close(errors.writing) }
        do {
          let child = try ChildProcess(
            ["/bin/sh", "-c", command], variables: variables,
            streams: .init(input: theirs, output: theirs, error: errors.writing),
            leadsGroup: true, endsWithParent: true)
          return CommandConnection(
            stream: loop.connection(Channel(reading: ours, writing: ours)),
            child: CommandProcess(child, errors: errors.reading, on: loop))
        } catch {
          Descriptor.close(errors.reading)
          throw error
        }
      } catch {
        Descriptor.close(ours)
        throw error
      }
    } catch let error as SystemError {
      throw PluginError(.system, "the command cannot be started: \(error)")
    }
  }
}
