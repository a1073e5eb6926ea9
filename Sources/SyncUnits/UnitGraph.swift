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

  package private(set) var edgeCount = 0
  /// How many edges were looked at to keep the order: the cost that no clock distorts.
  package private(set) var visitedEdgeCount = 0

  private var vertices: [Vertex] = []
  private var edges: Set<Edge> = []
  private var front = 0
  private var end = 0
  private var search = Search()

  private struct Vertex {
    var position: Int
    var dependencies: [Int32] = []
    var dependents: [Int32] = []
  }

  private struct Edge: Hashable {
    let from: Int32
    let to: Int32
  }

  package init() {}

  package var nodeCount: Int { vertices.count }

  /// Adds a node that has no edges, and returns its number: the count of nodes before it.
  package mutating func addNode() -> Node {
    end += 1
    vertices.append(Vertex(position: end))
    return vertices.count - 1
  }

  package func dependencies(of node: Node) -> [Int32] { vertices[node].dependencies }
  package func dependents(of node: Node) -> [Int32] { vertices[node].dependents }
  package func position(of node: Node) -> Int { vertices[node].position }

  package func hasEdge(from node: Node, to dependency: Node) -> Bool {
    edges.contains(Edge(from: Int32(node), to: Int32(dependency)))
  }

  /// Makes `node` depend on `dependency`; false if it did already.
  @discardableResult
  package mutating func addEdge(
    from node: Node, to dependency: Node
  ) throws(Cycle) -> Bool {
    guard node != dependency else { throw Cycle(nodes: [node, node]) }
    let edge = Edge(from: Int32(node), to: Int32(dependency))
    guard !edges.contains(edge) else { return false }
    try makeRoom(for: edge)
    edges.insert(edge)
    vertices[node].dependencies.append(edge.to)
    vertices[dependency].dependents.append(edge.from)
    edgeCount += 1
    return true
  }

  /// Brings the order into a state in which `edge.to` stands before `edge.from`.
  private mutating func makeRoom(for edge: Edge) throws(Cycle) {
    let node = Int(edge.from)
    let dependency = Int(edge.to)
    let lower = vertices[node].position
    let upper = vertices[dependency].position
    if upper < lower { return }
    if vertices[dependency].dependencies.isEmpty {
      front -= 1
      vertices[dependency].position = front
      return
    }
    if vertices[node].dependents.isEmpty {
      end += 1
      vertices[node].position = end
      return
    }
    let behind = try affectedDependents(of: node, upTo: upper, unlessReaching: dependency)
    let ahead = affectedDependencies(of: dependency, downTo: lower)
    reorder(ahead, before: behind)
  }

  /// `node` and all that depend on it, directly or not, at positions up to `upper`.
  private mutating func affectedDependents(
    of node: Node, upTo upper: Int, unlessReaching dependency: Node
  ) throws(Cycle) -> [Node] {
    search.begin(nodeCount: vertices.count)
    search.visit(node, from: node)
    var next = 0
    while next < search.visited.count {
      let current = search.visited[next]
      next += 1
      for dependent in vertices[current].dependents {
        visitedEdgeCount += 1
        let dependent = Int(dependent)
        if dependent == dependency {
          throw Cycle(nodes: [node, dependency] + search.path(from: current))
        }
        if vertices[dependent].position < upper, !search.hasVisited(dependent) {
          search.visit(dependent, from: current)
        }
      }
    }
    return search.visited
  }

  /// `dependency` and all that it depends on, directly or not, at positions from `lower` on.
  private mutating func affectedDependencies(of dependency: Node, downTo lower: Int) -> [Node] {
    search.begin(nodeCount: vertices.count)
    search.visit(dependency, from: dependency)
    var next = 0
    while next < search.visited.count {
      let current = search.visited[next]
      next += 1
      for further in vertices[current].dependencies {
        visitedEdgeCount += 1
        let further = Int(further)
        if vertices[further].position > lower, !search.hasVisited(further) {
          search.visit(further, from: current)
        }
      }
    }
    return search.visited
  }

  /// Deals the positions that both groups hold out anew, the first group before the second.
  private mutating func reorder(_ first: [Node], before second: [Node]) {
    func byPosition(_ nodes: [Node]) -> [(position: Int, node: Node)] {
      nodes.map { (vertices[$0].position, $0) }.sorted { $0.position < $1.position }
    }
    let ordered = byPosition(first) + byPosition(second)
    let positions = ordered.map(\.position).sorted()
    for (position, entry) in zip(positions, ordered) { vertices[entry.node].position = position }
  }
}

/// The scratch memory of a breadth-first search, kept from one to the next.
private struct Search {
  private(set) var visited: [Int] = []
  private var predecessor: [Int32] = []
  private var stamp: [UInt32] = []
  private var round: UInt32 = 0

  mutating func begin(nodeCount: Int) {
    visited.removeAll(keepingCapacity: true)
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
