import Foundation
import SyncRPC
import SyncTestKit
import Testing
import WireFixtures

/// A clock that somebody sets, forth and back: only what is printed as a time of day follows it.
@Suite(.enabled(if: !isSanitized)) struct ClockTests {
  @Test func aJumpingClockMovesNoLimit() async throws {
    let shim = try await FaultShim()
    let agent = try await TestAgent(variables: shim.variables(["FAULT_CLOCK": "1"]))
    let half = call(.ping).prefix(20)
    let (slow, dead) = (
      try RawConnection(to: agent.socketPath), try RawConnection(to: agent.socketPath)
    )
    slow.send(Array(half))
    dead.send(Array(half))
    // They come…
    let strategies = ["poll", "poll:10ms", "push"]
    for strategy in strategies {
      _ = try await agent.sync("want", strategy, "b")
      let result = try await agent.sync("start", strategy, "--timeout", "300ms", "--wait", strategy)
      #expect(
        result.error.hasPrefix("error: timeout waiting for dependencies of unit '\(strategy)'\n"))
      #expect(result.status == 124)
    }
    // …and not a day early.
    let waits = try strategies.map {
      try agent.start(["start", $0, "--timeout", "1h", "--wait", $0])
    }
    for wait in waits { await wait.waitForOutput("\n") }
    slow.send(Array(call(.ping).dropFirst(20)))
    slow.endOutput()
    #expect(await slow.untilEnd() == success())
    _ = try await agent.sync("start", "b")
    _ = try await agent.sync("complete", "b")
    for wait in waits { #expect(await wait.end().status == 0) }
    #expect(await dead.untilEnd() == [])
    let log = await agent.stop().error.split(separator: "\n")
    #expect(log.contains { $0.contains("connection closed") && $0.contains("10s") }, "\(log)")
    #expect(Set(log.map { $0.prefix(10) }).count >= 2)
  }
}
