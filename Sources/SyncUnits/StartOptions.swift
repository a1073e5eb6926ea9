/// How a unit is started.
public struct StartOptions: Hashable, Sendable {
  /// Whether a unit that is blocked for good stays pending, instead of being skipped.
  public var keepsPendingOnFailure = false
  /// Names of locks that the unit takes with its start and keeps until its generation ends. No two units
  /// hold the same lock at a time; where one is taken, the start is put off.
  public var locks: [String] = []
  /// Who does the work, where that is known.
  public var holder: Holder?

  /// Creates options that ask for nothing.
  public init() {}
}

/// Who does the work of a unit.
public struct Holder: Hashable, Sendable {
  /// The process that is watched, or that said so.
  public var processID: Int32
  /// Its command line, as far as the kernel tells.
  public var command: String
  /// Since when, in milliseconds since 1970.
  public var since: UInt64
  /// Whether the unit fails when that process ends.
  public var isWatched: Bool

  /// Creates a holder.
  public init(processID: Int32, command: String, since: UInt64, isWatched: Bool) {
    self.processID = processID
    self.command = command
    self.since = since
    self.isWatched = isWatched
  }
}
