internal import SyncPlugin
internal import SyncSystem

/// The process of a command with what it says on standard error: watched until it has ended, and
/// ended if it does not by itself. Belongs to the loop's thread.
final class CommandProcess {
  private let child: ChildProcess
  private let errors: Int32
  private let loop: any EventLoop
  private var errorText: [UInt8] = []
  private var hasExited = false
  private var ending: ProcessEnding?
  private var errorWatch: Registration?
  private var exitWatch: Registration?
  private var timer: Registration?
  private var lingering: Registration?
  private var onEnd: ((String) -> Void)?

  /// How long it may take to end by itself, and then after SIGTERM.
  private static let grace: Duration = .milliseconds(500)
  /// So much of what it said last is kept.
  private static let keptErrorBytes = 4 << 10

  init(_ child: ChildProcess, errors: Int32, on loop: any EventLoop) {
    self.child = child
    self.errors = errors
    self.loop = loop
    errorWatch = loop.whenReadable(errors) { [unowned self] in readErrors() }
    exitWatch = loop.whenReadable(child.descriptor) { [unowned self] in exited() }
  }

  deinit {
    if ending == nil {
      child.sendToGroup(Signal.kill)
      _ = child.reap()
    }
    Descriptor.close(errors)
    Descriptor.close(child.descriptor)
  }

  /// Sees to it that the process ends, its group with it, and calls `onEnd` with how that was. Keeps
  /// itself and the loop alive until then.
  func end(_ onEnd: @escaping (String) -> Void) {
    self.onEnd = onEnd
    if hasExited { return reap() }
    lingering = loop.linger()
    timer = loop.schedule(after: Self.grace) { [self] in
      child.sendToGroup(Signal.terminate)
      timer = loop.schedule(after: Self.grace) { [self] in child.sendToGroup(Signal.kill) }
    }
  }

  private func exited() {
    exitWatch = nil
    hasExited = true
    if onEnd != nil { reap() }
  }

  /// The group is told before its leader is reaped: until then its number can be nobody else's.
  private func reap() {
    child.sendToGroup(Signal.terminate)
    let ending = child.reap()
    self.ending = ending ?? .exited(0)
    readErrors()
    errorWatch = nil
    let said = String(decoding: errorText, as: UTF8.self).split(separator: "\n")
    let how = ending.map { "the command ended with \($0)" } ?? "the command ended"
    let onEnd = onEnd
    self.onEnd = nil
    onEnd?(said.isEmpty ? how : how + ":\n" + said.joined(separator: "\n"))
    lingering = nil
    timer = nil
  }

  private func readErrors() {
    withUnsafeTemporaryAllocation(byteCount: Self.keptErrorBytes, alignment: 1) { buffer in
      while let count = try? Descriptor.read(errors, into: buffer) {
        guard count > 0 else {
          errorWatch = nil
          return
        }
        errorText.append(contentsOf: buffer[..<count])
        errorText.removeFirst(max(0, errorText.count - Self.keptErrorBytes))
      }
    }
  }
}
