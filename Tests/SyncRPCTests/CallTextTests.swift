import SyncRPC
import SyncUnits
import SyncWire
import Testing
import WireFixtures

/// Calls as they appear in logs: what a person would have typed.
@Suite struct CallTextTests {
  static let unit = UnitRequest(unit: "a\n").encoded

  static func want(_ condition: UInt64, _ isOptional: Bool) -> [UInt8] {
    var request = UnitSync.WantRequest()
    request.unit = "a"
    request.dependsOn = ["b", "c"]
    request.condition = condition
    request.isOptional = isOptional
    return request.encoded
  }

  static func finish(_ outcome: Outcome) -> [UInt8] {
    UnitSync.FinishRequest("a", outcome, generation: 2).encoded
  }

  static func reset(_ cascade: Bool) -> [UInt8] {
    var request = UnitSync.ResetRequest()
    request.unit = "a"
    request.cascade = cascade
    return request.encoded
  }

  static let texts: [(method: Method, request: [UInt8], text: String)] = [
    (.ping, [], "ping"), (.list, [], "list"), (.hello, [], "hello"), (.detailedList, [], "list"),
    (.want, WantRequest(unit: "a", dependsOn: "b").encoded, #"want "a" "b""#),
    (.start, unit, #"start "a\n""#), (.startWith, unit, #"start "a\n""#),
    (.complete, unit, #"complete "a\n""#), (.ready, unit, #"ready "a\n""#),
    (.status, unit, #"status "a\n""#), (.details, unit, #"status "a\n""#),
    (.why, unit, #"why "a\n""#), (.markHealthy, unit, #"healthy "a\n""#),
    (.wantAll, want(0, false), #"want "a" "b" "c""#),
    (.wantAll, want(1, false), #"want "a" "b" "c" (completion)"#),
    (.wantAll, want(0, true), #"want "a" "b" "c" (success, optional)"#),
    (.finish, finish(.completed), #"complete "a""#),
    (.finish, finish(.failed(Ending("no", exitStatus: 3))), #"fail "a" (no (exit status 3))"#),
    (.finish, finish(.skipped(Ending("no need"))), #"skip "a" (no need)"#),
    (.reset, reset(false), #"reset "a""#), (.reset, reset(true), #"reset "a" --cascade"#),
    (.wait, UnitSync.WaitRequest(.ready("a")).encoded, #"wait "a""#),
    (
      .wait, UnitSync.WaitRequest(.units(["a", "b"], .healthy, count: 1)).encoded,
      #"wait for healthy of 1 of "a" "b""#
    ),
    (.wait, UnitSync.WaitRequest(.allUnits).encoded, "wait for all"),
  ]

  @Test(arguments: texts)
  func isWhatAPersonWouldType(_ method: Method, _ request: [UInt8], _ text: String) {
    var served = ServedBytes()
    served.defers = true
    served.receive(call(method, request))
    #expect(served.calls.map(\.description) == [text])
  }

  @Test func everyMethodHasOne() {
    #expect(Set(Self.texts.map(\.method)) == Set(Method.allCases))
  }

  /// Numbers that stand for nothing are refused, and not taken for something else.
  @Test func unknownNumbersAreRefused() {
    var goal = UnitSync.WaitRequest(.allUnits)
    goal.goal = 9
    var condition = UnitSync.WaitRequest(.units(["a"], .success, count: 1))
    condition.condition = 9
    var outcome = UnitSync.FinishRequest("a", .completed, generation: nil)
    outcome.outcome = 9
    let requests: [(Method, [UInt8])] = [
      (.wait, goal.encoded), (.wait, condition.encoded), (.finish, outcome.encoded),
      (.wantAll, Self.want(9, false)),
      (.wait, UnitSync.WaitRequest().encoded),
    ]
    for (method, request) in requests {
      var served = ServedBytes()
      served.receive(call(method, request))
      #expect(served.calls.isEmpty)
      #expect(served.output == failure("proto: cannot parse invalid wire-format data"))
    }
  }
}
