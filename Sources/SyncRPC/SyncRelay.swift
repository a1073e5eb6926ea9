public import SyncPlugin
internal import SyncUnits
internal import SyncWire

/// Passes bytes between a client at two descriptors and an agent, unchanged, so that what is at one
/// end of a pipe can use an agent at the other.
///
/// Where the way to the agent has secrets, the relay proves itself, and the client need not know.
///
/// Threading: an actor whose executor is the loop. Used once.
public actor SyncRelay {
  private nonisolated let loop: any EventLoop
  private var client: (any Connection)?
  private var agent: (any Connection)?
  private var proof: ConnectionProof?
  private var buffer = ReceiveBuffer()
  private var hasClientEnded = false
  private var ending: Result<Void, UnitError>?
  private var continuation: UnsafeContinuation<Void, Never>?

  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// Creates a relay that passes nothing on yet.
  public init(on loop: any EventLoop) { self.loop = loop }

  /// Connects to the agent, within `timeout`, and passes on what comes until one side has ended: the
  /// client's end is passed on, and what the agent still answers to that.
  ///
  /// Cancelling the task ends both connections.
  /// - Throws: what `transport` throws; `UnitError` `unavailable` if a side broke, or the agent ended
  ///   before the client; `permissionDenied` if they do not prove themselves; `CancellationError`.
  public func run(
    client channel: Channel, agent transport: any Transport, timeout: Duration?
  ) async throws {
    let client = loop.connection(channel)
    self.client = client
    let agent = try await transport.connect(on: loop, timeout: timeout)
    self.agent = agent
    agent.activate(End(relay: self, isAgent: true))
    if let secrets = agent.secrets {
      let proof = ConnectionProof(secrets: secrets)
      self.proof = proof
      agent.send(proof.request.span.bytes)
    } else {
      client.activate(End(relay: self, isAgent: false))
    }
    await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        // Once: the end that follows a cancellation finds nobody any more.
        if Task.isCancelled || ending != nil { return continuation.resume() }
        self.continuation = continuation
      }
    } onCancel: {
      Task(executorPreference: loop) { await self.end(nil) }
    }
    client.close()
    agent.close()
    try Task.checkCancellation()
    if case .failure(let error) = ending { throw error }
  }

  private func end(_ error: UnitError?) {
    guard ending == nil else { return }
    ending = error.map { .failure($0) } ?? .success(())
    continuation?.resume()
  }

  // MARK: From the agent

  private func agentSent(_ bytes: RawSpan) {
    guard proof != nil else { return pass(bytes, from: agent, to: client) }
    do throws(UnitError) {
      try buffer.feed(bytes) { bytes throws(UnitError) in
        var offset = 0
        guard try proof?.isComplete(bytes, at: &offset) == true else { return offset }
        proof = nil
        client?.activate(End(relay: self, isAgent: false))
        pass(bytes.extracting(offset..<bytes.byteCount), from: agent, to: client)
        return bytes.byteCount
      }
    } catch {
      end(error)
    }
  }

  private func agentEnded() {
    end(hasClientEnded ? nil : UnitError(.unavailable, "the agent closed the connection"))
  }

  // MARK: Both ways

  /// What one side does not take is not read from the other.
  private func pass(
    _ bytes: RawSpan, from source: (any Connection)?, to target: (any Connection)?
  ) {
    target?.send(bytes)
    if target?.isCongested == true { source?.pause() }
  }

  fileprivate func received(_ bytes: RawSpan, fromAgent: Bool) {
    if fromAgent { agentSent(bytes) } else { pass(bytes, from: client, to: agent) }
  }

  fileprivate func reachedEndOfInput(ofAgent: Bool) {
    if ofAgent { return agentEnded() }
    hasClientEnded = true
    agent?.endOutput()
  }

  fileprivate func drained(agent isAgent: Bool) { (isAgent ? client : agent)?.resume() }

  fileprivate func failed(_ reason: PluginError) {
    end(UnitError(.unavailable, reason.message))
  }

  /// Brings one side's callbacks, which come on the loop's thread, to the actor.
  private final class End: ConnectionHandler {
    private weak let relay: SyncRelay?
    private let isAgent: Bool

    init(relay: SyncRelay, isAgent: Bool) {
      self.relay = relay
      self.isAgent = isAgent
    }

    func received(_ bytes: RawSpan) {
      let isAgent = isAgent
      relay?.assumeIsolated { $0.received(bytes, fromAgent: isAgent) }
    }

    func reachedEndOfInput() {
      let isAgent = isAgent
      relay?.assumeIsolated { $0.reachedEndOfInput(ofAgent: isAgent) }
    }

    func drained() {
      let isAgent = isAgent
      relay?.assumeIsolated { $0.drained(agent: isAgent) }
    }

    func failed(_ reason: PluginError) { relay?.assumeIsolated { $0.failed(reason) } }
  }
}
