import SyncText
import SyncUnits
import Testing

@Suite struct TextTests {
  static let quoted: [(String, String)] = [
    ("app", #""app""#), (#"a"b\c"#, #""a\"b\\c""#), ("a\nb\tc\r", #""a\nb\tc\r""#),
    ("\u{1b}[31m\u{7f}", #""\x1b[31m\x7f""#), ("é🙂", #""é🙂""#), ("\u{202e}", #""\u202e""#),
    ("\u{e0001}", #""\U000e0001""#), ("", #""""#),
  ]

  @Test(arguments: quoted)
  func namesAreQuotedAsInGo(_ name: String, _ text: String) {
    #expect(name.quoted == text)
  }

  @Test func tablesAreAsWideAsTheirCells() {
    var table = TextTable(headings: ["UNIT", "STATUS"])
    table.append(["a\nb", "x"])
    table.append(["longer name", ""])
    #expect(table.lines == ["UNIT         STATUS", "a\\nb         x", "longer name"])
  }

  @Test func jsonIsWrittenAsTheOriginalDoes() {
    let value = JSON.object([
      ("b", .string("a/\"\\\n\0é")), ("a", .array([.integer(-1), .boolean(true)])),
      ("c", .array([])),
    ])
    #expect(
      value.text(.indented) == """
        {
          "b": "a/\\"\\\\\\n\\u0000é",
          "a": [
            -1,
            true
          ],
          "c": []
        }
        """)
    #expect(value.text(.compact) == #"{"b":"a/\"\\\n\u0000é","a":[-1,true],"c":[]}"#)
    #expect(JSON.string("").text(.compact) == #""""#)
  }

  static let matches: [(String, String?)] = [
    ("git-clon", "git-clone"), ("gti-clone", "git-clone"), ("GIT-CLONE", "git-clone"),
    ("data", "database"), ("x", nil), ("entirely-else", nil), ("git_clone", "git-clone"),
  ]

  @Test(arguments: matches)
  func theClosestNameIsFound(_ text: String, _ match: String?) {
    #expect(closestMatch(to: text, among: ["git-clone", "database", "b"]) == match)
  }

  @Test func paragraphsAreWrapped() {
    #expect("one two three\nfour".wrapped(width: 9, indent: 2) == "  one two\n  three\n  four")
  }
}
