import SyncTestKit
import Testing

@testable import SyncUnits

@Suite struct UnitGraphTests {
  /// Whether `node` depends on `other`, directly or not, found without the order.
  private func reaches(_ graph: UnitGraph, _ node: Int, _ other: Int) -> Bool {
    var seen: Set<Int> = [node]
    var open = [node]
    while let current = open.popLast() {
      if current == other { return true }
      for next in graph.dependencies(of: current).map(\.node) where seen.insert(next).inserted {
        open.append(next)
      }
    }
    return false
  }

  @Test(arguments: 1...40)
  func agreesWithAPlainSearchOnRandomEdges(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let count = Int.random(in: 2...30, using: &random)
    var graph = UnitGraph()
    for _ in 0..<count { _ = graph.addNode() }
    for _ in 0..<count * 4 {
      let from = Int.random(in: 0..<count, using: &random)
      let to = Int.random(in: 0..<count, using: &random)
      let closesCycle = reaches(graph, to, from)
      let edgesBefore = (0..<count).map { graph.dependencies(of: $0).map(\.node) }
      let orderBefore = Array(graph.order.nodes)
      do {
        try graph.addEdge(from: from, to: to)
        #expect(!closesCycle)
      } catch {
        #expect(closesCycle)
        #expect(edgesBefore == (0..<count).map { graph.dependencies(of: $0).map(\.node) })
        #expect(orderBefore == Array(graph.order.nodes))
        #expect(error.nodes.first == from && error.nodes.last == from && error.nodes[1] == to)
        for (node, dependency) in zip(error.nodes.dropFirst(), error.nodes.dropFirst(2)) {
          #expect(graph.edge(from: node, to: dependency) != nil)
        }
      }
      try graph.checkInvariants()
    }
  }

  enum Declaration: CaseIterable { case chain, reversedChain, fanIn, fanOut }

  @Test(arguments: Declaration.allCases)
  func naturalDeclarationsNeedNoSearch(_ declaration: Declaration) throws {
    let count = 1_000
    var graph = UnitGraph()
    for _ in 0...count { _ = graph.addNode() }
    for index in 0..<count {
      switch declaration {
      case .chain: try graph.addEdge(from: index + 1, to: index)
      case .reversedChain: try graph.addEdge(from: index, to: index + 1)
      case .fanIn: try graph.addEdge(from: 0, to: index + 1)
      case .fanOut: try graph.addEdge(from: index + 1, to: 0)
      }
    }
    #expect(graph.visitedEdgeCount == 0)
    #expect(graph.edgeCount == count)
    try graph.checkInvariants()
  }

  /// Edges of a hidden order, declared in random order, are looked at about once; a search from one
  /// end would look at several times as many, and at more of them the larger the graph is.
  @Test(arguments: [200, 2_000])
  func randomDeclarationsVisitFewEdges(count: Int) throws {
    var random = SeededRandom(seed: 7)
    var graph = UnitGraph()
    for _ in 0..<count { _ = graph.addNode() }
    let hidden = Array(0..<count).shuffled(using: &random)
    while graph.edgeCount < 5 * count {
      let pair = [
        Int.random(in: 0..<count, using: &random), .random(in: 0..<count, using: &random),
      ]
      guard let from = pair.max(), let to = pair.min(), from != to else { continue }
      try graph.addEdge(from: hidden[from], to: hidden[to])
    }
    #expect(graph.visitedEdgeCount < 2 * graph.edgeCount)
    try graph.checkInvariants()
  }
}
