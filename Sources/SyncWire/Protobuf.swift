/// Why bytes are no message.
package enum ProtobufError: Error, Hashable, Sendable, CustomStringConvertible {
  case malformed
  case invalidUTF8

  /// In the words of the original.
  package var description: String {
    switch self {
    case .malformed: "proto: cannot parse invalid wire-format data"
    case .invalidUTF8: "string field contains invalid UTF-8"
    }
  }
}

/// A field as it lies in the bytes of a message.
package struct ProtobufField {
  package enum Content {
    case varint(UInt64)
    case bytes(Range<Int>)
    /// A wire type that no message here uses.
    case other
  }

  package let number: UInt64
  package let content: Content

  /// Reads the field at `offset` and moves `offset` behind it; nil at the end.
  package static func next(
    in bytes: RawSpan, at offset: inout Int
  ) throws(ProtobufError) -> ProtobufField? {
    guard offset < bytes.byteCount else { return nil }
    let tag = try varint(bytes, at: &offset)
    let number = tag >> 3
    guard number > 0, number < 1 << 29 else { throw .malformed }
    switch tag & 7 {
    case 0: return ProtobufField(number: number, content: .varint(try varint(bytes, at: &offset)))
    case 1: try skip(8, in: bytes, at: &offset)
    case 2:
      let length = try varint(bytes, at: &offset)
      let start = offset
      try skip(length, in: bytes, at: &offset)
      return ProtobufField(number: number, content: .bytes(start..<offset))
    case 3: try skipGroup(number, in: bytes, at: &offset, depth: 0)
    case 5: try skip(4, in: bytes, at: &offset)
    default: throw .malformed
    }
    return ProtobufField(number: number, content: .other)
  }

  private static func varint(
    _ bytes: RawSpan, at offset: inout Int
  ) throws(ProtobufError) -> UInt64 {
    guard case .value(let value, let next) = Varint.read(bytes, at: offset) else {
      throw .malformed
    }
    offset = next
    return value
  }

  private static func skip(
    _ count: UInt64, in bytes: RawSpan, at offset: inout Int
  ) throws(ProtobufError) {
    guard count <= UInt64(bytes.byteCount - offset) else { throw .malformed }
    offset += Int(count)
  }

  /// Groups are history, but an unknown field may be one. Protobuf's own parsers stop at a hundred
  /// levels, and so does the stack here.
  private static func skipGroup(
    _ number: UInt64, in bytes: RawSpan, at offset: inout Int, depth: Int
  ) throws(ProtobufError) {
    guard depth < 100 else { throw .malformed }
    while true {
      let tag = try varint(bytes, at: &offset)
      guard tag >> 3 > 0, tag >> 3 < 1 << 29 else { throw .malformed }
      switch tag & 7 {
      case 0: _ = try varint(bytes, at: &offset)
      case 1: try skip(8, in: bytes, at: &offset)
      case 2: try skip(try varint(bytes, at: &offset), in: bytes, at: &offset)
      case 3: try skipGroup(tag >> 3, in: bytes, at: &offset, depth: depth + 1)
      case 4:
        guard tag >> 3 == number else { throw .malformed }
        return
      case 5: try skip(4, in: bytes, at: &offset)
      default: throw .malformed
      }
    }
  }
}

/// A message of the protocol. Unknown fields, and known ones of another wire type, are passed over.
package protocol ProtobufMessage: Equatable, Sendable {
  /// All fields at their defaults.
  init()
  /// Takes one field; `bytes` is the whole message, into which its ranges point.
  mutating func take(_ field: ProtobufField, of bytes: RawSpan) throws(ProtobufError)
  /// Appends all fields that are not at their defaults, in the order of their numbers.
  func encode(into writer: inout ProtobufWriter)
}

extension ProtobufMessage {
  package init(decoding bytes: RawSpan) throws(ProtobufError) {
    self.init()
    var offset = 0
    while let field = try ProtobufField.next(in: bytes, at: &offset) {
      try take(field, of: bytes)
    }
  }

  package var encoded: [UInt8] {
    var writer = ProtobufWriter()
    encode(into: &writer)
    return writer.bytes
  }
}

extension ProtobufField {
  /// Reads a string into `value`, unless the field is of another wire type.
  package func read(into value: inout String, of bytes: RawSpan) throws(ProtobufError) {
    guard case .bytes(let range) = content else { return }
    let text = bytes.extracting(range).withUnsafeBytes { String(validating: $0, as: UTF8.self) }
    guard let text else { throw .invalidUTF8 }
    value = text
  }

  package func read(into value: inout Bool) {
    if case .varint(let number) = content { value = number != 0 }
  }

  package func read(into value: inout UInt64) {
    if case .varint(let number) = content { value = number }
  }

  package func append(to texts: inout [String], of bytes: RawSpan) throws(ProtobufError) {
    guard case .bytes = content else { return }
    var text = ""
    try read(into: &text, of: bytes)
    texts.append(text)
  }

  package func append<M: ProtobufMessage>(
    to messages: inout [M], of bytes: RawSpan
  ) throws(ProtobufError) {
    guard case .bytes(let range) = content else { return }
    messages.append(try M(decoding: bytes.extracting(range)))
  }
}

extension ProtobufField {
  /// Reads a message that may be there once; of several the last counts.
  package func read<M: ProtobufMessage>(
    into message: inout M?, of bytes: RawSpan
  ) throws(ProtobufError) {
    var messages: [M] = []
    try append(to: &messages, of: bytes)
    if let last = messages.last { message = last }
  }
}

/// Writes fields; those at their defaults are left out, as proto3 has it.
package struct ProtobufWriter {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  package mutating func append(_ number: UInt64, _ text: String) {
    if !text.isEmpty { append(number, [text]) }
  }

  package mutating func append(_ number: UInt64, _ texts: [String]) {
    for text in texts {
      Varint.append(number << 3 | 2, to: &bytes)
      Varint.append(UInt64(text.utf8.count), to: &bytes)
      bytes.append(contentsOf: text.utf8)
    }
  }

  package mutating func append(_ number: UInt64, _ value: UInt64) {
    if value != 0 {
      Varint.append(number << 3, to: &bytes)
      Varint.append(value, to: &bytes)
    }
  }

  package mutating func append(_ number: UInt64, _ flag: Bool) {
    if flag {
      Varint.append(number << 3, to: &bytes)
      bytes.append(1)
    }
  }

  package mutating func append(_ number: UInt64, _ messages: [some ProtobufMessage]) {
    for message in messages {
      let encoded = message.encoded
      Varint.append(number << 3 | 2, to: &bytes)
      Varint.append(UInt64(encoded.count), to: &bytes)
      bytes.append(contentsOf: encoded)
    }
  }
  package mutating func append(_ number: UInt64, _ message: (some ProtobufMessage)?) {
    if let message { append(number, [message]) }
  }
}
