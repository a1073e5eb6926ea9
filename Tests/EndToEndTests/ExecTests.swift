import Foundation
import StandardPlugins
import SyncPlugin
import SyncRPC
import SyncSystem
import SyncTestKit
import SyncUnits
import SyncWire
import Testing
import WireFixtures

/// Commands as a way to an agent.
@Suite(.serialized) struct ExecTests {
  static let coder = CoderProcess.built()

  static func relay(_ transport: String) -> String {
    let quoted = transport.replacingOccurrences(of: "'", with: "'\\''")
    return "exec:exec \(coder) exp sync --transport '\(quoted)' dial-stdio"
  }

  private func sync(_ transport: String, _ arguments: String...) throws -> CoderProcess {
    try CoderProcess(["exp", "sync", "--transport", transport] + arguments)
  }

  @Test(arguments: ["poll:10ms", "push"])
  func aChainOfThreeWorks(_ strategy: String) async throws {
    let agent = try await TestAgent()
    let chain = Self.relay(Self.relay(Self.relay("unix:\(agent.socketPath)")))
    #expect(await (try sync(chain, "want", "a", "b")).end().status == 0)
    let waiting = try sync(chain, "start", "a", "--wait", strategy)
    await waiting.waitForOutput("\n")
    #expect(await (try sync(chain, "start", "b")).end().status == 0)
    #expect(await (try sync(chain, "complete", "b")).end().status == 0)
    #expect(await waiting.end().status == 0)
    try await expectNothingLeft(naming: agent.socketPath, "dial-stdio")
  }

  @Test(arguments: ["poll", "push"])
  func killingTheMiddleOfAChainIsReported(_ strategy: String) async throws {
    let agent = try await TestAgent()
    let inner = Self.relay("unix:\(agent.socketPath)")
    _ = try await agent.sync("want", "a", "b")
    let waiting = try sync(Self.relay(inner), "start", "a", "--wait", strategy)
    await waiting.waitForOutput("\n")
    let middle = try #require(
      ProcessEntry.all(naming: agent.socketPath, "dial-stdio").first {
        $0.parent == waiting.processID
      })
    kill(middle.id, SIGKILL)
    let result = await waiting.end()
    #expect(
      result.error == """
        error: error checking dependencies: sync ready: manager closed: the command ended with signal 9
        hint: the agent has ended, and its units with it

        """)
    #expect(result.status == 69)
    try await expectNothingLeft(naming: agent.socketPath, "dial-stdio")
  }

  /// Whatever ends the client, its command does not stay.
  @Test(arguments: [SIGTERM, SIGINT, SIGKILL])
  func theCommandEndsWithTheClient(_ signal: Int32) async throws {
    let agent = try await TestAgent()
    _ = try await agent.sync("want", "a", "b")
    let waiting = try sync(Self.relay("unix:\(agent.socketPath)"), "start", "a")
    await waiting.waitForOutput("\n")
    waiting.send(signal)
    #expect(await waiting.end().signal == signal)
    try await expectNothingLeft(naming: agent.socketPath, "dial-stdio")
  }

  /// The variable leads to a relay, which must not be led to itself by it.
  @Test func aRelayFromTheVariableTakesTheDefaultWay() async throws {
    let agent = try await TestAgent()
    let result = try await agent.sync(
      "ping", environment: ["CODER_AGENT_TRANSPORT": "pipe,exec:\(Self.coder) exp sync dial-stdio"])
    #expect(result == ProcessOutput(output: "Success\n", error: "", status: 0))
    // A flag is not inherited: there the variable is what the relay goes by.
    let byFlag = try await agent.sync(
      "--transport", "exec:\(Self.coder) exp sync dial-stdio", "ping", "-v")
    #expect(byFlag.output == "Success\n")
  }

  @Test func aCommandThatDoesNotEndIsEnded() async throws {
    let folder = try TemporaryFolder()
    let note = folder.file("note")
    // It serves one agent and then stays, deaf to what is polite.
    let result = try await CoderProcess.run([
      "exp", "sync", "--transport",
      "exec:trap '' TERM; \(Self.coder) agent --transport pipe --log-level error; echo $$ >\(note); while :; do sleep 0.1; done",
      "ping",
    ])
    #expect(result == ProcessOutput(output: "Success\n", error: "", status: 0))
    let id = try String(contentsOfFile: note, encoding: .utf8).trimmingCharacters(
      in: .whitespacesAndNewlines)
    #expect(!FileManager.default.fileExists(atPath: "/proc/\(id)"))
  }

  static let failures: [(command: String, error: String)] = [
    ("exit 3", "the command ended with exit status 3"),
    ("echo one >&2; echo two >&2; exit 1", "the command ended with exit status 1:\none\ntwo"),
    ("kill -9 $$", "the command ended with signal 9"),
    (
      "no-such-command",
      "the command ended with exit status 127:\n/bin/sh: 1: no-such-command: not found"
    ),
    ("printf 'evil\\033[31m' >&2; exit 2", "the command ended with exit status 2:\nevil\\x1b[31m"),
    ("exec >&-", "the command ended with exit status 0"),
  ]

  @Test(arguments: failures)
  func aFailingCommandIsReported(_ command: String, _ error: String) async throws {
    let result = await (try sync("exec:\(command)", "ping")).end()
    #expect(result.error == "error: ping failed: manager closed: \(error)\n")
    #expect(result.status == 69)
  }

  @Test func whatIsNoAgentIsReported() async throws {
    let result = await (try sync("exec:echo Hello; cat", "ping")).end()
    #expect(result.error.hasPrefix("error: ping failed: manager closed: internal error: "))
    #expect(result.status == 76)
    #expect(await (try sync("exec:", "ping")).end().status == 64)
  }

  @Test func aRelayPassesOnWhatIsLargerThanAnyBuffer() async throws {
    let agent = try await TestAgent()
    let relay = Self.relay("unix:\(agent.socketPath)")
    let names = (0..<600).map { "\($0)-" + String(repeating: "n", count: 4_000) }
    _ = await (try sync(relay, "want", "a", names[0])).end()
    for piece in stride(from: 0, to: names.count, by: 20) {
      let result = await
        (try CoderProcess(
          ["exp", "sync", "--transport", relay, "want", "a"] + names[piece..<piece + 20])).end()
      #expect(result.status == 0)
    }
    let result = await (try sync(relay, "status", "a", "-o", "json")).end()
    #expect(result.output.components(separatedBy: "\"depends_on\"").count == 601)
  }
}
