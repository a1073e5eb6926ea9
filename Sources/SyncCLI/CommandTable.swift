internal import SyncPlugin

/// All commands of the program.
package enum CommandTable {
  package static let root: Command = Command(
    name: "coder",
    summary: "Startup coordination for scripts",
    discussion: """
      Scripts that start at the same time say what they depend on, wait for it, and tell when they \
      are done. An agent keeps the graph of these units in memory.
      """,
    examples: """
      # Serve units to the scripts of this machine
      coder agent --socket-server-enabled

      # Wait until git-clone is complete, then begin
      coder exp sync want app git-clone && coder exp sync start app
      """,
    options: [Options.help, Options.version, Options.noColour],
    subcommands: [{ exp }, { .agent }, { .plugins }, { .completion }, { .help }, { .complete__ }],
    showsExitStatuses: true)

  private static let exp = Command(
    name: "exp",
    summary: "Experimental commands, under the name that they have in the original",
    examples: """
      # All commands that scripts call
      coder exp sync --help
      """,
    subcommands: [{ sync }])

  private static let sync = Command(
    name: "sync",
    summary: "Manage unit dependencies for coordinated startup",
    discussion: """
      Commands for orchestrating the order in which the parts of a workspace, a CI job or a \
      container start. A unit is a named phase of work, most commonly a script. Declare what a unit \
      depends on, start it, which blocks until that is complete, and complete it, which releases \
      whoever waits for it.
      """,
    examples: """
      # A script that needs two others to be done
      coder exp sync want app git-clone apt-install
      coder exp sync start app
      ./run-app --prepare
      coder exp sync complete app
      """,
    options: [Options.socketPath, Options.transport, Options.verbose],
    subcommands: [
      { .start }, { .complete }, { .want }, { .run }, { .ping }, { .status }, { .list }, { .wait },
      { .fail }, { .skip }, { .healthy }, { .reset }, { .why }, { .dialStdio },
    ],
    showsExitStatuses: true)
}

/// Options that several commands share.
enum Options {
  static let help = Command.Option(name: "help", short: "h", help: "Show the help of a command.")
  static let version = Command.Option(name: "version", help: "Show the version.")
  static let noColour = Command.Option(
    name: "no-color", environment: "NO_COLOR",
    help: "Write no colours. They are written to a terminal only, and not if TERM is dumb.")
  static let verbose = Command.Option(
    name: "verbose", short: "v", environment: "CODER_VERBOSE",
    help: "Tell on standard error what is being done.")
  static let socketPath = Command.Option(
    name: "socket-path", placeholder: "string", environment: "CODER_AGENT_SOCKET_PATH",
    help: "Specify the path for the agent socket, by default /tmp/coder-agent.sock.",
    completion: .files)
  static let transport = Command.Option(
    name: "transport", placeholder: "spec", environment: "CODER_AGENT_TRANSPORT",
    isRepeatable: true,
    help: """
      How the agent is reached: unix[:PATH] by default, tcp[:ADDRESS:PORT], exec:COMMAND. Of several \
      in the variable, separated by commas, a client uses the first that it can. See coder plugins.
      """,
    completion: .transports(.client))
  static let agentTransport = Command.Option(
    name: "transport", placeholder: "spec", environment: "CODER_AGENT_TRANSPORT",
    isRepeatable: true,
    help: """
      Where to serve: unix[:PATH] by default, tcp[:ADDRESS:PORT], pipe. May be repeated; in the \
      variable, commas separate several. See coder plugins.
      """,
    completion: .transports(.agent))
  static let output = Command.Option(
    name: "output", short: "o", placeholder: "table|json",
    help: "The format of the output, by default table.", completion: .words(["table", "json"]))
  static func columns(_ names: [String]) -> Command.Option {
    Command.Option(
      name: "column", short: "c", placeholder: names.joined(separator: "|"),
      help: "The columns of the table, separated by commas.", completion: .words(names))
  }
}
