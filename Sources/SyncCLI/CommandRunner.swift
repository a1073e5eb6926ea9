internal import Libevent
internal import SyncPlugin
internal import SyncSystem

/// The process of the command that `run` runs, and all that is heard of it.
/// Unchecked: it belongs to the loop's thread, on which the task that uses it runs as well.
final class CommandRunner: @unchecked Sendable {
  enum Event: Sendable {
    case signal(SignalDescriptor.Arrival)
    /// The command says that it is healthy.
    case ready
    case ended(ProcessEnding)
    case agentEnded
  }

  let events: AsyncStream<Event>
  private let yield: AsyncStream<Event>.Continuation
  private let command: [String]
  private let variables: [String: String?]
  private let readyDescriptor: Int32?
  private let loop: LibeventLoop
  /// With a terminal the command stays in the group that has it: it can read, and be stopped and continued
  /// together with this process.
  private let leadsGroup = !Descriptor.isTerminal(Descriptor.standardInput)
  private let notifySocket: NotifySocket
  private var notifyWatch: Registration?
  private var hostWatch: HostWatch?
  private var signals: SignalDescriptor?
  private var signalWatch: Registration?
  private var attempt: Attempt?

  /// One process of the command.
  private struct Attempt {
    let child: GatedProcess
    let readyPipe: ReadyPipe?
    /// From the opening of the gate to the end.
    var watch: Registration?
    var isOpen = false
  }

  init(
    _ command: [String], unit: String, readyDescriptor: Int32?, on loop: LibeventLoop
  ) throws(SystemError) {
    self.command = command
    self.readyDescriptor = readyDescriptor
    self.loop = loop
    (events, yield) = AsyncStream.makeStream()
    hostWatch = HostWatch(ThisProcess.parentID, on: loop)
    let socket = try NotifySocket()
    notifySocket = socket
    variables = ["CODER_SYNC_UNIT": unit, "NOTIFY_SOCKET": socket.name]
    notifyWatch = loop.whenReadable(socket.descriptor) { [unowned self] in
      while let message = socket.next() {
        if saysReady(message) { yield.yield(.ready) }
      }
    }
  }

  /// What the command is called.
  var program: String { command[0] }

  /// Takes all down again; a command that has not begun never does.
  func close() {
    endAttempt()
    notifyWatch = nil
    hostWatch = nil
    Descriptor.close(notifySocket.descriptor)
    signalWatch = nil
    signals?.close()
    signals = nil
    yield.finish()
  }

  /// Tells that there is no agent any more.
  func agentEnded() { yield.yield(.agentEnded) }

  /// From here on signals are events, instead of ending this process.
  func collectSignals() throws(SystemError) {
    let signals = try SignalDescriptor(Signal.passedOn)
    self.signals = signals
    signalWatch = loop.whenReadable(signals.descriptor) { [unowned self] in
      while let arrival = signals.next() { yield.yield(.signal(arrival)) }
    }
  }

  /// Makes the process that will run the command, unless there is one, and returns its number.
  func prepare() throws(SystemError) -> Int32 {
    if let attempt, !attempt.isOpen { return attempt.child.process.id }
    let pipe: (reading: Int32, writing: Int32)? =
      if readyDescriptor == nil { nil } else { try Descriptor.pipe() }
    defer { if let pipe { Descriptor.close(pipe.writing) } }
    let passed: (descriptor: Int32, number: Int32)? =
      if let pipe, let readyDescriptor { (pipe.writing, readyDescriptor) } else { nil }
    do throws(SystemError) {
      let child = try GatedProcess(
        command, variables: variables, passed: passed, leadsGroup: leadsGroup)
      let yield = yield
      attempt = Attempt(
        child: child,
        readyPipe: pipe.map { ReadyPipe($0.reading, on: loop) { yield.yield(.ready) } })
      return child.process.id
    } catch {
      if let pipe { Descriptor.close(pipe.reading) }
      throw error
    }
  }

  /// Lets the prepared process run the command.
  func open() throws(SystemError) {
    guard let child = attempt?.child else { preconditionFailure("prepared before") }
    do throws(SystemError) {
      try child.open()
    } catch {
      Descriptor.close(child.process.descriptor)
      attempt = nil
      throw error
    }
    attempt?.isOpen = true
    attempt?.watch = loop.whenReadable(child.process.descriptor) { [unowned self] in
      guard let ending = child.process.reap() else { return }
      endAttempt()
      yield.yield(.ended(ending))
    }
  }

  /// Sends a signal on, unless the command has got it already.
  func passOn(_ signal: SignalDescriptor.Arrival) {
    guard let attempt else { return }
    if leadsGroup {
      attempt.child.process.sendToGroup(signal.number)
    } else if !signal.isFromKernel {
      attempt.child.process.send(signal.number)
    }
  }

  private func endAttempt() {
    guard let attempt else { return }
    self.attempt = nil
    if !attempt.isOpen { attempt.child.abandon() }
    attempt.watch?.cancel()
    Descriptor.close(attempt.child.process.descriptor)
  }

  /// The names of abstract sockets are no secret, so it matters who says it: whoever is allowed to send
  /// signals to this process anyway, or works for the command, which may have become another user.
  private func saysReady(_ message: NotifySocket.Message) -> Bool {
    guard message.text.split(separator: "\n").contains("READY=1") else { return false }
    if message.senderUserID == ThisProcess.userID || message.senderUserID == 0 { return true }
    guard let command = attempt?.child.process.id else { return false }
    return message.senderID == command
      || ProcessTable.isAncestor(command, of: message.senderID)
  }
}
