import SyncTestKit
import SyncUnits

/// A start-up with everything that can go wrong, under one seed and a clock that only the simulation moves:
/// the same seed, the same things in the same order.
package struct Simulation {
  /// What has happened.
  package struct Outcome: Equatable, Sendable {
    package var faultCounts: [String: Int] = [:]
    package var errorCounts: [String: Int] = [:]
    package var simulatedTime = Duration.zero
    package var digest: UInt64 = 0

    package init() {}

    package mutating func add(_ other: Outcome) {
      faultCounts.merge(other.faultCounts, uniquingKeysWith: +)
      errorCounts.merge(other.errorCounts, uniquingKeysWith: +)
      simulatedTime += other.simulatedTime
    }
  }

  /// How long things go wrong.
  private static let chaosTime: Duration = .seconds(60)
  /// How long all scripts may take once nothing goes wrong any more: several call timeouts, polls and works, one
  /// after another.
  private static let patience: Duration = .seconds(300)

  private let seed: Int
  private let world: SimulatedWorld
  private var restarts = 0

  /// Runs the simulation of a seed.
  /// - Throws: ``Trials/Failure`` with everything that should not have happened.
  package static func run(seed: Int, rates: FaultRates = FaultRates()) throws -> Outcome {
    var simulation = Simulation(
      seed: seed, world: try SimulatedWorld(rates: rates, seed: UInt64(seed)))
    return try simulation.run()
  }

  private init(seed: Int, world: SimulatedWorld) {
    self.seed = seed
    self.world = world
  }

  private mutating func run() throws -> Outcome {
    let network = world.network
    world.startAgent()
    for script in world.scripts { script.begin() }
    while elapsed < Self.chaosTime {
      try advance(upTo: network.duration(upTo: .seconds(4)))
      disturb()
    }
    network.heal()
    if world.agentNumber == 0 { world.startAgent() }
    while !world.isDone, elapsed < Self.chaosTime + Self.patience { try advance(upTo: .seconds(1)) }
    let late = world.scripts.filter { $0.doneUnder != world.agentNumber }.map(\.unit.name)
    world.require("everybody gets done: \(late) did not", late.isEmpty)
    try end()
    var outcome = Outcome()
    outcome.faultCounts = network.faultCounts.merging(["restart": restarts]) { $1 }
    outcome.errorCounts = world.errorCounts
    outcome.simulatedTime = elapsed
    outcome.digest = network.digest
    return outcome
  }

  private var elapsed: Duration { world.network.loop.manualClock.elapsed }

  /// Goes on in time, and checks after each moment in which something happened.
  private func advance(upTo duration: Duration) throws {
    let loop = world.network.loop
    let target = elapsed + duration
    loop.runUntilIdle()
    while elapsed < target {
      let rest = target - elapsed
      loop.advance(by: min(loop.manualClock.timeToNextSleeper ?? rest, rest))
      world.check()
      if !world.violations.isEmpty { throw failure() }
    }
  }

  private mutating func disturb() {
    let world = self.world
    switch world.network.number(0...9) {
    case 0..<4: world.scripts[world.network.number(0...world.scripts.count - 1)].kill()
    case 4..<8:
      Task(executorPreference: world.network.loop) { @Sendable in await SimulatedVandal.visit(world)
      }
    case 8:
      if world.agentNumber == 0 {
        world.startAgent()
      } else {
        restarts += 1
        world.endAgent(politely: world.network.number(0...1) == 0)
      }
    default: break
    }
  }

  /// Everybody leaves, and nothing is left.
  private func end() throws {
    for script in world.scripts { script.end() }
    // The last vandals go, and what is still under way arrives.
    try advance(upTo: .seconds(100))
    world.require("who has left has no connection", world.connectionCount == 0)
    world.require("who has left does not wait", world.manager.waiterCount == 0)
    world.require("who has left holds no lock", world.manager.lockCount == 0)
    if !world.violations.isEmpty { throw failure() }
  }

  private func failure() -> Trials.Failure {
    Trials.Failure(
      description: """
        simulation of seed \(seed), after \(elapsed):
        \(world.violations.prefix(5).joined(separator: "\n"))
        \(world.description)
        """)
  }
}
