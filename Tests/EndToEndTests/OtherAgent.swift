import Libevent
import StandardPlugins
import SyncAgent
import SyncPlugin
import SyncTestKit
import SyncUnits
import WireFixtures

/// An agent of another version in this process, which keeps units as ours does.
final class OtherAgent: Site {
  let folder: TemporaryFolder
  let socketPath: String
  /// The units, for a look behind the protocol.
  let manager = LocalUnitManager()
  private let thread: LoopThread
  private let agent: Agent

  init(_ version: AgentVersion) async throws {
    folder = try TemporaryFolder()
    socketPath = folder.file("agent.sock")
    thread = try LoopThread()
    agent = Agent(on: thread.loop, log: Log(level: .error), manager: manager)
    let transport = try PluginCatalog.standard.transportType(scheme: "unix")
      .init(address: socketPath, environment: [:])
    try await agent.listen(on: VersionedTransport(transport, version))
  }

  deinit { thread.stop(after: agent) }

  func begin(
    _ arguments: [String], environment: [String: String]
  ) throws -> any RunningCommand {
    try CoderProcess(
      ["exp", "sync"] + arguments,
      environment: ["CODER_AGENT_SOCKET_PATH": socketPath].merging(environment) { $1 })
  }
}
