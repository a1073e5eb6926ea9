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

  static let agent = Command(
    name: "agent",
    summary: "Keep the graph of units and serve it",
    discussion: """
      Serves until SIGTERM, SIGINT or SIGHUP. Nothing is stored: a new agent knows no units. If \
      $NOTIFY_SOCKET is set, the service manager there is told READY=1.
      """,
    examples: [
      .init(
        comment: "On the default socket", line: "CODER_AGENT_SOCKET_SERVER_ENABLED=true coder agent"
      ),
      .init(
        comment: "On a socket of its own; read returns when it listens",
        line: """
          mkfifo ready
              coder agent --socket-path ./sync.sock --ready-fd 3 3>ready &
              read <ready
          """),
    ],
    options: [
      enabled, Options.socketPath, Options.agentTransport, logLevel, logFormat, readyDescriptor,
    ],
    showsExitStatuses: true,
    run: { invocation in
      guard invocation.arguments.isEmpty else {
        throw CommandFailure.usage("agent takes no arguments")
      }
      let isExplicit =
        !invocation.flags(Options.transport).isEmpty
        || !invocation.flags(Options.socketPath).isEmpty
      let isEnabled =
        isExplicit && invocation.flags(enabled).isEmpty ? true : try invocation.isSet(enabled)
      guard isEnabled else {
        throw CommandFailure(
          status: .disabled, message: "the agent's socket server is not enabled",
          hints: ["set CODER_AGENT_SOCKET_SERVER_ENABLED=true, or pass --socket-server-enabled"])
      }
      let log = Log(
        level: try invocation.parsed(
          logLevel, expected: "a log level: debug, info, warn or error", Log.Level.init(rawValue:))
          ?? .info,
        format: try invocation.parsed(
          logFormat, expected: "a log format: text or json", Log.Format.init(rawValue:)) ?? .text)
      let descriptor = try invocation.parsed(readyDescriptor, expected: "an open descriptor") {
        Int32($0).flatMap { Descriptor.isOpen($0) ? $0 : nil }
      }
      let endpoints = try invocation.endpoints()
      do {
        var transports: [any Transport] = []
        for endpoint in endpoints {
          transports.append(
            try invocation.catalog.transport(
              for: endpoint, environment: invocation.environment))
        }
        try AgentProcess(
          transports: transports, log: log, readyDescriptor: descriptor,
          notifySocket: invocation.environment["NOTIFY_SOCKET"]
        ).run()
      } catch let error as PluginError {
        throw CommandFailure("", error)
      }
    })
}
