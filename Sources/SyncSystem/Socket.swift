internal import CLinux
internal import Glibc

/// Calls on stream sockets of any kind.
package enum Socket {
  package static func listen(_ descriptor: Int32) throws(SystemError) {
    try check(.listen) { Glibc.listen(descriptor, SOMAXCONN) }
  }

  /// The next connection that came in; nil if there is none now.
  package static func accept(_ descriptor: Int32) throws(SystemError) -> Int32? {
    do {
      return try check(.accept) {
        accept4(descriptor, nil, nil, Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue))
      }
    } catch {
      // A client that has gone already is no failure of the listener.
      if error.errno == EAGAIN || error.errno == ECONNABORTED { return nil }
      throw error
    }
  }

  /// Writes to a socket without a signal when the other side has gone.
  package static func send(
    _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer
  ) throws(SystemError) -> Int {
    try check(.sendto) {
      Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
    }
  }

  /// What came of connecting in the meantime.
  package static func checkConnected(_ descriptor: Int32) throws(SystemError) {
    var number: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    try check(.getsockopt) { getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &number, &length) }
    if number != 0 { throw SystemError(.connect, number) }
  }
}
