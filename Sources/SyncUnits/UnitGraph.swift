/// A directed acyclic graph over dense node numbers that stays acyclic: an edge that would close a
/// cycle is refused and leaves everything as it was.
///
/// An edge goes from a node to one that it depends on. The graph keeps a topological order, in which
/// each node stands behind its dependencies, and mends it edge by edge. Where a new edge goes against
/// the order, it is searched from both ends, along the order, until the searches pass each other;
/// what was found is moved to where they did (Haeupler, Kavitha, Mathew, Sen and Tarjan, "Incremental
/// Cycle Detection, Topological Ordering, and Strong Component Maintenance", 2012, the two-way
/// compatible search). Chains, fans and trees need no search, in whatever order they are declared.
package struct UnitGraph {
  package typealias Node = Int

  /// An edge as one of its ends sees it.
  package struct Neighbour {
    /// The edge's number: the count of edges before it.
    package let edge: Int
    /// The node at its other end.
    package let node: Node
  }

  /// A cycle in the order of dependencies; the first node stands again at the end.
  package struct Cycle: Error { package let nodes: [Node] }

  package var nodeCount: Int { vertices.count }
  package var edgeCount: Int { edges.count }
  /// How many edges were looked at to keep the order: the cost that no clock distorts.
  package private(set) var visitedEdgeCount = 0

  private var vertices: [Vertex] = []
  private var edges: [Edge] = []
  private var index = HashIndex()
  private let hash = SeededHash()
  private(set) var order = TopologicalOrder()
  // Kept from one edge to the next, for their memory.
  private var dependents = FrontierSearch()
  private var dependencies = FrontierSearch()
  private var moved: [Node] = []

  /// The newest edge in each direction; the edges themselves lead on to the older ones.
  private struct Vertex {
    var dependency = Edge.none
    var dependent = Edge.none
  }

  fileprivate struct Edge {
    static let none: Int32 = -1

    let from: Int32
    let to: Int32
    let nextDependency: Int32
    let nextDependent: Int32
  }

  package init() {}

  /// Adds a node that has no edges, and returns its number: the count of nodes before it.
  package mutating func addNode() -> Node {
    vertices.append(Vertex())
    order.append()
    return vertices.count - 1
  }

  /// What `node` depends on, the newest first.
  package func dependencies(of node: Node) -> some Sequence<Neighbour> {
    sequence(state: vertices[node].dependency) { [edges] edge -> Neighbour? in
      guard edge != Edge.none else { return nil }
      let number = Int(edge)
      edge = edges[number].nextDependency
      return Neighbour(edge: number, node: Int(edges[number].to))
    }
  }

  /// What depends on `node`, the newest first.
  package func dependents(of node: Node) -> some Sequence<Neighbour> {
    sequence(state: vertices[node].dependent) { [edges] edge -> Neighbour? in
      guard edge != Edge.none else { return nil }
      let number = Int(edge)
      edge = edges[number].nextDependent
      return Neighbour(edge: number, node: Int(edges[number].from))
    }
  }

  package func hasDependencies(_ node: Node) -> Bool { vertices[node].dependency != Edge.none }
  package func hasDependents(_ node: Node) -> Bool { vertices[node].dependent != Edge.none }

  /// Whether `node` stands before `other` in the topological order, as its dependencies do.
  package func precedes(_ node: Node, _ other: Node) -> Bool {
    order.label(of: node) < order.label(of: other)
  }

  /// The number of the edge between two nodes, if there is one.
  package func edge(from node: Node, to dependency: Node) -> Int? {
    find(node, dependency, hash(node, dependency))
  }

  private func find(_ node: Node, _ dependency: Node, _ hashed: UInt32) -> Int? {
    index.find(hashed) { edges[$0].from == Int32(node) && edges[$0].to == Int32(dependency) }
  }

  /// Makes `node` depend on `dependency`, and returns the number of the edge, which may be there already.
  @discardableResult
  package mutating func addEdge(
    from node: Node, to dependency: Node
  ) throws(Cycle) -> Int {
    let hashed = hash(node, dependency)
    if let edge = find(node, dependency, hashed) { return edge }
    try makeRoom(from: node, to: dependency)
    let edge = Int32(edges.count)
    index.insert(Int(edge), hashed)
    edges.append(
      Edge(
        from: Int32(node), to: Int32(dependency), nextDependency: vertices[node].dependency,
        nextDependent: vertices[dependency].dependent))
    vertices[node].dependency = edge
    vertices[dependency].dependent = edge
    return Int(edge)
  }

  /// Makes sure that `node` can depend on `dependency`, and changes nothing but the order. Edges from one
  /// node cannot be in each other's way: after it was asked for each, all of them can be added.
  package mutating func makeRoom(
    from node: Node, to dependency: Node
  ) throws(Cycle) {
    guard node != dependency else { throw Cycle(nodes: [node, node]) }
    if !precedes(dependency, node) { try mendOrder(node, dependency) }
  }

  /// Changes the order so that `dependency` stands before `node`.
  private mutating func mendOrder(_ node: Node, _ dependency: Node) throws(Cycle) {
    dependents.begin(at: node, key: order.label(of: node), edge: vertices[node].dependent)
    dependencies.begin(
      at: dependency, key: -order.label(of: dependency), edge: vertices[dependency].dependency)
    while let lower = dependents.frontier, let upper = dependencies.frontier, lower.key < -upper.key
    {
      visitedEdgeCount += 2
      let edge = edges[Int(lower.edge)]
      let dependent = Int(edge.from)
      dependents.advance(
        to: dependent, key: order.label(of: dependent), edge: vertices[dependent].dependent,
        next: edge.nextDependent)
      let other = edges[Int(upper.edge)]
      let further = Int(other.to)
      dependencies.advance(
        to: further, key: -order.label(of: further), edge: vertices[further].dependency,
        next: other.nextDependency)
      if meets(dependent) { throw cycle(through: dependent) }
      if meets(further) { throw cycle(through: further) }
    }
    move(dependency)
  }

  private func meets(_ node: Node) -> Bool {
    dependents.hasVisited(node) && dependencies.hasVisited(node)
  }

  private func cycle(through node: Node) -> Cycle {
    let up = dependents.path(to: node)
    return Cycle(nodes: [up[0]] + dependencies.path(to: node) + up.reversed().dropFirst())
  }

  /// Moves what the searches found to where they passed each other: before the first node whose dependents
  /// were not all looked at, or behind `dependency` if there is none before that.
  private mutating func move(_ dependency: Node) {
    var target = dependency
    if let lowest = dependents.frontier, lowest.key < order.label(of: dependency) {
      target = Int(lowest.node)
    }
    let label = order.label(of: target)
    moved.removeAll(keepingCapacity: true)
    for node in dependencies.visited where order.label(of: node) > label { moved.append(node) }
    let boundary = moved.count
    for node in dependents.visited where order.label(of: node) < label { moved.append(node) }
    sortByOrder(0..<boundary)
    sortByOrder(boundary..<moved.count)
    if target == dependency {
      order.move(moved, after: target)
    } else {
      order.move(moved, before: target)
    }
  }

  private mutating func sortByOrder(_ range: Range<Int>) {
    guard range.count > 1 else { return }
    moved[range].sort { [order] in order.label(of: $0) < order.label(of: $1) }
  }
}

extension SeededHash {
  fileprivate func callAsFunction(_ node: Int, _ dependency: Int) -> UInt32 {
    self(UInt64(node) << 32 | UInt64(dependency))
  }
}
