/// A list of nodes that tells in constant time which of two stands first.
///
/// Each node carries a label, and labels rise along the list. Between two neighbours there is room for
/// labels; where it runs out, as many nodes around are relabelled as have become crowded (Bender, Cole,
/// Demaine, Farach-Colton and Zito, "Two simplified algorithms for maintaining order in a list", 2002).
struct TopologicalOrder {
  typealias Node = Int

  private struct Entry {
    var label: Int
    var previous: Int32
    var next: Int32
  }

  private static let none: Int32 = -1
  /// The room that is left between nodes at the ends, where lists mostly grow.
  private static let gap = 1 << 32
  /// Labels keep this far from the ends of the integers, so that reckoning with them cannot overflow.
  private static let bound = 1 << 61

  private var entries: [Entry] = []
  private var first = Self.none
  private var last = Self.none

  var count: Int { entries.count }

  /// Adds the next node behind all others.
  mutating func append() {
    entries.append(Entry(label: 0, previous: Self.none, next: Self.none))
    place([entries.count - 1], after: last)
  }

  /// Where a node stands, compared to others; it changes as nodes move.
  func label(of node: Node) -> Int { entries[node].label }

  /// Moves `nodes`, in the order given, to just before `target`, which is not among them.
  mutating func move(_ nodes: [Node], before target: Node) {
    for node in nodes { unlink(node) }
    place(nodes, after: entries[target].previous)
  }

  /// Moves `nodes`, in the order given, to just behind `target`, which is not among them.
  mutating func move(_ nodes: [Node], after target: Node) {
    for node in nodes { unlink(node) }
    place(nodes, after: Int32(target))
  }

  /// The nodes from the first to the last.
  var nodes: some Sequence<Node> {
    sequence(state: first) { next -> Node? in
      guard next != Self.none else { return nil }
      defer { next = entries[Int(next)].next }
      return Int(next)
    }
  }

  private mutating func unlink(_ node: Node) {
    let entry = entries[node]
    if entry.previous == Self.none {
      first = entry.next
    } else {
      entries[Int(entry.previous)].next = entry.next
    }
    if entry.next == Self.none {
      last = entry.previous
    } else {
      entries[Int(entry.next)].previous = entry.previous
    }
  }

  /// Links nodes that are in no list, at the front if there is no `previous`.
  private mutating func place(_ nodes: [Node], after previous: Int32) {
    let next = previous == Self.none ? first : entries[Int(previous)].next
    let (start, step) = room(for: nodes.count, between: previous, and: next)
    var before = previous
    for (index, node) in nodes.enumerated() {
      entries[node] = Entry(label: start + step * index, previous: before, next: next)
      link(before, Int32(node))
      before = Int32(node)
    }
    link(before, next)
    if step == 0, let node = nodes.first { spread(around: node) }
  }

  private mutating func link(_ left: Int32, _ right: Int32) {
    if left == Self.none { first = right } else { entries[Int(left)].next = right }
    if right == Self.none { last = left } else { entries[Int(right)].previous = left }
  }

  /// The label of the first of `count` new nodes and how far apart they lie; 0 apart where there is no room.
  private func room(
    for count: Int, between previous: Int32, and next: Int32
  ) -> (start: Int, step: Int) {
    switch (previous == Self.none, next == Self.none) {
    case (true, true):
      return (0, Self.gap)
    case (false, true):
      let label = entries[Int(previous)].label
      let step = max(0, min(Self.gap, (Self.bound - label) / (count + 1)))
      return (label + step, step)
    case (true, false):
      let label = entries[Int(next)].label
      let step = max(0, min(Self.gap, (Self.bound + label) / (count + 1)))
      return (label - step * count, step)
    case (false, false):
      let label = entries[Int(previous)].label
      let step = (entries[Int(next)].label - label) / (count + 1)
      return (label + step, step)
    }
  }

  /// Relabels evenly the nodes of the smallest range around `node` that is sparse enough. Ranges double, and
  /// the larger one is, the sparser it must be.
  private mutating func spread(around node: Node) {
    let label = entries[node].label
    var (left, right, count) = (Int32(node), Int32(node), 1)
    var width = 1
    var most = 1.0
    while true {
      width <<= 1
      most *= 4.0 / 3
      let low = label & -width
      let high = low + (width - 1)
      while let before = neighbour(entries[Int(left)].previous), before.label >= low {
        left = entries[Int(left)].previous
        count += 1
      }
      while let behind = neighbour(entries[Int(right)].next), behind.label <= high {
        right = entries[Int(right)].next
        count += 1
      }
      guard Double(count) < most else { continue }
      let step = width / count
      var current = left
      for index in 0..<count {
        entries[Int(current)].label = low + step * index
        current = entries[Int(current)].next
      }
      return
    }
  }

  private func neighbour(_ node: Int32) -> Entry? {
    node == Self.none ? nil : entries[Int(node)]
  }
}

extension TopologicalOrder {
  /// Checks the links and the labels, in time linear in the size; for tests.
  func checkInvariants() throws(InvariantViolation) {
    var seen = 0
    var previous: Node?
    for node in nodes {
      seen += 1
      guard seen <= count else { throw InvariantViolation("the order runs in a circle") }
      if let previous {
        guard label(of: previous) < label(of: node) else {
          throw InvariantViolation("node \(node) stands behind \(previous) with no higher label")
        }
        guard entries[node].previous == Int32(previous) else {
          throw InvariantViolation("node \(node) does not know that \(previous) is before it")
        }
      }
      previous = node
    }
    guard seen == count, last == previous.map(Int32.init) ?? Self.none else {
      throw InvariantViolation("\(seen) nodes of \(count) are in the order")
    }
  }
}
