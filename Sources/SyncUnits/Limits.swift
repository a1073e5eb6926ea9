/// Every limit of the agent, in one place. A call beyond one is refused, nothing is cut short.
public enum Limits {
  /// The longest name of a unit, in bytes of UTF-8.
  public static let nameBytes = 4_096
  /// The most units that one manager knows, those only named as a dependency among them.
  public static let units = 2_000_000
  /// The most dependencies that one manager holds.
  public static let edges = 20_000_000
  /// The most tasks that wait on one manager at a time.
  public static let waiters = 1_000_000

  /// The largest packet of the protocol, in bytes, as in the original.
  public static let packetBytes = 4 << 20
  /// The most calls that are open at a time on one connection.
  public static let streams = 1_024
  /// The most connections that one agent serves at a time.
  public static let connections = 65_536
  /// How long a frame may take from its first byte to its last.
  public static let frameTime: Duration = .seconds(10)
  /// How long a client may take to prove itself, where it has to.
  public static let proofTime: Duration = .seconds(10)
  /// How many bytes it may send until then.
  public static let proofBytes = 64 << 10
  /// How long a closing connection may take to accept the last answers.
  public static let closingTime: Duration = .seconds(10)
  /// How long a loop goes on at its end for what is still under way: last answers, a child process.
  public static let endingTime: Duration = .seconds(2)
  /// Bytes of unsent answers from which on a connection is not read any more.
  public static let outputHighWater = 256 << 10
  /// Bytes of unsent answers from which on it is read again.
  public static let outputLowWater = 64 << 10
}
