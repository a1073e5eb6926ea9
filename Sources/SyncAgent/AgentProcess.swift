internal import Libevent
public import SyncPlugin
internal import SyncSystem
internal import SyncUnits
internal import Synchronization

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

  /// What to run as a child while the agent serves; the agent ends with it.
  public var command: SupervisedCommand?

  /// Describes an agent.
  public init(
    transports: [any Transport], log: Log, readyDescriptor: Int32? = nil,
    notifySocket: String? = nil, command: SupervisedCommand? = nil
  ) {
    self.transports = transports
    self.log = log
    self.readyDescriptor = readyDescriptor
    self.notifySocket = notifySocket
    self.command = command
  }

  /// What an agent waits for.
  private enum Event: Sendable {
    case signal(SignalDescriptor.Arrival)
    case endpointEnded(PluginError?)
    case commandEnded(ProcessEnding)
  }

  /// Serves until SIGTERM, SIGINT or SIGHUP, until an endpoint has come to its end, or until the
  /// command has ended, which the signals are passed on to; takes everything down again. The calling
  /// thread becomes the loop's.
  /// - Returns: how the command ended; success without one.
  /// - Throws: `PluginError`, as `Transport.listen` throws it, or the reason why an endpoint broke;
  ///   ``SupervisedCommand/Failure``. Nothing is left behind then.
  public func run() throws -> SupervisedCommand.Ending {
    ThisProcess.ignoreBrokenPipeSignal()
    raiseOpenFileLimit()
    let loop = try LibeventLoop()
    let ending = Mutex(SupervisedCommand.Ending.exited(0))
    try loop.run {
      let events = AsyncStream.makeStream(of: Event.self)
      // Before the first endpoint exists, so that no signal can leave it behind.
      let signals = try collectSignals()
      let signalWatch = loop.whenReadable(signals.descriptor) {
        while let arrival = signals.next() { events.continuation.yield(.signal(arrival)) }
      }
      let agent = Agent(on: loop, log: log)
      do {
        var endpoints: [Endpoint] = []
        for transport in transports {
          endpoints.append(
            try await agent.listen(on: transport) { events.continuation.yield(.endpointEnded($0)) })
        }
        announceReady()
        let child = try command?.start(serving: endpoints, on: loop) {
          events.continuation.yield(.commandEnded($0))
        }
        let end = try await end(of: events.stream, of: agent, child: child)
        ending.withLock { $0 = end }
      } catch {
        await agent.close()
        throw error
      }
      await agent.close()
      signalWatch.cancel()
      signals.close()
    }
    log.write(.info, "ended")
    return ending.withLock { $0 }
  }

  private func end(
    of events: AsyncStream<Event>, of agent: Agent, child: SupervisedCommand.Child?
  ) async throws -> SupervisedCommand.Ending {
    for await event in events {
      switch event {
      case .signal(let signal):
        let name = Signal.name(signal.number)
        guard let child else {
          let waiters = agent.manager.waiterCount
          log.write(.info, "ending", ["signal": name, "waiters": "\(waiters)"])
          return .exited(0)
        }
        // What comes from the terminal has come to the command as well.
        if signal.isFromKernel { continue }
        log.write(.info, "passing on", ["signal": name])
        child.send(signal.number)
      case .endpointEnded(let reason):
        if child != nil { continue }
        if let reason { throw reason }
        return .exited(0)
      case .commandEnded(let ending):
        log.write(.info, "the command has ended", ["with": "\(ending)"])
        return .init(ending)
      }
    }
    return .exited(0)
  }

  private func collectSignals() throws(PluginError) -> SignalDescriptor {
    do {
      return try SignalDescriptor(command == nil ? Signal.termination : Signal.passedOn)
    } catch {
      throw PluginError(.system, "cannot wait for signals: \(error)")
    }
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
