import Libevent
public import SyncPlugin
public import SyncRPC
import TransportCommand

/// A real agent as a child process, over its standard input and output: no socket, no file, and gone
/// with this object.
///
/// Threading: may be used from anywhere.
public final class PipeAgent: Sendable {
  /// The one client that there can be.
  public let manager: RemoteUnitManager
  /// The loop that the client runs on.
  public var loop: any EventLoop { thread.loop }
  /// The loop's clock, for waiting strategies.
  public var clock: any Clock<Duration> { loop.clock }
  private let thread: LoopThread

  /// Starts the agent.
  /// - Throws: what `RemoteUnitManager` throws.
  public init(program: String = CoderProcess.built()) async throws {
    let thread = try LoopThread()
    self.thread = thread
    let transport = try CommandTransport(
      address: "exec '\(program)' agent --transport pipe --log-level error", environment: [:])
    manager = try await RemoteUnitManager(connectingTo: transport, on: thread.loop)
    try await manager.ping()
  }

  /// Ends the agent by ending its input.
  public func stop() async {
    await manager.close()
  }

  deinit { thread.stop() }
}
