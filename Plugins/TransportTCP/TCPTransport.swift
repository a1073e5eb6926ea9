public import SyncPlugin
internal import SyncSystem

/// A TCP port that only this machine can reach, and only those who can read the agent's endpoint file
/// can use.
public struct TCPTransport: Transport {
  public static let scheme = "tcp"
  public static let syntax = "tcp[:ADDRESS:PORT]"
  public static let summary = "a TCP port of this machine, by default a free one at 127.0.0.1"
  public static let sides: TransportSides = [.agent, .client]

  private let address: InternetAddress
  private let folders: [EndpointFolder]

  public var endpoint: Endpoint { Endpoint(scheme: Self.scheme, address: address.description) }

  public init(address: String?, environment: Environment) throws(PluginError) {
    self.address = try InternetAddress(loopback: address)
    folders = EndpointFolder.candidates(environment)
  }

  public func listen(
    on loop: any EventLoop, report: @escaping @Sendable (ListenerEvent) -> Void,
    accept: @escaping (sending any Connection) -> Void
  ) throws(PluginError) -> any Listener {
    let (socket, bound) = try bind()
    let published: PublishedEndpoint
    do {
      let secrets = ConnectionSecrets(client: try .random(), agent: try .random())
      published = try folders[0].publish(EndpointFile(address: bound, secrets: secrets))
    } catch {
      Descriptor.close(socket)
      throw error
    }
    let secrets = published.file.secrets
    let registration = loop.accept(on: socket, report: report) { descriptor in
      accept(
        loop.connection(Channel(reading: descriptor, writing: descriptor, secrets: secrets)))
    }
    return TCPListener(socket: socket, published: published, registration: registration)
  }

  private func bind() throws(PluginError) -> (Int32, InternetAddress) {
    do throws(SystemError) {
      let socket = try InternetSocket.open(for: address)
      do throws(SystemError) {
        let bound = try InternetSocket.bind(socket, to: address)
        try Socket.listen(socket)
        return (socket, bound)
      } catch {
        Descriptor.close(socket)
        throw error
      }
    } catch {
      switch error.errno {
      case Errno.addressInUse:
        throw PluginError(
          .endpointInUse, "address \(address) is not available: \(error.reason)",
          hint: "without a port, a free one is taken")
      case Errno.accessDenied:
        throw PluginError(.permissionDenied, "address \(address) cannot be used: \(error)")
      default:
        throw PluginError(.system, "address \(address) cannot be used: \(error)")
      }
    }
  }

  nonisolated(nonsending)
    public func connect(on loop: any EventLoop, timeout: Duration?) async throws -> any Connection
  {
    let file = try endpointFile()
    let descriptor: Int32
    do {
      descriptor = try InternetSocket.open(for: file.address)
    } catch {
      throw PluginError(.system, Self.dialing(file.address, "\(error)"))
    }
    do {
      if try !InternetSocket.connect(descriptor, to: file.address) {
        try await loop.waitUntilWritable(descriptor, timeout: timeout)
        try Socket.checkConnected(descriptor)
      }
      return loop.connection(
        Channel(reading: descriptor, writing: descriptor, secrets: file.secrets))
    } catch {
      Descriptor.close(descriptor)
      switch error {
      case let error as SystemError:
        throw PluginError(
          .unreachable, Self.dialing(file.address, "\(error)"),
          hint: "the agent that left its endpoint file there has ended")
      case is TimedOut:
        let limit = timeout?.goNotation ?? ""
        throw PluginError(
          .unreachable, Self.dialing(file.address, "no answer within \(limit)"))
      default: throw error
      }
    }
  }

  /// Of the agent at the port that was named, or of the one that was started last.
  private func endpointFile() throws(PluginError) -> EndpointFile {
    let name = EndpointFile.name(of: address.port == 0 ? nil : address)
    for folder in folders {
      if let file = try folder.read(name) { return file }
    }
    throw PluginError(
      .unreachable,
      Self.dialing(address, "no \(name) in \(folders.map(\.path).joined(separator: " nor "))"),
      hint: "is an agent running with --transport tcp, as this user?")
  }

  /// As the original words it for its own transport.
  private static func dialing(_ address: InternetAddress, _ reason: String) -> String {
    "connect to socket: dial tcp\(address.port == 0 ? "" : " \(address)"): \(reason)"
  }
}

private final class TCPListener: Listener {
  var endpoint: Endpoint {
    Endpoint(scheme: TCPTransport.scheme, address: published.file.address.description)
  }
  private let socket: Int32
  private let published: PublishedEndpoint
  private let registration: Registration

  init(socket: Int32, published: PublishedEndpoint, registration: Registration) {
    self.socket = socket
    self.published = published
    self.registration = registration
  }

  func close() {
    registration.cancel()
    published.remove()
    Descriptor.close(socket)
  }
}

extension InternetAddress {
  /// Reads `ADDRESS:PORT`, `ADDRESS` or nothing; brackets stand around an address of version 6.
  init(loopback text: String?) throws(PluginError) {
    guard let text else {
      self.init(host: "127.0.0.1", port: 0)!
      return
    }
    var host = text[...]
    var port: Substring? = nil
    if let colon = text.lastIndex(of: ":"), text.hasPrefix("[") || text.firstIndex(of: ":") == colon
    {
      if !text.hasSuffix("]") {
        host = text[..<colon]
        port = text[text.index(after: colon)...]
      }
    }
    if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
    let number = port.map { UInt16($0) } ?? 0
    guard let number, let address = InternetAddress(host: String(host), port: number) else {
      throw PluginError(
        .invalidArgument, "\"\(text)\" is not an address and a port",
        hint: "write it as in tcp:127.0.0.1:4000 or tcp:[::1]:4000; names are not looked up")
    }
    guard address.isLoopback else {
      throw PluginError(
        .invalidArgument, "\(host) is not a loopback address: only this machine may connect",
        hint: "use 127.0.0.1 or [::1]; from elsewhere, use exec: with ssh and dial-stdio")
    }
    self = address
  }
}

extension Secret {
  /// 256 bits.
  fileprivate static func random() throws(PluginError) -> Secret {
    do throws(SystemError) {
      return Secret(try Random.bytes(32))
    } catch {
      throw PluginError(.system, "no random numbers: \(error)")
    }
  }
}
