// Measures an agent and a command line beside small C programs that do the least that is possible.
// Run by Tests/benchmark.sh, which builds all of it.
import Glibc
import SyncSystem

let usage = """
  usage: benchmarks [--quick] [--json] [--only PART]... [--agent-socket PATH] [--cli COMMAND] [--tools FOLDER]
    --only          commands, start-up, wake-ups, limits, chain, burdens, calls, release, graph, wire, long-chain, crowds or size
    --agent-socket  measure the agent that listens there, not one of --cli
    --cli           the command line that is measured, as in 'coder' or '/opt/coder'
    --tools         where the C programs are
  """

var isQuick = false
var isJSON = false
var parts: [String] = []
var agentSocket: String?
var cli = ".build/release-static/coder"
var tools = ".build/benchmarks"
var arguments = CommandLine.arguments.dropFirst()
while let argument = arguments.popFirst() {
  switch argument {
  case "--quick": isQuick = true
  case "--json": isJSON = true
  case "--only": parts.append(arguments.popFirst() ?? "")
  case "--agent-socket": agentSocket = arguments.popFirst()
  case "--cli": cli = arguments.popFirst() ?? ""
  case "--tools": tools = arguments.popFirst() ?? ""
  default:
    print(usage)
    exit(argument == "--help" ? 0 : 64)
  }
}

do {
  try ThisProcess.raiseOpenFileLimit()
  let folder = try File.createTemporaryFolder("/tmp/benchmarks-")
  defer { try? File.removeFolder(folder) }
  let machine = Machine(
    cli: cli.split(separator: " ").map(String.init), tools: tools, folder: folder)
  var child: ChildProcess?
  let agent: RunningAgent
  if let agentSocket {
    let probe = try UnixSocket.open()
    try UnixSocket.connect(probe, to: agentSocket)
    agent = RunningAgent(
      socketPath: agentSocket, processID: try UnixSocket.peer(of: probe).processID)
    Descriptor.close(probe)
  } else {
    let path = folder + "/agent.sock"
    let server = try machine.startServer(
      machine.cli + ["agent", "--socket-path", path, "--ready-fd", "1", "--log-level", "error"])
    child = server.child
    agent = RunningAgent(socketPath: path, processID: server.child.id)
  }
  defer { if let child { machine.stop(child) } }

  let report = Report(isJSON: isJSON)
  let processes = ProcessBenchmarks(
    machine: machine, agent: agent, report: report, isQuick: isQuick)
  let server = ServerBenchmarks(machine: machine, agent: agent, report: report, isQuick: isQuick)
  let client = ClientBenchmarks(agent: agent, report: report, isQuick: isQuick)
  let graph = GraphBenchmarks(report: report, isQuick: isQuick)
  let all: [(name: String, run: () throws -> Void)] = [
    ("commands", processes.commands), ("start-up", processes.startUp),
    ("wake-ups", processes.wakeUps), ("limits", processes.limits), ("chain", processes.chain),
    ("burdens", client.burdens), ("calls", server.calls),
    ("release", client.release), ("graph", graph.run), ("wire", client.graphs),
    ("crowds", server.crowds), ("long-chain", client.longChain), ("size", processes.size),
  ]
  for part in all where parts.isEmpty || parts.contains(part.name) { try part.run() }
  report.finish()
} catch {
  try? Descriptor.writeAll(Descriptor.standardError, "benchmarks: \(error)\n")
  exit(1)
}
