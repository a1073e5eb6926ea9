internal import SyncUnits

/// A packet whose data has arrived whole.
package struct Packet: Sendable {
  /// Where the data is: in the bytes that were given, or in a copy if frames had to be joined.
  package enum Data: Sendable {
    case input(Range<Int>)
    case assembled([UInt8])
  }

  package let stream: UInt64
  package let message: UInt64
  /// Nil for a kind that this version does not know and may skip.
  package let kind: PacketKind?
  package let data: Data

  /// Reads the data; `input` is what the packet was decoded from.
  package func withData<R, E: Error>(
    in input: RawSpan, _ body: (RawSpan) throws(E) -> R
  ) throws(E) -> R {
    switch data {
    case .input(let range): try body(input.extracting(range))
    case .assembled(let bytes): try body(bytes.span.bytes)
    }
  }
}

/// Puts frames together to packets.
///
/// A packet of one frame is not copied. At most one packet is in assembly; a frame with a higher id
/// drops it, as in the original, and a lower one is an error.
package struct PacketDecoder: Sendable {
  private var assembly: Assembly?

  private struct Assembly {
    let stream: UInt64
    let message: UInt64
    let kind: UInt8
    var data: [UInt8]
  }

  package init() {}

  /// Decodes the packet at `offset` and moves `offset` behind the last whole frame; nil if bytes
  /// are missing.
  package mutating func next(
    in bytes: RawSpan, at offset: inout Int
  ) throws(WireError) -> Packet? {
    while true {
      var end = offset
      guard let frame = try FrameHeader.read(bytes, at: &end), frame.length <= bytes.byteCount - end
      else { return nil }
      let data = end..<end + frame.length
      offset = data.upperBound
      if let packet = try take(frame, data: data, of: bytes) { return packet }
    }
  }

  private mutating func take(
    _ frame: FrameHeader, data: Range<Int>, of bytes: RawSpan
  ) throws(WireError) -> Packet? {
    guard var assembly, try continues(assembly, frame) else {
      assembly = nil
      if frame.isDone { return Packet(frame, .input(data)) }
      let copy = bytes.extracting(data).withUnsafeBytes(Array.init)
      assembly = Assembly(
        stream: frame.stream, message: frame.message, kind: frame.kind, data: copy)
      return nil
    }
    // Out of the optional, so that appending does not copy.
    self.assembly = nil
    guard assembly.data.count + data.count <= Limits.packetBytes else { throw .packetTooLarge }
    assembly.data.append(contentsOf: bytes.extracting(data))
    if frame.isDone { return Packet(frame, .assembled(assembly.data)) }
    self.assembly = assembly
    return nil
  }

  /// Whether `frame` goes on with the packet in assembly; false if it begins one after it.
  private func continues(_ assembly: Assembly, _ frame: FrameHeader) throws(WireError) -> Bool {
    let assembled = (assembly.stream, assembly.message)
    let arrived = (frame.stream, frame.message)
    if arrived < assembled { throw .idMonotonicity }
    if arrived > assembled { return false }
    guard frame.kind == assembly.kind else { throw .mixedKinds }
    return true
  }
}

extension Packet {
  fileprivate init(_ frame: FrameHeader, _ data: Data) {
    stream = frame.stream
    message = frame.message
    kind = PacketKind(rawValue: frame.kind)
    self.data = data
  }
}
