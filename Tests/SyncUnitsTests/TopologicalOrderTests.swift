import SyncTestKit
import Testing

@testable import SyncUnits

@Suite struct TopologicalOrderTests {
  @Test(arguments: 1...20)
  func agreesWithAnArray(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var order = TopologicalOrder()
    var model: [Int] = []
    for _ in 0..<500 {
      guard model.count > 1, Int.random(in: 0..<4, using: &random) > 0 else {
        model.append(model.count)
        order.append()
        continue
      }
      var moved = model.shuffled(using: &random).prefix(Int.random(in: 1...5, using: &random))
      let target = moved.removeLast()
      let before = Bool.random(using: &random)
      model.removeAll { moved.contains($0) }
      model.insert(contentsOf: moved, at: model.firstIndex(of: target)! + (before ? 0 : 1))
      if before {
        order.move(Array(moved), before: target)
      } else {
        order.move(Array(moved), after: target)
      }
      #expect(Array(order.nodes) == model)
      try order.checkInvariants()
    }
  }

  enum Place: CaseIterable { case beforeOne, afterOne, front, end, beforeTheLastMoved }

  /// Thousands of moves to one place exhaust the labels between two neighbours again and again.
  @Test(arguments: Place.allCases)
  func makesRoomWhereItIsCrowded(_ place: Place) throws {
    let count = 3_000
    var order = TopologicalOrder()
    for _ in 0..<count { order.append() }
    for _ in 0..<3 {
      for node in 2..<count {
        switch place {
        case .beforeOne: order.move([node], before: 1)
        case .afterOne: order.move([node], after: 1)
        case .front: order.move([node], before: order.nodes.first(where: { $0 != node })!)
        case .end: order.move([node], after: node == 2 ? count - 1 : node - 1)
        case .beforeTheLastMoved: order.move([node], before: node == 2 ? 1 : node - 1)
        }
      }
      try order.checkInvariants()
      #expect(order.count == count)
    }
  }
}
