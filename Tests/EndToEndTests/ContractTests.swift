import Foundation
import SyncTestKit
import Testing

/// The tables of the command line's contract, against the real program and a real agent.
@Suite(.serialized) struct ContractTests {
  static let satisfied = [
    ["want", "u", "b", "a"], ["start", "a"], ["complete", "a"], ["start", "b"], ["complete", "b"],
  ]

  static let successes: [Row] = [
    Row(name: "ping", command: ["ping"], output: "Success\n"),
    Row(
      name: "want", command: ["want", "U", "D1", "D2"],
      output: "Unit \"U\" declared dependencies: [D1, D2]\n"),
    Row(
      name: "want again", before: [["want", "U", "D"]], command: ["want", "U", "D"],
      output: "Unit \"U\" declared dependencies: [D]\n"),
    Row(
      name: "start without dependencies", command: ["start", "U"],
      output: "Unit \"U\" started with no dependencies\n"),
    Row(
      name: "start with all met", before: satisfied, command: ["start", "u"],
      output:
        "Unit \"u\" started immediately, dependencies already satisfied: [a, b]\n"),
    Row(
      name: "start of a completed unit", before: [["start", "u"], ["complete", "u"]],
      command: ["start", "u"], output: "Unit \"u\" started with no dependencies\n"),
    Row(
      name: "complete", before: [["start", "u"]], command: ["complete", "u"], output: "Success\n"),
    Row(
      name: "complete before start", before: [["want", "u", "x"]], command: ["complete", "u"],
      output: "Success\n"),
    Row(
      name: "status", before: [["want", "a", "b"]], command: ["status", "a"],
      output: """
        Unit: a
        Status: pending
        Ready: false

        Dependencies:
        DEPENDS ON  REQUIRED STATUS  CURRENT STATUS  SATISFIED
        b           completed        not registered  false

        """),
    Row(
      name: "status, sorted", before: satisfied + [["want", "u", "c"], ["start", "c"]],
      command: ["status", "u", "-c", "depends on, current status,satisfied"],
      output: """
        Unit: u
        Status: pending
        Ready: false

        Dependencies:
        DEPENDS ON  CURRENT STATUS  SATISFIED
        a           completed       true
        b           completed       true
        c           started         false

        """),
    Row(
      name: "status without dependencies", before: [["start", "a"]], command: ["status", "a"],
      output: """
        Unit: a
        Status: started
        Ready: true

        Dependencies:
        No dependencies found

        """),
    Row(
      name: "status as JSON", before: [["want", "a", "b"]], command: ["status", "a", "-ojson"],
      output: """
        {
          "unit_name": "a",
          "status": "pending",
          "is_ready": false,
          "dependencies": [
            {
              "depends_on": "b",
              "required_status": "completed",
              "current_status": "",
              "is_satisfied": false
            }
          ]
        }

        """),
    Row(
      name: "status as JSON without dependencies", before: [["start", "a"]],
      command: ["status", "--output=json", "a"],
      output: """
        {
          "unit_name": "a",
          "status": "started",
          "is_ready": true,
          "dependencies": []
        }

        """),
    Row(
      name: "list", before: [["start", "b"], ["want", "a", "b"], ["start", "c c"]],
      command: ["list"],
      output: """
        UNIT  STATUS   READY
        a     pending  false
        b     started  true
        c c   started  true

        """),
    Row(name: "list of nothing", command: ["list"], output: "No units registered\n"),
    Row(name: "list of nothing as JSON", command: ["list", "-o", "json"], output: "[]\n"),
    Row(
      name: "list as JSON", before: [["start", "a/b"]], command: ["list", "-o=json"],
      output: """
        [
          {
            "unit_name": "a/b",
            "status": "started",
            "is_ready": true
          }
        ]

        """),
    Row(
      name: "list of one column", before: [["start", "a"]], command: ["list", "-c", "unit"],
      output: "UNIT\na\n"),
    Row(
      name: "names with control characters", before: [["start", "a\nb\u{1b}[31m"]],
      command: ["list"],
      output: """
        UNIT            STATUS   READY
        a\\nb\\x1b[31m  started  true

        """.replacingOccurrences(of: "UNIT            ", with: "UNIT          ")),
    Row(
      name: "names with control characters in JSON", before: [["start", "a\nb\"\u{1}"]],
      command: ["list", "-o", "json"],
      output: """
        [
          {
            "unit_name": "a\\nb\\"\\u0001",
            "status": "started",
            "is_ready": true
          }
        ]

        """),
    Row(
      name: "status of an unknown unit", before: [["start", "git-clone"]],
      command: ["status", "git-clon"],
      output: """
        Unit: git-clon
        Status: not registered
        Ready: true

        Dependencies:
        No dependencies found

        """,
      error: "hint: unit \"git-clon\" is not registered; did you mean \"git-clone\"?\n"),
    Row(
      name: "flags end at --", before: [["want", "--", "--x", "-y"]],
      command: ["list", "-c", "unit"],
      output: "UNIT\n--x\n"),
  ]

  @Test(arguments: Reach.allCases, successes)
  func success(_ reach: Reach, _ row: Row) async throws {
    try await row.check(at: try await reach.site())
  }

  static let emptyName = "unit name is required"
  static let long = String(repeating: "n", count: 4_097)
  static let failures: [Row] = [
    .failing(
      "want without dependencies", ["want", "a"],
      error: "at least two arguments are required: unit and one or more depends-on", status: 64),
    .failing(
      "start without a unit", ["start"], error: "exactly one unit name is required", status: 64),
    .failing(
      "complete with two units", ["complete", "a", "b"],
      error: "exactly one unit name is required", status: 64),
    .failing(
      "status without a unit", ["status"], error: "exactly one unit name is required", status: 64),
    .failing(
      "want of an empty unit", ["want", "", "b"],
      error:
        "declare dependency failed: cannot add dependency: registering unit \"\": \(emptyName)",
      status: 64),
    .failing(
      "want of an empty dependency", ["want", "q", ""],
      error:
        "declare dependency failed: cannot add dependency: dependency name cannot be empty: \(emptyName)",
      status: 64),
    .failing(
      "start of an empty unit", ["start", ""],
      error: "get status failed: cannot check readiness: unit ID cannot be empty: \(emptyName)",
      status: 64),
    .failing(
      "status of an empty unit", ["status", ""],
      error: "get status failed: cannot check readiness: unit ID cannot be empty: \(emptyName)",
      status: 64),
    .failing(
      "complete of an empty unit", ["complete", ""],
      error:
        "complete unit failed: cannot complete unit \"\": updating status for unit \"\": \(emptyName)",
      status: 64),
    .failing(
      "name too long", ["start", long],
      error: "unit name is too long: 4097 bytes, at most 4096 are allowed", status: 64),
    .failing(
      "cycle", before: [["want", "a", "b"]], ["want", "b", "a"],
      error: """
        declare dependency failed: cannot add dependency: adding edge for unit "b": failed to add dependency
        adding edge (b -> a): cycle detected
        """,
      hints: ["the cycle is b -> a -> b"], status: 65),
    .failing(
      "long cycle",
      before: [["want", "a", "b", "x"], ["want", "b", "y", "c"], ["want", "c", "d"]],
      ["want", "d", "a"],
      error: """
        declare dependency failed: cannot add dependency: adding edge for unit "d": failed to add dependency
        adding edge (d -> a): cycle detected
        """,
      hints: ["the cycle is d -> a -> b -> c -> d"], status: 65),
    .failing(
      "self-dependency", ["want", "a", "a"],
      error: """
        declare dependency failed: cannot add dependency: adding edge for unit "a": failed to add dependency
        adding edge (a -> a): cycle detected
        """,
      hints: ["the cycle is a -> a"], status: 65),
    .failing(
      "start of a started unit", before: [["start", "b"]], ["start", "b"],
      error:
        "start unit failed: cannot start unit \"b\": checking status for unit \"b\": same status already set",
      status: 1),
    .failing(
      "complete twice", before: [["start", "b"], ["complete", "b"]], ["complete", "b"],
      error:
        "complete unit failed: cannot complete unit \"b\": checking status for unit \"b\": same status already set",
      status: 1),
    .failing(
      "complete of an unregistered unit", before: [["start", "database"]], ["complete", "databse"],
      error:
        "complete unit failed: cannot complete unit \"databse\": unit \"databse\" must be registered first: unit not found",
      hints: ["did you mean \"database\"?"], status: 1),
    .failing(
      "timeout",
      before: [["want", "a", "git-clon", "c"], ["start", "git-clone"], ["start", "c"]],
      ["start", "a", "--timeout", "800ms"],
      output: "Unit \"a\" is waiting for dependencies to be satisfied: [c, git-clon]\n",
      error: "timeout waiting for dependencies of unit 'a'",
      hints: [
        "still waiting for: c (started), git-clon (not registered; did you mean \"git-clone\"?)"
      ], status: 124),
    .failing(
      "timeout of a whole second", before: [["want", "a", "b"], ["start", "b"]],
      ["start", "--timeout=1s", "a"],
      output: "Unit \"a\" is waiting for dependencies to be satisfied: [b]\n",
      error: "timeout waiting for dependencies of unit 'a'",
      hints: ["still waiting for: b (started)"], status: 124),
    .failing(
      "bad timeout", ["start", "a", "--timeout", "5"],
      error: "--timeout: \"5\" is not a duration as in 5m or 1.5s", status: 64),
    .failing(
      "unknown strategy", ["start", "a", "--wait", "pool"],
      error: "--wait: unknown waiting strategy \"pool\"",
      hints: ["known are: poll[:INTERVAL], push"],
      status: 64),
    .failing(
      "bad interval", ["start", "a", "--wait=poll:0"],
      error: "--wait: \"0\" is not an interval to poll at",
      hints: ["write it as in poll:250ms or poll:1.5s, at least 1ms"], status: 64),
    .failing(
      "unknown flag", ["start", "a", "--timout", "5m"], error: "unknown flag --timout",
      hints: ["did you mean --timeout?", "see 'coder exp sync start --help'"], status: 64),
    .failing(
      "unknown command", ["strat", "a"], error: "unknown command \"strat\"",
      hints: ["did you mean start?", "see 'coder exp sync --help'"], status: 64),
    .failing(
      "flag without a value", ["start", "a", "--timeout"], error: "flag --timeout needs a value",
      hints: ["see 'coder exp sync start --help'"], status: 64),
    .failing(
      "unknown column", ["list", "-c", "name"], error: "unknown column \"name\"",
      hints: ["known are: unit, status, ready"], status: 64),
    .failing(
      "unknown format", ["list", "-o", "yaml"], error: "--output: \"yaml\" is not table or json",
      status: 64),
    .failing(
      "both flags", ["--transport", "unix", "--socket-path", "/x", "ping"],
      error: "--transport and --socket-path cannot be used together", status: 64),
    .failing(
      "unknown transport", ["--transport", "udp:1", "ping"],
      error: "unknown transport \"udp\"",
      hints: ["known are: unix[:PATH], tcp[:ADDRESS:PORT], pipe, exec:COMMAND"],
      status: 64),
    .failing(
      "no agent", ["--socket-path", "/tmp/no-such-agent.sock", "ping"],
      error:
        "connect to agent socket: connect to socket: dial unix /tmp/no-such-agent.sock: connect: no such file or directory",
      hints: [
        "is the agent running, with CODER_AGENT_SOCKET_SERVER_ENABLED=true and this socket path?"
      ], status: 69),
    .failing(
      "path too long", ["--socket-path", "/tmp/" + String(repeating: "p", count: 103), "ping"],
      error:
        "connect to agent socket: connect to socket: dial unix /tmp/\(String(repeating: "p", count: 103)): connect: invalid argument",
      hints: ["a socket path has at most 107 bytes, this one has 108"], status: 64),
  ]

  @Test(arguments: Reach.allCases, failures)
  func failure(_ reach: Reach, _ row: Row) async throws {
    if row.namesAnEndpoint, reach != .unix { return }
    try await row.check(at: try await reach.site())
  }

  @Test func namesMustBeUTF8() async throws {
    let result = try await CoderProcess.run(
      ["-c", #"exec "$0" exp sync want "$(printf '\377')" b"#, CoderProcess.built()],
      program: "/bin/sh")
    #expect(result.error == "error: argument 4 is not valid UTF-8\n")
    #expect(result.status == 64)
  }

  @Test func aFullDiskIsReported() async throws {
    let agent = try await TestAgent()
    let result = try await CoderProcess.run(
      ["-c", #""$0" exp sync ping >/dev/full"#, CoderProcess.built()], program: "/bin/sh",
      environment: ["CODER_AGENT_SOCKET_PATH": agent.socketPath])
    #expect(result.error == "error: cannot write standard output: write: no space left on device\n")
    #expect(result.status == 74)
  }

  @Test func anEmptyVariableIsUnset() async throws {
    let agent = try await TestAgent()
    let result = try await agent.sync(
      "start", "a", environment: ["CODER_SYNC_WAIT": "", "CODER_AGENT_TRANSPORT": ""])
    #expect(result.status == 0)
  }

  @Test func aFlagBeatsItsVariable() async throws {
    let agent = try await TestAgent()
    let byPath = try await CoderProcess.run(
      ["exp", "sync", "ping", "--socket-path", agent.socketPath],
      environment: [
        "CODER_AGENT_SOCKET_PATH": "/nowhere", "CODER_AGENT_TRANSPORT": "unix:/nowhere",
      ])
    #expect(byPath.status == 0)
    let byTransport = try await CoderProcess.run(
      ["exp", "sync", "--transport", "unix:\(agent.socketPath)", "ping"],
      environment: ["CODER_AGENT_SOCKET_PATH": "/nowhere"])
    #expect(byTransport.status == 0)
    let byVariable = try await CoderProcess.run(
      ["exp", "sync", "ping"], environment: ["CODER_AGENT_TRANSPORT": ",unix:\(agent.socketPath)"])
    #expect(byVariable.status == 0)
    let pathOfVariable = try await CoderProcess.run(
      ["exp", "sync", "ping"],
      environment: [
        "CODER_AGENT_TRANSPORT": "unix", "CODER_AGENT_SOCKET_PATH": agent.socketPath,
      ])
    #expect(pathOfVariable.status == 0)
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP], ["poll", "push"])
  func aSignalEndsAWaitByItself(_ signal: Int32, _ strategy: String) async throws {
    let agent = try await TestAgent(flags: ["--log-level", "debug"])
    _ = try await agent.sync("want", "a", "b")
    let waiting = try agent.start(["start", "a", "--wait", strategy])
    await waiting.waitForOutput("\n")
    waiting.send(signal)
    let result = await waiting.end()
    #expect(result.signal == signal)
    #expect(result.error == "")
    // The agent forgets the connection, and then ends with none to close.
    await agent.process.waitForError("disconnected connection=2")
    let log = await agent.stop().error
    #expect(log.components(separatedBy: " connected ").count == 3)
    #expect(log.components(separatedBy: " disconnected ").count == 3)
  }
}
