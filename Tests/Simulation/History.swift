package import SyncTestKit
import SyncUnits

/// What several clients do, one step after another.
package struct History: Hashable, Sendable {
  package struct Entry: Hashable, Sendable {
    package let client: Int
    package let step: Step
  }

  package var entries: [Entry]

  package init(_ entries: [Entry]) { self.entries = entries }
}

// MARK: At random

extension History {
  /// The history of a seed: few units and few clients, so that they meet.
  package static func random(seed: UInt64) -> History {
    var random = SeededRandom(seed: seed)
    let count = Int.random(in: 10...60, using: &random)
    return History(
      (0..<count).map { _ in
        Entry(client: Int.random(in: 0..<3, using: &random), step: .random(using: &random))
      })
  }
}

extension Step {
  /// A step, among them some that are refused. With a prefix it has to do with units and locks of that prefix
  /// only.
  package static func random(using random: inout SeededRandom, prefix: String = "") -> Step {
    let units = ["a", "b", "c", "d", "e"].map { UnitID(prefix + $0) }
    func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
    func unit() -> UnitID { chance(1) ? "" : units.randomElement(using: &random)! }
    func some(_ range: ClosedRange<Int>) -> [UnitID] {
      (0..<Int.random(in: range, using: &random)).map { _ in unit() }
    }
    func condition() -> Requirement.Condition {
      chance(50) ? .success : Requirement.Condition.allCases.randomElement(using: &random)!
    }
    func generation() -> UInt64? { chance(20) ? UInt64.random(in: 1...3, using: &random) : nil }

    switch Int.random(in: 0..<100, using: &random) {
    case 0..<20:
      return .want(
        unit(), some(1...2), Requirement(condition(), isOptional: chance(10)),
        isLeased: chance(25))
    case 20..<42:
      var start = Start(unit: unit())
      if chance(60) { start.isLeased = chance(60) }
      start.keepsPending = chance(20)
      if chance(40) {
        start.locks = Set(["L", "M"].filter { _ in chance(60) }.map { prefix + $0 })
      }
      return .start(start)
    case 42..<58: return .finish(unit(), .complete, generation: generation())
    case 58..<64: return .finish(unit(), .fail, generation: generation())
    case 64..<68: return .finish(unit(), .skip, generation: generation())
    case 68..<71: return .markHealthy(unit())
    case 71..<76: return .reset(unit(), cascade: chance(40))
    case 76..<83: return .wait(.ready(unit()))
    case 83..<88:
      let units = some(1...3)
      return .wait(
        .units(units, condition(), count: Int.random(in: 1...units.count, using: &random)))
    case 88..<90 where prefix.isEmpty: return .wait(.allUnits)
    case 88..<90: return .wait(.ready(unit()))
    case 90..<95: return .cancel(Int.random(in: 0..<3, using: &random))
    default: return .leave
    }
  }
}

// MARK: As text

extension History: CustomStringConvertible {
  /// A line for each step: the client's number and what it does.
  package var description: String {
    entries.map { "\($0.client) \($0.step)\n" }.joined()
  }

  /// Reads what ``description`` prints; nil if a line is something else.
  package init?(_ text: String) {
    var entries: [Entry] = []
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      let words = line.split(separator: " ", maxSplits: 1)
      guard words.count == 2, let client = Int(words[0]), let step = Step(String(words[1])) else {
        return nil
      }
      entries.append(Entry(client: client, step: step))
    }
    self.init(entries)
  }
}

// MARK: Shrinking

extension History {
  /// Leaves out steps as long as what is left still fails: first many at a time, then each alone.
  package func shrunk(_ stillFails: (History) -> Bool) -> History {
    var smallest = self
    var size = entries.count / 2
    while size > 0 {
      var index = 0
      while index < smallest.entries.count {
        var shorter = smallest
        shorter.entries.removeSubrange(index..<min(index + size, smallest.entries.count))
        if stillFails(shorter) { smallest = shorter } else { index += size }
      }
      size /= 2
    }
    return smallest
  }
}
