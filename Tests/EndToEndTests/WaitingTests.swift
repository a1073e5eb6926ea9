import Foundation
import SyncTestKit
import SyncWire
import Testing
import WireFixtures

/// Waiting, over every way to an agent and with every strategy.
@Suite(.serialized) struct WaitingTests {
  static let strategies = ["poll:10ms", "push"]

  @Test(arguments: Reach.allCases, strategies)
  func isAnnouncedAndEnds(_ reach: Reach, _ strategy: String) async throws {
    let site = try await reach.site()
    _ = try await site.run("want", "app", "b", "a")
    _ = try await site.run("start", "a")
    let waiting = try site.begin(
      ["start", "app", "-v"], environment: ["CODER_SYNC_WAIT": strategy])
    await waiting.waitForOutput("\n")
    _ = try await site.run("complete", "a")
    _ = try await site.run("start", "b")
    _ = try await site.run("complete", "b")
    let result = await waiting.end()
    #expect(
      result.output == """
        Unit "app" is waiting for dependencies to be satisfied: [a, b]
        Unit "app" finished waiting for dependencies: [a, b]

        """)
    // Nothing was fallen back on.
    #expect(result.error.hasPrefix("debug: connecting to "))
    #expect(result.error.split(separator: "\n").count == 1, "\(result.error)")
    #expect(result.status == 0)
  }

  @Test(arguments: Reach.allCases, strategies)
  func endsInTime(_ reach: Reach, _ strategy: String) async throws {
    let site = try await reach.site()
    _ = try await site.run("want", "a", "b")
    let result = try await site.run(
      "start", "a", "--timeout", "800ms", environment: ["CODER_SYNC_WAIT": strategy])
    #expect(
      result.error == """
        error: timeout waiting for dependencies of unit 'a'
        hint: still waiting for: b (not registered)

        """)
    #expect(result.status == 124)
  }

  @Test(arguments: [("unix", nil), ("tcp", nil), ("unix", "exec")], strategies)
  func endsWithTheAgent(
    _ way: (transport: String, relay: String?), _ strategy: String
  ) async throws {
    let agent = try await TestAgent(transport: way.transport)
    _ = try await agent.sync("want", "a", "b")
    let relay = [
      "CODER_AGENT_TRANSPORT": "exec:'\(CoderProcess.built())' exp sync --transport unix dial-stdio"
    ]
    let waiting = try agent.start(
      ["start", "a"],
      environment: ["CODER_SYNC_WAIT": strategy].merging(way.relay == nil ? [:] : relay) { $1 })
    await waiting.waitForOutput("\n")
    agent.process.send(SIGKILL)
    let reason =
      way.relay == nil
      ? "EOF"
      : """
      the command ended with exit status 69:
      error: dial-stdio: the agent closed the connection
      """
    let result = await waiting.end()
    #expect(
      result.error == """
        error: error checking dependencies: sync ready: manager closed: \(reason)
        hint: the agent has ended, and its units with it

        """)
    #expect(result.status == 69)
  }

  /// An agent that was started before there was such a call, as an original one is.
  @Test(arguments: [true, false])
  func pushBecomesPollWhereTheAgentDoesNotKnowIt(isVerbose: Bool) async throws {
    var dependency = DependencyInfo()
    dependency.unit = "a"
    dependency.dependsOn = "b"
    var status = StatusResponse()
    status.status = "pending"
    status.dependencies = [dependency]
    let agent = try ScriptedAgent.answering([
      success(status.encoded),
      failure(#"protocol error: unknown rpc: "/unitsync.v1.UnitSync/Hello""#, stream: 2),
      success(ReadyResponse(ready: true).encoded, stream: 3), success(stream: 4),
    ])
    let result = try await CoderProcess.run(
      ["exp", "sync", "start", "a", "--wait", "push"] + (isVerbose ? ["--verbose"] : []),
      environment: ["CODER_AGENT_SOCKET_PATH": agent.socketPath])
    #expect(
      result
        == ProcessOutput(
          output: """
            Unit "a" is waiting for dependencies to be satisfied: [b]
            Unit "a" finished waiting for dependencies: [b]

            """,
          error: isVerbose
            ? """
            debug: connecting to unix:\(agent.socketPath)
            debug: the agent does not support push: waiting by poll

            """ : "", status: 0))
  }

  /// What an original client is never asked, a plain call of ours is not either.
  @Test(arguments: [["ping"], ["want", "a", "b"], ["start", "a"], ["complete", "a"]])
  func plainCommandsDoNotSayHello(_ command: [String]) async throws {
    let received = ReceivedBytes()
    let agent = try ScriptedAgent { connection in
      if connection.readCall() { connection.send(failure("enough")) }
      received.set(connection.readUntilEnd())
    }
    _ = try await CoderProcess.run(
      ["exp", "sync"] + command,
      environment: [
        "CODER_AGENT_SOCKET_PATH": agent.socketPath, "CODER_SYNC_WAIT": "push",
      ])
    let sent = await received.value()
    #expect(!sent.isEmpty)
    #expect(!String(decoding: sent, as: UTF8.self).contains("unitsync"))
  }
}
