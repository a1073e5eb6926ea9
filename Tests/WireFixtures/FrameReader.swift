package import SyncPlugin
package import SyncWire

/// Takes a stream of bytes apart into whole frames, as this package writes them.
package final class FrameReader: ConnectionHandler {
  private var buffer = ReceiveBuffer()
  private let onEnd: () -> Void
  private let onFrame: (FrameHeader, [UInt8]) -> Void

  package init(
    onEnd: @escaping () -> Void = {}, _ onFrame: @escaping (FrameHeader, [UInt8]) -> Void
  ) {
    self.onEnd = onEnd
    self.onFrame = onFrame
  }

  package func received(_ bytes: RawSpan) {
    try? buffer.feed(bytes) { bytes throws(WireError) in
      var offset = 0
      while true {
        var end = offset
        guard let frame = try FrameHeader.read(bytes, at: &end),
          frame.length <= bytes.byteCount - end
        else { return offset }
        onFrame(
          frame, bytes.extracting(end..<end + frame.length).withUnsafeBytes(Array.init))
        offset = end + frame.length
      }
    }
  }

  package func drained() {}
  package func reachedEndOfInput() { onEnd() }
  package func failed(_ reason: PluginError) { onEnd() }
}
