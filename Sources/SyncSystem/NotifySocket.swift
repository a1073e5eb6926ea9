internal import CLinux
internal import Glibc

/// A datagram socket of the kind that sd_notify(3) writes to, in the abstract namespace.
package struct NotifySocket: Sendable {
  /// What has come in.
  package struct Message: Sendable {
    package let text: String
    package let senderID: Int32
    package let senderUserID: UInt32
  }

  /// How it is named in NOTIFY_SOCKET.
  package let name: String
  /// Readable as soon as something has come; owned by whoever made the socket.
  package let descriptor: Int32

  /// Opens a socket with a name that nobody can predict.
  package init() throws(SystemError) {
    let digits = try Random.bytes(16).map { byte in
      let text = String(byte, radix: 16)
      return text.count == 1 ? "0" + text : text
    }
    name = "@coder-sync-run-" + digits.joined()
    descriptor = try check(.socket) {
      socket(
        AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    }
    do throws(SystemError) {
      let descriptor = descriptor
      var yes: Int32 = 1
      try check(.setsockopt) {
        setsockopt(descriptor, SOL_SOCKET, SO_PASSCRED, &yes, socklen_t(MemoryLayout<Int32>.size))
      }
      try UnixSocket.bind(descriptor, to: name)
    } catch {
      Descriptor.close(descriptor)
      throw error
    }
  }

  /// The next message; nil if there is none now. What does not fit into a page is cut off.
  package func next() -> Message? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    var sender = peer_credentials()
    guard
      let count = try? check(
        .read, { receive_datagram(descriptor, &buffer, buffer.count, &sender) })
    else { return nil }
    return Message(
      text: String(decoding: buffer[..<count], as: UTF8.self), senderID: sender.pid,
      senderUserID: sender.uid)
  }
}
