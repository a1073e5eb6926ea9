internal import SyncPlugin
internal import SyncSystem
internal import SyncUnits

/// A connection over one or two open descriptors, with a buffer of its own for what is to be sent.
///
/// Reading goes through the loop's one buffer. Writing is tried directly at the end of a turn; only
/// when the kernel takes no more does the connection wait to become writable.
final class DescriptorConnection: Connection {
  let peer: Peer?

  private enum State {
    case open
    /// Nothing is read any more; what is left is being written.
    case closing
    case closed
  }

  private let loop: LibeventLoop
  private let reading: Int32
  private let writing: Int32
  private var state = State.open
  private var handler: (any ConnectionHandler)?
  private var readEvent: Event?
  private var writeEvent: Event?
  private var closingTimer: Registration?
  private var output: [UInt8] = []
  private var written = 0
  private var isScheduled = false
  private var hasInputEnded = false
  private(set) var isCongested = false

  /// Buffers up to this size are kept for the next answers; larger ones are given back.
  private static let keptOutputBytes = 1 << 10

  init(loop: LibeventLoop, reading: Int32, writing: Int32, peer: Peer?) {
    self.loop = loop
    self.reading = reading
    self.writing = writing
    self.peer = peer
  }

  deinit { if state != .closed { closeDescriptors() } }

  func activate(_ handler: any ConnectionHandler) {
    self.handler = handler
    readEvent = Event(base: loop.base, .readable(reading)) { [unowned self] in read() }
    if readEvent?.add() == false {
      fail(PluginError(.system, "descriptor \(reading) cannot be waited for"))
    }
  }

  func send(_ bytes: RawSpan) {
    guard state == .open else { return }
    bytes.withUnsafeBytes { output.append(contentsOf: $0) }
    if output.count - written > Limits.outputHighWater, !isCongested {
      isCongested = true
      readEvent?.remove()
    }
    if !isScheduled, writeEvent == nil {
      isScheduled = true
      loop.flushAtEndOfTurn(self)
    }
  }

  func close() {
    guard state == .open else { return }
    state = .closing
    handler = nil
    readEvent = nil
    writeOutput()
    if state == .closed { return }
    loop.keepUntilClosed(self)
    closingTimer = loop.schedule(after: Limits.closingTime) { [unowned self] in finish() }
  }

  func abort() { finish() }

  /// Called by the loop at the end of a turn in which something was sent.
  func flush() {
    isScheduled = false
    if state == .open { writeOutput() }
  }

  private func read() {
    let buffer = loop.readBuffer
    do {
      let count = try Descriptor.read(reading, into: buffer)
      if count > 0 {
        handler?.received(UnsafeRawBufferPointer(rebasing: buffer[..<count]).bytes)
      } else {
        endInput()
      }
    } catch {
      // A peer that is gone is gone, whether or not it had read everything.
      if error.errno == Errno.connectionReset { return endInput() }
      if error.errno != Errno.wouldBlock { fail(error) }
    }
  }

  private func endInput() {
    hasInputEnded = true
    readEvent = nil
    handler?.reachedEndOfInput()
  }

  private func writeOutput() {
    do throws(SystemError) {
      while written < output.count {
        let rest = output.span.bytes.extracting(written..<output.count)
        written += try rest.withUnsafeBytes { bytes throws(SystemError) in
          if reading == writing { return try UnixSocket.send(writing, bytes) }
          return try Descriptor.write(writing, bytes)
        }
      }
    } catch {
      switch error.errno {
      case Errno.wouldBlock: break
      case Errno.brokenPipe where !hasInputEnded && state == .open,
        Errno.connectionReset where !hasInputEnded && state == .open:
        // The other side takes no more. What it had sent before is still to be read, and then
        // comes the end of input.
        written = output.count
      default: return fail(error)
      }
    }
    if written == output.count {
      output.removeAll(keepingCapacity: output.capacity <= Self.keptOutputBytes)
      written = 0
      writeEvent = nil
      if state == .closing { return finish() }
    } else {
      if written > output.count / 2 {
        output.removeFirst(written)
        written = 0
      }
      waitUntilWritable()
    }
    if isCongested, output.count - written <= Limits.outputLowWater { relieve() }
  }

  private func waitUntilWritable() {
    if writeEvent != nil { return }
    writeEvent = Event(base: loop.base, .writable(writing)) { [unowned self] in writeOutput() }
    writeEvent?.add()
  }

  private func relieve() {
    isCongested = false
    if !hasInputEnded { readEvent?.add() }
    handler?.drained()
  }

  private func fail(_ error: SystemError) {
    fail(PluginError(.unreachable, String(describing: error)))
  }

  private func fail(_ reason: PluginError) {
    let handler = handler
    finish()
    handler?.failed(reason)
  }

  private func finish() {
    if state == .closed { return }
    state = .closed
    handler = nil
    readEvent = nil
    writeEvent = nil
    closingTimer?.cancel()
    closingTimer = nil
    output = []
    written = 0
    closeDescriptors()
    loop.forget(self)
  }

  private func closeDescriptors() {
    Descriptor.close(reading)
    if writing != reading { Descriptor.close(writing) }
  }
}
