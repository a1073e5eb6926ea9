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

/// The agent on its standard input and output.
@Suite(.serialized) struct PipeTests {
  static let requests =
    call(.start, UnitRequest(unit: "a").encoded) + call(.ping, stream: 2)
    + call(.startWith, UnitRequest(unit: "b").encoded, stream: 3)
  static let answers = success() + success(stream: 2) + success([0x08, 1], stream: 3)

  private func agent(_ redirections: String, input: [UInt8] = []) async throws -> ProcessOutput {
    try await CoderProcess.run(
      [
        "-c", "exec \"$0\" agent --transport pipe --log-level warn \(redirections)",
        CoderProcess.built(),
      ],
      program: "/bin/sh", input: input)
  }

  /// What was received whole is answered, whatever the input is, and its end is the agent's.
  @Test func answersWhatWasReceivedAndEnds() async throws {
    let folder = try TemporaryFolder()
    let file = folder.file("requests")
    let answered = ProcessOutput(
      output: String(decoding: Self.answers, as: UTF8.self), error: "", status: 0)
    for count in 0...Self.requests.count {
      let input = Array(Self.requests[..<count])
      try Data(input).write(to: URL(fileURLWithPath: file))
      let fromPipe = try await agent("", input: input)
      let fromFile = try await agent("<'\(file)'")
      #expect(fromPipe == fromFile, "\(count) bytes")
      #expect(fromPipe.status == 0)
      #expect(answered.output.hasPrefix(fromPipe.output), "\(count) bytes")
    }
    #expect(try await agent("", input: Self.requests) == answered)
    #expect(try await agent("</dev/null").status == 0)
    #expect(try await agent("<'\(file)' >'\(file).out'").status == 0)
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: file + ".out")) == Data(Self.answers))
  }

  @Test func aWaitThatIsOpenAtTheEndGetsAnError() async throws {
    let want = call(.want, WantRequest(unit: "a", dependsOn: "b").encoded)
    let wait = call(.wait, UnitSync.WaitRequest(.ready("a")).encoded, stream: 2)
    let result = try await agent("", input: want + wait)
    let error = ErrorPayload(code: 7, text: "the connection's input has ended").encoded
    #expect(
      result.output
        == String(decoding: success() + frame(.error, 2, 1, error), as: UTF8.self))
    #expect(result.status == 0)
  }

  @Test func answersThatCannotBeWrittenAreNotSilent() async throws {
    let result = try await agent(">/dev/full", input: Self.requests)
    #expect(result.error.hasSuffix("error: write: no space left on device\n"))
    #expect(result.status == 69)
  }

  /// Others share a terminal or a pipe with the agent: they find it as it was.
  @Test func leavesItsDescriptorsAsTheyWere() async throws {
    let result = try await CoderProcess.run(
      [
        "-c",
        "\"$0\" agent --transport pipe --log-level warn; grep flags /proc/$$/fdinfo/0 /proc/$$/fdinfo/1",
        CoderProcess.built(),
      ], program: "/bin/sh")
    let flags = result.output.split(separator: "\n").compactMap {
      $0.split(separator: "\t").last.flatMap { Int($0, radix: 8) }
    }
    #expect(flags.count == 2)
    for flags in flags { #expect(flags & Int(O_NONBLOCK) == 0) }
  }

  @Test func aPipeBesideASocketEndsTheAgent() async throws {
    let folder = try TemporaryFolder()
    let process = try CoderProcess(
      [
        "agent", "--transport", "pipe", "--transport", "unix:\(folder.file("a.sock"))",
        "--log-level", "debug",
      ], input: Self.requests)
    let result = await process.end()
    #expect(result.output == String(decoding: Self.answers, as: UTF8.self))
    #expect(result.status == 0)
    #expect(folder.files == [])
  }

  @Test func anAgentOnAPipeKeepsTheContract() async throws {
    for name in ["poll:10ms", "push"] {
      let agent = try await PipeAgent()
      let strategy = try PluginCatalog.standard.waitingStrategy(name)
      try await Task(executorPreference: agent.loop) {
        try await AgentContract.check(agent.manager, strategy, clock: agent.clock)
      }.value
      await agent.stop()
    }
  }
}
