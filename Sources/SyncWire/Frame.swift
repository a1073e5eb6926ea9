internal import SyncUnits

/// What a packet is for.
package enum PacketKind: UInt8, Sendable {
  case invoke = 1
  case message = 2
  case error = 3
  case cancel = 4
  case close = 5
  case closeSend = 6
  case invokeMetadata = 7
}

/// The head of a frame: control byte, stream id, message id and length of the data behind it.
package struct FrameHeader: Equatable, Sendable {
  package var kind: UInt8
  package var isDone: Bool
  package var isControl: Bool
  package var stream: UInt64
  package var message: UInt64
  package var length: Int

  /// Reads a header at `offset` and moves `offset` behind it; nil while bytes are missing.
  ///
  /// The first byte is judged by itself: a request of HTTP or a TLS handshake shows there, and
  /// waiting for the rest of a frame that they never meant would be waiting for ever.
  package static func read(
    _ bytes: RawSpan, at offset: inout Int
  ) throws(WireError) -> FrameHeader? {
    guard offset < bytes.byteCount else { return nil }
    let control = bytes[offset]
    let header = FrameHeader(
      kind: control >> 1 & 0x3f, isDone: control & 1 != 0, isControl: control & 0x80 != 0,
      stream: 0, message: 0, length: 0)
    if PacketKind(rawValue: header.kind) == nil, !header.isControl {
      throw .unknownKind(header.kind)
    }
    return try header.readingIDs(bytes, at: &offset)
  }

  private func readingIDs(
    _ bytes: RawSpan, at offset: inout Int
  ) throws(WireError) -> FrameHeader? {
    var header = self
    var next = offset + 1
    guard let stream = try Self.varint(bytes, at: &next),
      let message = try Self.varint(bytes, at: &next),
      let length = try Self.varint(bytes, at: &next)
    else { return nil }
    guard stream > 0, message > 0 else { throw .idMonotonicity }
    guard length <= Limits.packetBytes else { throw .packetTooLarge }
    header.stream = stream
    header.message = message
    header.length = Int(length)
    offset = next
    return header
  }

  private static func varint(
    _ bytes: RawSpan, at offset: inout Int
  ) throws(WireError) -> UInt64? {
    switch Varint.read(bytes, at: offset) {
    case .incomplete: return nil
    case .overlong: throw .overlongVarint
    case .value(let value, let next):
      offset = next
      return value
    }
  }
}

/// Writes packets, each as one frame.
package enum FrameWriter {
  package static func append(
    _ kind: PacketKind, stream: UInt64, message: UInt64, control: Bool = false,
    data: [UInt8] = [], to bytes: inout [UInt8]
  ) {
    bytes.append(kind.rawValue << 1 | 1 | (control ? 0x80 : 0))
    Varint.append(stream, to: &bytes)
    Varint.append(message, to: &bytes)
    Varint.append(UInt64(data.count), to: &bytes)
    bytes.append(contentsOf: data)
  }
}
