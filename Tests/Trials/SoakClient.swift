import Libevent
import Simulation
import SyncRPC
import SyncTestKit
import SyncUnits
import Synchronization
import TransportUnix

/// One user of an agent who does random things with units of their own, over three connections, and knows
/// from the model what each of them has to bring.
///
/// Threading: belongs to the loop.
final class SoakClient: @unchecked Sendable {
  let prefix: String
  private let loop: LibeventLoop
  private let transport: UnixTransport
  private var random: SeededRandom
  private var model = UnitModel()
  private var connections: [Int: RemoteUnitManager] = [:]
  private var calls: [Int: Task<Answer, Never>] = [:]
  private(set) var steps = 0
  private let stepCount = Atomic<Int>(0)

  /// How many steps it has made; may be asked from anywhere.
  var progress: Int { stepCount.load(ordering: .relaxed) }

  init(_ prefix: String, to transport: UnixTransport, on loop: LibeventLoop, seed: UInt64) {
    self.prefix = prefix
    self.transport = transport
    self.loop = loop
    random = SeededRandom(seed: seed)
  }

  /// Makes steps until it is told to stop, and leaves.
  /// - Throws: what the agent and the model disagree on.
  func run(while goesOn: @Sendable () -> Bool) async throws {
    while goesOn() {
      let step = Step.random(using: &random, prefix: prefix)
      try await make(step, by: Int.random(in: 0..<3, using: &random))
      if steps % 50 == 0 { try await compareUnits() }
    }
    for client in 0..<3 { try await make(.leave, by: client) }
    try await compareUnits()
    await connections.removeValue(forKey: 0)?.close()
  }

  private func make(_ step: Step, by client: Int) async throws {
    steps += 1
    stepCount.add(1, ordering: .relaxed)
    let id = steps
    let open = model.open(by: client)
    let expected = model.make(step, id: id, by: client)
    switch step {
    case .cancel(let number):
      guard !open.isEmpty else { return }
      calls[open[number % open.count]]?.cancel()
      // Behind what takes the call back, on the same connection.
      try await connection(client).ping()
    case .leave: try await leave(client)
    default:
      let connection = try await connection(client)
      calls[id] = Task(executorPreference: loop) { @Sendable in await step.perform(on: connection) }
      await Task.yield()
      // Whoever waits has to be heard before somebody else makes the next step.
      if expected[id] == nil { try await connection.ping() }
    }
    for (id, answer) in expected {
      let actual = await calls.removeValue(forKey: id)?.value
      guard actual == answer else {
        throw Failure("\(prefix): \(step): call \(id) brought \(actual as Any), not \(answer)")
      }
    }
  }

  /// The end of a connection comes to the agent when it comes: a unit that fails with it tells when.
  private func leave(_ client: Int) async throws {
    guard let connection = connections.removeValue(forKey: client) else { return }
    let mark = UnitID("end-of-\(prefix)")
    try await connection.want(mark, dependsOn: [], .success, isLeased: true)
    await connection.close()
    let other = try await self.connection((client + 1) % 3)
    try await other.wait(for: .units([mark], .completion, count: 1))
    try await other.reset(mark, cascade: false)
  }

  private func compareUnits() async throws {
    let expected = model.list()
    let actual = try await connection(0).list().filter { $0.unit.name.hasPrefix(prefix) }
      .map(UnitView.init)
    if actual != expected {
      throw Failure("\(prefix): the agent has \(actual), the model \(expected)")
    }
  }

  private func connection(_ client: Int) async throws -> RemoteUnitManager {
    if let connection = connections[client] { return connection }
    let connection = try await RemoteUnitManager(
      connectingTo: transport, on: loop, callTimeout: .seconds(30))
    // So that waits go out at once.
    try await connection.require(.wait)
    connections[client] = connection
    return connection
  }
}

struct Failure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
