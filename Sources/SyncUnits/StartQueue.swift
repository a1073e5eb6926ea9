/// Starts that lack nothing but locks, in the order in which they came. A value, guarded by whoever owns
/// it.
struct StartQueue {
  /// Hears the generation that was started, or why it was not; called outside the lock, once.
  typealias Waiter = @Sendable (Result<UInt64, UnitError>) -> Void

  struct Entry {
    let id: UInt64
    let unit: UnitID
    let options: StartOptions
    let waiter: Waiter
  }

  /// A start that is over, to be told outside the lock.
  struct Woken {
    let waiter: Waiter
    let result: Result<UInt64, UnitError>

    func callAsFunction() { waiter(result) }
  }

  private var entries: [Entry] = []

  var count: Int { entries.count }

  mutating func add(_ entry: Entry) { entries.append(entry) }

  mutating func remove(_ id: UInt64) -> Waiter? {
    entries.firstIndex { $0.id == id }.map { entries.remove(at: $0).waiter }
  }

  /// Whether somebody who came earlier waits for one of these locks.
  func wants(_ locks: [String]) -> Bool {
    entries.contains { $0.options.locks.contains(where: locks.contains) }
  }

  /// Starts all whose locks are free, first come first served: nobody takes a lock that somebody before
  /// them waits for. Whether the unit may start is asked only then, so that no lock of others plays a part.
  mutating func takeStartable(in store: inout UnitStore) -> [Woken] {
    var woken: [Woken] = []
    var claimed: Set<String> = []
    entries.removeAll { entry in
      let locks = entry.options.locks
      if claimed.isDisjoint(with: locks), !locks.contains(where: store.locks.isTaken) {
        do throws(UnitError) {
          if let generation = try store.start(entry.unit, entry.options) {
            woken.append(Woken(waiter: entry.waiter, result: .success(generation)))
            return true
          }
        } catch {
          woken.append(Woken(waiter: entry.waiter, result: .failure(error)))
          return true
        }
      }
      claimed.formUnion(locks)
      return false
    }
    return woken
  }

  mutating func takeAll() -> [Waiter] {
    defer { entries = [] }
    return entries.map(\.waiter)
  }

  /// Checks that nobody waits for locks that are free; for tests.
  func checkInvariants(_ store: UnitStore) throws(InvariantViolation) {
    var claimed: Set<String> = []
    for entry in entries {
      let locks = entry.options.locks
      guard !claimed.isDisjoint(with: locks) || locks.contains(where: store.locks.isTaken) else {
        throw InvariantViolation("the start of \(entry.unit) waits, and its locks are free")
      }
      claimed.formUnion(locks)
    }
  }
}
