/// Who waits for what. A value, guarded by whoever owns it.
struct WaitTable {
  /// Hears how a wait has ended; called outside the lock, once.
  typealias Waiter = @Sendable (Result<Void, any Error>) -> Void
  typealias WaiterID = UInt64

  /// A wait that is over, to be told outside the lock.
  struct Woken {
    let waiter: Waiter
    let result: Result<Void, any Error>

    func callAsFunction() { waiter(result) }
  }

  private struct Entry {
    let goal: UnitStore.Goal
    let waiter: Waiter
  }

  private var waiters: [WaiterID: Entry] = [:]
  private var waitersOfNode: [UnitStore.Node: Set<WaiterID>] = [:]
  /// Those whose wait any unit may end.
  private var waitersOfAll: Set<WaiterID> = []

  var count: Int { waiters.count }

  mutating func add(_ id: WaiterID, for goal: UnitStore.Goal, _ waiter: @escaping Waiter) {
    waiters[id] = Entry(goal: goal, waiter: waiter)
    for node in goal.nodes { waitersOfNode[node, default: []].insert(id) }
    if goal.nodes.isEmpty { waitersOfAll.insert(id) }
  }

  /// Forgets one waiter; nil if it has been woken or forgotten already.
  mutating func remove(_ id: WaiterID) -> Waiter? {
    guard let entry = waiters.removeValue(forKey: id) else { return nil }
    for node in entry.goal.nodes {
      waitersOfNode[node]?.remove(id)
      if waitersOfNode[node]?.isEmpty == true { waitersOfNode[node] = nil }
    }
    waitersOfAll.remove(id)
    return entry.waiter
  }

  /// Takes all whose wait is over by what has changed in `store`, in the order in which they came.
  mutating func take(changedIn store: UnitStore) -> [Woken] {
    if waiters.isEmpty { return [] }
    var ids = waitersOfAll
    for node in store.changed {
      guard let waiting = waitersOfNode[node] else { continue }
      if ids.isEmpty { ids = waiting } else { ids.formUnion(waiting) }
    }
    return ids.sorted().compactMap { id in
      guard let entry = waiters[id], let result = store.result(of: entry.goal) else { return nil }
      _ = remove(id)
      return Woken(waiter: entry.waiter, result: result.mapError { $0 })
    }
  }

  mutating func takeAll() -> [Waiter] {
    defer { self = WaitTable() }
    return waiters.sorted { $0.key < $1.key }.map(\.value.waiter)
  }

  /// The units that somebody waits for, or for whose dependencies.
  var nodes: some Collection<UnitStore.Node> { waitersOfNode.keys }

  /// Checks that nobody waits for what has come; for tests.
  func checkInvariants(_ store: UnitStore) throws(InvariantViolation) {
    for (id, entry) in waiters {
      guard store.result(of: entry.goal) == nil else {
        throw InvariantViolation("waiter \(id) was not woken: \(entry.goal)")
      }
      let isFound =
        entry.goal.nodes.isEmpty
        ? waitersOfAll.contains(id)
        : entry.goal.nodes.allSatisfy { waitersOfNode[$0]?.contains(id) == true }
      guard isFound else { throw InvariantViolation("waiter \(id) would not be found") }
    }
    for ids in waitersOfNode.values + [waitersOfAll] {
      guard ids.allSatisfy({ waiters[$0] != nil }) else {
        throw InvariantViolation("somebody who was forgotten is still in the table")
      }
    }
  }
}
