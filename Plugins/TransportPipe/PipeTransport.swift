public import SyncPlugin
internal import SyncSystem

/// The agent's standard input and output as its one connection.
public struct PipeTransport: Transport {
  public static let scheme = "pipe"
  public static let syntax = "pipe"
  public static let summary = "the agent's own standard input and output, for tests"
  public static let sides: TransportSides = [.agent, .standardStreams]

  public var endpoint: Endpoint { Endpoint(scheme: Self.scheme, address: nil) }

  public init(address: String?, environment: Environment) throws(PluginError) {
    guard address == nil else {
      throw PluginError(.invalidArgument, "pipe takes nothing behind its name")
    }
  }

  public func listen(
    on loop: any EventLoop, report: @escaping @Sendable (ListenerEvent) -> Void,
    accept: @escaping (sending any Connection) -> Void
  ) throws(PluginError) -> any Listener {
    let streams: StandardStreams
    do {
      streams = try StandardStreams()
    } catch {
      throw PluginError(.system, "standard input and output cannot be served: \(error)")
    }
    accept(
      loop.connection(
        Channel(
          reading: streams.input, writing: streams.output,
          onClose: { reason in
            streams.restore()
            report(.ended(reason))
          })))
    return PipeListener(endpoint: endpoint)
  }

  nonisolated(nonsending)
    public func connect(on loop: any EventLoop, timeout: Duration?) async throws -> any Connection
  {
    throw PluginError(
      .unsupported, "pipe has no client's side",
      hint: "whoever started the agent is its client; exec:COMMAND starts one")
  }
}

/// There is nothing to stop: the one connection is there from the beginning.
private final class PipeListener: Listener {
  let endpoint: Endpoint
  init(endpoint: Endpoint) { self.endpoint = endpoint }
  func close() {}
}
