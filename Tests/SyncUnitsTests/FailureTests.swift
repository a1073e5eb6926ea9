import SyncTestKit
import Testing

@testable import SyncUnits

/// What follows from a failure, in one store.
@Suite struct FailureTests {
  private func store(_ steps: [Step]) throws -> UnitStore {
    var store = UnitStore()
    for step in steps { try step.apply(to: &store) }
    return store
  }

  static let reasons: [(steps: [Step], unit: UnitID, reason: String)] = [
    (
      [.want("app", "db"), .start("db"), .fail("db")], "app",
      "dependency 'db' failed: exit status 3 (required by 'app')"
    ),
    (
      [.want("app", "migrate"), .want("migrate", "db"), .start("db"), .fail("db")], "app",
      "dependency 'db' failed: exit status 3 (required by 'migrate', required by 'app')"
    ),
    (
      [.want("app", "db"), .want("db", "x"), .skip("db")], "app",
      "dependency 'db' was skipped: not needed (required by 'app')"
    ),
    // The one that was declared first is named.
    (
      [
        .want("app", "a"), .want("app", "b"), .start("b"), .fail("b"), .start("a"), .fail("a"),
      ], "app", "dependency 'a' failed: exit status 3 (required by 'app')"
    ),
    // What is not required is not to blame.
    (
      [
        .want("app", "a", Requirement(.success, isOptional: true)), .want("app", "b"), .start("a"),
        .fail("a"), .start("b"), .fail("b"),
      ], "app", "dependency 'b' failed: exit status 3 (required by 'app')"
    ),
    (
      [.want("app\n", "d\u{1b}b"), .start("d\u{1b}b"), .fail("d\u{1b}b")], "app\n",
      #"dependency 'd\x1bb' failed: exit status 3 (required by 'app\n')"#
    ),
  ]

  @Test(arguments: reasons)
  func theReasonLeadsToTheRoot(_ steps: [Step], _ unit: UnitID, _ reason: String) throws {
    var store = try store(steps)
    let error = #expect(throws: UnitError.self) { _ = try store.isReady(unit) }
    #expect(error?.code == .dependencyFailed && error?.message == reason)
    #expect(throws: UnitError.self) { _ = try store.start(unit) }
    let report = try store.report(on: unit)
    #expect(report.status == .skipped && report.details?.ending == Ending(reason))
    // Whoever depends on it hears of the same root.
    try store.want("last", dependsOn: [unit])
    let further = #expect(throws: UnitError.self) { _ = try store.isReady("last") }
    #expect(further?.message == reason.dropLast() + ", required by 'last')")
    try store.checkInvariants()
  }

  @Test func aResetOrANewGenerationUnblocks() throws {
    var store = try store([
      .want("app", "migrate"), .want("migrate", "db"), .start("db"), .fail("db"),
    ])
    try Step.reset("db").apply(to: &store)
    #expect(try store.isReady("app") == false)
    #expect(try store.isReady("migrate") == false)
    for step in [Step.start("db"), .fail("db"), .start("db"), .complete("db")] {
      try step.apply(to: &store)
    }
    #expect(try store.isReady("migrate"))
    #expect(try store.report(on: "db").details?.generation == 3)
  }

  @Test func aCascadeResetsWhatDependsOnIt() throws {
    var store = try store([
      .want("app", "migrate"), .want("migrate", "db"), .start("db"), .complete("db"),
      .start("migrate"), .complete("migrate"), .start("app"), .start("other"),
    ])
    try store.reset("db", cascade: true)
    #expect(store.summaries().map(\.status) == [.pending, .pending, .pending, .started])
    // What was at work before is too late now.
    #expect(throws: UnitError.self) {
      try store.finish("app", as: .completed, generation: 1)
    }
    try store.checkInvariants()
  }

  @Test func theOptionToKeepLeavesItPending() throws {
    var store = try store([.want("app", "db"), .start("db"), .fail("db")])
    var options = StartOptions()
    options.keepsPendingOnFailure = true
    #expect(throws: UnitError.self) { _ = try store.start("app", options) }
    #expect(try store.report(on: "app").status == .pending)
  }

  @Test func locksAreTakenAllOrNoneAndReleasedWithTheGeneration() throws {
    var store = UnitStore()
    var both = StartOptions()
    both.locks = ["apt", "dpkg"]
    var one = StartOptions()
    one.locks = ["dpkg"]
    #expect(try store.start("a", one) == 1)
    #expect(try store.start("b", both) == nil)
    #expect(try store.report(on: "b").status == .notRegistered)
    #expect(store.locks.count == 1)
    try store.finish("a", as: .failed(Ending()))
    #expect(try store.start("b", both) == 1)
    #expect(store.locks.count == 2)
    try store.reset("b")
    #expect(store.locks.count == 0)
  }
}

/// Failure among tasks that wait.
@Suite struct FailingWorkTests {
  /// First come first served: nobody takes a lock that somebody before them waits for.
  @Test func locksGoToWhoCameFirst() async throws {
    let manager = LocalUnitManager()
    func options(_ locks: String...) -> StartOptions {
      var options = StartOptions()
      options.locks = locks
      return options
    }
    _ = try await manager.start("first", options("a"))
    async let second = manager.start("second", options("a", "b"))
    while manager.waiterCount < 1 { await Task.yield() }
    async let third = manager.start("third", options("b"))
    while manager.waiterCount < 2 { await Task.yield() }
    let cancelled = Task { try await manager.start("cancelled", options("a")) }
    while manager.waiterCount < 3 { await Task.yield() }
    cancelled.cancel()
    await #expect(throws: CancellationError.self) { try await cancelled.value }
    #expect(manager.waiterCount == 2)
    try manager.complete("first")
    #expect(try await second == 1)
    #expect(try manager.status(of: "third").status == .notRegistered)
    try manager.complete("second")
    #expect(try await third == 1)
    try manager.complete("third")
    #expect(manager.lockCount == 0 && manager.waiterCount == 0)
  }

  @Test(
    arguments: [
      (WaitGoal.units(["a", "b"], .success, count: 1), ["a"], true),
      (.units(["a", "b"], .success, count: 2), ["a"], nil),
      (.units(["a", "b"], .success, count: 2), ["a", "b"], true),
      (.units(["a", "b"], .success, count: 1), ["!a"], nil),
      (.units(["a", "b"], .success, count: 1), ["!a", "!b"], false),
      (.units(["a", "b"], .success, count: 2), ["!a"], false),
      (.units(["a", "b"], .completion, count: 2), ["!a", "b"], true),
      (.units(["c"], .started, count: 1), ["b", "c"], true),
      (.allUnits, ["a", "b", "c"], true),
      (.allUnits, ["a", "b"], nil),
      (.allUnits, ["a", "!b"], false),
      (.allUnits, ["!a", "b", "c"], false),
    ] as [(WaitGoal, [String], Bool?)])
  func goalsAreReachedOrNot(
    _ goal: WaitGoal, _ ends: [String], _ isReached: Bool?
  ) async throws {
    let manager = LocalUnitManager()
    for unit: UnitID in ["a", "b"] { try manager.start(unit) }
    try manager.want("c", dependsOn: "b")
    let wait = Task { try await manager.wait(for: goal) }
    while manager.waiterCount == 0 { await Task.yield() }
    for end in ends {
      if end.hasPrefix("!") {
        try manager.finish(
          UnitID(String(end.dropFirst())), as: .failed(Ending("no")), generation: nil)
      } else {
        if end == "c" { try manager.start("c") }
        try manager.complete(UnitID(end))
      }
    }
    switch isReached {
    case true?: try await wait.value
    case false?:
      let error = await #expect(throws: UnitError.self) { try await wait.value }
      #expect(error?.code == .dependencyFailed)
    case nil:
      #expect(manager.waiterCount == 1)
      wait.cancel()
      await #expect(throws: CancellationError.self) { try await wait.value }
    }
    #expect(manager.waiterCount == 0)
    try manager.checkInvariants()
  }

  @Test func waitingForAllOfNothingIsRefused() async throws {
    let manager = LocalUnitManager()
    let error = await #expect(throws: UnitError.self) { try await manager.wait(for: .allUnits) }
    #expect(error?.code == .notFound)
  }

  /// Units of no duration in a random graph, begun in random order, some of which fail.
  @Test func everyUnitWithoutAFailedAncestorRunsAndEveryOtherIsSkipped() async throws {
    var random = SeededRandom(seed: 11)
    let count = isSanitized ? 500 : 10_000
    let manager = LocalUnitManager()
    let names = (0..<count).map { UnitID("unit \($0)") }
    var isBroken = [Bool](repeating: false, count: count)
    var hasFailedAncestor = isBroken
    var dependencies = [[Int]](repeating: [], count: count)
    for unit in 0..<count {
      dependencies[unit] = (0..<min(unit, 3)).map { _ in Int.random(in: 0..<unit, using: &random) }
      isBroken[unit] = Int.random(in: 0..<count / 50, using: &random) == 0
      hasFailedAncestor[unit] = dependencies[unit].contains {
        isBroken[$0] || hasFailedAncestor[$0]
      }
    }
    let (wanted, broken) = (dependencies, isBroken)
    struct Broken: Error {}
    await withTaskGroup(of: Void.self) { group in
      for unit in (0..<count).shuffled(using: &random) {
        group.addTask {
          try? await manager.withUnit(names[unit], after: wanted[unit].map { names[$0] }) {
            if broken[unit] { throw Broken() }
          }
        }
      }
    }
    let statuses = Dictionary(uniqueKeysWithValues: manager.list().map { ($0.unit, $0) })
    for unit in 0..<count {
      let summary = try #require(statuses[names[unit]])
      let reason = summary.details?.ending?.reason ?? ""
      if hasFailedAncestor[unit] {
        #expect(summary.status == .skipped)
        #expect(reason.hasPrefix("dependency 'unit ") && reason.contains("' failed: Broken()"))
        #expect(reason.hasSuffix("required by '\(names[unit])')"))
      } else {
        #expect(summary.status == (isBroken[unit] ? .failed : .completed))
      }
    }
    #expect(hasFailedAncestor.contains(true) && hasFailedAncestor.contains(false))
    #expect(manager.waiterCount == 0)
    try manager.checkInvariants()
  }
}
