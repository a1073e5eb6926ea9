import Simulation
import SyncTestKit
import Testing

/// Start-ups with faults, and everything that few clients can do with few units; in small numbers, which
/// `Tests/trials.sh` makes large.
@Suite struct SimulationTests {
  @Test(arguments: 0..<10)
  func everybodyGetsDoneWhateverHappens(_ block: Int) throws {
    let count = isSanitized ? 1 : 10
    for seed in block * count..<(block + 1) * count { _ = try Simulation.run(seed: seed) }
  }

  @Test(arguments: [7, 8])
  func theSameSeedIsTheSameSimulation(_ seed: Int) throws {
    #expect(try Simulation.run(seed: seed) == Simulation.run(seed: seed))
  }

  @Test func allInterleavingsAgree() async throws {
    var all = Interleavings()
    var states: [Int] = []
    for _ in 0..<(isSanitized ? 3 : 5) { states.append(try await all.advance().newStates) }
    // Whoever changes what a client can do here changes the numbers.
    #expect(states == Array([2, 15, 64, 239, 672].prefix(states.count)))
  }
}
