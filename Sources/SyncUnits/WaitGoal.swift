/// What a wait is for.
public enum WaitGoal: Hashable, Sendable {
  /// All dependencies of the unit are met.
  case ready(UnitID)
  /// At least `count` of these units meet the condition. One that nobody has named yet is waited for.
  case units([UnitID], Requirement.Condition, count: Int)
  /// No registered unit can go on by itself: all have ended, or are blocked for good.
  case allUnits
}
