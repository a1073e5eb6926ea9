import Foundation
import SyncTestKit
import Testing
import WireFixtures

/// `coder exp sync run`.
@Suite(.serialized) struct RunTests {
  private let agent: TestAgent
  private let folder: TemporaryFolder

  init() async throws {
    agent = try await TestAgent()
    folder = try TemporaryFolder()
  }

  private func run(
    _ arguments: [String], _ script: String, environment: [String: String] = [:]
  ) throws -> CoderProcess {
    try agent.start(
      ["run"] + arguments + ["--", "/bin/sh", "-c", script],
      environment: ["FOLDER": folder.path, "CODER_SYNC_WAIT": "push"].merging(environment) { $1 })
  }

  private struct Unit: Decodable, Equatable {
    var status: String
    var reason: String?
    var exit_status: Int?
    var generation: Int?
  }

  private func unit(_ name: String) async throws -> Unit {
    let result = try await agent.sync("status", name, "-o", "json")
    return try JSONDecoder().decode(Unit.self, from: Data(result.output.utf8))
  }

  private func text(_ name: String) -> String {
    (try? String(contentsOfFile: folder.file(name), encoding: .utf8)) ?? ""
  }

  /// Returns when nobody holds the lock, which has to be somebody else's.
  private func waitForLock(_ name: String) async throws {
    #expect(await (try run(["waits-for-\(name)", "--lock", name], "true")).end().status == 0)
  }

  // MARK: The end of the command

  @Test func successCompletesTheUnitAndTheOutputIsTheCommands() async throws {
    let result = await (try run(["app"], "echo out; echo $CODER_SYNC_UNIT >&2; cat")).end()
    #expect(result == ProcessOutput(output: "out\n", error: "app\n", status: 0))
    #expect(try await unit("app") == Unit(status: "completed"))
  }

  static let failures: [(command: [String], error: String, status: Int32, reason: String)] = [
    (["sh", "-c", "exit 7"], "", 7, "exit status 7"),
    (["sh", "-c", "kill -9 $$"], "", 137, "killed by SIGKILL"),
    (["sh", "-c", "kill -SEGV $$"], "", 139, "killed by SIGSEGV"),
    (
      ["no-such-command"], "error: cannot run no-such-command: no such file or directory\n", 127,
      "cannot run no-such-command: no such file or directory"
    ),
    (
      ["/etc/passwd"], "error: cannot run /etc/passwd: permission denied\n", 126,
      "cannot run /etc/passwd: permission denied"
    ),
  ]

  @Test(arguments: failures)
  func failureIsPassedThroughAndKept(
    _ command: [String], _ error: String, _ status: Int32, _ reason: String
  ) async throws {
    let result = try await agent.start(["run", "app", "--"] + command).end()
    #expect(result == ProcessOutput(output: "", error: error, status: status))
    #expect(
      try await unit("app") == Unit(status: "failed", reason: reason, exit_status: Int(status)))
  }

  @Test func aUnitThatFailedRunsAnewInTheNextGeneration() async throws {
    _ = await (try run(["app"], "exit 1")).end()
    #expect(await (try run(["app"], "exit 0")).end().status == 0)
    #expect(try await unit("app") == Unit(status: "completed", generation: 2))
  }

  // MARK: Before the command

  @Test func waitsForAllItsDependencies() async throws {
    let app = try run(["app", "--after", "a,b"], "cat $FOLDER/log")
    for name in ["a", "b"] {
      #expect(await (try run([name], "echo \(name) >> $FOLDER/log")).end().status == 0)
    }
    #expect(await app.end() == ProcessOutput(output: "a\nb\n", error: "", status: 0))
  }

  static let refusals: [(flags: [String], error: String, status: Int32, unit: String)] = [
    (["--after", "bad"], "error: dependency 'bad' failed: exit status 3", 10, "skipped"),
    (
      ["--after", "bad", "--on-failure", "keep"], "error: dependency 'bad' failed: exit status 3",
      10, "pending"
    ),
    (
      ["--after", "never", "--fail-on-stall=1ms"], "error: nobody works on anything", 11, "failed"
    ),
    (
      ["--after", "never", "--timeout", "100ms"],
      "error: timeout waiting for dependencies of unit 'app'", 124, "failed"
    ),
    (
      ["--lock", "taken", "--timeout", "100ms"], "error: timeout waiting for locks of unit 'app'",
      124, "failed"
    ),
    (["--after", "app"], "error: declare dependency failed: ", 125, ""),
    (["--socket-path", "/nowhere/agent.sock"], "error: connect to agent socket: ", 125, ""),
  ]

  @Test(arguments: refusals)
  func whatMakesItImpossibleIsSaid(
    _ flags: [String], _ error: String, _ status: Int32, _ unitStatus: String
  ) async throws {
    _ = await (try run(["bad"], "exit 3")).end()
    let holder = try run(["holder", "--lock", "taken"], "echo ready; exec sleep 100")
    await holder.waitForOutput("ready")
    let result = await (try run(["app"] + flags, "touch $FOLDER/ran")).end()
    #expect(result.output == "")
    #expect(result.error.hasPrefix(error), "\(result.error)")
    #expect(result.status == status)
    #expect(folder.files == [])
    #expect(try await unit("app").status == unitStatus)
  }

  static let mistakes: [(arguments: [String], error: String)] = [
    (["app"], "run needs a command behind --"), (["app", "--"], "run needs a command behind --"),
    (["app", "--", ""], "run needs a command behind --"),
    (["app", "true"], "run needs a command behind --"),
    (["--", "true"], "exactly one unit name is required before --"),
    (["a", "b", "--", "true"], "exactly one unit name is required before --"),
    (["app", "--retry", "-1", "--", "true"], "--retry: \"-1\" is not a number from 0 to 1000"),
    (["app", "--retry", "1001", "--", "true"], "--retry: \"1001\" is not a number from 0 to 1000"),
    (
      ["app", "--ready-fd", "2", "--", "true"],
      "--ready-fd: \"2\" is not the number of a descriptor from 3 to 1023"
    ),
    (["app", "--lock", "", "--", "true"], "--lock: a lock has a name"),
  ]

  @Test(arguments: mistakes)
  func mistakesAreUsageErrors(_ arguments: [String], _ error: String) async throws {
    let result = try await agent.start(["run"] + arguments).end()
    #expect(result.error.hasPrefix("error: \(error)\n"), "\(result.error)")
    #expect(result.status == 64)
    #expect(try await agent.sync("list", "-o", "json").output == "[]\n")
  }

  /// An original one would take a unit that failed for one that is at work for ever.
  @Test func anAgentThatDoesNotKnowFailuresIsRefused() async throws {
    let old = try ScriptedAgent.answering([
      failure(#"protocol error: unknown rpc: "/unitsync.v1.UnitSync/Hello""#)
    ])
    let result = try await old.sync("run", "app", "--after", "a", "--", "touch", folder.file("ran"))
    #expect(
      result.error == """
        error: the agent does not know the call Start
        hint: run needs an agent that knows failures

        """)
    #expect(result.status == 125)
    #expect(folder.files == [])
  }

  // MARK: Again

  @Test func theThirdAttemptSucceedsAndOnlyThenTheUnit() async throws {
    let script = """
      coder exp sync status app -o json | grep '"status"'
      echo >> $FOLDER/log; test $(wc -l < $FOLDER/log) = 3
      """
    let result = await
      (try agent.run(
        "env", ["coder", "exp", "sync", "run", "app", "--retry", "5", "--", "sh", "-c", script],
        environment: ["FOLDER": folder.path])).end()
    #expect(
      result.output == String(repeating: "  \"status\": \"started\",\n", count: 3))
    #expect(
      result.error == """
        attempt 1 of 6 of unit "app" failed: exit status 1
        attempt 2 of 6 of unit "app" failed: exit status 1

        """)
    #expect(result.status == 0)
    #expect(try await unit("app") == Unit(status: "completed"))
  }

  @Test func theLastFailureIsPublishedWithTheNumberOfAttempts() async throws {
    let result = await
      (try run(
        ["app", "--retry", "2", "--lock", "l"], "echo x; exit 4"))
      .end()
    #expect(result.output == "x\nx\nx\n")
    #expect(result.status == 4)
    #expect(
      try await unit("app")
        == Unit(status: "failed", reason: "exit status 4, after 3 attempts", exit_status: 4))
  }

  /// Starting it once more would undo what somebody has decided.
  @Test func aUnitThatSomebodyHasEndedIsNotRunAgain() async throws {
    let result = await
      (try agent.run(
        "env",
        [
          "coder", "exp", "sync", "run", "app", "--retry", "5", "--", "sh", "-c",
          "coder exp sync complete app; exit 3",
        ]
      )).end()
    #expect(result.error.contains("error: unit \"app\" could not be marked as failed: "))
    #expect(result.status == 3)
    #expect(try await unit("app") == Unit(status: "completed"))
  }

  // MARK: Its own end

  @Test func whenItIsKilledTheUnitFailsAtOnceAndItsLocksAreFreeAfterTheCommand() async throws {
    let holder = try run(["app", "--lock", "apt"], "echo $$; exec sleep 100")
    await holder.waitForOutput("\n")
    let id = holder.outputSoFar.trimmingCharacters(in: .whitespacesAndNewlines)
    holder.send(SIGKILL)
    // Its output ends with the last process that has it.
    _ = await holder.end()
    #expect(!FileManager.default.fileExists(atPath: "/proc/\(id)/exe"))
    try await waitForLock("apt")
    #expect(
      try await unit("app")
        == Unit(
          status: "failed",
          reason: "its holder ended (pid \(holder.processID)) without finishing it"))
  }

  /// The kernel tells how a process ended that is not a child since Linux 6.15.
  @Test(.enabled(if: kernelTellsHowProcessesEnd), arguments: [SIGKILL, SIGTERM])
  func aShellThatIsKilledTakesItAlong(_ signal: Int32) async throws {
    let shell = try CoderProcess(
      [
        "-c", #""$0" exp sync run app -- sh -c 'echo begun; exec sleep 1000' "$1"; true"#,
        CoderProcess.built(), folder.file("mark"),
      ], program: "/bin/sh", environment: agent.environment)
    await shell.waitForOutput("begun")
    shell.send(signal)
    if signal == SIGKILL {
      _ = await shell.end()
      let end = try await agent.sync("wait", "app", "--timeout", "20s")
      #expect(end.status == 10)
      #expect(end.error.contains("without finishing it"))
      try await expectNothingLeft(naming: folder.file("mark"))
    } else {
      // It may have been left behind on purpose.
      #expect(try await unit("app").status == "started")
      for process in ProcessEntry.all(naming: folder.file("mark")) {
        kill(process.id, SIGKILL)
      }
      _ = await shell.end()
    }
  }

  private static let kernelTellsHowProcessesEnd: Bool = {
    var name = utsname()
    uname(&name)
    let release = withUnsafeBytes(of: name.release) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
    let numbers = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
    return numbers.count == 2 && (numbers[0], numbers[1]) >= (6, 15)
  }()

  /// It was never at work.
  @Test(arguments: [SIGTERM, SIGINT, SIGHUP])
  func aSignalEndsTheWait(_ signal: Int32) async throws {
    let waiting = try run(["app", "--after", "never", "-v"], "touch $FOLDER/ran")
    await waiting.waitForError("connecting")
    waiting.send(signal)
    let result = await waiting.end()
    #expect(result.signal == signal)
    #expect(folder.files == [])
    #expect(["", "pending", "failed"].contains(try await unit("app").status))
  }

  @Test(arguments: [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2])
  func signalsReachTheCommand(_ signal: Int32) async throws {
    let process = try run(
      ["app"],
      "trap 'echo \(signal) > $FOLDER/got; exit 9' \(signal); echo ready; while :; do sleep 0.05; done"
    )
    await process.waitForOutput("ready")
    process.send(signal)
    #expect(await process.end().status == 9)
    #expect(text("got") == "\(signal)\n")
    #expect(
      try await unit("app") == Unit(status: "failed", reason: "exit status 9", exit_status: 9))
  }

  /// The group gets it, and not only its leader; and nobody begins again after that.
  @Test func terminationEndsTheRetriesToo() async throws {
    let process = try run(["app", "--retry", "9"], "sleep 100 & echo ready; wait; wait; sleep 100")
    await process.waitForOutput("ready")
    process.send(SIGTERM)
    let result = await process.end()
    #expect(result == ProcessOutput(output: "ready\n", error: "", status: nil, signal: SIGTERM))
    #expect(
      try await unit("app")
        == Unit(status: "failed", reason: "killed by SIGTERM", exit_status: 143))
  }

  @Test(arguments: [(0, 125), (5, 5)] as [(Int32, Int32)])
  func theCommandGoesOnWithoutTheAgent(_ status: Int32, _ expected: Int32) async throws {
    let process = try run(
      ["app"], "echo ready; while ! test -e $FOLDER/go; do sleep 0.05; done; exit \(status)")
    await process.waitForOutput("ready")
    _ = await agent.stop()
    await process.waitForError("warning: the agent has ended, and its units with it")
    try "".write(toFile: folder.file("go"), atomically: false, encoding: .utf8)
    let result = await process.end()
    #expect(result.error.contains("error: unit \"app\" could not be "))
    #expect(result.status == expected)
  }

  // MARK: Locks

  @Test func holdersOfALockDoNotOverlap() async throws {
    let script = "for i in 1 2 3; do echo $0 >> $FOLDER/log; sleep 0.01; done"
    let names = (1...6).map { "unit\($0)" }
    let processes = try names.map { name in
      try agent.start(
        ["run", name, "--lock", "apt", "--lock", "disk", "--", "sh", "-c", script, name],
        environment: ["FOLDER": folder.path])
    }
    for process in processes { #expect(await process.end().status == 0) }
    let lines = text("log").split(separator: "\n").map(String.init)
    #expect(lines.count == 18)
    for begin in stride(from: 0, to: lines.count, by: 3) {
      #expect(Set(lines[begin..<begin + 3]).count == 1)
    }
  }

  // MARK: Health

  static let announcements: [(flags: [String], script: String)] = [
    (["--ready-fd", "3"], "echo >&3"), (["--ready-fd", "9"], "printf ready >&9; exec 9>&-"),
    (["--ready-fd", "1023"], "printf 'a\\nb' > /proc/self/fd/1023"),
    ([], "notify 'STATUS=soon\nREADY=1\n'"), (["--ready-fd", "5"], "notify READY=1"),
  ]

  private static let notify = """
    notify() { perl -MSocket -e '
      socket(S, AF_UNIX, SOCK_DGRAM, 0); my $name = $ENV{NOTIFY_SOCKET}; $name =~ s/^@/\\0/;
      send(S, $ARGV[0], 0, pack("Sa*", AF_UNIX, $name)) or die $!' "$1"; }

    """

  @Test(arguments: announcements)
  func aHealthyServerReleasesWhoRequiresNoMore(_ flags: [String], _ script: String) async throws {
    let server = try run(
      ["server"] + flags,
      Self.notify + script + "; while ! test -e $FOLDER/go; do sleep 0.05; done; exit 3",
      environment: ["NOTIFY_SOCKET": "/of/another"])
    let tests = await
      (try run(["tests", "--after", "server", "--requires", "healthy"], "echo tested")).end()
    #expect(tests == ProcessOutput(output: "tested\n", error: "", status: 0))
    #expect(try await unit("server").status == "started")
    try "".write(toFile: folder.file("go"), atomically: false, encoding: .utf8)
    #expect(await server.end() == ProcessOutput(output: "", error: "", status: 3))
  }

  /// Whoever gives the descriptor back without a word, or says something else, is not healthy.
  @Test(arguments: ["exec 4>&-", "notify 'READY=10'", "notify 'STATUS=READY=1'"])
  func silenceIsNotHealth(_ script: String) async throws {
    let server = try run(["server", "--ready-fd", "4"], Self.notify + script + "; exit 3")
    let tests = await
      (try run(["tests", "--after", "server", "--requires", "healthy"], "echo tested")).end()
    #expect(tests.status == 10)
    #expect(await server.end().status == 3)
  }

  // MARK: Its place

  @Test(arguments: ["tcp", "exec"])
  func otherTransportsDo(_ transport: String) async throws {
    let site = try await (transport == "tcp" ? Reach.tcp : .exec).site()
    let command = ["--", "sh", "-c", "echo >&3; exit 3"]
    let failed = try await site.begin(
      ["run", "app", "--ready-fd", "3", "--lock", "l"] + command,
      environment: ["CODER_SYNC_WAIT": "push"]
    ).end()
    #expect(failed == ProcessOutput(output: "", error: "", status: 3))
    let dependent = try await site.run(
      "run", "b", "--after", "app", "--lock", "l", "--wait", "push", "--", "true")
    #expect(dependent.status == 10)
  }

  /// Blocked and ignored are those that would be without it, and nothing is inherited that was not.
  @Test func theCommandHasOrdinarySignalsAndDescriptors() async throws {
    let script = "grep -E '^Sig(Blk|Ign)' /proc/self/status; exec ls /proc/self/fd"
    // In one shell, because what the tests have open changes while they run.
    let result = try await CoderProcess.run(
      [
        "-c", #"sh -c "$1" && echo / && "$2" exp sync run app -- sh -c "$1""#, "sh", script,
        CoderProcess.built(),
      ], program: "/bin/sh", environment: agent.environment)
    let outputs = result.output.components(separatedBy: "/\n")
    #expect(outputs.count == 2)
    #expect(Self.comparable(outputs[0]) == Self.comparable(outputs[1]))
  }

  /// Without the two signals that the C library has for itself.
  private static func comparable(_ text: String) -> [String] {
    text.split(separator: "\n").map { line in
      let set = line.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) }
      return line.hasPrefix("Sig") ? "\(set! & ~(3 << 31))" : String(line)
    }
  }
}
