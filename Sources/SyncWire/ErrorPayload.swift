/// The data of an Error packet: a code of 8 bytes, the highest first, and a text.
package struct ErrorPayload: Equatable, Sendable {
  package var code: UInt64
  package var text: String

  package init(code: UInt64 = 0, text: String) {
    self.code = code
    self.text = text
  }

  /// Reads what an agent sent. Data too short for a code is taken for text, as the original client
  /// does it, with the note that it adds.
  package init(decoding data: RawSpan) {
    let bytes = data.withUnsafeBytes(Array.init)
    guard bytes.count >= 8 else {
      code = 0
      text = String(decoding: bytes, as: UTF8.self) + " (drpcwire note: invalid error data)"
      return
    }
    code = bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) }
    text = String(decoding: bytes[8...], as: UTF8.self)
  }

  package var encoded: [UInt8] {
    var bytes = withUnsafeBytes(of: code.bigEndian, Array.init)
    bytes.append(contentsOf: text.utf8)
    return bytes
  }
}
