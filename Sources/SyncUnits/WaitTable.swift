/// Who waits for which unit to become ready. A value, guarded by whoever owns it.
struct WaitTable {
  typealias Continuation = UnsafeContinuation<Void, any Error>
  typealias WaiterID = UInt64

  private var waiters: [WaiterID: (node: UnitStore.Node, continuation: Continuation)] = [:]
  private var waitersOfNode: [UnitStore.Node: Set<WaiterID>] = [:]

  var count: Int { waiters.count }

  mutating func add(_ id: WaiterID, for node: UnitStore.Node, _ continuation: Continuation) {
    waiters[id] = (node, continuation)
    waitersOfNode[node, default: []].insert(id)
  }

  /// Forgets one waiter; nil if it has been woken or forgotten already.
  mutating func remove(_ id: WaiterID) -> Continuation? {
    guard let (node, continuation) = waiters.removeValue(forKey: id) else { return nil }
    waitersOfNode[node]?.remove(id)
    if waitersOfNode[node]?.isEmpty == true { waitersOfNode[node] = nil }
    return continuation
  }

  /// Takes all who wait for one of `nodes`, in the order in which they came.
  mutating func take(waitingFor nodes: [UnitStore.Node]) -> [Continuation] {
    if waiters.isEmpty { return [] }
    return nodes.flatMap { node in
      (waitersOfNode.removeValue(forKey: node) ?? []).sorted()
        .compactMap { waiters.removeValue(forKey: $0)?.continuation }
    }
  }

  mutating func takeAll() -> [Continuation] {
    defer { self = WaitTable() }
    return waiters.sorted { $0.key < $1.key }.map(\.value.continuation)
  }
}
