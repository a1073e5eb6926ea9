import SyncTestKit
import Testing

@testable import SyncUnits

/// One call on a store.
enum Step: Sendable {
  case want(UnitID, UnitID)
  case start(UnitID)
  case complete(UnitID)

  func apply(to store: inout UnitStore, ready: inout [Int]) throws(UnitError) {
    switch self {
    case .want(let unit, let dependency): try store.want(unit, dependsOn: dependency)
    case .start(let unit): try store.start(unit)
    case .complete(let unit): try store.complete(unit, ready: &ready)
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
  ]

  @Test(arguments: refusals)
  func refusesAndStaysAsItWas(_ refusal: Refusal) throws {
    var store = UnitStore()
    var ready: [Int] = []
    for step in refusal.before { try step.apply(to: &store, ready: &ready) }
    let before = (store.summaries(), store.dot())
    ready = []
    let error = #expect(throws: UnitError.self) {
      try refusal.step.apply(to: &store, ready: &ready)
    }
    #expect(error?.code == refusal.code)
    #expect(error?.message == refusal.message)
    #expect(before == (store.summaries(), store.dot()))
    #expect(ready.isEmpty)
    try store.checkInvariants()
  }

  @Test func aCycleIsNamedWhole() throws {
    var store = UnitStore()
    try store.want("a", dependsOn: "b")
    try store.want("b", dependsOn: "c")
    try store.want("c", dependsOn: "d")
    let error = #expect(throws: UnitError.self) { try store.want("d", dependsOn: "a") }
    #expect(error?.cycle == ["d", "a", "b", "c", "d"])
  }

  @Test func goesThroughTheStatesOfTheContract() throws {
    var store = UnitStore()
    var ready: [Int] = []
    #expect(
      try store.report(on: "a")
        == UnitReport(status: .notRegistered, isReady: true, dependencies: []))
    try store.want("a", dependsOn: "b")
    #expect(try store.report(on: "a").status == .pending)
    #expect(try store.report(on: "b").status == .notRegistered)
    try store.want("a", dependsOn: "b")
    try store.start("b")
    try store.complete("b", ready: &ready)
    #expect(ready.count == 1)
    try store.start("a")
    #expect(try store.report(on: "a").status == .started)

    // A dependency that begins anew makes its dependents unready, whatever their status is.
    try store.start("b")
    #expect(try store.isReady("a") == false)
    #expect(try store.report(on: "a").status == .started)
    try store.complete("b", ready: &ready)
    #expect(try store.isReady("a"))

    // Completion needs no start, and a dependency may come late.
    try store.want("late", dependsOn: "b")
    #expect(try store.isReady("late"))
    try store.complete("late", ready: &ready)
    try store.want("a", dependsOn: "new")
    #expect(
      try store.report(on: "a")
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
    var ready: [Int] = []
    let units: [UnitID] = ["a", "b", "c", "d", "e", "f"]
    for _ in 0..<300 {
      let unit = units.randomElement(using: &random)!
      let step: Step =
        switch Int.random(in: 0..<3, using: &random) {
        case 0: .want(unit, units.randomElement(using: &random)!)
        case 1: .start(unit)
        default: .complete(unit)
        }
      try? step.apply(to: &store, ready: &ready)
      try store.checkInvariants()
    }
  }

  @Test func namesAreComparedByTheirBytes() throws {
    var store = UnitStore()
    try store.start("\u{e9}")
    try store.start("e\u{301}")
    #expect(store.summaries().count == 2)
    #expect(UnitID("Z") < UnitID("a") && UnitID("a") < UnitID("aa"))
  }

  @Test func drawsTheGraph() throws {
    var store = UnitStore()
    var ready: [Int] = []
    try store.want("app \"x\"\n", dependsOn: "db")
    try store.start("db")
    try store.complete("db", ready: &ready)
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
