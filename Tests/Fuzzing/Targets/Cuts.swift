internal import SyncWire

/// Where bytes are cut before they are fed, decided by the first two bytes of an input.
struct Cuts {
  /// How many bytes decide.
  static let size = 2

  /// The place of the first cut: what comes before it arrives at once.
  private let first: Int
  /// How long the pieces behind it are, by turns; 0 is all the rest.
  private let lengths: (Int, Int)

  init(_ bytes: RawSpan) {
    first = Int(bytes[0])
    lengths = (Int(bytes[1] & 15), Int(bytes[1] >> 4))
  }

  /// Calls `body` with one piece after another.
  func forEachPiece<E: Error>(of bytes: RawSpan, _ body: (RawSpan) throws(E) -> Void) throws(E) {
    var start = 0
    var end = min(first, bytes.byteCount)
    var (length, following) = lengths
    while true {
      try body(bytes.extracting(start..<end))
      if end == bytes.byteCount { return }
      start = end
      end = length == 0 ? bytes.byteCount : min(start + length, bytes.byteCount)
      swap(&length, &following)
    }
  }
}
