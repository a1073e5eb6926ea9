/// A way for bytes between command lines and an agent: one value for one endpoint.
///
/// A transport moves bytes and knows no units. It checks who is at the other end as far as it can,
/// because all that gets through may do everything with the agent.
public protocol Transport: Sendable {
  /// The name before the colon in `--transport`, for example `unix`.
  static var scheme: String { get }
  /// How an endpoint is written, for example `unix[:PATH]`.
  static var syntax: String { get }
  /// What it is, in one line.
  static var summary: String { get }
  /// Which sides it has.
  static var sides: TransportSides { get }

  /// Makes a transport for the endpoint `scheme:address`; no address means the default one.
  ///
  /// `environment` holds the variables of the process; nothing else is read or opened yet.
  /// - Throws: `invalidArgument`.
  init(address: String?, environment: Environment) throws(PluginError)

  /// The endpoint, with its address.
  var endpoint: Endpoint { get }

  /// Serves the endpoint until the listener is closed. Called on the loop's thread.
  ///
  /// `report` hears what an operator should know; `accept` gets each connection, not yet activated.
  /// - Throws: `endpointInUse` with a hint at who has it, `endpointBlocked`, `permissionDenied`,
  ///   `unsupported`, `system`.
  func listen(
    on loop: any EventLoop, report: @escaping @Sendable (ListenerEvent) -> Void,
    accept: @escaping (sending any Connection) -> Void
  ) throws(PluginError) -> any Listener

  /// Connects to the endpoint. Called on the loop's thread, on which it stays; the connection is
  /// not yet activated.
  ///
  /// Waits while the agent is too busy to accept, for `timeout` at most; nil is no limit.
  /// - Throws: `unreachable`, also when the time is over, `permissionDenied`, `unsupported`, `system`; `CancellationError`.
  nonisolated(nonsending)
    func connect(on loop: any EventLoop, timeout: Duration?) async throws -> any Connection
}

/// Which ends of a connection a transport can make.
public struct TransportSides: OptionSet, Sendable {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }

  /// It can be listened on.
  public static let agent = TransportSides(rawValue: 1)
  /// It can be connected to.
  public static let client = TransportSides(rawValue: 2)
  /// Its agent's side is the standard input and output of the process, which nothing else may use
  /// then.
  public static let standardStreams = TransportSides(rawValue: 4)
}

/// An endpoint that is being served. Belongs to the loop's thread.
public protocol Listener: AnyObject {
  /// Where it listens, with everything that was left to the transport filled in.
  var endpoint: Endpoint { get }
  /// Stops and removes what the listener put into the world, if it is still its own. Connections
  /// that were accepted stay. Called once.
  func close()
}
