import Glibc
import SyncPlugin

/// A Unix socket in Linux's abstract namespace: a name instead of a file, gone with its last descriptor.
///
/// Such a name has no permissions, so both sides ask the kernel who the other one is.
public struct AbstractTransport: Transport {
  public static let scheme = "abstract"
  public static let syntax = "abstract[:NAME]"
  public static let summary = "a Unix socket without a file, by default coder-agent-UID"
  public static let sides: TransportSides = [.agent, .client]

  private let name: String

  public var endpoint: Endpoint { Endpoint(scheme: Self.scheme, address: name) }

  public init(address: String?, environment: Environment) throws(PluginError) {
    name = address ?? "coder-agent-\(geteuid())"
    guard name.utf8.count <= AbstractSocket.maximumNameBytes else {
      throw PluginError(
        .invalidArgument, "the name \(name) is longer than \(AbstractSocket.maximumNameBytes) bytes"
      )
    }
  }

  public func listen(
    on loop: any EventLoop, report: @escaping @Sendable (ListenerEvent) -> Void,
    accept: @escaping (sending any Connection) -> Void
  ) throws(PluginError) -> any Listener {
    let socket: Int32
    do {
      socket = try AbstractSocket.listening(at: name)
    } catch {
      throw PluginError(
        error.number == EADDRINUSE ? .endpointInUse : .system,
        "abstract socket \(name) is not available: \(error)")
    }
    let registration = loop.accept(on: socket, report: report) { descriptor in
      do {
        let peer = try AbstractSocket.trustedPeer(of: descriptor)
        accept(loop.connection(Channel(reading: descriptor, writing: descriptor, peer: peer)))
      } catch {
        report(.refused("\(error)"))
        close(descriptor)
      }
    }
    return AbstractListener(endpoint: endpoint, socket: socket, registration: registration)
  }

  nonisolated(nonsending)
    public func connect(on loop: any EventLoop, timeout: Duration?) async throws -> any Connection
  {
    var waited = Duration.zero
    while true {
      do throws(AbstractSocket.Failure) {
        let descriptor = try AbstractSocket.connected(to: name)
        do throws(AbstractSocket.Failure) {
          let peer = try AbstractSocket.trustedPeer(of: descriptor)
          return loop.connection(Channel(reading: descriptor, writing: descriptor, peer: peer))
        } catch {
          close(descriptor)
          throw error
        }
      } catch {
        // The queue of the listener is full, and the kernel tells nobody when it is not.
        guard error.number == EAGAIN, timeout.map({ waited < $0 }) ?? true else {
          throw PluginError(
            error.number == EACCES ? .permissionDenied : .unreachable,
            "connect to abstract socket \(name): \(error)",
            hint: "is an agent running with --transport \(endpoint)?")
        }
      }
      try await loop.clock.sleep(for: .milliseconds(10))
      waited += .milliseconds(10)
    }
  }
}

private final class AbstractListener: Listener {
  let endpoint: Endpoint
  private let socket: Int32
  private let registration: Registration

  init(endpoint: Endpoint, socket: Int32, registration: Registration) {
    self.endpoint = endpoint
    self.socket = socket
    self.registration = registration
  }

  func close() {
    registration.cancel()
    Glibc.close(socket)
  }
}
