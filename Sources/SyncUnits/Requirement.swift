/// What a unit asks of one that it depends on, or somebody who waits of a unit.
public struct Requirement: Hashable, Sendable {
  /// What has to have happened in the newest generation of the unit that is depended on.
  public enum Condition: String, CaseIterable, Sendable {
    /// It completed.
    case success
    /// It ended in any way.
    case completion
    /// It started, whatever came of it.
    case started
    /// It said that it is healthy and is still at work, or it completed.
    case healthy
  }

  /// What is waited for.
  public var condition: Condition
  /// Whether it counts only while the unit that is depended on is pending or started: one that is
  /// not registered, failed or was skipped does not hold back.
  public var isOptional: Bool

  /// What a dependency requires where nobody says otherwise.
  public static let success = Requirement(.success)

  /// Creates a requirement.
  public init(_ condition: Condition, isOptional: Bool = false) {
    self.condition = condition
    self.isOptional = isOptional
  }
}

extension Requirement: CustomStringConvertible {
  /// The requirement as it is shown to people, for example `success` or `started, optional`.
  public var description: String { condition.rawValue + (isOptional ? ", optional" : "") }
}
