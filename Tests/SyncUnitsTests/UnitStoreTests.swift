import SyncTestKit
import Testing

@testable import SyncUnits

/// One call on a store.
enum Step: Sendable {
  case want(UnitID, UnitID, Requirement = .success)
  case wantAll(UnitID, [UnitID])
  case start(UnitID)
  case complete(UnitID)
  case fail(UnitID)
  case skip(UnitID)
  case healthy(UnitID)
  case reset(UnitID, cascade: Bool = false)
  case completeGeneration(UnitID, UInt64)

  func apply(to store: inout UnitStore) throws(UnitError) {
    switch self {
    case .want(let unit, let dependency, let requirement):
      try store.want(unit, dependsOn: [dependency], requirement)
    case .wantAll(let unit, let dependencies): try store.want(unit, dependsOn: dependencies)
    case .start(let unit): _ = _ = try store.start(unit)
    case .complete(let unit): try store.finish(unit, as: .completed)
    case .fail(let unit): try store.finish(unit, as: .failed(Ending(exitStatus: 3)))
    case .skip(let unit): try store.finish(unit, as: .skipped(Ending("not needed")))
    case .healthy(let unit): try store.markHealthy(unit)
    case .reset(let unit, let cascade): try store.reset(unit, cascade: cascade)
    case .completeGeneration(let unit, let generation):
      try store.finish(unit, as: .completed, generation: generation)
    }
  }
}

struct Refusal: Sendable, CustomStringConvertible {
  let before: [Step]
  let step: Step
  let code: UnitError.Code
  let message: String
  var description: String { message }
}

@Suite struct UnitStoreTests {
  static let longName = String(repeating: "x", count: Limits.nameBytes + 1)
  static let tooLong = "unit name is too long: 4097 bytes, at most 4096 are allowed"
  static let refusals: [Refusal] = [
    Refusal(
      before: [], step: .want("", "b"), code: .invalidName,
      message: #"cannot add dependency: registering unit "": unit name is required"#),
    Refusal(
      before: [], step: .want("q", ""), code: .invalidName,
      message:
        "cannot add dependency: dependency name cannot be empty: unit name is required"),
    Refusal(
      before: [], step: .start(""), code: .invalidName,
      message: #"cannot start unit "": unit name is required"#),
    Refusal(
      before: [], step: .complete(""), code: .invalidName,
      message: #"cannot complete unit "": updating status for unit "": unit name is required"#),
    Refusal(
      before: [], step: .want("a", UnitID(longName)), code: .invalidName, message: tooLong),
    Refusal(before: [], step: .start(UnitID(longName)), code: .invalidName, message: tooLong),
    Refusal(
      before: [], step: .want("a", "a"), code: .cycle,
      message: """
        cannot add dependency: adding edge for unit "a": failed to add dependency
        adding edge (a -> a): cycle detected
        """),
    Refusal(
      before: [.want("a", "b")], step: .want("b", "a"), code: .cycle,
      message: """
        cannot add dependency: adding edge for unit "b": failed to add dependency
        adding edge (b -> a): cycle detected
        """),
    Refusal(
      before: [.want("a", "b")], step: .start("a"), code: .notReady,
      message: #"cannot start unit "a": unit not ready"#),
    Refusal(
      before: [.start("b")], step: .start("b"), code: .sameStatus,
      message: #"cannot start unit "b": checking status for unit "b": same status already set"#),
    Refusal(
      before: [.start("b"), .complete("b")], step: .complete("b"), code: .sameStatus,
      message: #"cannot complete unit "b": checking status for unit "b": same status already set"#),
    Refusal(
      before: [], step: .complete("z"), code: .notFound,
      message: #"cannot complete unit "z": unit "z" must be registered first: unit not found"#),
    Refusal(
      before: [.want("a", "z")], step: .complete("z"), code: .notFound,
      message: #"cannot complete unit "z": unit "z" must be registered first: unit not found"#),
    Refusal(
      before: [.want("a", "b"), .want("b", "c")], step: .wantAll("c", ["new", "other", "a"]),
      code: .cycle,
      message: """
        cannot add dependency: adding edge for unit "c": failed to add dependency
        adding edge (c -> a): cycle detected
        """),
    Refusal(
      before: [], step: .wantAll("a", ["new", "a"]), code: .cycle,
      message: """
        cannot add dependency: adding edge for unit "a": failed to add dependency
        adding edge (a -> a): cycle detected
        """),
    Refusal(
      before: [], step: .wantAll("a", ["new", ""]), code: .invalidName,
      message: "cannot add dependency: dependency name cannot be empty: unit name is required"),
    Refusal(
      before: [.start("a"), .fail("a")], step: .complete("a"), code: .wrongStatus,
      message: #"cannot complete unit "a": unit has failed"#),
    Refusal(
      before: [.want("a", "b"), .skip("a")], step: .complete("a"), code: .wrongStatus,
      message: #"cannot complete unit "a": unit was skipped"#),
    Refusal(
      before: [.start("a"), .complete("a")], step: .fail("a"), code: .wrongStatus,
      message: #"cannot fail unit "a": unit has completed"#),
    Refusal(
      before: [.start("a"), .fail("a")], step: .fail("a"), code: .wrongStatus,
      message: #"cannot fail unit "a": unit has failed"#),
    Refusal(
      before: [.start("a")], step: .skip("a"), code: .wrongStatus,
      message: #"cannot skip unit "a": unit has started"#),
    Refusal(
      before: [.want("a", "b")], step: .healthy("a"), code: .wrongStatus,
      message: #"cannot mark unit "a" healthy: unit is pending"#),
    Refusal(
      before: [], step: .reset("z"), code: .notFound,
      message: #"cannot reset unit "z": unit "z" must be registered first: unit not found"#),
    Refusal(
      before: [.start("a"), .complete("a"), .start("a")], step: .completeGeneration("a", 1),
      code: .wrongStatus,
      message: #"cannot complete unit "a": generation 1 is over, the newest is 2"#),
  ]

  @Test(arguments: refusals)
  func refusesAndStaysAsItWas(_ refusal: Refusal) throws {
    var store = UnitStore()
    for step in refusal.before { try step.apply(to: &store) }
    let before = (store.summaries(), store.dot())
    store.changed = []
    let error = #expect(throws: UnitError.self) { try refusal.step.apply(to: &store) }
    #expect(error?.code == refusal.code)
    #expect(error?.message == refusal.message)
    #expect(before == (store.summaries(), store.dot()))
    #expect(store.changed.isEmpty)
    try store.checkInvariants()
  }

  @Test func aCycleIsNamedWhole() throws {
    var store = UnitStore()
    try store.want("a", dependsOn: ["b"])
    try store.want("b", dependsOn: ["c"])
    try store.want("c", dependsOn: ["d"])
    let error = #expect(throws: UnitError.self) { try store.want("d", dependsOn: ["a"]) }
    #expect(error?.cycle == ["d", "a", "b", "c", "d"])
  }

  @Test func goesThroughTheStatesOfTheContract() throws {
    var store = UnitStore()
    #expect(
      try store.report(on: "a")
        == UnitReport(status: .notRegistered, isReady: true, dependencies: []))
    try store.want("a", dependsOn: ["b"])
    #expect(try store.report(on: "a").status == .pending)
    #expect(try store.report(on: "b").status == .notRegistered)
    try store.want("a", dependsOn: ["b"])
    _ = try store.start("b")
    try store.finish("b", as: .completed)
    #expect(store.changed.contains(store.node(of: "a")!))
    _ = try store.start("a")
    #expect(try store.report(on: "a").status == .started)

    // A dependency that begins anew makes its dependents unready, whatever their status is.
    _ = try store.start("b")
    #expect(try store.isReady("a") == false)
    #expect(try store.report(on: "a").status == .started)
    try store.finish("b", as: .completed)
    #expect(try store.isReady("a"))

    // Completion needs no start, and a dependency may come late.
    try store.want("late", dependsOn: ["b"])
    #expect(try store.isReady("late"))
    try store.finish("late", as: .completed)
    try store.want("a", dependsOn: ["new"])
    var report = try store.report(on: "a")
    #expect(report.details?.generation == 1)
    report.details = nil
    #expect(
      report
        == UnitReport(
          status: .started, isReady: false,
          dependencies: [
            Dependency(
              unit: "b", requiredStatus: .completed, currentStatus: .completed, isSatisfied: true),
            Dependency(
              unit: "new", requiredStatus: .completed, currentStatus: .notRegistered,
              isSatisfied: false),
          ]))
    #expect(store.summaries().map(\.unit) == ["a", "b", "late"])
    try store.checkInvariants()
  }

  @Test(arguments: 1...50)
  func keepsItsInvariantsUnderRandomHistories(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var store = UnitStore()
    let units: [UnitID] = ["a", "b", "c", "d", "e", "f"]
    for _ in 0..<300 {
      let unit = units.randomElement(using: &random)!
      let other = units.randomElement(using: &random)!
      let requirement = Requirement(
        Requirement.Condition.allCases.randomElement(using: &random)!,
        isOptional: Bool.random(using: &random))
      let steps: [Step] = [
        .want(unit, other, requirement),
        .wantAll(unit, [other, units.randomElement(using: &random)!]),
        .start(unit), .start(unit), .complete(unit), .fail(unit), .skip(unit), .healthy(unit),
        .reset(unit, cascade: Bool.random(using: &random)),
      ]
      try? steps.randomElement(using: &random)!.apply(to: &store)
      try store.checkInvariants()
    }
  }

  @Test func namesAreComparedByTheirBytes() throws {
    var store = UnitStore()
    _ = try store.start("\u{e9}")
    _ = try store.start("e\u{301}")
    #expect(store.summaries().count == 2)
    #expect(UnitID("Z") < UnitID("a") && UnitID("a") < UnitID("aa"))
  }

  @Test func drawsTheGraph() throws {
    var store = UnitStore()
    try store.want("app \"x\"\n", dependsOn: ["db"])
    _ = try store.start("db")
    try store.finish("db", as: .completed)
    #expect(
      store.dot() == #"""
        digraph units {
          rankdir=LR;
          node [shape=box, style=filled];
          "app \"x\"\\n" [fillcolor="khaki"];
          "db" [fillcolor="palegreen"];
          "app \"x\"\\n" -> "db";
        }

        """#)
  }
}
