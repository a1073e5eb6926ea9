internal import SyncAgent
internal import SyncPlugin
internal import SyncSystem

/// `coder agent -- COMMAND…`: an agent for one command, out of the way of all others.
struct PrivateAgent {
  let invocation: Invocation
  let command: [String]
  /// How the command's scripts wait; nil leaves it as it is.
  let waitingStrategy: String?

  /// Where sockets and files go that nobody gave a place.
  private static let folderVariable = "CODER_AGENT_RUNTIME_DIR"
  private static let pathVariable = Options.socketPath.environment!
  private static let transportVariable = Options.transport.environment!
  private static let waitVariable = "CODER_SYNC_WAIT"

  typealias Agent = ([Endpoint], Environment, SupervisedCommand?) throws -> Void

  /// Runs `agent` with a private folder, which is gone afterwards.
  func run(_ agent: Agent) throws {
    let privateFolder = try createFolder()
    let folder = privateFolder.path
    defer {
      do throws(SystemError) {
        try privateFolder.remove()
      } catch {
        invocation.console.note("warning: \(folder) could not be removed: \(error)")
      }
    }
    let outer = invocation.environment
    let environment = Environment { name in
      switch name {
      case Self.pathVariable: folder + "/agent.sock"
      case Self.folderVariable: folder
      default: outer[name]
      }
    }
    try agent(try endpoints(), environment, supervisedCommand(folder: folder))
  }

  /// An inherited variable says which transports, but not where: an agent inside an agent must not
  /// take the place of the outer one. Flags mean what they say.
  private func endpoints() throws(CommandFailure) -> [Endpoint] {
    if let endpoints = try invocation.endpointsOfFlags() { return try endpoints.map(absolute) }
    var endpoints: [Endpoint] = []
    for endpoint in try invocation.endpoints() {
      let sides = try invocation.transportType(of: endpoint).sides
      guard sides.contains(.agent), !sides.contains(.standardStreams),
        !endpoints.contains(where: { $0.scheme == endpoint.scheme })
      else { continue }
      endpoints.append(Endpoint(scheme: endpoint.scheme, address: nil))
    }
    return endpoints.isEmpty ? [invocation.catalog.defaultEndpoint] : endpoints
  }

  /// The command may run elsewhere.
  private func absolute(_ endpoint: Endpoint) throws(CommandFailure) -> Endpoint {
    guard endpoint.scheme == "unix", let path = endpoint.address else { return endpoint }
    do {
      return Endpoint(scheme: endpoint.scheme, address: try File.absolutePath(path))
    } catch {
      throw .usage("\(path) cannot be made an absolute path: \(error)")
    }
  }

  private func createFolder() throws(CommandFailure) -> PrivateFolder {
    var reason: SystemError?
    for parent in [invocation.environment["TMPDIR"], "/tmp"] {
      guard let parent else { continue }
      do throws(SystemError) {
        let parent = try File.absolutePath(parent)
        // The name of a socket in it must not be too long.
        guard parent.utf8.count < UnixSocket.maximumPathBytes / 2 else { continue }
        return try PrivateFolder(in: parent)
      } catch {
        reason = error
      }
    }
    throw CommandFailure(
      status: .cannotCreate,
      message: "cannot create a private folder: \(reason.map { "\($0)" } ?? "no place for it")")
  }

  /// The first Unix socket goes into the variable that the original knows too, and where a path may
  /// contain anything.
  private func supervisedCommand(folder: String) -> SupervisedCommand {
    let waitingStrategy = waitingStrategy
    return SupervisedCommand(command) { endpoints in
      let socket = endpoints.first { $0.scheme == "unix" }
      let transports = endpoints.map { $0 == socket ? $0.scheme : $0.description }
      var variables: [String: String?] = [
        Self.transportVariable: transports.joined(separator: ","),
        Self.pathVariable: socket?.address,
        Self.folderVariable: folder,
      ]
      if let waitingStrategy { variables[Self.waitVariable] = waitingStrategy }
      return variables
    }
  }
}
