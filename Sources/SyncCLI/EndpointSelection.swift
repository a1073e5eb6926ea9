internal import SyncPlugin

extension Invocation {
  /// The endpoints that flags and variables name: a flag beats its variable, and a socket path given
  /// as a flag beats the transport's variable.
  func endpoints() throws(CommandFailure) -> [Endpoint] {
    let transports = flags(Options.transport)
    let paths = flags(Options.socketPath)
    guard transports.isEmpty || paths.isEmpty else {
      throw .usage("--transport and --socket-path cannot be used together")
    }
    if let path = paths.last {
      guard !path.isEmpty else { throw .usage("--socket-path is empty") }
      return [Endpoint(scheme: "unix", address: path)]
    }
    if !transports.isEmpty { return transports.map(Endpoint.init(parsing:)) }
    if let list = variable(Options.transport) { return Self.endpoints(inList: list) }
    return [catalog.defaultEndpoint]
  }

  /// Entries are separated by commas, but a command takes all the rest: it may contain commas itself.
  static func endpoints(inList list: String) -> [Endpoint] {
    var endpoints: [Endpoint] = []
    var rest = list[...]
    while !rest.isEmpty {
      let end = rest.hasPrefix("exec:") ? rest.endIndex : rest.firstIndex(of: ",") ?? rest.endIndex
      if end > rest.startIndex { endpoints.append(Endpoint(parsing: String(rest[..<end]))) }
      rest = rest[end...].dropFirst()
    }
    return endpoints
  }

  /// The first endpoint that a client can connect to.
  func clientTransport() throws(CommandFailure) -> any Transport {
    for endpoint in try endpoints() {
      let type: any Transport.Type
      do throws(PluginError) {
        type = try catalog.transportType(scheme: endpoint.scheme)
      } catch {
        throw CommandFailure("", error)
      }
      guard type.sides.contains(.client) else { continue }
      do throws(PluginError) {
        return try type.init(address: endpoint.address, environment: environment)
      } catch {
        throw CommandFailure("connect to agent socket: ", error)
      }
    }
    throw .usage("none of the transports has a client's side")
  }
}
