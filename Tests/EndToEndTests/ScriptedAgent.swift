import Foundation
import SyncRPC
import SyncSystem
import SyncTestKit
import SyncWire
import Synchronization
import WireFixtures

/// A socket whose other side does what a test says: for agents that are old, slow, or none at all.
final class ScriptedAgent: Sendable {
  let folder: TemporaryFolder
  let socketPath: String
  private let socket: Int32

  /// Serves one connection on a thread of its own with `script`, which reads and writes it.
  init(_ script: @escaping @Sendable (RawConnection) -> Void) throws {
    folder = try TemporaryFolder()
    socketPath = folder.file("agent.sock")
    socket = try UnixSocket.open()
    try UnixSocket.bind(socket, to: socketPath)
    try Socket.listen(socket)
    let socket = socket
    Thread.detachNewThread {
      RawConnection.waitUntilReadable(socket)
      if let descriptor = try? Socket.accept(socket) { script(RawConnection(descriptor)) }
    }
  }

  deinit { Descriptor.close(socket) }

  /// Answers calls one after another, each with the next of `answers`, and hangs up behind the last.
  static func answering(_ answers: [[UInt8]]) throws -> ScriptedAgent {
    try ScriptedAgent { connection in
      for answer in answers {
        guard connection.readCall() else { return }
        connection.send(answer)
      }
      _ = connection.readUntilEnd()
    }
  }

  func sync(_ arguments: String...) async throws -> ProcessOutput {
    try await CoderProcess.run(
      ["exp", "sync"] + arguments, environment: ["CODER_AGENT_SOCKET_PATH": socketPath])
  }
}

/// A connection in the hands of a test. Reading blocks the thread.
final class RawConnection: @unchecked Sendable {
  // Used by one thread at a time.
  private let descriptor: Int32
  private var received: [UInt8] = []
  private var handled = 0

  init(_ descriptor: Int32) { self.descriptor = descriptor }

  /// Connects to a socket.
  init(to path: String) throws {
    descriptor = try UnixSocket.open()
    try UnixSocket.connect(descriptor, to: path)
  }

  deinit { Descriptor.close(descriptor) }

  /// Longer than anything that works takes; then it is as if the other side had ended.
  private static let patience: Int32 = 60_000

  static func waitUntilReadable(_ descriptor: Int32) {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    poll(&entry, 1, patience)
  }

  func waitUntilConnected() {
    var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    poll(&entry, 1, -1)
  }

  func send(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
      guard let count = try? rest.withUnsafeBytes({ try Socket.send(descriptor, $0) }) else {
        return
      }
      rest = rest.dropFirst(count)
    }
  }

  func endOutput() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// What arrives next; empty at the end.
  func read() -> [UInt8] {
    Self.waitUntilReadable(descriptor)
    let bytes = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
      count = (try? Descriptor.read(descriptor, into: UnsafeMutableRawBufferPointer(buffer))) ?? 0
    }
    received += bytes
    return bytes
  }

  /// Reads until `count` bytes have come in all; false if the end came before.
  func read(atLeast count: Int) -> Bool {
    while received.count < count { if read().isEmpty { return false } }
    return true
  }

  /// All that came, up to the end.
  func readUntilEnd() -> [UInt8] {
    while !read().isEmpty {}
    return received
  }

  /// As ``readUntilEnd()``, on a thread of its own.
  func untilEnd() async -> [UInt8] {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread { continuation.resume(returning: self.readUntilEnd()) }
    }
  }

  /// Waits for the CloseSend of the next call.
  func readCall() -> Bool {
    while true {
      var decoder = PacketDecoder()
      var offset = 0
      var calls = 0
      while let packet = try? decoder.next(in: received.span.bytes, at: &offset) {
        if packet.kind == .closeSend { calls += 1 }
      }
      if calls > handled {
        handled += 1
        return true
      }
      if read().isEmpty { return false }
    }
  }
}
