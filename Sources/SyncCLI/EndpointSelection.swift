internal import SyncPlugin

extension Invocation {
  /// The endpoints that flags and variables name: a flag beats its variable, and a socket path given
  /// as a flag beats the transport's variable.
  func endpoints() throws(CommandFailure) -> [Endpoint] {
    if let endpoints = try endpointsOfFlags() { return endpoints }
    if let list = variable(Options.transport) { return Self.endpoints(inList: list) }
    return [catalog.defaultEndpoint]
  }

  /// The endpoints that flags name; nil if there is no such flag.
  func endpointsOfFlags() throws(CommandFailure) -> [Endpoint]? {
    let transports = flags(Options.transport)
    let paths = flags(Options.socketPath)
    guard transports.isEmpty || paths.isEmpty else {
      throw .usage("--transport and --socket-path cannot be used together")
    }
    if let path = paths.last {
      guard !path.isEmpty else { throw .usage("--socket-path is empty") }
      return [Endpoint(scheme: "unix", address: path)]
    }
    return transports.isEmpty ? nil : transports.map(Endpoint.init(parsing:))
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

  func transportType(of endpoint: Endpoint) throws(CommandFailure) -> any Transport.Type {
    do throws(PluginError) {
      return try catalog.transportType(scheme: endpoint.scheme)
    } catch {
      throw CommandFailure("", error)
    }
  }

  /// The first endpoint that a client can connect to.
  func clientTransport() throws(CommandFailure) -> any Transport {
    for endpoint in try endpoints() {
      let type = try transportType(of: endpoint)
      guard type.sides.contains(.client) else { continue }
      do throws(PluginError) {
        return try type.init(address: endpoint.address, environment: environment)
      } catch {
        throw CommandFailure(Self.connecting, error)
      }
    }
    throw .usage("none of the transports has a client's side")
  }
}
