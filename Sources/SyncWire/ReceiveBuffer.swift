/// Joins what arrives to what could not be used yet.
///
/// As long as nothing is left over, bytes are read where they lie; only an incomplete rest is
/// copied, and its memory is given back when it has been used.
package struct ReceiveBuffer: Sendable {
  private var rest: [UInt8] = []

  package init() {}

  package var isEmpty: Bool { rest.isEmpty }

  /// How many bytes it keeps.
  package var count: Int { rest.count }

  /// Calls `consume` with all bytes that are unused so far, `bytes` at their end, and keeps what it
  /// leaves. `consume` returns how many bytes it used.
  package mutating func feed<E: Error>(
    _ bytes: RawSpan, _ consume: (RawSpan) throws(E) -> Int
  ) throws(E) {
    if rest.isEmpty {
      let used = try consume(bytes)
      if used < bytes.byteCount {
        rest.append(contentsOf: bytes.extracting(used..<bytes.byteCount))
      }
      return
    }
    rest.append(contentsOf: bytes)
    let used = try consume(rest.span.bytes)
    if used == rest.count {
      rest = []
    } else if used > 0 {
      rest = Array(rest[used...])
    }
  }
}
