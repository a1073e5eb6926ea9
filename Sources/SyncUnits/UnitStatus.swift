/// Where a unit is on its way: `not registered` → `pending` → `started` → `completed`.
///
/// A completed unit that starts again goes back to `started`, and its dependents wait again.
public enum UnitStatus: Hashable, Sendable {
  /// Nobody declared or started it yet; others may already depend on it.
  case notRegistered
  /// Declared, not started.
  case pending
  /// At work.
  case started
  /// Done: units that depend on it may go on.
  case completed
  /// A status that this version does not know, in the words of a newer agent.
  case other(String)
}

extension UnitStatus {
  /// The status in the words of the protocol; `not registered` is the empty string there.
  public var wireName: String {
    switch self {
    case .notRegistered: ""
    case .pending: "pending"
    case .started: "started"
    case .completed: "completed"
    case .other(let name): name
    }
  }

  /// Reads the words of the protocol; what it does not know becomes ``other(_:)``.
  public init(wireName: String) {
    switch wireName {
    case "": self = .notRegistered
    case "pending": self = .pending
    case "started": self = .started
    case "completed": self = .completed
    default: self = .other(wireName)
    }
  }
}

extension UnitStatus: CustomStringConvertible {
  /// The status as people read it.
  public var description: String { self == .notRegistered ? "not registered" : wireName }
}
