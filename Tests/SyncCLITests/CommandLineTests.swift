import StandardPlugins
import SyncPlugin
import SyncTestKit
import SyncUnits
import Synchronization
import Testing

@testable import SyncCLI

/// A console that remembers.
final class Recorder: Sendable {
  private let text = Mutex((output: "", error: ""))
  var output: String { text.withLock { $0.output } }
  var error: String { text.withLock { $0.error } }

  func console(isTerminal: Bool = false, width: Int = 80) -> Console {
    Console(
      output: { text in self.text.withLock { $0.output += text } },
      error: { text in self.text.withLock { $0.error += text } },
      isErrorTerminal: isTerminal, width: width)
  }
}

@Suite struct CommandLineTests {
  private func run(_ words: [String], environment: Environment = [:]) -> (String, CommandFailure?) {
    let recorder = Recorder()
    do {
      try Program.run(
        words, environment: environment, catalog: .standard, console: recorder.console())
      return (recorder.output, nil)
    } catch {
      return (recorder.output, error as? CommandFailure)
    }
  }

  /// Every command's help, in one golden file.
  @Test func everyCommandHasHelpWithAnExample() throws {
    var text = ""
    func visit(_ command: Command, _ path: [String]) {
      let (output, failure) = run(path + ["--help"])
      #expect(failure == nil)
      #expect(run(["help"] + path).0 == output)
      #expect(output.contains("EXAMPLES:"), "\(path)")
      for line in output.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
      text += "$ coder \((path + ["--help"]).joined(separator: " "))\n\(output)\n"
      for subcommand in command.visibleSubcommands { visit(subcommand, path + [subcommand.name]) }
    }
    visit(CommandTable.root, [])
    try GoldenFile("help.golden", beside: #filePath).check(text)
  }

  /// roff finds nothing to complain of, and every exit status and every command is there.
  @Test func theManualIsOne() throws {
    let (text, failure) = run(["help", "--man"])
    #expect(failure == nil)
    for status in ExitStatus.allCases {
      #expect(text.contains(".B \(status.rawValue)\n"), "\(status)")
    }
    #expect(text.contains(".SS coder exp sync why [flags] <unit>\n"))
    #expect(!text.split(separator: "\n").contains { $0.hasPrefix("'") || $0.contains("`") })
  }

  @Test func choicesAreThoseThatThereAre() {
    #expect(Requirement.Condition.names == Requirement.Condition.allCases.map(\.rawValue))
    #expect(Requirement.Condition.choices == Requirement.Condition.names.joined(separator: "|"))
  }

  @Test func versionsAndHelpAreFound() {
    #expect(run(["--version"]).0 == "coder v0.1.0\n")
    #expect(run([]).0 == run(["--help"]).0)
    #expect(run(["-h"]).0 == run(["--help"]).0)
    #expect(run(["exp", "sync"]).0 == run(["exp", "sync", "--help"]).0)
    #expect(run(["help", "exp", "snyc"]).1?.hints.first == "did you mean sync?")
  }

  @Test func wordsThatAreRepeatedDoNotBreakTheLine() {
    for words in [["a\n\u{1b}[1m"], ["--a\n"], ["exp", "sync", "start", "--wait", "a\n", "b"]] {
      let recorder = Recorder()
      let status = Program.status(
        of: words, environment: [:], catalog: .standard, console: recorder.console())
      #expect(status == ExitStatus.usage.rawValue)
      let lines = recorder.error.split(separator: "\n")
      #expect(lines.first?.hasPrefix("error: ") == true)
      #expect(lines.dropFirst().allSatisfy { $0.hasPrefix("hint: ") }, "\(recorder.error)")
    }
  }

  @Test func valuesMayBeginWithACombiningMark() throws {
    for words in [
      ["--output=\u{301}x"], ["--output", "\u{301}x"], ["-o=\u{301}x"], ["-o\u{301}x"],
    ] {
      let result = try CommandParser(root: CommandTable.root).parse(["plugins"] + words)
      #expect(result.values.map(\.value) == ["\u{301}x"], "\(words)")
    }
  }

  @Test func pluginsAreListed() {
    let (table, _) = run(["plugins", "-c", "name,syntax,sides"])
    #expect(
      table == """
        NAME  SYNTAX              SIDES
        unix  unix[:PATH]         agent, client
        tcp   tcp[:ADDRESS:PORT]  agent, client
        pipe  pipe                agent
        exec  exec:COMMAND        client
        poll  poll[:INTERVAL]     client
        push  push                client

        """)
    let (json, _) = run(["plugins", "-o", "json"])
    #expect(json.contains("\"syntax\": \"tcp[:ADDRESS:PORT]\""))
    #expect(run(["plugins", "x"]).1?.status == .usage)
  }

  static let lists: [(String, [String])] = [
    ("unix", ["unix"]), ("unix:/a,tcp", ["unix:/a", "tcp"]), (",,unix,", ["unix"]),
    ("pipe,exec:ssh a,b c", ["pipe", "exec:ssh a,b c"]), ("exec:a,unix", ["exec:a,unix"]),
  ]

  @Test(arguments: lists)
  func listsOfEndpointsAreSplit(_ list: String, _ endpoints: [String]) {
    #expect(Invocation.endpoints(inList: list).map(\.description) == endpoints)
  }

  static let completions: [([String], [String])] = [
    ([""], ["agent", "completion", "exp", "help", "plugins"]),
    (["ag"], ["agent"]),
    (["exp", ""], ["sync"]),
    (["exp", "sync", "st"], ["start", "status"]),
    (["--v"], ["--version"]),
    (["exp", "sync", "start", "--t"], ["--timeout", "--transport"]),
    (["exp", "sync", "list", "-o", ""], ["table", "json"]),
    (["exp", "sync", "list", "--output", "j"], ["json"]),
    (["exp", "sync", "--socket-path", ""], [":files"]),
    (["exp", "sync", "start", "--wait", ""], ["poll", "push"]),
    (["exp", "sync", "--transport", ""], ["unix", "tcp", "exec"]),
    (["agent", "--transport", ""], ["unix", "tcp", "pipe"]),
    (["agent", "--log-level", "w"], ["warn"]),
    (["completion", ""], ["bash", "zsh", "fish"]),
    (["help", "exp", "sync", "w"], ["want", "wait", "why"]),
    (["help", "a"], ["agent"]),
    (["exp", "sync", "ping", ""], []),
    (["nonsense", ""], []),
  ]

  @Test(arguments: completions)
  func linesAreCompletedFromTheTable(_ words: [String], _ candidates: [String]) {
    let (output, failure) = run(["__complete"] + words)
    #expect(failure == nil)
    let texts = output.split(separator: "\n").map { $0.prefix { $0 != "\t" } }
    #expect(Set(texts.map(String.init)) == Set(candidates))
  }

  @Test func aShellIsCompletedByItsScript() {
    for shell in ["bash", "zsh", "fish"] {
      #expect(run(["completion", shell]).0.contains("__complete"))
    }
    #expect(run(["completion", "bsh"]).1?.hints == ["did you mean bash?"])
  }

  /// A line every 30 s where nobody looks.
  @Test func waitingIsReportedNowAndThen() async throws {
    let (recorder, clock) = (Recorder(), ManualClock())
    let manager = LocalUnitManager()
    try manager.want("app", dependsOn: "b")
    try manager.want("app", dependsOn: "a")
    let progress = WaitProgress(
      waitingFor: "dependencies of unit \"app\"",
      units: { try manager.status(of: "app").unsatisfied.map(\.unit) },
      console: recorder.console(), clock: clock)
    let task = Task { try await progress.run() }
    await clock.waitForSleepers(1)
    clock.advance(by: .seconds(29))
    #expect(clock.sleeperCount == 1)
    clock.advance(by: .seconds(1))
    await clock.waitForSleepers(1)
    try manager.start("a")
    try manager.complete("a")
    clock.advance(by: .seconds(30))
    await clock.waitForSleepers(1)
    task.cancel()
    _ = await task.result
    #expect(
      recorder.error == """
        still waiting for dependencies of unit "app" after 30s: [a, b]
        still waiting for dependencies of unit "app" after 1m: [b]

        """)
  }

  /// One living line on a terminal, which goes away in the end.
  @Test func aTerminalShowsOneLivingLine() async throws {
    let (recorder, clock) = (Recorder(), ManualClock())
    let manager = LocalUnitManager()
    try manager.want("app", dependsOn: UnitID(String(repeating: "x", count: 100)))
    let progress = WaitProgress(
      waitingFor: "dependencies",
      units: { try manager.status(of: "app").unsatisfied.map(\.unit) },
      console: recorder.console(isTerminal: true, width: 40), clock: clock)
    let task = Task { try await progress.run() }
    for _ in 0..<2 {
      await clock.waitForSleepers(1)
      clock.advance(by: .seconds(1))
    }
    await clock.waitForSleepers(1)
    task.cancel()
    _ = await task.result
    let line = "\r\u{1b}[Kwaiting for [xxxxxxxxxxxxxxxxxxxx…"
    #expect(recorder.error == "\(line) (1s)\(line) (2s)\r\u{1b}[K")
    #expect(recorder.output == "")
  }

  /// Nobody works on "clone", which nobody registered: said once, or a failure. While "db" is at work,
  /// somebody may still come.
  @Test func aStallIsNoticed() async throws {
    let (recorder, clock) = (Recorder(), ManualClock())
    let manager = LocalUnitManager()
    try manager.want("app", dependsOn: ["clone", "db"], .success)
    try manager.start("db")
    func watch(fails: Bool) -> Task<Void, any Error> {
      let stall = StallWatch(
        unit: { "app" }, policy: .init(isFailure: fails), manager: manager,
        console: recorder.console(), clock: clock)
      return Task { try await stall.run() }
    }
    let warning = watch(fails: false)
    await clock.waitForSleepers(1)
    clock.advance(by: .seconds(30))
    await clock.waitForSleepers(1)
    #expect(recorder.error == "")
    try manager.complete("db")
    for _ in 0..<2 {
      clock.advance(by: .seconds(30))
      await clock.waitForSleepers(1)
    }
    let message = "nobody works on anything that unit 'app' waits for: [clone]"
    #expect(recorder.error == "warning: \(message)\n")
    warning.cancel()
    _ = await warning.result

    let failing = watch(fails: true)
    await clock.waitForSleepers(1)
    clock.advance(by: .seconds(30))
    let failure = await #expect(throws: CommandFailure.self) { try await failing.value }
    #expect(failure?.status == .stalled)
    #expect(failure?.message == message)
  }
}
