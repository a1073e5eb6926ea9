import SyncRPC
import SyncTestKit
package import SyncUnits
import Synchronization

/// An agent in memory and its clients, each step of which is compared with the model.
///
/// Threading: belongs to whoever runs it; everything happens on a loop of its own, by hand.
package final class Trial {
  /// The agent and the model are not of one mind.
  package struct Disagreement: Error, CustomStringConvertible {
    package let description: String
  }

  package private(set) var model = UnitModel()
  private let agent: MemoryAgent
  private var clients: [Int: RemoteUnitManager] = [:]
  private var calls: [Call] = []

  private final class Call: Sendable {
    let client: Int
    let answer = Mutex<Answer?>(nil)
    let task = Mutex<Task<Void, Never>?>(nil)
    init(client: Int) { self.client = client }
  }

  package init() throws { agent = try MemoryAgent() }

  /// Makes steps that were compared before.
  convenience init(after history: History) throws {
    try self.init()
    for entry in history.entries { try make(entry.step, by: entry.client, isCompared: false) }
  }

  deinit {
    let clients = self.clients.values
    _ = try? agent.loop.run { for client in clients { await client.close() } }
  }

  /// Goes through a whole history.
  package static func check(_ history: History) throws {
    let trial = try Trial()
    for (number, entry) in history.entries.enumerated() {
      do {
        try trial.make(entry.step, by: entry.client)
      } catch {
        throw Disagreement(
          description: "step \(number + 1), \(entry.client) \(entry.step): \(error)")
      }
    }
  }

  /// Makes a step, and compares everything that can be seen afterwards.
  package func make(_ step: Step, by client: Int, isCompared: Bool = true) throws {
    let before = Set(calls.indices.filter { isOpen(calls[$0]) })
    let id = calls.count
    let call = Call(client: client)
    calls.append(call)
    try perform(step, call)
    agent.loop.runUntilIdle()
    var answers: [Int: Answer] = [:]
    for id in before.union([id]) { answers[id] = calls[id].answer.withLock { $0 } }
    let expected = model.make(step, id: id, by: client)
    if !isCompared { return }
    try compare("answers", answers.sorted { $0.key < $1.key }, expected.sorted { $0.key < $1.key })
    try compareUnits()
  }

  private func isOpen(_ call: Call) -> Bool {
    call.answer.withLock { $0 == nil } && call.task.withLock { $0 != nil }
  }

  // MARK: The agent

  private func perform(_ step: Step, _ call: Call) throws {
    switch step {
    case .cancel(let number):
      let own = calls.filter { $0.client == call.client && isOpen($0) }
      if !own.isEmpty { own[number % own.count].task.withLock { $0 }?.cancel() }
    case .leave:
      guard let client = clients.removeValue(forKey: call.client) else { return }
      try agent.loop.run { await client.close() }
    default:
      let manager = try manager(of: call.client)
      let task = Task(executorPreference: agent.loop) { @Sendable in
        let answer = await step.perform(on: manager)
        call.answer.withLock { $0 = answer }
      }
      call.task.withLock { $0 = task }
    }
  }

  private func manager(of client: Int) throws -> RemoteUnitManager {
    if let manager = clients[client] { return manager }
    let manager = try agent.loop.run { [agent] in try await agent.connect(callTimeout: nil) }
    clients[client] = manager
    return manager
  }

  // MARK: Comparing

  private func compareUnits() throws {
    try agent.manager.checkInvariants()
    let waiting = agent.manager.waiterCount
    try compare("who waits", waiting, model.open.count)
    try compare("locks", agent.manager.lockCount, model.lockHolders.count)
    let listed = agent.manager.list()
    try compare("units", listed.map(UnitView.init), model.list())
    for unit in listed.map(\.unit) {
      let report = try agent.manager.status(of: unit)
      try compare("dependencies of \(unit)", report.dependencies, model.rows(of: unit))
    }
  }

  private func compare<Value: Equatable>(_ what: String, _ actual: Value, _ expected: Value) throws
  {
    if actual == expected { return }
    throw Disagreement(description: "\(what): the agent has \(actual), the model \(expected)")
  }

  private func compare(
    _ what: String, _ actual: [(key: Int, value: Answer)], _ expected: [(key: Int, value: Answer)]
  ) throws {
    try compare(
      what, actual.map { "\($0.key): \($0.value)" }, expected.map { "\($0.key): \($0.value)" })
  }
}

/// What is seen of a unit in a listing.
package struct UnitView: Hashable, Sendable {
  let unit: UnitID
  let status: UnitStatus
  let isReady: Bool
  let generation: UInt64
  let isHealthy: Bool
  let isBlocked: Bool
}

extension UnitView {
  package init(_ summary: UnitSummary) {
    self.init(
      unit: summary.unit, status: summary.status, isReady: summary.isReady,
      generation: summary.details?.generation ?? 0, isHealthy: summary.details?.isHealthy ?? false,
      isBlocked: summary.details?.isBlocked ?? false)
  }
}

extension UnitModel {
  package func list() -> [UnitView] {
    units.keys.sorted().map { unit in
      UnitView(
        unit: unit, status: self[unit].status, isReady: isReady(unit),
        generation: self[unit].generation, isHealthy: self[unit].isHealthy,
        isBlocked: isBlocked(unit))
    }
  }

  func rows(of unit: UnitID) -> [Dependency] {
    dependencies(of: unit).sorted { $0.key < $1.key }.map { dependency, requirement in
      Dependency(
        unit: dependency, requiredStatus: .completed, currentStatus: self[dependency].status,
        isSatisfied: isMet(requirement, by: dependency), requirement: requirement)
    }
  }
}
