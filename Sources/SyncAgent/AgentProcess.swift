internal import Libevent
public import SyncPlugin
internal import SyncSystem

/// An agent that is all that this process does: with its signals, limits and whom it tells.
public struct AgentProcess: Sendable {
  /// What to serve; at least one.
  public var transports: [any Transport]
  /// Where lines about what happens go.
  public var log: Log
  /// A descriptor that gets one line feed, and is closed, as soon as all transports listen.
  public var readyDescriptor: Int32?
  /// The socket of a service manager (`$NOTIFY_SOCKET`) that is told READY=1 then.
  public var notifySocket: String?

  /// Describes an agent.
  public init(
    transports: [any Transport], log: Log, readyDescriptor: Int32? = nil,
    notifySocket: String? = nil
  ) {
    self.transports = transports
    self.log = log
    self.readyDescriptor = readyDescriptor
    self.notifySocket = notifySocket
  }

  /// Serves until SIGTERM, SIGINT or SIGHUP, and takes everything down again. The calling thread
  /// becomes the loop's.
  /// - Throws: `PluginError`, as `Transport.listen` throws it; then nothing is left behind.
  public func run() throws {
    ThisProcess.ignoreBrokenPipeSignal()
    raiseOpenFileLimit()
    let loop = try LibeventLoop()
    try loop.run {
      let agent = Agent(on: loop, log: log)
      // Before the first endpoint exists, so that no signal can leave it behind.
      let signals = AsyncStream.makeStream(of: String.self)
      await agent.whenTerminated { signals.continuation.yield($0) }
      do {
        for transport in transports { try await agent.listen(on: transport) }
      } catch {
        await agent.close()
        throw error
      }
      announceReady()
      for await signal in signals.stream {
        log.write(.info, "ending", ["signal": signal])
        break
      }
      await agent.close()
    }
    log.write(.info, "ended")
  }

  private func raiseOpenFileLimit() {
    do {
      let limit = try ThisProcess.raiseOpenFileLimit()
      log.write(.debug, "open files", ["limit": "\(limit)"])
    } catch {
      log.write(.warn, "the limit of open files stays as it is", ["reason": "\(error)"])
    }
  }

  private func announceReady() {
    if let readyDescriptor {
      do {
        try Descriptor.writeAll(readyDescriptor, "\n")
      } catch {
        log.write(
          .warn, "nobody could be told that the agent is ready",
          ["descriptor": "\(readyDescriptor)", "reason": "\(error)"])
      }
      if readyDescriptor > Descriptor.standardError { Descriptor.close(readyDescriptor) }
    }
    if let notifySocket {
      do {
        try UnixSocket.sendDatagram("READY=1\n", to: notifySocket)
      } catch {
        log.write(
          .warn, "the service manager could not be told that the agent is ready",
          ["socket": notifySocket, "reason": "\(error)"])
      }
    }
  }
}
