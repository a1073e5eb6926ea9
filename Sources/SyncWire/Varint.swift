/// Integers in groups of seven bits, the low ones first (LEB128), as in frames and in protobuf.
package enum Varint {
  /// What a reader found.
  package enum Reading {
    case value(UInt64, next: Int)
    case incomplete
    case overlong
  }

  /// Reads the integer at `offset`.
  package static func read(_ bytes: RawSpan, at offset: Int) -> Reading {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    var next = offset
    while next < bytes.byteCount {
      let byte = bytes[next]
      next += 1
      // The tenth byte has room for one bit.
      if shift == 63, byte > 1 { return .overlong }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return .value(value, next: next) }
      shift += 7
    }
    return .incomplete
  }

  package static func append(_ value: UInt64, to bytes: inout [UInt8]) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

extension RawSpan {
  package subscript(offset: Int) -> UInt8 {
    unsafeLoad(fromByteOffset: checked(offset), as: UInt8.self)
  }

  private func checked(_ offset: Int) -> Int {
    precondition(offset >= 0 && offset < byteCount)
    return offset
  }
}

extension [UInt8] {
  package mutating func append(contentsOf bytes: RawSpan) {
    bytes.withUnsafeBytes { append(contentsOf: $0) }
  }
}
