public import SyncUnits

/// A process whose end is awaited.
public struct WatchedProcess: Sendable {
  /// Its number.
  public let id: Int32
  /// Its command line, as far as the kernel tells.
  public let command: String
  /// Readable as soon as it has ended. Owned by whoever watches.
  public let descriptor: Int32

  /// Describes a process.
  public init(id: Int32, command: String, descriptor: Int32) {
    self.id = id
    self.command = command
    self.descriptor = descriptor
  }
}

/// How a server finds the processes that its clients name. It does not trust what they say: a relation
/// to the process at the other end of the connection has to hold.
public struct ProcessWatch: Sendable {
  /// What a process has to be to the client's.
  public enum Relation: Sendable {
    /// It started it, or what started it, and so on.
    case ancestor
    /// The client started it.
    case child
  }

  /// Finds a process. Throws ``UnitError`` `permissionDenied` if it is not what it has to be.
  public let find:
    @Sendable (_ process: Int32, _ relation: Relation, _ client: Int32) throws(UnitError) ->
      WatchedProcess
  /// Closes a descriptor.
  public let close: @Sendable (Int32) -> Void
  /// The command line of the client, which is not watched.
  public let command: @Sendable (_ client: Int32) -> String
  /// The time, in milliseconds since 1970.
  public let now: @Sendable () -> UInt64

  /// Describes how it is done.
  public init(
    find:
      @escaping @Sendable (Int32, Relation, Int32) throws(UnitError) -> WatchedProcess,
    close: @escaping @Sendable (Int32) -> Void,
    command: @escaping @Sendable (Int32) -> String,
    now: @escaping @Sendable () -> UInt64
  ) {
    self.find = find
    self.close = close
    self.command = command
    self.now = now
  }
}
