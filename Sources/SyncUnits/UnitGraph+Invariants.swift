/// Something that must never be: a fault in the program, found by a test.
package struct InvariantViolation: Error, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }
}

extension UnitGraph {
  /// Checks the whole graph in time linear in its size; for tests.
  package func checkInvariants() throws(InvariantViolation) {
    try order.checkInvariants()
    var seen = 0
    for node in 0..<nodeCount {
      for dependency in dependencies(of: node).lazy.map(\.node) {
        seen += 1
        guard precedes(dependency, node) else {
          throw InvariantViolation("node \(node) stands before its dependency \(dependency)")
        }
        guard dependents(of: dependency).contains(where: { $0.node == node }) else {
          throw InvariantViolation("\(dependency) does not know its dependent \(node)")
        }
        guard edge(from: node, to: dependency) != nil else {
          throw InvariantViolation("edge \(node) -> \(dependency) is missing from the index")
        }
      }
      let all = dependencies(of: node).map(\.node)
      guard Set(all).count == all.count else {
        throw InvariantViolation("node \(node) has a dependency twice")
      }
    }
    guard seen == edgeCount else {
      throw InvariantViolation("\(seen) edges are stored, \(edgeCount) are counted")
    }
  }
}
