internal import Libevent
internal import SyncPlugin
internal import SyncSystem

/// The pipe into which a command writes that it is healthy. Belongs to the loop's thread.
final class ReadyPipe {
  private let descriptor: Int32
  private var watch: Registration?
  private var hasContent = false

  /// Takes the reading end, which does not block.
  init(_ descriptor: Int32, on loop: LibeventLoop, onReady: @escaping () -> Void) {
    self.descriptor = descriptor
    watch = loop.whenReadable(descriptor) { [unowned self] in read(onReady) }
  }

  deinit { Descriptor.close(descriptor) }

  /// Goes on reading after that: a command that writes more must not be ended by it.
  private func read(_ onReady: () -> Void) {
    var buffer = [UInt8](repeating: 0, count: 512)
    guard
      let count = try? buffer.withUnsafeMutableBytes({ try Descriptor.read(descriptor, into: $0) })
    else { return }
    if count == 0 { watch = nil }
    let isReady = count == 0 ? hasContent : buffer[..<count].contains(UInt8(ascii: "\n"))
    hasContent = hasContent || count > 0
    if isReady { onReady() }
  }
}
