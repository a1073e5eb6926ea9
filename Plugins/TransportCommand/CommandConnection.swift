internal import SyncPlugin

/// The stream to a command, which ends with what became of the process.
final class CommandConnection: Connection {
  let peer: Peer? = nil
  let secrets: ConnectionSecrets? = nil
  private let stream: any Connection
  private let child: CommandProcess
  private var handler: (any ConnectionHandler)?

  init(stream: any Connection, child: CommandProcess) {
    self.stream = stream
    self.child = child
  }

  var isCongested: Bool { stream.isCongested }

  func activate(_ handler: any ConnectionHandler) {
    self.handler = handler
    stream.activate(self)
  }

  func pause() { stream.pause() }
  func resume() { stream.resume() }
  func send(_ bytes: RawSpan) { stream.send(bytes) }
  func endOutput() { stream.endOutput() }

  func close() {
    handler = nil
    stream.close()
    child.end { _ in }
  }

  func abort() {
    handler = nil
    stream.abort()
    child.end { _ in }
  }
}

extension CommandConnection: ConnectionHandler {
  func received(_ bytes: RawSpan) { handler?.received(bytes) }
  func drained() { handler?.drained() }

  /// The command has closed its output: how it ended says why.
  func reachedEndOfInput() { fail() }
  func failed(_ reason: PluginError) { fail() }

  private func fail() {
    stream.abort()
    child.end { [self] ending in
      handler?.failed(PluginError(.unreachable, ending))
      handler = nil
    }
  }
}
