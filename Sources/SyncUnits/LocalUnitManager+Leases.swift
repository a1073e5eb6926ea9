import Synchronization

/// Units that fail when something ends without a word: a connection, in most cases.
extension LocalUnitManager {
  package func newLease() -> Lease {
    state.withLock { state in
      let lease = Lease(id: state.newID())
      state.leases[lease] = []
      return lease
    }
  }

  /// The generation of a unit that was started with this lease, and is at work.
  package func generation(of unit: UnitID, startedWith lease: Lease) -> UInt64? {
    state.withLock { state in
      state.leases[lease]?
        .last {
          $0.isStarted && $0.unit == unit && state.store.isAtWork($0.unit, $0.generation)
        }?
        .generation
    }
  }

  /// As ``want(_:dependsOn:_:)``; if `unit` is pending then, it fails at the end of the lease, unless
  /// somebody has started it.
  package func want(
    _ unit: UnitID, dependsOn dependencies: [UnitID], _ requirement: Requirement, lease: Lease
  ) throws(UnitError) {
    try change { state throws(UnitError) in
      try state.store.want(unit, dependsOn: dependencies, requirement)
      guard let generation = state.store.generation(ofPending: unit) else { return }
      state.leases[lease]?.append(
        LeasedUnit(unit: unit, generation: generation, isStarted: false))
    }
  }

  /// The lease may have ended before the start came to its turn.
  func leased(_ unit: UnitID, _ lease: Lease, _ generation: UInt64) {
    let isAlive = state.withLock { state in
      state.leases[lease]?.append(
        LeasedUnit(unit: unit, generation: generation, isStarted: true))
      return state.leases[lease] != nil
    }
    if !isAlive {
      let ending = Ending("its holder has gone before it could begin")
      try? finish(unit, as: .failed(ending), generation: generation)
    }
  }

  /// Ends a lease: what was started with it and is still at work has failed, for that
  /// reason, and what was declared with it and is still pending. The locks of these units are
  /// returned if `keepsLocks`, for ``release(_:)``.
  package func end(
    _ lease: Lease, keepsLocks: Bool, _ ending: Ending
  ) -> [LockTable.Remnant] {
    let units = state.withLock { $0.leases.removeValue(forKey: lease) ?? [] }
    var remnants: [LockTable.Remnant] = []
    for leased in units {
      let remnant = try? change { state throws(UnitError) -> LockTable.Remnant? in
        let (unit, generation) = (leased.unit, leased.generation)
        guard
          leased.isStarted
            ? state.store.isAtWork(unit, generation)
            : state.store.generation(ofPending: unit) == generation
        else { return nil }
        let remnant = keepsLocks ? state.store.setAsideLocks(of: unit) : nil
        try state.store.finish(unit, as: .failed(ending), generation: generation)
        return remnant
      }
      if let remnant = remnant ?? nil { remnants.append(remnant) }
    }
    return remnants
  }

  /// Gives locks back that ``end(_:keepsLocks:_:)`` kept.
  package func release(_ remnants: [LockTable.Remnant]) {
    try? change { state throws(UnitError) in
      for remnant in remnants { state.store.release(remnant) }
    }
  }
}
