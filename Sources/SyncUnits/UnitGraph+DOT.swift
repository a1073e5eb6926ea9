extension UnitGraph {
  /// The graph in the DOT language of Graphviz, one line a node and one an edge, dependents on the
  /// left. `label` and `colour` say how a node is drawn.
  package func dot(
    nodes: some Sequence<Node>, label: (Node) -> String, colour: (Node) -> String
  ) -> String {
    var text = "digraph units {\n  rankdir=LR;\n  node [shape=box, style=filled];\n"
    let nodes = Array(nodes)
    for node in nodes {
      text += "  \(dotQuoted(label(node))) [fillcolor=\(dotQuoted(colour(node)))];\n"
    }
    for node in nodes {
      for dependency in dependencies(of: node).map({ dotQuoted(label($0.node)) }).sorted() {
        text += "  \(dotQuoted(label(node))) -> \(dependency);\n"
      }
    }
    return text + "}\n"
  }
}

/// DOT knows two escapes that matter in a quoted name: the quote and the backslash before it.
private func dotQuoted(_ name: String) -> String {
  var text = "\""
  for scalar in name.escapingControlCharacters.unicodeScalars {
    if scalar == "\"" || scalar == "\\" { text += "\\" }
    text.unicodeScalars.append(scalar)
  }
  return text + "\""
}
