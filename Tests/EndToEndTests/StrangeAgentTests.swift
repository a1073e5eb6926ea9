import Foundation
import SyncTestKit
import SyncWire
import Testing
import WireFixtures

/// Agents that answer otherwise than ours does, or not at all.
@Suite(.serialized) struct StrangeAgentTests {
  struct Answer: Sendable, CustomTestStringConvertible {
    let command: [String]
    let answers: [[UInt8]]
    var error: String
    var status: Int32
    var hasHint = false
    var testDescription: String { error }
  }

  static let answers: [Answer] = [
    Answer(
      command: ["list"],
      answers: [
        failure(#"protocol error: unknown rpc: "/unitsync.v1.UnitSync/List""#),
        failure(
          #"protocol error: unknown rpc: "/coder.agentsocket.v1.AgentSocket/SyncList""#, stream: 2),
      ],
      error:
        #"list units failed: protocol error: unknown rpc: "/coder.agentsocket.v1.AgentSocket/SyncList""#,
      status: 76),
    Answer(
      command: ["ping"], answers: [Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)],
      error: "ping failed: manager closed: internal error: unknown packet kind: Kind(36)",
      status: 76, hasHint: true),
    Answer(
      command: ["ping"], answers: [frame(.closeSend, 1, 1)], error: "ping failed: EOF", status: 76,
      hasHint: true),
    Answer(
      command: ["status", "a"], answers: [success([0x0a, 0xff])],
      error:
        "get status failed: the answer is not the protocol's: proto: cannot parse invalid wire-format data",
      status: 76, hasHint: true),
    Answer(
      command: ["start", "a"], answers: [failure("no \u{1b}[31m way")],
      error: #"get status failed: no \x1b[31m way"#, status: 1),
  ]

  @Test(arguments: answers)
  func theCommandLineSaysWhatIsWrong(_ answer: Answer) async throws {
    let agent = try ScriptedAgent.answering(answer.answers)
    let result = try await CoderProcess.run(
      ["exp", "sync"] + answer.command, environment: ["CODER_AGENT_SOCKET_PATH": agent.socketPath])
    let hint = answer.hasHint ? "hint: is this the socket of a coder agent?\n" : ""
    #expect(result.error == "error: \(answer.error)\n\(hint)")
    #expect(result.status == answer.status)
  }

  @Test(arguments: 0..<50)
  func anAgentThatHangsUpAtOnceIsUnavailable(_: Int) async throws {
    let agent = try ScriptedAgent { _ in }
    let result = try await agent.sync("ping")
    // Whether the end shows when writing or when reading.
    #expect(result.error == "error: ping failed: manager closed: EOF\n")
    #expect(result.status == 69)
  }

  /// A dependency begins anew between the question and the start.
  @Test func waitsAgainWhenTheUnitIsNotReadyAnyMore() async throws {
    var dependency = DependencyInfo()
    dependency.unit = "a"
    dependency.dependsOn = "b"
    var status = StatusResponse()
    status.status = "pending"
    status.dependencies = [dependency]
    let ready = ReadyResponse(ready: true).encoded
    let agent = try ScriptedAgent.answering([
      success(status.encoded), success(ready, stream: 2),
      failure(#"cannot start unit "a": unit not ready"#, stream: 3), success(ready, stream: 4),
      success(stream: 5),
    ])
    let result = try await agent.sync("start", "a", "--wait", "poll:1ms")
    #expect(
      result.output == """
        Unit "a" is waiting for dependencies to be satisfied: [b]
        Unit "a" finished waiting for dependencies: [b]

        """)
    #expect(result.status == 0)
  }

  static let commands = [
    ("ping failed", ["ping"]), ("declare dependency failed", ["want", "a", "b"]),
    ("complete unit failed", ["complete", "a"]), ("get status failed", ["status", "a"]),
    ("list units failed", ["list"]),
  ]

  @Test func anAgentThatNeverAnswersIsGivenUp() async throws {
    let agent = try await TestAgent()
    agent.process.send(SIGSTOP)
    // All at once, because each takes its ten seconds.
    let processes = try Self.commands.map { try agent.start($0.1) }
    for (process, (prefix, _)) in zip(processes, Self.commands) {
      let result = await process.end()
      #expect(result.error == "error: \(prefix): no answer within 10s\n")
      #expect(result.status == 69)
    }
  }

  @Test func startHasOnlyItsOwnLimit() async throws {
    let agent = try await TestAgent()
    agent.process.send(SIGSTOP)
    let result = try await agent.sync("start", "a", "--timeout", "300ms")
    #expect(result.error == "error: timeout waiting for dependencies of unit 'a'\n")
    #expect(result.status == 124)
  }

  @Test func theEndOfTheAgentEndsAllWaits() async throws {
    let agent = try await TestAgent()
    var waiting: [CoderProcess] = []
    for index in 0..<10 {
      _ = try await agent.sync("want", "unit-\(index)", "never")
      waiting.append(try agent.start(["start", "unit-\(index)"]))
    }
    for process in waiting { await process.waitForOutput("\n") }
    agent.process.send(SIGKILL)
    for process in waiting {
      let result = await process.end()
      #expect(
        result.error == """
          error: error checking dependencies: sync ready: manager closed: EOF
          hint: the agent has ended, and its units with it

          """)
      #expect(result.status == 69)
    }
    let next = try await TestAgent(in: agent.folder)
    #expect(try await next.sync("list").output == "No units registered\n")
  }
}
