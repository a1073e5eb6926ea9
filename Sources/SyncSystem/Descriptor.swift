internal import CLinux
internal import Glibc

/// Calls on open descriptors.
package enum Descriptor {
  package static let standardInput = STDIN_FILENO
  package static let standardOutput = STDOUT_FILENO
  package static let standardError = STDERR_FILENO

  /// Reads what there is, at most the size of `buffer`; 0 at the end of input.
  package static func read(
    _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer
  ) throws(SystemError) -> Int {
    try check(.read) { Glibc.read(descriptor, buffer.baseAddress, buffer.count) }
  }

  /// Writes what fits, and returns how much that was.
  package static func write(
    _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer
  ) throws(SystemError) -> Int {
    try check(.write) { Glibc.write(descriptor, bytes.baseAddress, bytes.count) }
  }

  /// Writes all of `text`, waiting where it must.
  package static func writeAll(_ descriptor: Int32, _ text: String) throws(SystemError) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let rest = bytes
      let written = try check(.write) {
        rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      }
      bytes = bytes.dropFirst(written)
    }
  }

  /// Writes as much of `text` as goes through without waiting for a reader, and returns its bytes.
  package static func writeWhatFits(_ descriptor: Int32, _ text: String) -> Int {
    let bytes = Array(text.utf8)
    var written = 0
    // So much goes through wherever anything does; with more, a pipe waits until there is room for all.
    while written < bytes.count, isWritable(descriptor) {
      let piece = bytes[written..<min(written + Int(PIPE_BUF), bytes.count)]
      guard let count = try? piece.withUnsafeBytes({ try write(descriptor, $0) }) else { break }
      written += count
    }
    return written
  }

  /// Closes a descriptor. It is gone even if the call says otherwise, so there is nothing to throw.
  package static func close(_ descriptor: Int32) {
    _ = Glibc.close(descriptor)
  }

  /// The modes of an open file, which all descriptors of it share, in this process and in others.
  package struct Modes: Equatable, Sendable {
    fileprivate let flags: Int32
  }

  /// Makes calls on `descriptor` return instead of waiting, and returns its modes before that.
  @discardableResult
  package static func setNonblocking(_ descriptor: Int32) throws(SystemError) -> Modes {
    let flags = try check(.fcntl) { fcntl(descriptor, F_GETFL) }
    try check(.fcntl) { fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) }
    return Modes(flags: flags)
  }

  package static func restore(_ modes: Modes, of descriptor: Int32) {
    // Whoever shares the file has it as before, if it is still there.
    _ = fcntl(descriptor, F_SETFL, modes.flags)
  }

  /// Takes a standard descriptor for this program's own use: another one for the same open file, which
  /// is not inherited. In its place is /dev/null, so that nobody else reads or writes it by mistake.
  package static func takeStandard(_ descriptor: Int32) throws(SystemError) -> Int32 {
    let taken = try check(.fcntl) { fcntl(descriptor, F_DUPFD_CLOEXEC, 3) }
    do {
      let null = try check(.open) { open("/dev/null", O_RDWR | O_CLOEXEC) }
      defer { close(null) }
      try check(.dup) { dup2(null, descriptor) }
    } catch {
      close(taken)
      throw error
    }
    return taken
  }

  /// A pipe; neither end is inherited, and reading does not wait.
  package static func pipe() throws(SystemError) -> (reading: Int32, writing: Int32) {
    var ends: [Int32] = [-1, -1]
    try check(.pipe) { pipe2(&ends, O_CLOEXEC) }
    do {
      try setNonblocking(ends[0])
    } catch {
      close(ends[0])
      close(ends[1])
      throw error
    }
    return (ends[0], ends[1])
  }

  /// Tells the other side that no more will be written. Only a socket stays open.
  package static func endOutput(_ descriptor: Int32) -> (isClosed: Bool, error: SystemError?) {
    do {
      try check(.shutdown) { shutdown(descriptor, Int32(SHUT_WR)) }
      return (false, nil)
    } catch {
      guard error.errno == ENOTSOCK else { return (false, error) }
      close(descriptor)
      return (true, nil)
    }
  }

  package static func isOpen(_ descriptor: Int32) -> Bool { fcntl(descriptor, F_GETFD) != -1 }

  package static func isTerminal(_ descriptor: Int32) -> Bool { Glibc.isatty(descriptor) == 1 }

  /// Whether a write would go through at once, without waiting for a reader.
  package static func isWritable(_ descriptor: Int32) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    return Glibc.poll(&entry, 1, 0) == 1 && entry.revents & Int16(POLLOUT) != 0
  }

  /// The width of a terminal in columns; nil if it is none or does not say.
  package static func terminalWidth(_ descriptor: Int32) -> Int? {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  /// A counter that other threads can raise to wake one that waits for it to be readable.
  package static func eventCounter() throws(SystemError) -> Int32 {
    try check(.eventfd) { eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC)) }
  }

  package static func raiseEventCounter(_ descriptor: Int32) {
    // It can only fail when the counter is full, and then the reader is being woken anyway.
    _ = eventfd_write(descriptor, 1)
  }

  package static func resetEventCounter(_ descriptor: Int32) {
    var value: eventfd_t = 0
    _ = eventfd_read(descriptor, &value)
  }
}
