/// Why a call on a ``UnitManager`` was refused or not answered.
///
/// The message is a whole sentence in the words of the original agent, so that scripts which match
/// it keep working; programs look at the ``code``.
public struct UnitError: Error, Hashable, Sendable {
  /// The kind of an error. More kinds may come: a `switch` over them needs a `default`.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    public let description: String
    package init(_ description: String) { self.description = description }

    /// A unit name is empty or longer than ``Limits/nameBytes``.
    public static let invalidName = Code("invalid name")
    /// The dependency would close a cycle; ``UnitError/cycle`` has all of it.
    public static let cycle = Code("cycle")
    /// The unit was never declared nor started.
    public static let notFound = Code("not found")
    /// The unit has unsatisfied dependencies.
    public static let notReady = Code("not ready")
    /// The unit's status does not allow it, or its generation is over.
    public static let wrongStatus = Code("wrong status")
    /// Something that is required can never be met: it failed, was skipped, or depends on what did.
    public static let dependencyFailed = Code("dependency failed")
    /// The unit has the status already that the call would give it.
    public static let sameStatus = Code("same status")
    /// A limit of ``Limits`` is reached.
    public static let limitExceeded = Code("limit exceeded")
    /// The manager has been shut down or its connection has ended.
    public static let unavailable = Code("unavailable")
    /// The call was taken back.
    public static let cancelled = Code("cancelled")
    /// The other side did not answer in time.
    public static let deadlineExceeded = Code("deadline exceeded")
    /// What came from the other side is not the protocol.
    public static let protocolViolation = Code("protocol violation")
    /// The two sides of a connection could not prove to each other that they may talk.
    public static let permissionDenied = Code("permission denied")
    /// The other side is of a version that does not know the call.
    public static let unsupported = Code("unsupported")
    /// The other side refused, for a reason that this version has no code for.
    public static let other = Code("other")
  }

  /// What kind of error it is.
  public let code: Code
  /// What happened, as a sentence for the author of a script. May have several lines.
  public let message: String
  /// For ``Code/cycle``: the units in the order of their dependencies, the first one again at the
  /// end. Empty otherwise, and when an agent elsewhere refused, as the protocol does not carry it.
  public let cycle: [UnitID]

  /// Creates an error.
  public init(_ code: Code, _ message: String, cycle: [UnitID] = []) {
    self.code = code
    self.message = message
    self.cycle = cycle
  }
}

extension UnitError: CustomStringConvertible {
  public var description: String { message }
}
