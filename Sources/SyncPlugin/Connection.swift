/// A stream of bytes in both directions, as a transport provides it.
///
/// Threading: a connection belongs to the loop that it was made on. All calls are made on that
/// loop's thread, and so are the calls of its handler. It is not `Sendable` for that reason.
public protocol Connection: AnyObject {
  /// Who is at the other end, where the transport can know.
  var peer: Peer? { get }

  /// What both sides have to show before they believe each other; nil where the transport has made
  /// sure of that itself.
  var secrets: ConnectionSecrets? { get }

  /// Whether more has been sent than the other side takes. Whoever answers requests should stop
  /// reading them until ``ConnectionHandler/drained()``.
  var isCongested: Bool { get }

  /// Begins to deliver what arrives to `handler`, which is kept until the connection has closed.
  /// Called once.
  func activate(_ handler: any ConnectionHandler)

  /// Stops delivering what arrives until ``resume()``: it waits at the other side, once the kernel
  /// holds no more of it.
  func pause()

  /// Delivers again what arrives.
  func resume()

  /// Queues `bytes` behind what was sent before. All that is sent in one turn of the loop is
  /// written together at the turn's end. After the connection has closed, nothing happens.
  func send(_ bytes: RawSpan)

  /// Tells the other side, behind all that was sent, that nothing more will come. Reading goes on.
  func endOutput()

  /// Ends the connection when all that was sent has been written, or has not been for 10 s.
  /// The handler hears no more.
  func close()

  /// Ends the connection now; what was not written yet is lost. The handler hears no more.
  func abort()
}

/// Takes what arrives on a ``Connection``. All calls come on the loop's thread.
public protocol ConnectionHandler: AnyObject {
  /// Bytes arrived. They are valid during the call only.
  func received(_ bytes: RawSpan)

  /// The other side will send no more. It may still read: the connection stays open for answers.
  func reachedEndOfInput()

  /// What was sent has been written, after ``Connection/isCongested`` had become true; or the other
  /// side has closed, and nobody will ever read it. Comes also while the connection is paused.
  func drained()

  /// The connection broke, with a reason; called at most once, and not after the handler's side
  /// closed it.
  func failed(_ reason: PluginError)
}

/// The process at the other end of a connection, as the kernel reports it.
public struct Peer: Hashable, Sendable {
  /// The process that connected or listens; it may have passed the descriptor on since.
  public let processID: Int32
  /// The effective user of that process at that time.
  public let userID: UInt32

  /// Creates a description of a process.
  public init(processID: Int32, userID: UInt32) {
    self.processID = processID
    self.userID = userID
  }
}

extension Peer: CustomStringConvertible {
  public var description: String { "pid \(processID), uid \(userID)" }
}
