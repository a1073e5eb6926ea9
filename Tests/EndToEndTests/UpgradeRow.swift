import SyncRPC
import SyncTestKit
import SyncUnits
import Testing
import WireFixtures

/// A command, and what comes of it at an agent that knows all calls, and at one that does not.
struct UpgradeRow: Sendable, CustomTestStringConvertible {
  /// A call without which the command ends, and the line with which it does.
  struct Need: Sendable {
    let method: Method
    let line: String
    /// Calls that do as well; all of them have to be there.
    var instead: [Method] = []
    /// Whether the agent is asked before whether it knows the call.
    var isAskedFor = false

    func isMet(by version: AgentVersion) -> Bool {
      let methods = isAskedFor ? [.hello, method] : [method]
      return version.methods.isSuperset(of: methods)
        || !instead.isEmpty && version.methods.isSuperset(of: instead)
    }

    /// The agent refuses it.
    static func call(
      _ method: Method, _ prefix: String, or instead: [Method] = []
    ) -> Need {
      let path = String(decoding: method.path, as: UTF8.self)
      return Need(
        method: method, line: "\(prefix)protocol error: unknown rpc: \"\(path)\"",
        instead: instead)
    }

    /// The agent says before that it would.
    static func announced(_ method: Method, _ prefix: String) -> Need {
      Need(
        method: method, line: "\(prefix)the agent does not know the call \(method.rawValue)",
        isAskedFor: true)
    }

    static let status = call(.status, "get status failed: ")
    static let start = call(.start, "start unit failed: ")
    /// By push, or by polling where the agent cannot push.
    static let wait = call(
      .ready, "error checking dependencies: sync ready: ", or: [.hello, .wait])
  }

  let command: [String]
  var before: @Sendable (LocalUnitManager) throws -> Void = { _ in }
  /// What happens as soon as the command has said that it waits.
  var meanwhile: (@Sendable (LocalUnitManager) throws -> Void)?
  var output = ""
  var error = ""
  var status: Int32 = 0
  var needs: [Need] = []
  /// What it prints instead where the agent has only the original's words for it.
  var inOriginalWords: (without: Method, output: String)?
  /// What it has printed when it is refused.
  var outputWhenRefused = ""

  var testDescription: String { command.joined(separator: " ") }

  func check(at agent: OtherAgent, _ version: AgentVersion) async throws {
    try before(agent.manager)
    let stateBefore = Self.state(of: agent.manager)
    let process = try agent.begin(command, environment: [:])
    if let meanwhile {
      await process.waitForOutput("\n")
      try meanwhile(agent.manager)
    }
    let stateMeanwhile = Self.state(of: agent.manager)
    let result = await process.end()
    let unmet = needs.first { !$0.isMet(by: version) }
    var expected = ProcessOutput(output: output, error: error, status: status)
    if let unmet {
      expected = refusal(unmet)
      if command[0] == "run", unmet.method == .status {
        // What was declared for it can never start, unless it is to be kept: its dependents hear of that.
        if !command.contains("keep") {
          try await agent.manager.wait(for: .units(["app"], .completion, count: 1))
        }
        let status = try agent.manager.status(of: "app").status
        #expect(status == (command.contains("keep") ? .pending : .failed))
      } else {
        // Nothing is done by halves.
        let state = Self.state(of: agent.manager)
        #expect(state == (meanwhile == nil ? stateBefore : stateMeanwhile))
      }
    } else if let inOriginalWords, !version.methods.contains(inOriginalWords.without) {
      expected.output = inOriginalWords.output
    }
    #expect(result == expected)
    // The agent hears of the end of the process a moment later.
    try await waitUntil { agent.manager.waiterCount == 0 }
    #expect(agent.manager.waiterCount == 0)
  }

  private func refusal(_ need: Need) -> ProcessOutput {
    let isRun = command[0] == "run"
    let hint = isRun && need.isAskedFor ? "hint: run needs an agent that knows failures\n" : ""
    return ProcessOutput(
      output: need.method == .status ? "" : outputWhenRefused,
      error: "error: \(need.line)\n\(hint)", status: isRun ? 125 : 76)
  }

  private static func state(of manager: LocalUnitManager) -> String {
    manager.dot() + manager.list().map { "\($0)\n" }.joined()
  }
}

extension UpgradeRow {
  private static let waiting =
    "Unit \"app\" is waiting for dependencies to be satisfied: [db]\n"
  private static let finished = "Unit \"app\" finished waiting for dependencies: [db]\n"

  private static let withDatabase: @Sendable (LocalUnitManager) throws -> Void = { manager in
    try manager.want("app", dependsOn: "db")
    try manager.start("db")
  }
  private static let completingDatabase: @Sendable (LocalUnitManager) throws -> Void = {
    try $0.complete("db")
  }
  private static let brokenDatabase: @Sendable (LocalUnitManager) throws -> Void = { manager in
    try withDatabase(manager)
    try manager.finish("db", as: .failed(Ending(exitStatus: 3)), generation: nil)
  }
  private static let needsOfRun: [Need] = [
    .announced(.startWith, ""), .announced(.finish, ""), .announced(.wantAll, ""), .status,
  ]

  /// In the words of the original, which every agent knows.
  static let original: [UpgradeRow] = [
    UpgradeRow(command: ["ping"], output: "Success\n", needs: [.call(.ping, "ping failed: ")]),
    UpgradeRow(
      command: ["want", "app", "db"], output: "Unit \"app\" declared dependencies: [db]\n",
      needs: [.call(.want, "declare dependency failed: ")]),
    UpgradeRow(
      command: ["want", "app", "db", "cache"],
      output: "Unit \"app\" declared dependencies: [db, cache]\n",
      needs: [.call(.want, "declare dependency failed: ", or: [.wantAll])]),
    UpgradeRow(
      command: ["want", "db", "app"], before: withDatabase,
      error: """
        error: declare dependency failed: cannot add dependency: adding edge for unit "db": failed to add dependency
        adding edge (db -> app): cycle detected
        hint: the cycle is db -> app -> db

        """, status: 65, needs: [.call(.want, "declare dependency failed: ")]),
    UpgradeRow(
      command: ["start", "app"], output: "Unit \"app\" started with no dependencies\n",
      needs: [.status, .start]),
    UpgradeRow(
      command: ["start", "app", "--wait", "poll:10ms"], before: withDatabase,
      meanwhile: completingDatabase, output: waiting + finished,
      needs: [.status, .call(.ready, "error checking dependencies: sync ready: "), .start],
      outputWhenRefused: waiting),
    UpgradeRow(
      command: ["start", "app", "--wait", "push"], before: withDatabase,
      meanwhile: completingDatabase, output: waiting + finished,
      needs: [.status, .wait, .start], outputWhenRefused: waiting),
    UpgradeRow(
      command: ["start", "app", "--wait", "push"], before: brokenDatabase, output: waiting,
      error: "error: dependency 'db' failed: exit status 3 (required by 'app')\n", status: 10,
      needs: [.status, .wait, .start], outputWhenRefused: waiting),
    UpgradeRow(
      command: ["start", "app", "--wait", "push", "--timeout", "800ms"], before: withDatabase,
      output: waiting,
      error: """
        error: timeout waiting for dependencies of unit 'app'
        hint: still waiting for: db (started)

        """, status: 124, needs: [.status]),
    UpgradeRow(
      command: ["complete", "db"], before: withDatabase, output: "Success\n",
      needs: [.call(.complete, "complete unit failed: ")]),
    UpgradeRow(
      command: ["status", "app"], before: brokenDatabase,
      output: """
        Unit: app
        Status: pending, blocked for good
        Ready: false

        Dependencies:
        DEPENDS ON  REQUIRED STATUS  CURRENT STATUS  SATISFIED
        db          completed        failed          false

        """,
      needs: [.call(.status, "get status failed: ", or: [.details])],
      inOriginalWords: (
        .details,
        """
        Unit: app
        Status: pending
        Ready: false

        Dependencies:
        DEPENDS ON  REQUIRED STATUS  CURRENT STATUS  SATISFIED
        db          completed        started         false

        """
      )),
    UpgradeRow(
      command: ["status", "app", "-o", "json"], before: { try $0.start("app") },
      output: """
        {
          "unit_name": "app",
          "status": "started",
          "is_ready": true,
          "dependencies": []
        }

        """, needs: [.call(.status, "get status failed: ", or: [.details])]),
    UpgradeRow(
      command: ["list"], before: brokenDatabase,
      output: """
        UNIT  STATUS   READY
        app   pending  false
        db    failed   true

        """, needs: [.call(.list, "list units failed: ", or: [.detailedList])],
      inOriginalWords: (
        .detailedList,
        """
        UNIT  STATUS   READY
        app   pending  false
        db    started  true

        """
      )),
    UpgradeRow(
      command: ["list", "-o", "json"],
      before: { manager in
        try manager.start("app")
        try manager.finish("app", as: .failed(Ending("no")), generation: nil)
        try manager.start("app")
      },
      output: """
        [
          {
            "unit_name": "app",
            "status": "started",
            "is_ready": true,
            "generation": 2
          }
        ]

        """, needs: [.call(.list, "list units failed: ", or: [.detailedList])],
      inOriginalWords: (
        .detailedList,
        """
        [
          {
            "unit_name": "app",
            "status": "started",
            "is_ready": true
          }
        ]

        """
      )),
  ]

  /// In our own: an agent that does not know them says so, and nothing has been done.
  static let ours: [UpgradeRow] = [
    UpgradeRow(
      command: ["want", "app", "db", "--requires", "completion"],
      output: "Unit \"app\" declared dependencies: [db]\n",
      needs: [.call(.wantAll, "declare dependency failed: ")]),
    UpgradeRow(
      command: ["want", "app", "db", "--optional"],
      output: "Unit \"app\" declared dependencies: [db]\n",
      needs: [.call(.wantAll, "declare dependency failed: ")]),
    UpgradeRow(
      command: ["start", "app", "--hold"], output: "Unit \"app\" started with no dependencies\n",
      needs: [.announced(.startWith, "start unit failed: "), .status]),
    UpgradeRow(
      command: ["start", "app", "--on-failure", "keep", "--wait", "push"], before: brokenDatabase,
      output: waiting,
      error: "error: dependency 'db' failed: exit status 3 (required by 'app')\n", status: 10,
      needs: [.announced(.startWith, "start unit failed: "), .status, .wait]),
    UpgradeRow(
      command: ["start", "app", "--fail-on-stall=1ms", "--timeout", "10s"],
      before: { try $0.want("app", dependsOn: "clone") },
      output: "Unit \"app\" is waiting for dependencies to be satisfied: [clone]\n",
      error: """
        error: nobody works on anything that unit 'app' waits for: [clone]
        hint: see 'coder exp sync why app'

        """, status: 11, needs: [.status, .announced(.why, "--fail-on-stall: ")],
      outputWhenRefused: waiting.replacing("db", with: "clone")),
    UpgradeRow(
      command: ["fail", "db", "--reason", "no"], before: withDatabase, output: "Success\n",
      needs: [.call(.finish, "fail unit failed: ")]),
    UpgradeRow(
      command: ["skip", "app"], before: withDatabase, output: "Success\n",
      needs: [.call(.finish, "skip unit failed: ")]),
    UpgradeRow(
      command: ["healthy", "db"], before: withDatabase, output: "Success\n",
      needs: [.call(.markHealthy, "mark unit healthy failed: ")]),
    UpgradeRow(
      command: ["reset", "db"], before: withDatabase, output: "Success\n",
      needs: [.call(.reset, "reset unit failed: ")]),
    UpgradeRow(
      command: ["why", "app"], before: withDatabase,
      output: "app: pending\n  db: started\n",
      needs: [.call(.why, "explain unit failed: ")]),
    UpgradeRow(
      command: ["wait", "db"],
      before: { manager in
        try withDatabase(manager)
        try manager.complete("db")
      }, output: "Success\n", needs: [.announced(.wait, "wait failed: ")]),
    UpgradeRow(
      command: ["wait", "--all-units", "--fail-on-stall=1ms", "--timeout", "10s"],
      before: { try $0.want("app", dependsOn: "clone") },
      error: """
        error: nobody works on anything that unit 'app' waits for: [clone]
        hint: see 'coder exp sync why app'

        """, status: 11,
      needs: [.announced(.why, "--fail-on-stall: "), .announced(.wait, "wait failed: ")]),
    UpgradeRow(
      command: ["run", "app", "--after", "db", "--lock", "apt", "--", "true"],
      before: { manager in
        try manager.start("db")
        try manager.complete("db")
      }, needs: needsOfRun),
    UpgradeRow(
      command: ["run", "app", "--after", "db", "--on-failure", "keep", "--", "true"],
      before: { manager in
        try manager.start("db")
        try manager.complete("db")
      }, needs: needsOfRun.prefix(2) + [.call(.want, "declare dependency failed: "), .status]),
    UpgradeRow(
      command: ["run", "app", "--retry", "1", "--", "false"],
      error: "attempt 1 of 2 of unit \"app\" failed: exit status 1\n", status: 1,
      needs: needsOfRun.prefix(3) + [.announced(.details, ""), .status]),
  ]
}
