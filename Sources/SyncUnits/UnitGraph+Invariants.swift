/// Something that must never be: a fault in the program, found by a test.
package struct InvariantViolation: Error, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }
}

extension UnitGraph {
  /// Checks the whole graph in time linear in its size; for tests.
  package func checkInvariants() throws(InvariantViolation) {
    var seen = 0
    var positions = Set<Int>()
    for node in 0..<nodeCount {
      guard positions.insert(position(of: node)).inserted else {
        throw InvariantViolation("two nodes stand at position \(position(of: node))")
      }
      for dependency in dependencies(of: node).map(Int.init) {
        seen += 1
        guard position(of: dependency) < position(of: node) else {
          throw InvariantViolation("node \(node) stands before its dependency \(dependency)")
        }
        guard dependents(of: dependency).contains(Int32(node)) else {
          throw InvariantViolation("\(dependency) does not know its dependent \(node)")
        }
        guard hasEdge(from: node, to: dependency) else {
          throw InvariantViolation("edge \(node) -> \(dependency) is missing from the set")
        }
      }
      guard Set(dependencies(of: node)).count == dependencies(of: node).count else {
        throw InvariantViolation("node \(node) has a dependency twice")
      }
    }
    guard seen == edgeCount else {
      throw InvariantViolation("\(seen) edges are stored, \(edgeCount) are counted")
    }
  }
}
