internal import SyncWire

/// Frames give the same packets and the same error however they arrive, and a packet that is written
/// anew is read as the same.
enum FrameTarget {
  static func run(_ bytes: RawSpan) {
    guard bytes.byteCount >= Cuts.size else { return }
    let fed = bytes.extracting(Cuts.size..<bytes.byteCount)
    var whole = Reading()
    whole.receive(fed)
    var pieces = Reading()
    Cuts(bytes).forEachPiece(of: fed) { pieces.receive($0) }
    demand(pieces == whole, "cut in pieces, frames give other packets: \(pieces) for \(whole)")

    var again = Reading()
    again.receive(whole.rewritten.span.bytes)
    demand(again.error == nil, "packets that were written are refused: \(again.error!)")
    demand(again.used == whole.rewritten.count, "packets that were written are not complete")
    demand(again.rewritten == whole.rewritten, "packets that were written are read as others")
    demand(again.count == whole.count - whole.skipped, "packets that were written are lost")
  }

  /// What was made of frames.
  struct Reading: Equatable {
    private var decoder = PacketDecoder()
    private var buffer = ReceiveBuffer()
    private(set) var error: WireError?
    /// The bytes of whole frames.
    private(set) var used = 0
    private(set) var count = 0
    /// Packets of a kind that is not known.
    private(set) var skipped = 0
    /// The packets, each in one frame.
    private(set) var rewritten: [UInt8] = []

    mutating func receive(_ bytes: RawSpan) {
      guard error == nil else { return }
      var buffer = self.buffer
      self.buffer = ReceiveBuffer()
      do throws(WireError) {
        try buffer.feed(bytes) { bytes throws(WireError) in
          var offset = 0
          while let packet = try decoder.next(in: bytes, at: &offset) { take(packet, of: bytes) }
          used += offset
          return offset
        }
      } catch {
        self.error = error
      }
      self.buffer = buffer
    }

    private mutating func take(_ packet: Packet, of bytes: RawSpan) {
      demand(packet.stream > 0 && packet.message > 0, "a packet has an id of 0")
      count += 1
      guard let kind = packet.kind else {
        skipped += 1
        return
      }
      let data = packet.withData(in: bytes) { $0.withUnsafeBytes(Array.init) }
      FrameWriter.append(
        kind, stream: packet.stream, message: packet.message, data: data, to: &rewritten)
    }

    /// Where an error is, how much was used before depends on the cuts, and nobody asks for it.
    static func == (left: Self, right: Self) -> Bool {
      left.error == right.error && left.count == right.count && left.skipped == right.skipped
        && (left.error != nil || left.used == right.used) && left.rewritten == right.rewritten
    }
  }
}
