import SyncTestKit
import Testing

@testable import SyncUnits

/// What a unit waits for, as `why` shows it.
@Suite struct ExplanationTests {
  private static func store(_ steps: [Step]) throws -> UnitStore {
    var store = UnitStore()
    for step in steps { try step.apply(to: &store) }
    return store
  }

  /// A line a node: indented by depth, and marked with what is known about it.
  private static func lines(_ explanation: Explanation) -> [String] {
    explanation.nodes.map { node in
      var marks: [String] = []
      if let requirement = node.requirement, requirement != .success {
        marks.append("\(requirement)")
      }
      if node.isLost { marks.append("lost") }
      if node.isRepeated { marks.append("repeated") }
      if node.omitted > 0 { marks.append("\(node.omitted) more") }
      if node.details.isBlocked { marks.append("blocked") }
      let indent = String(repeating: "  ", count: node.depth)
      return "\(indent)\(node.unit) \(node.status)"
        + (marks.isEmpty ? "" : " (\(marks.joined(separator: "; ")))")
    }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let steps: [Step]
    var unit: UnitID = "app"
    let lines: [String]
    var isStalled = false
  }

  static let cases: [Case] = [
    Case(testDescription: "nobody knows it", steps: [], lines: ["app not registered"]),
    Case(
      testDescription: "at work", steps: [.want("app", "db"), .complete("app"), .start("db")],
      unit: "db", lines: ["db started"]),
    Case(
      testDescription: "waits for nothing",
      steps: [.want("app", "db"), .start("db"), .complete("db")],
      lines: ["app pending"], isStalled: true),
    Case(
      testDescription: "down to the roots, without what is met",
      steps: [
        .want("app", "migrate"), .want("app", "cache"), .want("migrate", "db"),
        .want("app", "disk"),
        .start("disk"), .complete("disk"), .start("db"),
      ], lines: ["app pending", "  cache not registered", "  migrate pending", "    db started"]),
    Case(
      testDescription: "a unit on two ways is shown whole once",
      steps: [
        .want("app", "a"), .want("app", "b"), .want("a", "c"), .want("b", "c"), .want("c", "d"),
      ],
      lines: [
        "app pending", "  a pending", "    c pending", "      d not registered", "  b pending",
        "    c pending (repeated)",
      ], isStalled: true),
    Case(
      testDescription: "a root on two ways has nothing to repeat",
      steps: [.want("app", "a"), .want("app", "b"), .want("a", "c"), .want("b", "c"), .start("c")],
      lines: ["app pending", "  a pending", "    c started", "  b pending", "    c started"]),
    Case(
      testDescription: "lost",
      steps: [.want("app", "migrate"), .want("migrate", "db"), .start("db"), .fail("db")],
      lines: [
        "app pending (blocked)", "  migrate pending (lost; blocked)", "    db failed (lost)",
      ], isStalled: true),
    Case(
      testDescription: "skipped, for which others are to blame",
      steps: [
        .want("app", "migrate"), .want("migrate", "db"), .want("db", "x"), .skip("db"),
        .skip("migrate"),
      ],
      lines: [
        "app pending (blocked)", "  migrate skipped (lost)", "    db skipped (lost)",
        "      x not registered",
      ],
      isStalled: true),
    Case(
      testDescription: "other requirements than success",
      steps: [
        .want("app", "a", Requirement(.healthy)), .want("app", "b", Requirement(.started)),
        .want("app", "c", Requirement(.completion, isOptional: true)), .want("c", "x"),
        .want("app", "d", Requirement(.success, isOptional: true)), .start("a"),
      ],
      lines: [
        "app pending", "  a started (healthy)", "  b not registered (started)",
        "  c pending (completion, optional)", "    x not registered",
      ]),
    Case(
      testDescription: "what a unit at work depends on holds nothing up",
      steps: [.want("app", "a"), .start("a"), .want("a", "b")],
      lines: ["app pending", "  a started"]),
  ]

  @Test(arguments: cases)
  func showsWhatHoldsItUp(_ example: Case) throws {
    let explanation = try Self.store(example.steps).explanation(of: example.unit, waiting: [])
    #expect(Self.lines(explanation) == example.lines)
    #expect(explanation.isStalled == example.isStalled)
  }

  /// Whatever the shape: no more than the limit, and what is not shown is counted where it is missing.
  @Test(arguments: [(300, 0), (150, 2), (20, 40), (199, 0), (200, 0)])
  func isLimited(_ width: Int, _ leaves: Int) throws {
    var store = UnitStore()
    for index in 0..<width {
      let middle = UnitID("m\(index)")
      try store.want("app", dependsOn: [middle])
      for leaf in 0..<leaves { try store.want(middle, dependsOn: [UnitID("l\(index)-\(leaf)")]) }
    }
    let explanation = try store.explanation(of: "app", waiting: [])
    let nodes = explanation.nodes
    #expect(nodes.count <= Explanation.limit)
    #expect(nodes.count == Explanation.limit || nodes.count == 1 + width * (1 + leaves))
    // The first ones by name are shown.
    let names = (0..<width).map { UnitID("m\($0)") }.sorted()
    let shown = nodes.filter { $0.depth == 1 }.map(\.unit)
    #expect(shown == Array(names.prefix(shown.count)))
    for (index, node) in nodes.enumerated() where node.depth < 2 && node.status == .pending {
      let below = nodes[(index + 1)...].prefix { $0.depth > node.depth }
      let shown = below.count { $0.depth == node.depth + 1 }
      #expect(shown + node.omitted == (node.depth == 0 ? width : leaves), "\(node.unit)")
    }
  }

  /// One that is waited for by anybody, and is at work, may still lead to somebody who begins the rest.
  @Test func aStallIsThatOfAllWhoWait() async throws {
    let manager = LocalUnitManager()
    try manager.want("app", dependsOn: "clone")
    try manager.want("other", dependsOn: "db")
    try manager.start("db")
    #expect(try manager.explain("app").isStalled)
    let wait = Task { try await manager.waitUntilReady("other") }
    while manager.waiterCount == 0 { await Task.yield() }
    #expect(try manager.explain("app").isStalled == false)
    try manager.complete("db")
    try await wait.value
    #expect(try manager.explain("app").isStalled)
    #expect(throws: UnitError.self) { try manager.explain("") }
  }
}
