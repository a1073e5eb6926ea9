/// One of two searches that go towards each other along an order: edge by edge, always on from the node
/// with the lowest key that has edges left. Its memory is kept from one search to the next.
struct FrontierSearch {
  /// A node that was reached and has edges that were not looked at; `edge` is the next of them.
  struct Open {
    let key: Int
    let node: Int32
    var edge: Int32
  }

  private static let noEdge: Int32 = -1

  private(set) var visited: [Int] = []
  /// The node from which each was reached, the first from itself; -1 for what was not reached.
  private var predecessor: [Int32] = []
  /// A binary heap with the lowest key first.
  private var heap: [Open] = []

  /// Forgets the last search, and begins anew at `node`.
  mutating func begin(at node: Int, key: Int, edge: Int32) {
    for node in visited { predecessor[node] = -1 }
    visited.removeAll(keepingCapacity: true)
    heap.removeAll(keepingCapacity: true)
    visit(node, from: node, key: key, edge: edge)
  }

  /// The open node with the lowest key.
  var frontier: Open? { heap.first }

  /// Follows the frontier's edge to `node`, and turns to its `next`.
  mutating func advance(to node: Int, key: Int, edge: Int32, next: Int32) {
    let current = heap[0]
    if next == Self.noEdge { removeFirst() } else { heap[0].edge = next }
    if !hasVisited(node) { visit(node, from: Int(current.node), key: key, edge: edge) }
  }

  func hasVisited(_ node: Int) -> Bool { node < predecessor.count && predecessor[node] >= 0 }

  /// From where the search began to `node`, both included.
  func path(to node: Int) -> [Int] {
    var path = [node]
    var current = node
    while Int(predecessor[current]) != current {
      current = Int(predecessor[current])
      path.append(current)
    }
    return path.reversed()
  }

  private mutating func visit(_ node: Int, from previous: Int, key: Int, edge: Int32) {
    if predecessor.count <= node {
      let count = max(node + 1, predecessor.count * 2)
      predecessor += Array(repeating: -1, count: count - predecessor.count)
    }
    predecessor[node] = Int32(previous)
    visited.append(node)
    if edge != Self.noEdge { insert(Open(key: key, node: Int32(node), edge: edge)) }
  }

  private mutating func insert(_ open: Open) {
    heap.append(open)
    var index = heap.count - 1
    while index > 0, heap[index].key < heap[(index - 1) / 2].key {
      heap.swapAt(index, (index - 1) / 2)
      index = (index - 1) / 2
    }
  }

  private mutating func removeFirst() {
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var index = 0
    while true {
      var lowest = index
      for child in 2 * index + 1...2 * index + 2
      where child < heap.count && heap[child].key < heap[lowest].key {
        lowest = child
      }
      if lowest == index { return }
      heap.swapAt(index, lowest)
      index = lowest
    }
  }
}
