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
  /// What exactly is required of it; an agent of the original knows only success.
  public var requirement: Requirement

  /// Creates a row as it is given; nothing is derived.
  public init(
    unit: UnitID, requiredStatus: UnitStatus, currentStatus: UnitStatus, isSatisfied: Bool,
    requirement: Requirement = .success
  ) {
    self.unit = unit
    self.requiredStatus = requiredStatus
    self.currentStatus = currentStatus
    self.isSatisfied = isSatisfied
    self.requirement = requirement
  }
}

/// What is known about a unit beyond the words of the original.
public struct UnitDetails: Hashable, Sendable {
  /// The number of its newest generation, from 1; 0 if it is not registered.
  public var generation: UInt64
  /// Whether it is started and has said that it is healthy.
  public var isHealthy: Bool
  /// Whether it is pending and something that it requires can never be met.
  public var isBlocked: Bool
  /// Why it failed or was skipped.
  public var ending: Ending?
  /// Who does its work.
  public var holder: Holder?

  /// Creates details as they are given.
  public init(
    generation: UInt64 = 0, isHealthy: Bool = false, isBlocked: Bool = false,
    ending: Ending? = nil, holder: Holder? = nil
  ) {
    self.generation = generation
    self.isHealthy = isHealthy
    self.isBlocked = isBlocked
    self.ending = ending
    self.holder = holder
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
  /// Nil if the agent is an original one.
  public var details: UnitDetails?

  /// Creates a summary as it is given.
  public init(unit: UnitID, status: UnitStatus, isReady: Bool, details: UnitDetails? = nil) {
    self.unit = unit
    self.status = status
    self.isReady = isReady
    self.details = details
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
  /// Nil if the agent is an original one, or nobody has named the unit.
  public var details: UnitDetails?

  /// Creates a report as it is given.
  public init(
    status: UnitStatus, isReady: Bool, dependencies: [Dependency], details: UnitDetails? = nil
  ) {
    self.status = status
    self.isReady = isReady
    self.dependencies = dependencies
    self.details = details
  }
}
