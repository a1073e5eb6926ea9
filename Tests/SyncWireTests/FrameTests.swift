import SyncUnits
import SyncWire
import Testing

@Suite struct FrameTests {
  static let varints: [(UInt64, [UInt8])] = [
    (0, [0]), (1, [1]), (127, [0x7f]), (128, [0x80, 1]), (300, [0xac, 2]),
    (UInt64(1) << 63, [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1]),
    (.max, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
  ]

  @Test(arguments: varints)
  func varintsGoBothWays(_ value: UInt64, _ bytes: [UInt8]) {
    var written: [UInt8] = []
    Varint.append(value, to: &written)
    #expect(written == bytes)
    guard case .value(let read, let next) = Varint.read(bytes.span.bytes, at: 0) else {
      Issue.record("not read")
      return
    }
    #expect(read == value && next == bytes.count)
    for count in 0..<bytes.count {
      guard case .incomplete = Varint.read(Array(bytes[..<count]).span.bytes, at: 0) else {
        Issue.record("\(count) bytes are not incomplete")
        continue
      }
    }
  }

  @Test(arguments: [
    [0xff] + [UInt8](repeating: 0x80, count: 9) + [0], [UInt8](repeating: 0xff, count: 9) + [2],
  ])
  func overlongVarintsAreRefused(_ bytes: [UInt8]) {
    guard case .overlong = Varint.read(bytes.span.bytes, at: 0) else {
      Issue.record("read")
      return
    }
  }

  struct BadBytes: Sendable {
    let bytes: [UInt8]
    let error: WireError
  }
  static let bad: [BadBytes] = [
    BadBytes(bytes: Array("G".utf8), error: .unknownKind(35)),
    BadBytes(bytes: [0x16], error: .unknownKind(11)),
    BadBytes(bytes: [0x01], error: .unknownKind(0)),
    BadBytes(bytes: [0x03, 0, 1, 0], error: .idMonotonicity),
    BadBytes(bytes: [0x03, 1, 0, 0], error: .idMonotonicity),
    BadBytes(bytes: [0x03] + [UInt8](repeating: 0xff, count: 11), error: .overlongVarint),
    BadBytes(bytes: [0x05, 1, 1, 0x80, 0x80, 0x80, 0x80, 4], error: .packetTooLarge),
    BadBytes(bytes: [0x05, 1, 1, 0x81, 0x80, 0x80, 2], error: .packetTooLarge),
    // Two frames of one packet, of different kinds; then one with a lower id.
    BadBytes(bytes: [0x04, 1, 2, 0, 0x03, 1, 2, 0], error: .mixedKinds),
    BadBytes(bytes: [0x04, 1, 2, 0, 0x05, 1, 1, 0], error: .idMonotonicity),
  ]

  @Test(arguments: bad)
  func badBytesAreRefusedAsSoonAsTheyShow(_ bad: BadBytes) {
    var decoder = PacketDecoder()
    var offset = 0
    #expect(throws: bad.error) {
      while try decoder.next(in: bad.bytes.span.bytes, at: &offset) != nil {}
    }
  }

  @Test func joinsFramesAndDropsWhatAHigherIDInterrupts() throws {
    let bytes: [UInt8] =
      [0x04, 1, 1, 2, 1, 2] + [0x05, 1, 1, 1, 3]  // one packet in two frames
      + [0x04, 1, 2, 1, 9] + [0x05, 1, 3, 1, 4]  // the first is never finished
    var decoder = PacketDecoder()
    var offset = 0
    var packets: [[UInt8]] = []
    while let packet = try decoder.next(in: bytes.span.bytes, at: &offset) {
      packets.append(packet.withData(in: bytes.span.bytes) { $0.withUnsafeBytes(Array.init) })
    }
    #expect(packets == [[1, 2, 3], [4]])
    #expect(offset == bytes.count)
  }

  @Test func limitsTheSizeOfAPacketOfManyFrames() throws {
    var frame: [UInt8] = [0x04, 1, 1]
    Varint.append(1 << 20, to: &frame)
    frame += [UInt8](repeating: 0, count: 1 << 20)
    var decoder = PacketDecoder()
    for _ in 0..<4 {
      var offset = 0
      #expect(try decoder.next(in: frame.span.bytes, at: &offset) == nil)
    }
    #expect(throws: WireError.packetTooLarge) {
      var offset = 0
      _ = try decoder.next(in: frame.span.bytes, at: &offset)
    }
  }

  @Test func aReceiveBufferKeepsWhatIsNotUsed() {
    var buffer = ReceiveBuffer()
    var seen: [[UInt8]] = []
    func feed(_ bytes: [UInt8], use count: Int) {
      buffer.feed(bytes.span.bytes) { all in
        seen.append(all.withUnsafeBytes(Array.init))
        return count
      }
    }
    feed([1, 2, 3], use: 3)
    #expect(buffer.isEmpty)
    feed([4, 5], use: 1)
    feed([6], use: 0)
    feed([], use: 2)
    #expect(buffer.isEmpty)
    #expect(seen == [[1, 2, 3], [4, 5], [5, 6], [5, 6]])
  }
}

extension Packet? {
  static func == (packet: Packet?, _: _OptionalNilComparisonType) -> Bool {
    if case .none = packet { true } else { false }
  }
}
