/// Which named locks are held, and by whom. A value, guarded by whoever owns it.
package struct LockTable {
  /// Locks that are taken although their unit's generation has ended.
  package struct Remnant: Hashable, Sendable { fileprivate let number: Int }

  private enum Owner: Hashable {
    case unit(UnitStore.Node)
    case remnant(Remnant)
  }

  private var owners: [String: Owner] = [:]
  private var names: [Owner: [String]] = [:]
  private var lastRemnant = 0
  /// Whether locks were released since this was set to false.
  var hasReleased = false

  var count: Int { owners.count }

  /// Takes all of `locks`, or none if one of them is taken.
  mutating func take(_ locks: [String], for node: UnitStore.Node) -> Bool {
    guard !locks.isEmpty else { return true }
    guard locks.allSatisfy({ owners[$0] == nil }) else { return false }
    for lock in locks { owners[lock] = .unit(node) }
    names[.unit(node)] = Array(Set(locks))
    return true
  }

  func isTaken(_ lock: String) -> Bool { owners[lock] != nil }

  mutating func release(_ node: UnitStore.Node) { release(.unit(node)) }
  mutating func release(_ remnant: Remnant) { release(.remnant(remnant)) }

  /// Takes the locks of a unit over; nil if it has none.
  mutating func setAside(_ node: UnitStore.Node) -> Remnant? {
    guard let locks = names.removeValue(forKey: .unit(node)) else { return nil }
    lastRemnant += 1
    let remnant = Remnant(number: lastRemnant)
    for lock in locks { owners[lock] = .remnant(remnant) }
    names[.remnant(remnant)] = locks
    return remnant
  }

  private mutating func release(_ owner: Owner) {
    guard !names.isEmpty, let locks = names.removeValue(forKey: owner) else { return }
    for lock in locks { owners[lock] = nil }
    hasReleased = true
  }
}
