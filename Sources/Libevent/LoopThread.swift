internal import SyncPlugin
internal import SyncSystem

/// A loop on a thread of its own, for programs whose main thread does something else.
public final class LoopThread: Sendable {
  /// The loop; tasks and actors may use it as their executor.
  public let loop: LibeventLoop

  /// Starts the thread.
  /// - Throws: `PluginError` `system`.
  public init() throws {
    let loop = try LibeventLoop()
    loop.leaveThread()
    try startThread { loop.run() }
    self.loop = loop
  }

  /// Ends the loop; the thread ends after the current turn.
  public func stop() { loop.stop() }
}
