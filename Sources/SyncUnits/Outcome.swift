/// How a generation of a unit ends.
public enum Outcome: Hashable, Sendable {
  /// Its work is done.
  case completed
  /// Its work failed.
  case failed(Ending)
  /// Its work is not done in this generation.
  case skipped(Ending)
}

/// Why a unit failed or was skipped.
public struct Ending: Hashable, Sendable {
  /// In words for people; may be empty.
  public var reason: String
  /// The exit status of its command, 1…255, where there was one.
  public var exitStatus: Int32?

  /// Creates an ending.
  public init(_ reason: String = "", exitStatus: Int32? = nil) {
    self.reason = reason
    self.exitStatus = exitStatus
  }
}

extension Ending: CustomStringConvertible {
  /// The reason, with the exit status if there is one; empty if nothing is known.
  public var description: String {
    let status = exitStatus.map { "exit status \($0)" }
    guard !reason.isEmpty else { return status ?? "" }
    // `run` says more about it than the number.
    guard let status, !reason.hasPrefix(status) else { return reason }
    return "\(reason) (\(status))"
  }
}
