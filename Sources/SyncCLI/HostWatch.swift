internal import Libevent
internal import SyncPlugin
internal import SyncSystem

/// Ends this process by SIGKILL when the shell that called it was: then all that depends on this process hears
/// of it, as if it had been killed itself. A shell that ends otherwise may have left it behind on purpose.
/// Belongs to the loop's thread.
final class HostWatch {
  private let process: Int32
  private let descriptor: Int32
  private let loop: LibeventLoop
  private var watch: Registration?
  private var timer: Registration?
  private var patience = 250

  /// Nil if there is no such process, or none that could be killed.
  init?(_ process: Int32, on loop: LibeventLoop) {
    guard process > 1, let descriptor = try? ProcessTable.open(process) else { return nil }
    self.process = process
    self.descriptor = descriptor
    self.loop = loop
    watch = loop.whenReadable(descriptor) { [unowned self] in
      watch = nil
      check()
    }
  }

  deinit { Descriptor.close(descriptor) }

  /// Where it cannot be told yet, it can as soon as its parent has collected it, without another word.
  private func check() {
    if let ending = ProcessTable.ending(of: process, descriptor) {
      if ending == .signalled(Signal.kill) { Signal.endThisProcess(by: Signal.kill) }
      return
    }
    patience -= 1
    guard patience > 0 else { return }
    timer = loop.schedule(after: .milliseconds(20)) { [unowned self] in check() }
  }
}
