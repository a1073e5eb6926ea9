internal import SyncPlugin
internal import SyncSystem
internal import SyncUnits

/// A connection over one or two open descriptors, with a buffer of its own for what is to be sent.
///
/// Reading goes through the loop's one buffer. Writing is tried directly at the end of a turn; only
/// when the kernel takes no more does the connection wait to become writable.
final class DescriptorConnection: Connection {
  var peer: Peer? { channel.peer }
  var secrets: ConnectionSecrets? { channel.secrets }

  private enum State {
    case open
    /// Nothing is read any more; what is left is being written.
    case closing
    case closed
  }

  private let loop: LibeventLoop
  private let channel: Channel
  private var state = State.open
  private var handler: (any ConnectionHandler)?
  private var readEvent: Event?
  private var writeEvent: Event?
  private var closingTimer: Registration?
  private var failing: Registration?
  private var lingering: Registration?
  private var output: [UInt8] = []
  private var written = 0
  private var isScheduled = false
  private var isInputFile = false
  private var isPaused = false
  private var hasInputEnded = false
  private var isOutputEnding = false
  private var isWritingClosed = false
  private(set) var isCongested = false

  /// Buffers up to this size are kept for the next answers; larger ones are given back.
  private static let keptOutputBytes = 1 << 10

  init(loop: LibeventLoop, _ channel: Channel) {
    self.loop = loop
    self.channel = channel
  }

  deinit { if state != .closed { closeDescriptors(nil) } }

  func activate(_ handler: any ConnectionHandler) {
    self.handler = handler
    readEvent = Event(base: loop.base, .readable(channel.reading)) { [unowned self] in read() }
    resumeReading()
  }

  func pause() {
    isPaused = true
    readEvent?.remove()
  }

  func resume() {
    isPaused = false
    resumeReading()
  }

  func send(_ bytes: RawSpan) {
    guard state == .open, !isOutputEnding else { return }
    bytes.withUnsafeBytes { output.append(contentsOf: $0) }
    if output.count - written > Limits.outputHighWater, !isCongested {
      isCongested = true
      readEvent?.remove()
    }
    flushAtEndOfTurn()
  }

  func endOutput() {
    guard state == .open, !isOutputEnding else { return }
    isOutputEnding = true
    flushAtEndOfTurn()
  }

  private func flushAtEndOfTurn() {
    if isScheduled || writeEvent != nil { return }
    isScheduled = true
    loop.flushAtEndOfTurn(self)
  }

  func close() {
    guard state == .open else { return }
    state = .closing
    handler = nil
    readEvent = nil
    writeOutput()
    if state == .closed { return }
    // Nobody else may hold the connection any more.
    lingering = loop.linger()
    closingTimer = loop.schedule(after: Limits.closingTime) { self.finish(nil) }
  }

  func abort() { finish(nil) }

  /// Called by the loop at the end of a turn in which something was sent.
  func flush() {
    isScheduled = false
    if state == .open { writeOutput() }
  }

  /// A plain file or a device can be read at any time: the kernel refuses to wait for it.
  private func resumeReading() {
    guard let readEvent, !isPaused, !isCongested else { return }
    if isInputFile { return readEvent.add(after: .zero) }
    do {
      return try readEvent.add()
    } catch {
      guard error.errno == Errno.notPermitted else { return failSoon(error) }
    }
    isInputFile = true
    let event = Event(base: loop.base, .time) { [unowned self] in
      // Reading may end the connection, and with it the last reference to it.
      let connection = self
      connection.read()
      connection.resumeReading()
    }
    self.readEvent = event
    event.add(after: .zero)
  }

  private func read() {
    let buffer = loop.readBuffer
    do {
      let count = try Descriptor.read(channel.reading, into: buffer)
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
          if channel.reading == channel.writing {
            return try Socket.send(channel.writing, bytes)
          }
          return try Descriptor.write(channel.writing, bytes)
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
      if state == .closing { return finish(nil) }
      if isOutputEnding { closeOutput() }
    } else {
      if written > output.count / 2 {
        output.removeFirst(written)
        written = 0
      }
      waitUntilWritable()
    }
    if isCongested, output.count - written <= Limits.outputLowWater { relieve() }
  }

  private func closeOutput() {
    if isWritingClosed { return }
    // What it tells is that the other side has gone; reading will tell that too.
    isWritingClosed = Descriptor.endOutput(channel.writing).isClosed
  }

  private func waitUntilWritable() {
    if writeEvent != nil { return }
    writeEvent = Event(base: loop.base, .writable(channel.writing)) { [unowned self] in
      writeOutput()
    }
    do { try writeEvent?.add() } catch { failSoon(error) }
  }

  private func relieve() {
    isCongested = false
    resumeReading()
    handler?.drained()
  }

  /// Not while somebody is using the connection.
  private func failSoon(_ error: SystemError) {
    readEvent = nil
    writeEvent = nil
    failing = loop.schedule(after: .zero) { self.fail(error) }
  }

  private func fail(_ error: SystemError) {
    fail(PluginError(.unreachable, String(describing: error)))
  }

  private func fail(_ reason: PluginError) {
    let handler = handler
    finish(reason)
    handler?.failed(reason)
  }

  private func finish(_ reason: PluginError?) {
    if state == .closed { return }
    state = .closed
    handler = nil
    readEvent = nil
    writeEvent = nil
    closingTimer?.cancel()
    closingTimer = nil
    failing?.cancel()
    failing = nil
    output = []
    written = 0
    closeDescriptors(reason)
    lingering?.cancel()
    lingering = nil
  }

  private func closeDescriptors(_ reason: PluginError?) {
    channel.onClose?(reason)
    Descriptor.close(channel.reading)
    if channel.writing != channel.reading, !isWritingClosed { Descriptor.close(channel.writing) }
  }
}
