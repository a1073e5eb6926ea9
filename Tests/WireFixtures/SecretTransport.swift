package import SyncPlugin

/// Another transport on whose connections each side has these secrets, as it has them from a file.
package struct SecretTransport: Transport {
  package static let scheme = "secret"
  package static let syntax = "secret"
  package static let summary = "another transport with secrets, for tests"
  package static let sides: TransportSides = [.agent, .client]

  private let base: any Transport
  private let client: ConnectionSecrets?
  private let agent: ConnectionSecrets?

  package init(
    _ base: any Transport, client: ConnectionSecrets?, agent: ConnectionSecrets?
  ) {
    self.base = base
    self.client = client
    self.agent = agent
  }

  package init(address: String?, environment: Environment) throws(PluginError) {
    throw PluginError(.unsupported, "secret is made in tests only")
  }

  package var endpoint: Endpoint { base.endpoint }

  package func listen(
    on loop: any EventLoop, report: @escaping @Sendable (ListenerEvent) -> Void,
    accept: @escaping (sending any Connection) -> Void
  ) throws(PluginError) -> any Listener {
    let secrets = agent
    return try base.listen(on: loop, report: report) { connection in
      accept(SecretConnection(connection, secrets))
    }
  }

  nonisolated(nonsending)
    package func connect(on loop: any EventLoop, timeout: Duration?) async throws -> any Connection
  {
    SecretConnection(try await base.connect(on: loop, timeout: timeout), client)
  }
}

private final class SecretConnection: Connection {
  private let base: any Connection
  let secrets: ConnectionSecrets?

  init(_ base: any Connection, _ secrets: ConnectionSecrets?) {
    self.base = base
    self.secrets = secrets
  }

  var peer: Peer? { base.peer }
  var isCongested: Bool { base.isCongested }
  func activate(_ handler: any ConnectionHandler) { base.activate(handler) }
  func pause() { base.pause() }
  func resume() { base.resume() }
  func send(_ bytes: RawSpan) { base.send(bytes) }
  func endOutput() { base.endOutput() }
  func close() { base.close() }
  func abort() { base.abort() }
}
