import SyncPlugin
import SyncTestKit
import SyncUnits
import Testing
import WaitingPoll

@Suite struct PollStrategyTests {
  @Test func asksOnceAnInterval() async throws {
    let clock = ManualClock()
    let manager = LocalUnitManager()
    try manager.want("a", dependsOn: "b")
    let strategy = try PollStrategy(argument: "250ms")
    #expect(strategy.interval == .milliseconds(250))
    let wait = Task { try await strategy.waitUntilReady("a", on: manager, clock: clock) }
    for _ in 0..<3 {
      await clock.waitForSleepers(1)
      clock.advance(by: .milliseconds(249))
      #expect(clock.sleeperCount == 1)
      clock.advance(by: .milliseconds(1))
    }
    await clock.waitForSleepers(1)
    try manager.start("b")
    try manager.complete("b")
    clock.advance(by: .milliseconds(250))
    try await wait.value
  }

  @Test func endsWithItsTask() async throws {
    let clock = ManualClock()
    let strategy = try PollStrategy(argument: nil)
    #expect(strategy.interval == .seconds(1))
    let wait = Task {
      try await strategy.waitUntilReady("a", on: LocalUnitManager(), clock: clock)
    }
    await clock.waitForSleepers(1)
    wait.cancel()
    await #expect(throws: CancellationError.self) { try await wait.value }
    #expect(clock.sleeperCount == 0)
  }

  @Test(arguments: ["", "0", "1", "fast", "999us"])
  func refusesWhatIsNoInterval(_ argument: String) {
    #expect(throws: PluginError.self) { try PollStrategy(argument: argument) }
  }
}
