internal import SyncWire

/// Frames give the packets that another reader finds, and the same error, however they arrive; a packet
/// that is written anew is read as the same.
enum FrameTarget {
  static func run(_ bytes: RawSpan) {
    guard bytes.byteCount >= Cuts.size else { return }
    let fed = bytes.extracting(Cuts.size..<bytes.byteCount)
    var whole = Reading()
    whole.receive(fed)
    var pieces = Reading()
    Cuts(bytes).forEachPiece(of: fed) { pieces.receive($0) }
    demand(pieces == whole, "cut in pieces, frames give other packets: \(pieces) for \(whole)")
    demand(whole.rewritten == joined(fed), "other packets are read than are there")

    var again = Reading()
    again.receive(whole.rewritten.span.bytes)
    demand(again.error == nil, "packets that were written are refused: \(again.error!)")
    demand(again.used == whole.rewritten.count, "packets that were written are not complete")
    demand(again.rewritten == whole.rewritten, "packets that were written are read as others")
    demand(again.count == whole.count - whole.skipped, "packets that were written are lost")
  }

  /// Joins frames in the plainest way, up to the first that is wrong.
  private static func joined(_ bytes: RawSpan) -> [UInt8] {
    var packets: [UInt8] = []
    var offset = 0
    func number() -> UInt64? {
      var value: UInt64 = 0
      for place in 0..<10 {
        guard offset < bytes.byteCount else { return nil }
        let byte = bytes[offset]
        offset += 1
        if place == 9, byte > 1 { return nil }
        value += UInt64(byte & 127) << (7 * UInt64(place))
        if byte < 128 { return value }
      }
      return nil
    }
    var assembly: (id: (UInt64, UInt64), kind: UInt8, data: [UInt8])?
    while offset < bytes.byteCount {
      let control = bytes[offset]
      offset += 1
      let kind = control / 2 % 64
      guard 1...7 ~= kind || control >= 128, let stream = number(), let message = number(),
        let length = number(), stream > 0, message > 0, length <= bytes.byteCount - offset
      else { break }
      var data: [UInt8] = []
      for place in offset..<offset + Int(length) { data.append(bytes[place]) }
      offset += Int(length)
      if let open = assembly, open.id >= (stream, message) {
        guard open.id == (stream, message), open.kind == kind else { break }
        data = open.data + data
      }
      assembly = control & 1 == 0 ? ((stream, message), kind, data) : nil
      if control & 1 != 0, let kind = PacketKind(rawValue: kind) {
        FrameWriter.append(kind, stream: stream, message: message, data: data, to: &packets)
      }
    }
    return packets
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
