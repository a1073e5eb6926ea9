/// A directed acyclic graph over dense node numbers that stays acyclic: an edge that would close a
/// cycle is refused and leaves everything as it was.
///
/// An edge goes from a node to one that it depends on. The graph keeps a topological order, in which
/// each node stands behind its dependencies, and mends it edge by edge (Pearce and Kelly, "A dynamic
/// topological sort algorithm for directed acyclic graphs", 2006). Positions may be any integers:
/// a node that nobody depends on can always be moved to the end, and one that depends on nothing to
/// the front. So chains, fans and trees are declared in constant time an edge, in whatever order.
package struct UnitGraph {
  package typealias Node = Int

  /// A cycle in the order of dependencies; the first node stands again at the end.
  package struct Cycle: Error { package let nodes: [Node] }

  package var edgeCount: Int { edges.count }
  /// How many edges were looked at to keep the order: the cost that no clock distorts.
  package private(set) var visitedEdgeCount = 0

  private var vertices: [Vertex] = []
  private var edges: [Edge] = []
  private var index = HashIndex()
  private let hash = SeededHash()
  private var front = 0
  private var end = 0
  // Kept from one edge to the next, for their memory.
  private var behind = Search()
  private var ahead = Search()
  private var moved: [Moved] = []
  private var positions: [Int] = []

  /// Where each node stands in the order; apart from the vertices, because searches read little else.
  private var order: [Int] = []

  private struct Vertex {
    var dependencies: [Int32] = []
    var dependents: [Int32] = []
  }

  private struct Edge: Equatable {
    let from: Int32
    let to: Int32

    func hash(_ hash: SeededHash) -> UInt64 {
      hash(UInt64(UInt32(bitPattern: from)) << 32 | UInt64(UInt32(bitPattern: to)), 0)
    }
  }

  private struct Moved {
    let node: Int
    let position: Int
    let isBehind: Bool
  }

  package init() {}

  package var nodeCount: Int { vertices.count }

  /// Adds a node that has no edges, and returns its number: the count of nodes before it.
  package mutating func addNode() -> Node {
    end += 1
    vertices.append(Vertex())
    order.append(end)
    return vertices.count - 1
  }

  package func dependencies(of node: Node) -> [Int32] { vertices[node].dependencies }
  package func dependents(of node: Node) -> [Int32] { vertices[node].dependents }
  package func position(of node: Node) -> Int { order[node] }

  package func hasEdge(from node: Node, to dependency: Node) -> Bool {
    let edge = Edge(from: Int32(node), to: Int32(dependency))
    return index.find(edge.hash(hash)) { edges[$0] == edge } != nil
  }

  /// Makes `node` depend on `dependency`; false if it did already.
  @discardableResult
  package mutating func addEdge(
    from node: Node, to dependency: Node
  ) throws(Cycle) -> Bool {
    guard node != dependency else { throw Cycle(nodes: [node, node]) }
    let edge = Edge(from: Int32(node), to: Int32(dependency))
    let hashed = edge.hash(hash)
    guard index.find(hashed, { edges[$0] == edge }) == nil else { return false }
    try makeRoom(for: edge)
    index.insert(edges.count, hashed) { [edges, hash] in edges[$0].hash(hash) }
    edges.append(edge)
    vertices[node].dependencies.append(edge.to)
    vertices[dependency].dependents.append(edge.from)
    return true
  }

  /// Brings the order into a state in which `edge.to` stands before `edge.from`.
  private mutating func makeRoom(for edge: Edge) throws(Cycle) {
    let node = Int(edge.from)
    let dependency = Int(edge.to)
    let lower = order[node]
    let upper = order[dependency]
    if upper < lower { return }
    if vertices[dependency].dependencies.isEmpty {
      front -= 1
      order[dependency] = front
      return
    }
    if vertices[node].dependents.isEmpty {
      end += 1
      order[node] = end
      return
    }
    try findBehind(node, upTo: upper, unlessReaching: dependency)
    findAhead(dependency, downTo: lower)
    reorder()
  }

  /// `node` and all that depend on it, directly or not, at positions up to `upper`.
  private mutating func findBehind(
    _ node: Node, upTo upper: Int, unlessReaching dependency: Node
  ) throws(Cycle) {
    behind.begin(nodeCount: vertices.count)
    behind.visit(node, from: node)
    while let current = behind.next() {
      visitedEdgeCount += vertices[current].dependents.count
      for dependent in vertices[current].dependents {
        let dependent = Int(dependent)
        if dependent == dependency {
          throw Cycle(nodes: [node, dependency] + behind.path(from: current))
        }
        if order[dependent] < upper, !behind.hasVisited(dependent) {
          behind.visit(dependent, from: current)
        }
      }
    }
  }

  /// `dependency` and all that it depends on, directly or not, at positions from `lower` on.
  private mutating func findAhead(_ dependency: Node, downTo lower: Int) {
    ahead.begin(nodeCount: vertices.count)
    ahead.visit(dependency, from: dependency)
    while let current = ahead.next() {
      visitedEdgeCount += vertices[current].dependencies.count
      for further in vertices[current].dependencies {
        let further = Int(further)
        if order[further] > lower, !ahead.hasVisited(further) {
          ahead.visit(further, from: current)
        }
      }
    }
  }

  /// Deals the positions that both groups hold out anew, those ahead before those behind.
  private mutating func reorder() {
    moved.removeAll(keepingCapacity: true)
    positions.removeAll(keepingCapacity: true)
    for node in ahead.visited { move(node, isBehind: false) }
    for node in behind.visited { move(node, isBehind: true) }
    moved.sort { left, right in
      left.isBehind == right.isBehind ? left.position < right.position : right.isBehind
    }
    positions.sort()
    for (position, entry) in zip(positions, moved) { order[entry.node] = position }
  }

  private mutating func move(_ node: Node, isBehind: Bool) {
    let position = order[node]
    moved.append(Moved(node: node, position: position, isBehind: isBehind))
    positions.append(position)
  }
}

/// The scratch memory of a breadth-first search, kept from one to the next.
private struct Search {
  private(set) var visited: [Int] = []
  private var handled = 0
  private var predecessor: [Int32] = []
  private var stamp: [UInt32] = []
  private var round: UInt32 = 0

  mutating func begin(nodeCount: Int) {
    visited.removeAll(keepingCapacity: true)
    handled = 0
    if stamp.count < nodeCount {
      let missing = nodeCount - stamp.count
      stamp.append(contentsOf: repeatElement(0, count: missing))
      predecessor.append(contentsOf: repeatElement(0, count: missing))
    }
    round &+= 1
    if round == 0 {
      for index in stamp.indices { stamp[index] = 0 }
      round = 1
    }
  }

  /// The next node whose neighbours have not been looked at.
  mutating func next() -> Int? {
    guard handled < visited.count else { return nil }
    handled += 1
    return visited[handled - 1]
  }

  func hasVisited(_ node: Int) -> Bool { stamp[node] == round }

  mutating func visit(_ node: Int, from previous: Int) {
    stamp[node] = round
    predecessor[node] = Int32(previous)
    visited.append(node)
  }

  /// From `node` back to where the search began, both included.
  func path(from node: Int) -> [Int] {
    var path = [node]
    while Int(predecessor[path.last!]) != path.last! { path.append(Int(predecessor[path.last!])) }
    return path
  }
}
