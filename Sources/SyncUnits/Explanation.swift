/// What a unit waits for, as a tree from the unit down to the roots of its waiting.
public struct Explanation: Hashable, Sendable {
  /// One unit in the tree. What it waits for follows it, one level deeper.
  public struct Node: Hashable, Sendable {
    /// How far below the unit that was asked about, which is at 0.
    public var depth: Int
    /// Which unit.
    public var unit: UnitID
    /// Where it is on its way.
    public var status: UnitStatus
    /// What the unit above requires of it; nil for the first.
    public var requirement: Requirement?
    /// Whether that can never be met.
    public var isLost: Bool
    /// Whether what it waits for is shown where it came first.
    public var isRepeated: Bool
    /// What else is known.
    public var details: UnitDetails
    /// How many of its dependencies are not shown, because there are too many.
    public var omitted: Int

    /// Creates a node as it is given.
    public init(
      depth: Int, unit: UnitID, status: UnitStatus, requirement: Requirement?, isLost: Bool,
      isRepeated: Bool, details: UnitDetails, omitted: Int
    ) {
      self.depth = depth
      self.unit = unit
      self.status = status
      self.requirement = requirement
      self.isLost = isLost
      self.isRepeated = isRepeated
      self.details = details
      self.omitted = omitted
    }
  }

  /// The unit and what it waits for, depth first, at most ``limit`` nodes.
  public var nodes: [Node]
  /// Whether everything that anybody waits for, and this unit too, waits for units on which nobody works:
  /// without somebody new it will never go on.
  public var isStalled: Bool

  /// The most nodes of an explanation.
  public static let limit = 200

  /// Creates an explanation as it is given.
  public init(nodes: [Node], isStalled: Bool) {
    self.nodes = nodes
    self.isStalled = isStalled
  }
}

extension UnitStore {
  /// Explains what a unit waits for; `waiting` are the nodes of others who wait.
  func explanation(of id: UnitID, waiting: [Node]) throws(UnitError) -> Explanation {
    try validateForReading(id)
    guard let root = node(of: id) else {
      let node = Explanation.Node(
        depth: 0, unit: id, status: .notRegistered, requirement: nil, isLost: false,
        isRepeated: false, details: UnitDetails(), omitted: 0)
      return Explanation(nodes: [node], isStalled: false)
    }
    var nodes: [Explanation.Node] = []
    var seen: Set<Node> = []
    var open: [(node: Node, depth: Int, edge: Int?)] = [(root, 0, nil)]
    while let (node, depth, edge) = open.popLast() {
      guard nodes.count < Explanation.limit else { break }
      let requirement = edge.map { requirements[$0] }
      let isRepeated = !seen.insert(node).inserted
      var unmet =
        isRepeated || !(depth == 0 || waitsItself(node))
        ? [] : unmetDependencies(of: node).sorted { ids[$0.node] > ids[$1.node] }
      let room = Explanation.limit - nodes.count - open.count - 1
      let omitted = max(0, unmet.count - max(0, room))
      unmet.removeFirst(omitted)
      nodes.append(
        Explanation.Node(
          depth: depth, unit: ids[node], status: units[node].state.status,
          requirement: requirement,
          isLost: requirement?.standing(for: units[node].phase) == .lost,
          isRepeated: isRepeated && !unmetDependencies(of: node).isEmpty, details: details(node),
          omitted: omitted))
      for edge in unmet { open.append((edge.node, depth + 1, edge.edge)) }
    }
    return Explanation(nodes: nodes, isStalled: isStalled(waiting + [root]))
  }

  /// Whether a unit is where it is because of what it depends on.
  private func waitsItself(_ node: Node) -> Bool {
    switch units[node].state {
    case .pending, .skipped: true
    case .notRegistered, .started, .completed, .failed: false
    }
  }

  private func unmetDependencies(of node: Node) -> [UnitGraph.Neighbour] {
    guard units[node].unmet > 0 else { return [] }
    return graph.dependencies(of: node).filter {
      requirements[$0.edge].standing(for: units[$0.node].phase) != .met
    }
  }

  /// Whether no unit that any of `nodes` waits for, directly or not, is at work.
  private func isStalled(_ nodes: [Node]) -> Bool {
    var seen = Set(nodes)
    var open = nodes
    while let node = open.popLast() {
      if units[node].state == .started { return false }
      for edge in unmetDependencies(of: node) where seen.insert(edge.node).inserted {
        open.append(edge.node)
      }
    }
    return true
  }
}
