import Foundation
import SyncTestKit
import Testing

/// `coder agent -- COMMAND…`.
@Suite(.serialized) struct PrivateAgentTests {
  private static let coder = CoderProcess.built()

  /// A folder for what is temporary, in which nothing may be left.
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func agent(
    _ flags: [String] = [], _ script: String, environment: [String: String] = [:]
  ) throws -> CoderProcess {
    try CoderProcess(
      ["agent"] + flags + ["--", "/bin/sh", "-c", script],
      environment: ["TMPDIR": folder.path, "CODER": Self.coder].merging(environment) { $1 })
  }

  @Test func theCommandReachesItsAgentAndItsStatusIsPassedOn() async throws {
    let result = await (try agent([], "$CODER exp sync ping; exit 7")).end()
    #expect(result == ProcessOutput(output: "Success\n", error: "", status: 7))
    #expect(folder.files == [])
  }

  static let scripts = """
    $CODER exp sync want app db disk
    ($CODER exp sync start db; $CODER exp sync complete db) &
    ($CODER exp sync start disk; $CODER exp sync complete disk) &
    $CODER exp sync start app --timeout 20s && wait && $CODER exp sync complete app
    """

  /// Whatever is inherited says which transport, and never where.
  @Test(arguments: [
    ["CODER_AGENT_TRANSPORT": "tcp"], ["CODER_AGENT_TRANSPORT": "tcp:127.0.0.1:1,unix:/nowhere"],
    ["CODER_AGENT_TRANSPORT": "exec:false"], ["CODER_AGENT_TRANSPORT": "pipe"],
    ["CODER_AGENT_SOCKET_PATH": "/nowhere/agent.sock", "CODER_SYNC_WAIT": "push"],
    ["CODER_AGENT_RUNTIME_DIR": "/nowhere"], ["CODER_AGENT_SOCKET_SERVER_ENABLED": "false"],
  ])
  func inheritedPlacesDoNotCount(_ environment: [String: String]) async throws {
    let result = await (try agent([], Self.scripts, environment: environment)).end()
    #expect(result.error == "")
    #expect(result.status == 0)
    #expect(folder.files == [])
  }

  @Test(arguments: [[], ["--transport", "tcp"], ["--transport", "unix", "--transport", "tcp"]])
  func agentsInsideAgentsKeepApart(_ flags: [String]) async throws {
    let result = await
      (try agent(
        flags,
        """
        $CODER exp sync start outer
        $CODER agent \(flags.joined(separator: " ")) -- sh -c '$CODER exp sync start inner; $CODER exp sync list -c unit'
        $CODER exp sync list -c unit
        """)).end()
    #expect(
      result.output == """
        Unit "outer" started with no dependencies
        Unit "inner" started with no dependencies
        UNIT
        inner
        UNIT
        outer

        """)
    #expect(folder.files == [])
  }

  @Test func flagsMeanWhatTheySay() async throws {
    let path = folder.file("here.sock")
    let result = await
      (try agent(
        ["--socket-path", path, "--wait", "poll:20ms"],
        "echo $CODER_AGENT_SOCKET_PATH $CODER_AGENT_TRANSPORT $CODER_SYNC_WAIT; ls $TMPDIR | wc -l"
      )).end()
    #expect(result.output.hasPrefix("\(path) unix poll:20ms\n"))
    #expect(folder.files == [])
  }

  /// The command may go elsewhere before it calls.
  @Test(arguments: ["--socket-path here.sock", "--transport unix:here.sock", ""])
  func placesAreAbsoluteForTheCommand(_ flags: String) async throws {
    let result = try await CoderProcess.run(
      [
        "-c",
        "cd '\(folder.path)' && mkdir t && TMPDIR=t \"$0\" agent \(flags) -- sh -c 'cd /; \"$0\" exp sync ping' \"$0\"; rmdir t",
        Self.coder,
      ], program: "/bin/sh")
    #expect(result == ProcessOutput(output: "Success\n", error: "", status: 0))
    #expect(folder.files == [])
  }

  @Test func whatAKilledAgentLeavesIsRemovedByTheNext() async throws {
    let living = try agent([], "echo ready; cat")
    let killed = try agent([], "echo ready; exec sleep 100")
    for process in [living, killed] { await process.waitForOutput("ready") }
    killed.send(SIGKILL)
    _ = await killed.end()
    let before = folder.files.count
    let result = await (try agent([], "ls $TMPDIR | wc -l")).end()
    #expect(result.status == 0)
    // The living one keeps its own, if it has not ended with its empty input.
    #expect(folder.files.count < before)
    _ = await living.end()
    #expect(folder.files == [])
  }

  /// The original knows only this variable.
  @Test func whereThereIsNoSocketItsVariableIsNotSet() async throws {
    let result = await
      (try agent(
        ["--transport", "tcp"], "echo \"${CODER_AGENT_SOCKET_PATH-unset}\"",
        environment: ["CODER_AGENT_SOCKET_PATH": "/of/another"])).end()
    #expect(result.output == "unset\n")
  }

  @Test(arguments: [SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGQUIT])
  func signalsArePassedOn(_ signal: Int32) async throws {
    let process = try agent(
      [], "trap 'echo got \(signal); exit 9' \(signal); echo ready; while :; do sleep 0.05; done")
    await process.waitForOutput("ready")
    process.send(signal)
    let result = await process.end()
    #expect(result.output == "ready\ngot \(signal)\n")
    #expect(result.status == 9)
    #expect(folder.files == [])
  }

  /// The end of a command by a signal is the agent's end by it, so that a shell loop stops.
  static let endings: [(signal: Int32, ending: Int32?, status: Int32?)] = [
    (SIGTERM, SIGTERM, nil), (SIGINT, SIGINT, nil), (SIGKILL, nil, 137),
  ]

  @Test(arguments: endings)
  func endsAsItsCommandDoes(_ signal: Int32, _ ending: Int32?, _ status: Int32?) async throws {
    let result = await (try agent([], "kill -\(signal) $$")).end()
    #expect(result.signal == ending)
    #expect(result.status == status)
    #expect(folder.files == [])
  }

  @Test func aCommandDoesNotOutliveAKilledAgent() async throws {
    let process = try agent([], "echo $$; exec sleep 100")
    await process.waitForOutput("\n")
    let id = process.outputSoFar.trimmingCharacters(in: .whitespacesAndNewlines)
    process.send(SIGKILL)
    // Its output ends with the last process that has it.
    _ = await process.end()
    #expect(!FileManager.default.fileExists(atPath: "/proc/\(id)/exe"))
  }

  /// Blocked and ignored are those that would be without the agent.
  @Test func theCommandHasOrdinarySignals() async throws {
    let script = "grep -E '^Sig(Blk|Ign)' /proc/self/status"
    let plain = try await CoderProcess.run(["-c", script], program: "/bin/sh")
    let result = await (try agent([], script)).end()
    #expect(Self.signalSets(result.output) == Self.signalSets(plain.output))
    #expect(Self.signalSets(result.output).count == 2)
  }

  /// Without the two that the C library has for itself.
  private static func signalSets(_ text: String) -> [UInt64] {
    text.split(separator: "\n").compactMap { line in
      line.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) }.map { $0 & ~(3 << 31) }
    }
  }

  static let failures: [(command: [String], error: String, status: Int32)] = [
    (["/no/such/command"], "cannot run /no/such/command: no such file or directory", 127),
    (["no-such-command"], "cannot run no-such-command: no such file or directory", 127),
    (["/etc/passwd"], "cannot run /etc/passwd: permission denied", 126),
    (["/etc"], "cannot run /etc: permission denied", 126),
  ]

  @Test(arguments: failures)
  func whatCannotBeRunIsSaid(_ command: [String], _ error: String, _ status: Int32) async throws {
    let result = try await CoderProcess.run(
      ["agent", "--"] + command, environment: ["TMPDIR": folder.path])
    #expect(result == ProcessOutput(output: "", error: "error: \(error)\n", status: status))
    #expect(folder.files == [])
  }
}
