import Glibc
import SyncPlugin

/// System calls for sockets in the abstract namespace, see unix(7).
enum AbstractSocket {
  struct Failure: Error, CustomStringConvertible {
    let number: Int32
    var description: String { String(cString: strerror(number)).lowercased() }
  }

  /// What fits into `sun_path` behind the NUL that makes a name abstract.
  static let maximumNameBytes = 107

  static func listening(at name: String) throws(Failure) -> Int32 {
    try open(name) { bind($0, $1, $2) == 0 && Glibc.listen($0, SOMAXCONN) == 0 }
  }

  static func connected(to name: String) throws(Failure) -> Int32 {
    try open(name) { Glibc.connect($0, $1, $2) == 0 }
  }

  private static func open(
    _ name: String, _ use: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Bool
  ) throws(Failure) -> Int32 {
    let flags = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
    let descriptor = socket(AF_UNIX, Int32(flags), 0)
    guard descriptor >= 0 else { throw Failure(number: errno) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) {
      UnsafeMutableRawBufferPointer(rebasing: $0[1...]).copyBytes(from: name.utf8)
    }
    let length = MemoryLayout<sa_family_t>.size + 1 + name.utf8.count
    let isDone = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        use(descriptor, $0, socklen_t(length))
      }
    }
    if isDone { return descriptor }
    let number = errno
    close(descriptor)
    throw Failure(number: number)
  }

  /// What SO_PEERCRED fills in.
  private struct Credentials {
    var processID: Int32 = 0
    var userID: UInt32 = 0
    var groupID: UInt32 = 0
  }

  /// Who is at the other end, if it is this user or root.
  static func trustedPeer(of descriptor: Int32) throws(Failure) -> Peer {
    var credentials = Credentials()
    var length = socklen_t(MemoryLayout<Credentials>.size)
    guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 else {
      throw Failure(number: errno)
    }
    guard credentials.userID == geteuid() || credentials.userID == 0 else {
      throw Failure(number: EACCES)
    }
    return Peer(processID: credentials.processID, userID: credentials.userID)
  }
}
