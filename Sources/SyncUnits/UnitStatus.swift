/// Where a unit is on its way: `not registered` → `pending` → `started` → `completed`, `failed` or, from
/// `pending`, `skipped`.
///
/// The last three end a generation of the unit. One that starts again after that begins the next
/// generation, and its dependents wait again.
public enum UnitStatus: Hashable, Sendable {
  /// Nobody declared or started it yet; others may already depend on it.
  case notRegistered
  /// Declared, not started.
  case pending
  /// At work.
  case started
  /// Done: units that depend on it may go on.
  case completed
  /// Its work failed, or could not begin.
  case failed
  /// Its work is not done, by choice or because something that it depends on failed.
  case skipped
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
    case .failed: "failed"
    case .skipped: "skipped"
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
    case "failed": self = .failed
    case "skipped": self = .skipped
    default: self = .other(wireName)
    }
  }
}

extension UnitStatus {
  /// Whether a generation ends with it.
  public var isTerminal: Bool {
    switch self {
    case .completed, .failed, .skipped: true
    case .notRegistered, .pending, .started, .other: false
    }
  }

  /// The status for a client that knows no more than the original's four: what has failed is at work
  /// for it, and what was skipped has not begun.
  public var original: UnitStatus {
    switch self {
    case .failed: .started
    case .skipped: .pending
    default: self
    }
  }
}

extension UnitStatus: CustomStringConvertible {
  /// The status as people read it.
  public var description: String { self == .notRegistered ? "not registered" : wireName }
}
