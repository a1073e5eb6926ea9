internal import CLinux
internal import Glibc

/// Who is at the other end of a Unix socket, as the kernel knows it.
package struct PeerCredentials: Equatable, Sendable {
  package let processID: Int32
  package let userID: UInt32
}

/// Stream sockets in the file system.
package enum UnixSocket {
  /// The longest path in bytes: what `sun_path` holds beside the NUL at its end.
  package static let maximumPathBytes = 107

  /// A new socket that neither blocks nor is inherited.
  package static func open() throws(SystemError) -> Int32 {
    try check(.socket) {
      socket(
        AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    }
  }

  /// Two connected sockets that are not inherited; the first one does not block.
  package static func pair() throws(SystemError) -> (Int32, Int32) {
    var ends: [Int32] = [-1, -1]
    try check(.socketpair) {
      socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
    }
    do {
      try Descriptor.setNonblocking(ends[0])
    } catch {
      Descriptor.close(ends[0])
      Descriptor.close(ends[1])
      throw error
    }
    return (ends[0], ends[1])
  }

  package static func bind(_ descriptor: Int32, to path: String) throws(SystemError) {
    try withAddress(path, .bind) { Glibc.bind(descriptor, $0, $1) }
  }

  package static func connect(_ descriptor: Int32, to path: String) throws(SystemError) {
    try withAddress(path, .connect) { Glibc.connect(descriptor, $0, $1) }
  }

  package static func peer(of descriptor: Int32) throws(SystemError) -> PeerCredentials {
    var credentials = peer_credentials()
    var length = socklen_t(MemoryLayout<peer_credentials>.size)
    try check(.getsockopt) {
      getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length)
    }
    return PeerCredentials(processID: credentials.pid, userID: credentials.uid)
  }

  /// Sends one datagram to a socket in the file system or, behind an `@`, in the abstract
  /// namespace: how service managers are told.
  package static func sendDatagram(_ text: String, to path: String) throws(SystemError) {
    let descriptor = try check(.socket) {
      socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    }
    defer { Descriptor.close(descriptor) }
    let bytes = Array(text.utf8)
    try withAddress(path, .sendto) { address, length in
      Int32(sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), address, length))
    }
  }

  private static func withAddress(
    _ path: String, _ call: SystemCall,
    _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) throws(SystemError) {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(path.utf8)
    guard !bytes.isEmpty, bytes.count <= maximumPathBytes, !bytes.contains(0) else {
      throw SystemError(call, EINVAL)
    }
    let isAbstract = bytes[0] == UInt8(ascii: "@")
    if isAbstract { bytes[0] = 0 }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path)!
    let length = socklen_t(offset + bytes.count + (isAbstract ? 0 : 1))
    let fixed = address
    try check(call) {
      withUnsafePointer(to: fixed) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
      }
    }
  }
}
