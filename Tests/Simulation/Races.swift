import SyncTestKit
import SyncUnits

/// The moment between the question whether a unit is ready and the wait for it, in which its last dependency
/// completes: on two threads, again and again.
package enum Races {
  /// How a round went.
  private enum Outcome { case wasReady, hasWaited, isLost }

  /// Runs so many rounds, and returns in how many of them somebody had to wait.
  /// - Throws: ``Trials/Failure`` if a wait does not end.
  package static func run(rounds: Int) async throws -> Int {
    let manager = LocalUnitManager()
    try manager.want("app", dependsOn: "db")
    var random = SeededRandom(seed: 1)
    var waits = 0
    for round in 0..<rounds {
      try manager.start("db")
      // Mostly short: who comes first has to be open.
      let delay = Int.random(in: 0...(1 << Int.random(in: 0...8, using: &random)), using: &random)
      async let waited = wait(manager)
      async let completed: Void = complete(manager, after: delay)
      switch try await (waited, completed).0 {
      case .wasReady: break
      case .hasWaited: waits += 1
      case .isLost:
        throw Trials.Failure(
          description: "round \(round): the wait did not end with what it is for")
      }
      guard manager.waiterCount == 0 else {
        throw Trials.Failure(description: "round \(round): somebody is left waiting")
      }
    }
    return waits
  }

  private static func complete(_ manager: LocalUnitManager, after delay: Int) async throws {
    for _ in 0..<delay { _ = manager.waiterCount }
    try manager.complete("db")
  }

  /// As a script does: asks, and waits if it has to.
  private static func wait(_ manager: LocalUnitManager) async throws -> Outcome {
    if try manager.isReady("app") { return .wasReady }
    return try await withThrowingTaskGroup(of: Outcome.self) { group in
      group.addTask {
        // Only to give up: a wait that is lost would go on for ever.
        try await Task.sleep(for: .seconds(30))
        return .isLost
      }
      group.addTask {
        try await manager.waitUntilReady("app")
        return .hasWaited
      }
      defer { group.cancelAll() }
      return try await group.next()!
    }
  }
}
