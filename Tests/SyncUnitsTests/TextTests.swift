import Testing

@testable import SyncUnits

/// Names, statuses and reasons as people and protocols read them.
@Suite struct UnitTextTests {
  static let escapes: [(name: String, text: String, quoted: String)] = [
    ("plain name", "plain name", #""plain name""#),
    (#"a"b\c"#, #"a"b\c"#, #""a\"b\\c""#),
    ("\u{7}\u{8}\t\n\u{b}\u{c}\r", #"\a\b\t\n\v\f\r"#, #""\a\b\t\n\v\f\r""#),
    ("\0\u{1b}[31m\u{7f}", #"\x00\x1b[31m\x7f"#, #""\x00\x1b[31m\x7f""#),
    // What a terminal obeys, or hides, or shows as something else.
    (
      "\u{85}\u{200b}\u{202e}\u{2028}\u{2029}", #"\u0085\u200b\u202e\u2028\u2029"#,
      #""\u0085\u200b\u202e\u2028\u2029""#
    ),
    ("\u{a0}\u{3000}", #"\u00a0\u3000"#, #""\u00a0\u3000""#),
    (
      "\u{e000}\u{e0001}\u{10ffff}", #"\ue000\U000e0001\U0010ffff"#,
      #""\ue000\U000e0001\U0010ffff""#
    ),
    ("é 日本 😀 e\u{301}", "é 日本 😀 e\u{301}", "\"é 日本 😀 e\u{301}\""),
  ]

  @Test(arguments: escapes)
  func namesHideNothing(_ name: String, _ text: String, _ quoted: String) {
    #expect(name.escapingControlCharacters == text)
    #expect(name.quoted == quoted)
  }

  static let statuses: [(UnitStatus, wire: String, text: String, isTerminal: Bool, UnitStatus)] = [
    (.notRegistered, "", "not registered", false, .notRegistered),
    (.pending, "pending", "pending", false, .pending),
    (.started, "started", "started", false, .started),
    (.completed, "completed", "completed", true, .completed),
    (.failed, "failed", "failed", true, .started),
    (.skipped, "skipped", "skipped", true, .pending),
    (.other("paused"), "paused", "paused", false, .other("paused")),
  ]

  @Test(arguments: statuses)
  func statusesHaveTheirWords(
    _ status: UnitStatus, _ wire: String, _ text: String, _ isTerminal: Bool, _ original: UnitStatus
  ) {
    #expect(status.wireName == wire && UnitStatus(wireName: wire) == status)
    #expect(status.description == text)
    #expect(status.isTerminal == isTerminal)
    #expect(status.original == original)
  }

  static let endings: [(Ending, String)] = [
    (Ending(), ""), (Ending("disk full"), "disk full"), (Ending(exitStatus: 3), "exit status 3"),
    (Ending("disk full", exitStatus: 3), "disk full (exit status 3)"),
    (
      Ending("exit status 3, after 2 attempts", exitStatus: 3),
      "exit status 3, after 2 attempts"
    ),
  ]

  @Test(arguments: endings)
  func endingsSayWhatIsKnown(_ ending: Ending, _ text: String) { #expect("\(ending)" == text) }

  /// Graphviz tells names from escapes; a colour for each state.
  @Test func theGraphIsDrawnInTheColoursOfItsStates() throws {
    let manager = LocalUnitManager()
    try manager.want("lost", dependsOn: ["bad"], .success)
    try manager.want("waits", dependsOn: ["works", "missing"], .success)
    try manager.want("kept", dependsOn: ["lost"], Requirement(.success, isOptional: true))
    try manager.want(#"a\b"#, dependsOn: "done")
    for unit: UnitID in ["works", "bad", "done"] { try manager.start(unit) }
    try manager.finish("bad", as: .failed(Ending()), generation: nil)
    try manager.finish("kept", as: .skipped(Ending()), generation: nil)
    try manager.complete("done")
    #expect(
      manager.dot() == #"""
        digraph units {
          rankdir=LR;
          node [shape=box, style=filled];
          "a\\b" [fillcolor="khaki"];
          "bad" [fillcolor="tomato"];
          "done" [fillcolor="palegreen"];
          "kept" [fillcolor="lightpink"];
          "lost" [fillcolor="lightpink"];
          "missing" [fillcolor="white"];
          "waits" [fillcolor="lightgrey"];
          "works" [fillcolor="lightblue"];
          "a\\b" -> "done";
          "kept" -> "lost";
          "lost" -> "bad";
          "waits" -> "missing";
          "waits" -> "works";
        }

        """#)
  }
}
