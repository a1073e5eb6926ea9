import Foundation
import SyncRPC
import SyncTestKit
import SyncUnits
import SyncWire
import Testing
import WireFixtures

/// Command lines and agents of different versions.
@Suite(.serialized) struct UpgradeTests {
  struct Named: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let version: AgentVersion
  }

  /// Agents that are older than ours: originals, what lies between, and ours without one call each; and a
  /// newer one.
  static let agents: [Named] = {
    var between = AgentVersion.original
    between.methods.formUnion([.hello, .wait])
    between.takesOneCallAtATime = false
    return [
      Named(testDescription: "ours", version: .current),
      Named(testDescription: "original", version: .original),
      Named(testDescription: "original before SyncList", version: .original.without(.list)),
      Named(testDescription: "original with Hello and Wait", version: between),
      Named(testDescription: "newer than ours", version: .newer),
    ]
      // Each row is a process, and slow under a sanitizer.
      + Method.allCases.filter { !isSanitized || $0 == .wait }.map { method in
        Named(
          testDescription: "without \(String(decoding: method.path, as: UTF8.self))",
          version: .current.without(method))
      }
  }()

  @Test(arguments: agents, UpgradeRow.original)
  func commandsOfTheOriginalWorkEverywhere(_ agent: Named, _ row: UpgradeRow) async throws {
    try await row.check(at: try await OtherAgent(agent.version), agent.version)
  }

  @Test(arguments: agents, UpgradeRow.ours)
  func othersAreRefusedWhereTheyAreUnknown(_ agent: Named, _ row: UpgradeRow) async throws {
    try await row.check(at: try await OtherAgent(agent.version), agent.version)
  }

  // MARK: Original clients

  /// Reading blocks, and must not do so on a thread of other tasks.
  private static func onThread<R: Sendable>(
    _ body: @escaping @Sendable () -> R
  ) async -> R {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread { continuation.resume(returning: body()) }
    }
  }

  /// Byte for byte, also while others use the same units in ways that the original does not know.
  @Test(arguments: Recording.all, [false, true])
  func anOriginalClientHearsWhatItAlwaysHeard(
    _ recording: Recording, _ hasCompany: Bool
  ) async throws {
    let agent = try await TestAgent(flags: ["--log-level", "debug"])
    for step in recording.before {
      #expect(try await agent.start(step).end().status == 0)
    }
    var company: [CoderProcess] = []
    if hasCompany {
      company.append(try agent.start(["wait", "a", "b", "zzz"]))
      await agent.process.waitForError("call=hello")
      #expect(try await agent.sync("why", "a").status == 0)
    }
    let connection = try RawConnection(to: agent.socketPath)
    let received = await Self.onThread {
      var expected = 0
      for turn in recording.turns {
        if turn.isFromClient {
          connection.send(turn.bytes)
        } else {
          expected += turn.bytes.count
          guard connection.read(atLeast: expected) else { break }
        }
      }
      connection.endOutput()
      return connection.readUntilEnd()
    }
    #expect(received == recording.serverBytes)
    for process in company { process.send(SIGKILL) }
  }

  struct OriginalCall: Sendable, CustomTestStringConvertible {
    let method: Method
    var unit = "app"
    let answer: @Sendable (UInt64) -> [UInt8]
    var testDescription: String { "\(method.rawValue) \(unit)" }

    static func status(
      _ unit: String, _ status: String, isReady: Bool, _ rows: [(String, String, Bool)] = []
    ) -> OriginalCall {
      OriginalCall(method: .status, unit: unit) { stream in
        var response = StatusResponse()
        response.status = status
        response.isReady = isReady
        response.dependencies = rows.map { name, current, isSatisfied in
          var row = DependencyInfo()
          row.unit = unit
          row.dependsOn = name
          row.requiredStatus = "completed"
          row.currentStatus = current
          row.isSatisfied = isSatisfied
          return row
        }
        return success(response.encoded, stream: stream)
      }
    }

    static func done(_ method: Method, _ unit: String) -> OriginalCall {
      OriginalCall(method: method, unit: unit) { success(stream: $0) }
    }

    static func refused(_ method: Method, _ unit: String, _ text: String) -> OriginalCall {
      OriginalCall(method: method, unit: unit) { failure(text, stream: $0) }
    }

    static func ready(_ unit: String, _ isReady: Bool) -> OriginalCall {
      OriginalCall(method: .ready, unit: unit) {
        success(ReadyResponse(ready: isReady).encoded, stream: $0)
      }
    }
  }

  static let reason = "dependency 'db' failed: exit status 3 (required by 'app')"

  /// What an original client asks, one call after another, of units that failed, were skipped or are blocked.
  static let originalCalls: [OriginalCall] = [
    .status("db", "started", isReady: true),
    .status("cache", "pending", isReady: false, [("db", "started", false)]),
    .status("late", "pending", isReady: true, [("db", "started", true)]),
    .status(
      "app", "pending", isReady: false, [("cache", "pending", false), ("db", "started", false)]),
    .refused(.ready, "app", reason), .refused(.start, "app", reason), .ready("late", true),
    .refused(.complete, "db", #"cannot complete unit "db": unit has failed"#),
    // Its start has skipped it, and it begins anew as any unit does.
    .status(
      "app", "pending", isReady: false, [("cache", "pending", false), ("db", "started", false)]),
    .done(.start, "db"), .done(.complete, "db"), .done(.start, "cache"), .done(.complete, "cache"),
    .ready("app", true), .done(.start, "app"), .done(.complete, "app"),
    .status(
      "app", "completed", isReady: true, [("cache", "completed", true), ("db", "completed", true)]),
  ]

  @Test func anOriginalClientAndOnesOfTodayShareUnits() async throws {
    let agent = try await TestAgent(flags: ["--log-level", "debug"])
    for step in [
      ["want", "app", "db", "cache"], ["want", "cache", "db"],
      ["want", "late", "db", "--requires", "completion"], ["start", "db"],
      ["fail", "db", "--exit-status", "3"], ["skip", "cache"],
    ] {
      #expect(try await agent.start(step).end().status == 0)
    }
    var waiting: CoderProcess?
    let connection = try RawConnection(to: agent.socketPath)
    var expected: [UInt8] = []
    for (index, step) in Self.originalCalls.enumerated() {
      if step.method == .complete, step.unit == "cache" {
        // Is told as soon as the original client has completed it.
        waiting = try agent.start(["wait", "cache", "--timeout", "0"])
        await agent.process.waitForError("call=hello")
      }
      let stream = UInt64(index + 1)
      connection.send(
        call(step.method, UnitRequest(unit: step.unit).encoded, stream: stream))
      expected += step.answer(stream)
      let count = expected.count
      #expect(await Self.onThread { connection.read(atLeast: count) }, "\(step.testDescription)")
    }
    connection.endOutput()
    #expect(await Self.onThread { connection.readUntilEnd() } == expected)
    #expect(await waiting?.end() == ProcessOutput(output: "Success\n", error: "", status: 0))
  }

  // MARK: The future

  /// A status that nobody knows yet is shown as it is called, and meets nothing.
  @Test func statesOfTheFutureAreShown() async throws {
    var version = AgentVersion.current
    version.alter = { answer, method in
      var text = String(decoding: answer, as: UTF8.self)
      // Of the same length, so that the bytes around it stay.
      if method != .why { text = text.replacing("started", with: "stalled") }
      return Array(text.utf8)
    }
    let agent = try await OtherAgent(version)
    try agent.manager.want("app", dependsOn: "db")
    try agent.manager.start("db")
    let cases: [(command: [String], text: String)] = [
      (["status", "db"], "Status: stalled\n"), (["status", "db", "-o", "json"], #""stalled""#),
      (["list"], "db    stalled  true"), (["status", "app"], "completed        stalled "),
    ]
    for (command, text) in cases {
      let result = try await agent.begin(command, environment: [:]).end()
      #expect(result.output.contains(text), "\(result.output)")
      #expect(result.status == 0)
    }
    let waiting = try await agent.run("start", "app", "--timeout", "800ms")
    #expect(waiting.error.contains("hint: still waiting for: db (stalled)\n"))
    #expect(waiting.status == 124)
  }

  /// A condition that nobody knows yet is shown as the original shows all of them, where it can be.
  @Test func conditionsOfTheFutureHoldNobodyUp() async throws {
    var version = AgentVersion.current
    version.alter = { answer, method in
      switch method {
      case .details:
        guard var status = try? UnitSync.StatusResponse(decoding: answer.span.bytes) else { break }
        for index in status.dependencies.indices { status.dependencies[index].condition = 9 }
        return status.encoded
      case .why:
        guard var why = try? UnitSync.WhyResponse(decoding: answer.span.bytes) else { break }
        for index in why.nodes.indices { why.nodes[index].condition = 9 }
        return why.encoded
      default: break
      }
      return answer
    }
    let agent = try await OtherAgent(version)
    try agent.manager.want("app", dependsOn: "db")
    let status = try await agent.run("status", "app")
    #expect(status.output.contains("db          completed        not registered  false\n"))
    #expect(status.status == 0)
    let why = try await agent.run("why", "app")
    #expect(
      why.error == """
        error: explain unit failed: the agent is newer, and knows conditions that this version does not

        """)
    #expect(why.status == 76)
    let waiting = try agent.begin(["start", "app", "--wait", "push"], environment: [:])
    await waiting.waitForOutput("\n")
    try agent.manager.start("db")
    try agent.manager.complete("db")
    #expect(await waiting.end().status == 0)
  }

  /// What a newer client says beyond what this agent knows is passed over, in every call.
  @Test func clientsOfTheFutureAreAnswered() async throws {
    var answers: [[UInt8]] = []
    for unknown in [[], AgentVersion.unknownFields] {
      let agent = try await TestAgent()
      let connection = try RawConnection(to: agent.socketPath)
      var stream: UInt64 = 0
      for method in Method.allCases {
        stream += 1
        let request = Self.request(of: method) + unknown
        connection.send(call(method, request, stream: stream))
      }
      connection.endOutput()
      answers.append(await Self.onThread { connection.readUntilEnd() })
    }
    #expect(answers[0] == answers[1])
    #expect(answers[0].count > 17 * 4)
  }

  private static func request(of method: Method) -> [UInt8] {
    switch method {
    case .ping, .list, .hello, .detailedList: []
    case .want: WantRequest(unit: "a", dependsOn: "b").encoded
    default: UnitRequest(unit: "a").encoded
    }
  }
}

extension AgentVersion {
  /// Fields of every wire type, with numbers that are not taken.
  static let unknownFields: [UInt8] =
    [0xc0, 0x3e, 1] + [0xc2, 0x3e, 3, 1, 2, 3] + [0xc5, 0x3e, 1, 2, 3, 4]
    + [0xc1, 0x3e, 1, 2, 3, 4, 5, 6, 7, 8] + [0xc3, 0x3e, 8, 1, 0xc4, 0x3e]

  /// Knows more calls, allows more, and says more in every answer.
  static let newer: AgentVersion = {
    var version = AgentVersion.current
    version.alter = { answer, method in
      guard method == .hello, var hello = try? HelloResponse(decoding: answer.span.bytes) else {
        return answer + unknownFields
      }
      hello.version = 7
      hello.capabilities += ["Teleport", ""]
      hello.limits?.streams = .max
      hello.limits?.packetBytes = .max
      hello.limits?.nameBytes = .max
      return hello.encoded + unknownFields
    }
    return version
  }()
}
