/// What a unit waits for: one row of ``UnitReport/dependencies``.
public struct Dependency: Hashable, Sendable {
  /// The unit that is depended on.
  public var unit: UnitID
  /// The status that it must have for the dependency to be satisfied.
  public var requiredStatus: UnitStatus
  /// The status that it has now.
  public var currentStatus: UnitStatus
  /// Whether the dependent need not wait for it any more.
  public var isSatisfied: Bool

  /// Creates a row as it is given; nothing is derived.
  public init(
    unit: UnitID, requiredStatus: UnitStatus, currentStatus: UnitStatus, isSatisfied: Bool
  ) {
    self.unit = unit
    self.requiredStatus = requiredStatus
    self.currentStatus = currentStatus
    self.isSatisfied = isSatisfied
  }
}

/// One unit in a listing.
public struct UnitSummary: Hashable, Sendable {
  /// Which unit.
  public var unit: UnitID
  /// Where it is on its way.
  public var status: UnitStatus
  /// Whether all its dependencies are satisfied.
  public var isReady: Bool

  /// Creates a summary as it is given.
  public init(unit: UnitID, status: UnitStatus, isReady: Bool) {
    self.unit = unit
    self.status = status
    self.isReady = isReady
  }
}

/// All that is known about one unit at one instant.
public struct UnitReport: Hashable, Sendable {
  /// Where the unit is on its way.
  public var status: UnitStatus
  /// Whether all its dependencies are satisfied. A unit that nobody registered has none, and is.
  public var isReady: Bool
  /// Its direct dependencies. A ``LocalUnitManager`` sorts them by name; an original agent does not.
  public var dependencies: [Dependency]

  /// Creates a report as it is given.
  public init(status: UnitStatus, isReady: Bool, dependencies: [Dependency]) {
    self.status = status
    self.isReady = isReady
    self.dependencies = dependencies
  }
}
