/// The candidate that `text` may have been meant to be; nil if none is close.
///
/// Close is: at most a third of its letters are wrong, missing, superfluous or swapped with their
/// neighbour (the optimal string alignment distance), or one begins with the other.
package func closestMatch(to text: String, among candidates: some Sequence<String>) -> String? {
  let scored = candidates.map { candidate in
    (candidate: candidate, distance: editDistance(text.lowercased(), candidate.lowercased()))
  }
  guard let best = scored.min(by: { ($0.distance, $0.candidate) < ($1.distance, $1.candidate) })
  else { return nil }
  // Of very short names everything is close to everything.
  guard text.count >= 3 else { return nil }
  if best.distance <= max(text.count, best.candidate.count) / 3 { return best.candidate }
  return scored.filter { $0.candidate.hasPrefix(text) }.map(\.candidate).min()
}

private func editDistance(_ left: String, _ right: String) -> Int {
  // Names may be long; beyond this nobody has mistyped one.
  let left = Array(left.prefix(128))
  let right = Array(right.prefix(128))
  var beforeLast: [Int] = []
  var last = Array(0...right.count)
  for (row, letter) in left.enumerated() {
    var current = [row + 1]
    for (column, other) in right.enumerated() {
      var cost = min(
        last[column + 1] + 1, current[column] + 1, last[column] + (letter == other ? 0 : 1))
      if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
        cost = min(cost, beforeLast[column - 1] + 1)
      }
      current.append(cost)
    }
    beforeLast = last
    last = current
  }
  return last[right.count]
}
