/// Who waits for which unit to become ready. A value, guarded by whoever owns it.
struct WaitTable {
  /// Hears how a wait has ended; called outside the lock, once.
  typealias Waiter = @Sendable (Result<Void, any Error>) -> Void
  typealias WaiterID = UInt64

  private struct Entry {
    let node: UnitStore.Node
    let waiter: Waiter
  }

  private var waiters: [WaiterID: Entry] = [:]
  private var waitersOfNode: [UnitStore.Node: Set<WaiterID>] = [:]

  var count: Int { waiters.count }

  mutating func add(_ id: WaiterID, for node: UnitStore.Node, _ waiter: @escaping Waiter) {
    waiters[id] = Entry(node: node, waiter: waiter)
    waitersOfNode[node, default: []].insert(id)
  }

  /// Forgets one waiter; nil if it has been woken or forgotten already.
  mutating func remove(_ id: WaiterID) -> Waiter? {
    guard let entry = waiters.removeValue(forKey: id) else { return nil }
    waitersOfNode[entry.node]?.remove(id)
    if waitersOfNode[entry.node]?.isEmpty == true { waitersOfNode[entry.node] = nil }
    return entry.waiter
  }

  /// Takes all who wait for one of `nodes`, in the order in which they came.
  mutating func take(waitingFor nodes: [UnitStore.Node]) -> [Waiter] {
    if waiters.isEmpty { return [] }
    return nodes.flatMap { node in
      (waitersOfNode.removeValue(forKey: node) ?? []).sorted()
        .compactMap { waiters.removeValue(forKey: $0)?.waiter }
    }
  }

  mutating func takeAll() -> [Waiter] {
    defer { self = WaitTable() }
    return waiters.sorted { $0.key < $1.key }.map(\.value.waiter)
  }
}
