import SyncPlugin
import SyncRPC
import SyncTestKit
import SyncUnits
import SyncWire
import WaitingPoll
import WaitingPush
import WireFixtures

/// A script of a simulated start-up: waits for what its unit depends on, does its work, says so; and does all of
/// it again when something goes wrong.
///
/// Threading: belongs to the loop.
final class SimulatedScript: @unchecked Sendable {
  let unit: UnitID
  let dependencies: [SimulatedScript]
  private let lock: String?
  private let isLeased: Bool
  private let strategy: any WaitingStrategy
  private unowned let world: SimulatedWorld
  private var task: Task<Void, Never>?
  private var lastError: String?
  private var lastLink = 0

  /// Under which agent it said that its unit has completed, and under which it knows that it was heard.
  private(set) var saidUnder = 0
  private(set) var doneUnder = 0

  init(_ name: String, after dependencies: [SimulatedScript], in world: SimulatedWorld) throws {
    unit = UnitID(name)
    self.dependencies = dependencies
    self.world = world
    let network = world.network
    isLeased = network.number(0...1) == 1
    lock = network.number(0...3) == 0 ? "apt" : nil
    strategy =
      network.number(0...1) == 1
      ? try PushStrategy(argument: nil)
      : try PollStrategy(argument: ["100ms", "1s", "5s"][network.number(0...2)])
  }

  func begin() {
    let world = self.world
    task = Task(executorPreference: world.network.loop) { @Sendable [self] in
      while !Task.isCancelled {
        // What its earlier self has sent must not come behind what it says now.
        if doneUnder != world.agentNumber, !world.network.isUnderWay(lastLink) { await attempt() }
        // Others have their turn; an agent that has just begun has forgotten everything.
        try? await world.network.loop.clock.sleep(for: .milliseconds(500))
      }
    }
  }

  /// Dies without a word; what it has begun is begun again.
  func kill() {
    task?.cancel()
    begin()
  }

  func end() { task?.cancel() }

  private func attempt() async {
    guard
      let manager = try? await RemoteUnitManager(
        connectingTo: SimulatedTransport(world.network) { [self] in lastLink = $0 },
        on: world.network.loop)
    else { return }
    do {
      // A connection does not outlive its agent.
      try await work(on: manager, under: world.agentNumber)
    } catch {
      lastError = "last told: \(error)"
      world.heard(error)
    }
    await manager.close()
  }

  private func work(on manager: RemoteUnitManager, under agent: Int) async throws {
    let clock = world.network.loop.clock
    if !dependencies.isEmpty {
      try await manager.want(unit, dependsOn: dependencies.map(\.unit), .success)
    }
    try await strategy.waitUntilReady(unit, on: manager, clock: clock)
    try await start(on: manager, under: agent)
    try await clock.sleep(for: world.network.duration(upTo: .seconds(3)))
    if agent == world.agentNumber { saidUnder = agent }
    try await complete(on: manager)
    if agent == world.agentNumber { doneUnder = agent }
  }

  private func start(on manager: RemoteUnitManager, under agent: Int) async throws {
    var options = StartOptions()
    if let lock { options.locks = [lock] }
    do {
      _ = try await manager.start(unit, options, tie: isLeased ? .lease(process: 0) : .none)
    } catch let error as UnitError where error.code == .sameStatus {
      // Its earlier self has begun, and did not hear of it.
      return
    }
    let early = dependencies.first { $0.saidUnder < agent }
    if let early, agent == world.agentNumber {
      world.violation("\(unit) began before \(early.unit) had said that it is done")
    }
  }

  private func complete(on manager: any UnitManager) async throws {
    do throws(UnitError) {
      try await manager.complete(unit)
    } catch {
      // It may have been heard before.
      if error.code != .sameStatus { throw error }
    }
  }
}

extension SimulatedScript: CustomStringConvertible {
  var description: String {
    "after \(dependencies.map(\.unit.name)), by \(type(of: strategy)), lock: \(lock ?? "none"), "
      + "leased: \(isLeased), done under agent \(doneUnder), \(lastError ?? "no error")"
  }
}

/// Somebody who connects and does as they like: garbage, halves of calls, more calls than answers are read.
enum SimulatedVandal {
  static func visit(_ world: SimulatedWorld) async {
    let network = world.network
    guard let connection = try? await network.connect() else { return }
    connection.activate(Deaf())
    // Most never read what they are sent.
    if network.number(0...2) > 0 { connection.pause() }
    var lastStream: UInt64 = 0
    func nextCall() -> [UInt8] {
      lastStream += 1
      let unit = world.scripts[network.number(0...world.scripts.count - 1)].unit
      return switch network.number(0...3) {
      case 0: call(.wait, UnitSync.WaitRequest(.ready(unit)).encoded, stream: lastStream)
      case 1: call(.wantAll, UnitSync.WantRequest().encoded, stream: lastStream)
      default: call(.list, stream: lastStream)
      }
    }
    for _ in 0..<network.number(1...4) {
      var bytes: [UInt8] = []
      switch network.number(0...4) {
      case 0: bytes = (0..<network.number(1...200)).map { _ in UInt8(network.number(0...255)) }
      case 1: bytes = Array(nextCall().dropLast(network.number(1...20)))
      case 2:
        // As many as the network takes.
        for _ in 0..<100 where !connection.isCongested {
          bytes = (0..<100).flatMap { _ in nextCall() }
          connection.send(bytes.span.bytes)
        }
        bytes = []
      case 3: connection.endOutput()
      default: bytes = nextCall()
      }
      connection.send(bytes.span.bytes)
      try? await network.loop.clock.sleep(for: network.duration(upTo: .seconds(15)))
    }
    connection.abort()
  }

  private final class Deaf: ConnectionHandler {
    func received(_ bytes: RawSpan) {}
    func reachedEndOfInput() {}
    func drained() {}
    func failed(_ reason: PluginError) {}
  }
}
