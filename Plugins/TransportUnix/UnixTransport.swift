public import SyncPlugin
internal import SyncSystem

/// A stream socket in the file system.
public struct UnixTransport: Transport {
  public static let scheme = "unix"
  public static let syntax = "unix[:PATH]"
  public static let summary = "a Unix socket, by default \(defaultPath)"
  public static let sides: TransportSides = [.agent, .client]

  /// Where an agent is when nobody says otherwise, as in the original.
  public static let defaultPath = "/tmp/coder-agent.sock"

  /// The variable that names the path when the endpoint does not.
  public static let pathVariable = "CODER_AGENT_SOCKET_PATH"

  private static let retryInterval: Duration = .milliseconds(10)

  /// The path of the socket.
  public let path: String
  private let trust: PeerTrust

  public var endpoint: Endpoint { Endpoint(scheme: Self.scheme, address: path) }

  public init(address: String?, environment: Environment) throws(PluginError) {
    let named = address ?? environment[Self.pathVariable]
    let path = named ?? Self.defaultPath
    self.path = path
    trust = PeerTrust(
      thisUser: ThisProcess.userID, sudoUser: environment["SUDO_UID"].flatMap(UInt32.init),
      isPathExplicit: named != nil)
  }

  public func listen(
    on loop: any EventLoop, report: @escaping @Sendable (ListenerEvent) -> Void,
    accept: @escaping (sending any Connection) -> Void
  ) throws(PluginError) -> any Listener {
    let ownership = try SocketOwnership(path: path)
    let trust = trust
    let registration = loop.accept(on: ownership.socket, report: report) { descriptor in
      do throws(SystemError) {
        let peer = Peer(try UnixSocket.peer(of: descriptor))
        if trust.isClientTrusted(peer) {
          return accept(
            loop.connection(Channel(reading: descriptor, writing: descriptor, peer: peer)))
        }
        report(.refused("\(peer) is another user"))
      } catch {
        report(.refused("\(error)"))
      }
      Descriptor.close(descriptor)
    }
    return UnixListener(endpoint: endpoint, ownership: ownership, registration: registration)
  }

  nonisolated(nonsending)
    public func connect(on loop: any EventLoop, timeout: Duration?) async throws -> any Connection
  {
    var waited = Duration.zero
    while true {
      do {
        let descriptor = try open()
        let peer = try trustedPeer(of: descriptor)
        return loop.connection(Channel(reading: descriptor, writing: descriptor, peer: peer))
      } catch let error as SystemError where error.errno == Errno.wouldBlock {
        if let timeout, waited >= timeout {
          throw PluginError(
            .unreachable, Self.dialing(path, "no answer within \(timeout.goNotation)"))
        }
        // The agent's queue of connections is full, and the kernel tells nobody when it is not.
        try await loop.clock.sleep(for: Self.retryInterval)
        waited += Self.retryInterval
      } catch let error as SystemError {
        throw PluginError(
          Self.code(of: error), Self.dialing(path, "\(error)"), hint: hint(for: error))
      }
    }
  }

  private func open() throws(SystemError) -> Int32 {
    let descriptor = try UnixSocket.open()
    do {
      try UnixSocket.connect(descriptor, to: path)
      return descriptor
    } catch {
      Descriptor.close(descriptor)
      throw error
    }
  }

  private func trustedPeer(of descriptor: Int32) throws -> Peer {
    do {
      let peer = Peer(try UnixSocket.peer(of: descriptor))
      guard trust.isAgentTrusted(peer) else {
        throw PluginError(
          .permissionDenied,
          Self.dialing(path, "the agent runs as uid \(peer.userID), this is uid \(trust.thisUser)"),
          hint: "a client talks to an agent of its own user or of root only")
      }
      return peer
    } catch {
      Descriptor.close(descriptor)
      throw error
    }
  }

  private func hint(for error: SystemError) -> String? {
    switch error.errno {
    case Errno.invalidArgument:
      "a socket path has at most \(UnixSocket.maximumPathBytes) bytes, "
        + "this one has \(path.utf8.count)"
    case Errno.notFound, Errno.connectionRefused:
      "is the agent running, with CODER_AGENT_SOCKET_SERVER_ENABLED=true and this socket path?"
    case Errno.accessDenied, Errno.notPermitted:
      "the socket belongs to another user; run as that user or as root"
    default: nil
    }
  }

  private static func code(of error: SystemError) -> PluginError.Code {
    switch error.errno {
    case Errno.notFound, Errno.connectionRefused, Errno.connectionReset: .unreachable
    case Errno.accessDenied, Errno.notPermitted: .permissionDenied
    case Errno.invalidArgument: .invalidArgument
    case Errno.tooManyOpenFiles, Errno.tooManyOpenFilesInSystem, Errno.noMemory: .system
    default: .unreachable
    }
  }

  /// The words in which the original reports that it cannot connect.
  private static func dialing(_ path: String, _ reason: String) -> String {
    "connect to socket: dial unix \(path): \(reason)"
  }
}

/// Which users may talk to each other over a socket.
struct PeerTrust: Sendable {
  let thisUser: UInt32
  /// Who became root by sudo to run this client.
  let sudoUser: UInt32?
  /// Whether somebody named the path, and so knows whose it is.
  let isPathExplicit: Bool

  func isClientTrusted(_ peer: Peer) -> Bool { peer.userID == thisUser || peer.userID == 0 }

  func isAgentTrusted(_ peer: Peer) -> Bool {
    if peer.userID == thisUser || peer.userID == 0 { return true }
    return thisUser == 0 && (isPathExplicit || peer.userID == sudoUser)
  }
}

extension Peer {
  init(_ credentials: PeerCredentials) {
    self.init(processID: credentials.processID, userID: credentials.userID)
  }
}

private final class UnixListener: Listener {
  let endpoint: Endpoint
  private let ownership: SocketOwnership
  private let registration: Registration

  init(endpoint: Endpoint, ownership: SocketOwnership, registration: Registration) {
    self.endpoint = endpoint
    self.ownership = ownership
    self.registration = registration
  }

  func close() {
    registration.cancel()
    ownership.release()
  }
}
