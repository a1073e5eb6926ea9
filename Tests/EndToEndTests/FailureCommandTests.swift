import Foundation
import SyncTestKit
import Testing

/// The commands that tell of failure, and those that hear of it.
@Suite(.serialized) struct FailureCommandTests {
  static let broken = [
    ["want", "app", "db"], ["start", "db"], ["fail", "db", "--exit-status", "3"],
  ]
  static let reason = "dependency 'db' failed: exit status 3 (required by 'app')"

  static let rows: [Row] = [
    Row(name: "fail", before: [["start", "db"]], command: ["fail", "db"], output: "Success\n"),
    Row(
      name: "skip", before: [["want", "db", "x"]], command: ["skip", "db"], output: "Success\n"),
    Row(
      name: "healthy", before: [["start", "db"]], command: ["healthy", "db"], output: "Success\n"),
    Row(name: "reset", before: broken, command: ["reset", "db"], output: "Success\n"),
    .failing(
      "a failure is not wiped out", before: broken, ["complete", "db"],
      error: #"complete unit failed: cannot complete unit "db": unit has failed"#, status: 1),
    .failing(
      "fail of what is completed", before: [["start", "db"], ["complete", "db"]], ["fail", "db"],
      error: #"fail unit failed: cannot fail unit "db": unit has completed"#, status: 1),
    .failing(
      "skip of what has started", before: [["start", "db"]], ["skip", "db"],
      error: #"skip unit failed: cannot skip unit "db": unit has started"#, status: 1),
    .failing(
      "healthy of what is pending", before: [["want", "db", "x"]], ["healthy", "db"],
      error: #"mark unit healthy failed: cannot mark unit "db" healthy: unit is pending"#,
      status: 1),
    .failing(
      "fail of what nobody knows, but something similar", before: [["start", "database"]],
      ["fail", "databse"],
      error:
        #"fail unit failed: cannot fail unit "databse": unit "databse" must be registered first: unit not found"#,
      hints: [#"did you mean "database"?"#], status: 1),
    .failing(
      "a bad exit status", ["fail", "db", "--exit-status", "0"],
      error: #"--exit-status: "0" is not a number from 1 to 255"#, status: 64),
    .failing(
      "start of what can never start", before: broken, ["start", "app", "--wait", "push"],
      output: "Unit \"app\" is waiting for dependencies to be satisfied: [db]\n", error: reason,
      status: 10),
    .failing(
      "the same by polling", before: broken, ["start", "app", "--wait", "poll:1ms"],
      output: "Unit \"app\" is waiting for dependencies to be satisfied: [db]\n", error: reason,
      status: 10),
    Row(
      name: "it is skipped", before: broken, command: ["status", "db"],
      output: """
        Unit: db
        Status: failed: exit status 3
        Ready: true

        Dependencies:
        No dependencies found

        """),
    Row(
      name: "a reason in JSON", before: broken, command: ["list", "-o", "json"],
      output: """
        [
          {
            "unit_name": "app",
            "status": "pending",
            "is_ready": false,
            "is_blocked": true
          },
          {
            "unit_name": "db",
            "status": "failed",
            "is_ready": true,
            "reason": "",
            "exit_status": 3
          }
        ]

        """),
    Row(
      name: "conditions",
      before: [
        ["want", "app", "db", "--requires", "started"], ["want", "app", "x", "--optional"],
      ],
      command: ["status", "app"],
      output: """
        Unit: app
        Status: pending
        Ready: false

        Dependencies:
        DEPENDS ON  REQUIRED STATUS       CURRENT STATUS  SATISFIED
        db          started               not registered  false
        x           completed (optional)  not registered  true

        """),
    Row(
      name: "a repeated want sets the condition anew",
      before: [
        ["want", "app", "db", "--requires", "started"], ["want", "app", "db"], ["start", "db"],
      ],
      command: ["status", "app", "-c", "required status,satisfied"],
      output: """
        Unit: app
        Status: pending
        Ready: false

        Dependencies:
        REQUIRED STATUS  SATISFIED
        completed        false

        """),
    .failing(
      "a bad condition", ["want", "a", "b", "--requires", "luck"],
      error: #"--requires: "luck" is not success|completion|started|healthy"#, status: 64),
    Row(
      name: "wait for one of two", before: [["start", "a"], ["complete", "a"]],
      command: ["wait", "a", "b", "--any"], output: "Success\n"),
    .failing(
      "wait for what failed", before: broken, ["wait", "db"],
      error: "unit 'db' failed: exit status 3", status: 10),
    .failing(
      "wait for what is blocked", before: broken, ["wait", "app"], error: reason, status: 10),
    Row(
      name: "wait for any end", before: broken, command: ["wait", "db", "--for", "completion"],
      output: "Success\n"),
    .failing(
      "wait for what does not come", before: [["start", "a"]],
      ["wait", "a", "b", "--timeout", "50ms"],
      error: "timeout waiting for units", hints: ["still waiting for: [a, b]"], status: 124),
    .failing(
      "wait for all units of none", ["wait", "--all-units"],
      error: "wait failed: no units are registered", status: 1),
    Row(
      name: "wait for all units", before: [["start", "a"], ["complete", "a"]],
      command: ["wait", "--all-units"], output: "Success\n"),
    .failing(
      "the end of a startup that failed", before: broken, ["wait", "--all-units"],
      error: """
        unit 'app': \(reason)
        unit 'db' failed: exit status 3
        """, status: 10),
    .failing(
      "wait for nothing", ["wait"], error: "at least one unit name is required, or --all-units",
      status: 64),
    .failing(
      "wait for more than there are", ["wait", "a", "--count", "2"],
      error: #"--count: "2" is not a number from 1 to 1"#, status: 64),
    .failing(
      "wait for any and all", ["wait", "a", "--any", "--all"],
      error: "only one of --any, --all and --count can be used", status: 64),
    Row(
      name: "why", before: broken + [["want", "app", "dbb", "cache"], ["want", "cache", "disk"]],
      command: ["why", "app"],
      output: """
        app: pending, blocked for good
          cache: pending, not started yet
            disk: not registered, nobody has declared or started it
          db: failed: exit status 3
          dbb: not registered, nobody has declared or started it; did you mean "db"?
        nobody works on anything that anybody waits for

        """),
    .failing(
      "a stall", before: [["want", "app", "clone"]],
      ["start", "app", "--fail-on-stall=1ms"],
      output: "Unit \"app\" is waiting for dependencies to be satisfied: [clone]\n",
      error: "nobody works on anything that unit 'app' waits for: [clone]",
      hints: ["see 'coder exp sync why app'"], status: 11),
    .failing(
      "a stall of all units", before: [["want", "app", "clone"]],
      ["wait", "--all-units", "--fail-on-stall=1ms"],
      error: "nobody works on anything that unit 'app' waits for: [clone]",
      hints: ["see 'coder exp sync why app'"], status: 11),
    .failing(
      "a timeout far from the root",
      before: [["want", "app", "migrate"], ["want", "migrate", "db"]],
      ["start", "app", "--timeout", "50ms"],
      output: "Unit \"app\" is waiting for dependencies to be satisfied: [migrate]\n",
      error: "timeout waiting for dependencies of unit 'app'",
      hints: [
        "still waiting for: migrate (pending)", "app: pending",
        "  migrate: pending, not started yet",
        "    db: not registered, nobody has declared or started it",
      ], status: 124),
  ]

  @Test(arguments: rows, [Reach.unix, .memory])
  func keepsTheTable(_ row: Row, _ reach: Reach) async throws {
    try await row.check(at: try await reach.site())
  }

  @Test func whatCannotStartIsSkippedUnlessItIsKept() async throws {
    let agent = try await TestAgent()
    for step in Self.broken { _ = try await agent.start(step).end() }
    let kept = try await agent.sync("start", "app", "--on-failure", "keep", "--wait", "push")
    #expect(kept.status == 10)
    #expect(try await agent.sync("status", "app").output.contains("Status: pending"))
    _ = try await agent.sync("start", "app", "--wait", "push")
    #expect(
      try await agent.sync("status", "app").output.contains("Status: skipped: \(Self.reason)"))
  }

  /// A failure that comes during the wait ends it, through however many units.
  @Test(arguments: ["poll:10ms", "push"])
  func aFailureEndsAllWhoWait(_ strategy: String) async throws {
    let agent = try await TestAgent()
    _ = try await agent.sync("want", "app", "migrate")
    _ = try await agent.sync("want", "migrate", "db")
    _ = try await agent.sync("start", "db")
    let waiting = try ["app", "migrate"].map {
      try agent.start(["start", $0, "--wait", strategy])
    }
    for command in waiting { await command.waitForOutput("\n") }
    _ = try await agent.sync("fail", "db", "--reason", "disk full")
    let way = ["required by 'migrate', required by 'app'", "required by 'migrate'"]
    for (command, way) in zip(waiting, way) {
      let result = await command.end()
      #expect(result.error == "error: dependency 'db' failed: disk full (\(way))\n")
      #expect(result.status == 10)
    }
  }

  // MARK: Holding

  @Test func aUnitFailsWithTheScriptThatHoldsIt() async throws {
    let agent = try await TestAgent()
    _ = try await agent.sync("want", "app", "db")
    let script = try CoderProcess(
      ["-c", "'\(CoderProcess.built())' exp sync start db && echo begun && exec sleep 1000"],
      program: "/bin/sh", environment: agent.environment.merging(["CODER_SYNC_HOLD": "1"]) { $1 })
    await script.waitForOutput("begun")
    let why = try await agent.sync("why", "app").output
    #expect(why.contains("  db: started, held by pid \(script.processID) (/bin/sh -c "), "\(why)")
    let waiting = try agent.start(["start", "app", "--wait", "push"])
    await waiting.waitForOutput("\n")
    script.send(SIGKILL)
    let result = await waiting.end()
    #expect(
      result.error == """
        error: dependency 'db' failed: its script ended (pid \(script.processID)) without completing \
        (required by 'app')

        """)
    #expect(result.status == 10)
  }

  @Test func aScriptThatCompletesHasNotFailed() async throws {
    let agent = try await TestAgent()
    let script = """
      set -e
      coder() { '\(CoderProcess.built())' exp sync "$@"; }
      coder start db --hold
      # Where a process stands between.
      env '\(CoderProcess.built())' exp sync start two --hold=$$
      coder complete db
      coder complete two
      """
    let result = try await CoderProcess.run(
      ["-c", script], program: "/bin/sh", environment: agent.environment)
    #expect(result.status == 0, "\(result.error)")
    let list = try await agent.sync("list", "-c", "status")
    #expect(list.output == "STATUS\ncompleted\ncompleted\n")
  }

  @Test func onlyACallingScriptCanHold() async throws {
    let agent = try await TestAgent()
    let other = try CoderProcess(["1000"], program: "sleep")
    let cases: [(flag: String, error: String, status: Int32)] = [
      (
        "--hold=\(other.processID)",
        "start unit failed: process \(other.processID) cannot be watched: it did not start the client",
        77
      ),
      (
        "--hold=1", "process 1 cannot be watched: it is the first one, which never ends", 77
      ),
      ("--hold=me", "--hold: \"me\" is not the number of a process", 64),
    ]
    for (flag, error, status) in cases {
      let result = try await agent.sync("start", "db", flag)
      #expect(result.error.hasPrefix("error: \(error)\n"), "\(result.error)")
      #expect(result.status == status)
    }
    #expect(try await agent.sync("list").output == "No units registered\n")
    other.send(SIGKILL)
    _ = await other.end()
  }

  @Test func holdingNeedsATransportThatKnowsThePeer() async throws {
    let agent = try await TestAgent(transport: "tcp")
    let result = try await agent.sync("start", "db", "--hold")
    #expect(result.error == "error: hold needs a unix transport\n")
    #expect(result.status == 64)
  }
}
