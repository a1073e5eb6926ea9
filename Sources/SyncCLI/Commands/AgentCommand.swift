internal import SyncAgent
internal import SyncPlugin
internal import SyncSystem

extension Command {
  private static let enabled = Option(
    name: "socket-server-enabled", environment: "CODER_AGENT_SOCKET_SERVER_ENABLED",
    help: """
      Turn the agent's socket server on; it is off otherwise. An explicit --socket-path or \
      --transport turns it on too.
      """)
  private static let logLevel = Option(
    name: "log-level", placeholder: "debug|info|warn|error",
    help: "The least important lines that are logged, by default info.",
    completion: .words(Log.Level.allCases.map(\.rawValue)))
  private static let logFormat = Option(
    name: "log-format", placeholder: "text|json",
    help: "How lines are logged on standard error, by default text.",
    completion: .words(Log.Format.allCases.map(\.rawValue)))
  private static let readyDescriptor = Option(
    name: "ready-fd", placeholder: "number",
    help: "A descriptor that gets one line feed, and is closed, when the agent listens.")

  private static let scriptsWait = Option(
    name: "wait", placeholder: "strategy", environment: "CODER_SYNC_WAIT",
    help: "How the scripts of the command wait, unless they say otherwise.",
    completion: .waitingStrategies)

  static let agent = Command(
    name: "agent",
    arguments: "[-- command...]",
    summary: "Keep the graph of units and serve it",
    discussion: """
      Serves until SIGTERM, SIGINT or SIGHUP. Nothing is stored: a new agent knows no units. If \
      $NOTIFY_SOCKET is set, the service manager there is told READY=1.

      With a command, it serves what the command runs, on a socket in a private folder, and ends with \
      the command and its exit status.
      """,
    examples: """
      # On the default socket
      CODER_AGENT_SOCKET_SERVER_ENABLED=true coder agent

      # For the scripts of a CI job, and no longer
      coder agent -- ./run-all.sh

      # On a socket of its own; read returns when it listens
      mkfifo ready
      coder agent --socket-path ./sync.sock --ready-fd 3 3>ready &
      read <ready
      """,
    options: [
      enabled, Options.socketPath, Options.agentTransport, scriptsWait, logLevel, logFormat,
      readyDescriptor,
    ],
    showsExitStatuses: true,
    run: { invocation in
      let command = invocation.argumentsBehindFlags
      guard invocation.arguments.count == command?.count ?? 0 else {
        throw CommandFailure.usage(
          "agent takes no arguments but a command behind --",
          hints: ["write it as in: coder agent -- \(invocation.arguments.joined(separator: " "))"])
      }
      guard command?.first?.isEmpty != true, command?.isEmpty != true else {
        throw CommandFailure.usage("-- needs a command")
      }
      let flags = try invocation.endpointsOfFlags()
      if command == nil { try requireEnabled(invocation, isExplicit: flags != nil) }
      // A mistake is better known now than in each script.
      _ = try invocation.waitingStrategies(scriptsWait)
      let log = Log(
        level: try invocation.parsed(
          logLevel, expected: "a log level: debug, info, warn or error", Log.Level.init(rawValue:))
          ?? (command == nil ? .info : .warn),
        format: try invocation.parsed(
          logFormat, expected: "a log format: text or json", Log.Format.init(rawValue:)) ?? .text)
      let descriptor = try invocation.parsed(readyDescriptor, expected: "an open descriptor") {
        Int32($0).flatMap { Descriptor.isOpen($0) ? $0 : nil }
      }
      func run(
        _ endpoints: [Endpoint], _ environment: Environment, _ command: SupervisedCommand?
      ) throws {
        let transports = try invocation.agentTransports(
          endpoints, environment,
          mayUseStandardStreams: command == nil && (descriptor ?? 3) > Descriptor.standardOutput)
        let ending = try AgentProcess(
          transports: transports, log: log, readyDescriptor: descriptor,
          notifySocket: invocation.environment["NOTIFY_SOCKET"], command: command
        ).run()
        if command != nil { throw CommandEnded(ending) }
      }
      do {
        guard let command else {
          return try run(try invocation.endpoints(), invocation.environment, nil)
        }
        try PrivateAgent(
          invocation: invocation, command: command, waitingStrategy: invocation.value(scriptsWait)
        )
        .run(run)
      } catch let error as PluginError {
        throw CommandFailure("", error)
      } catch let error as SupervisedCommand.Failure {
        throw CommandFailure(
          status: error.status == 127 ? .commandNotFound : .commandNotExecutable,
          message: error.description)
      }
    })

  private static func requireEnabled(
    _ invocation: Invocation, isExplicit: Bool
  ) throws(CommandFailure) {
    if isExplicit, invocation.flags(enabled).isEmpty { return }
    guard try invocation.isSet(enabled) else {
      throw CommandFailure(
        status: .disabled, message: "the agent's socket server is not enabled",
        hints: ["set CODER_AGENT_SOCKET_SERVER_ENABLED=true, or pass --socket-server-enabled"])
    }
  }
}

extension Invocation {
  /// What serves the endpoints.
  fileprivate func agentTransports(
    _ endpoints: [Endpoint], _ environment: Environment, mayUseStandardStreams: Bool
  ) throws -> [any Transport] {
    var transports: [any Transport] = []
    for endpoint in endpoints {
      let type = try transportType(of: endpoint)
      let transport = try type.init(address: endpoint.address, environment: environment)
      guard !transports.contains(where: { $0.endpoint == transport.endpoint }) else {
        throw CommandFailure.usage("\(transport.endpoint) is given twice")
      }
      if type.sides.contains(.standardStreams), !mayUseStandardStreams {
        throw CommandFailure.usage(
          "\(endpoint) needs standard input and output for itself",
          hints: ["it cannot be combined with a command, nor with --ready-fd 0 or 1"])
      }
      transports.append(transport)
    }
    return transports
  }
}
