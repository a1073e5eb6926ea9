internal import CLinux
internal import Glibc

/// A numeric address and a port: names are never looked up, which a static program cannot do.
package struct InternetAddress: Hashable, Sendable {
  private enum Host: Hashable, Sendable {
    case version4([UInt8])
    case version6([UInt8])
  }

  private let host: Host
  package let port: UInt16

  /// Reads `127.0.0.1` or `::1`.
  package init?(host: String, port: UInt16) {
    var bytes = [UInt8](repeating: 0, count: 16)
    if inet_pton(AF_INET, host, &bytes) == 1 {
      self.host = .version4(Array(bytes[..<4]))
    } else if inet_pton(AF_INET6, host, &bytes) == 1 {
      self.host = .version6(bytes)
    } else {
      return nil
    }
    self.port = port
  }

  /// Whether only this machine can reach it: 127.0.0.0/8 and ::1.
  package var isLoopback: Bool {
    switch host {
    case .version4(let bytes): bytes[0] == 127
    case .version6(let bytes): bytes == [UInt8](repeating: 0, count: 15) + [1]
    }
  }

  fileprivate var family: Int32 {
    switch host {
    case .version4: AF_INET
    case .version6: AF_INET6
    }
  }

  @discardableResult
  fileprivate func withSocketAddress<R, E: Error>(
    _ body: (UnsafePointer<sockaddr>, socklen_t) throws(E) -> R
  ) throws(E) -> R {
    var storage = sockaddr_storage()
    let length = withUnsafeMutableBytes(of: &storage) { bytes -> Int in
      switch host {
      case .version4(let host):
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        withUnsafeMutableBytes(of: &address.sin_addr) { $0.copyBytes(from: host) }
        bytes.storeBytes(of: address, as: sockaddr_in.self)
        return MemoryLayout<sockaddr_in>.size
      case .version6(let host):
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        withUnsafeMutableBytes(of: &address.sin6_addr) { $0.copyBytes(from: host) }
        bytes.storeBytes(of: address, as: sockaddr_in6.self)
        return MemoryLayout<sockaddr_in6>.size
      }
    }
    return try withUnsafeBytes(of: &storage) { bytes throws(E) in
      try body(
        bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(length))
    }
  }

  fileprivate func with(port: UInt16) -> InternetAddress {
    InternetAddress(host: host, port: port)
  }

  private init(host: Host, port: UInt16) {
    self.host = host
    self.port = port
  }
}

extension InternetAddress: CustomStringConvertible {
  /// `127.0.0.1:4000` or `[::1]:4000`.
  package var description: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    switch host {
    case .version4(let bytes):
      inet_ntop(AF_INET, bytes, &text, socklen_t(text.count))
      return "\(Self.string(text)):\(port)"
    case .version6(let bytes):
      inet_ntop(AF_INET6, bytes, &text, socklen_t(text.count))
      return "[\(Self.string(text))]:\(port)"
    }
  }

  private static func string(_ text: [CChar]) -> String {
    text.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  }
}

/// TCP sockets. Small packets go out at once.
package enum InternetSocket {
  /// A new socket that neither blocks nor is inherited.
  package static func open(for address: InternetAddress) throws(SystemError) -> Int32 {
    let descriptor = try check(.socket) {
      socket(
        address.family,
        Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    }
    do {
      try sendAtOnce(descriptor)
      return descriptor
    } catch {
      Descriptor.close(descriptor)
      throw error
    }
  }

  /// Does not wait for more to send in one packet; accepted sockets inherit it.
  private static func sendAtOnce(_ descriptor: Int32) throws(SystemError) {
    try set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY)
  }

  private static func set(
    _ descriptor: Int32, _ level: Int32, _ option: Int32
  ) throws(SystemError) {
    var isOn: Int32 = 1
    try check(.setsockopt) {
      setsockopt(descriptor, level, option, &isOn, socklen_t(MemoryLayout<Int32>.size))
    }
  }

  /// Binds to an address, also right after another socket had it. Port 0 takes a free one.
  /// - Returns: the address with its port.
  package static func bind(
    _ descriptor: Int32, to address: InternetAddress
  ) throws(SystemError) -> InternetAddress {
    try set(descriptor, SOL_SOCKET, SO_REUSEADDR)
    try address.withSocketAddress { pointer, length throws(SystemError) in
      try check(.bind) { Glibc.bind(descriptor, pointer, length) }
    }
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    try check(.getsockname) {
      withUnsafeMutablePointer(to: &storage) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          getsockname(descriptor, $0, &length)
        }
      }
    }
    // The port is in the same place for both versions.
    let port = withUnsafeBytes(of: &storage) {
      $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self)
    }
    return address.with(port: UInt16(bigEndian: port))
  }

  /// Begins to connect; false if it takes its time, and the socket becomes writable when it has.
  package static func connect(
    _ descriptor: Int32, to address: InternetAddress
  ) throws(SystemError) -> Bool {
    do {
      try address.withSocketAddress { pointer, length throws(SystemError) in
        try check(.connect) { Glibc.connect(descriptor, pointer, length) }
      }
      return true
    } catch {
      if error.errno == EINPROGRESS { return false }
      throw error
    }
  }
}

/// Numbers that nobody can predict.
package enum Random {
  package static func bytes(_ count: Int) throws(SystemError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    // Up to 256 bytes come whole.
    precondition(count <= 256)
    try check(.getrandom) { getrandom(&bytes, count, 0) }
    return bytes
  }
}
