internal import SyncPlugin
internal import SyncWire

/// What is read as a duration is what its digits say, never negative, and written as what is read as the
/// same; a text that can be a duration is read as one.
enum DurationTarget {
  static func run(_ bytes: RawSpan) {
    guard let text = bytes.withUnsafeBytes({ String(validating: $0, as: UTF8.self) }) else {
      return
    }
    let duration = Duration(goNotation: text)
    let expected = text == "0" ? 0 : Self.nanoseconds(text)
    demand(
      duration == expected.map { .nanoseconds($0) },
      "\"\(text)\" is \(expected as Any) ns, and read as \(duration as Any)")
    guard let duration else { return }
    demand(duration >= .zero, "\"\(text)\" is read as \(duration)")
    let written = duration.goNotation
    demand(
      Duration(goNotation: written) == duration,
      "\"\(text)\" is written as \"\(written)\", which is another duration")
  }

  private static let units: [(name: String, nanoseconds: Int128)] = [
    ("ns", 1), ("us", 1_000), ("µs", 1_000), ("μs", 1_000), ("ms", 1_000_000),
    ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
  ]

  /// Reads in another way, with numbers that have room for all that can come.
  private static func nanoseconds(_ text: String) -> Int64? {
    var scalars = text.unicodeScalars[...]
    var total: Int128 = 0
    var parts = 0
    while !scalars.isEmpty {
      let number = scalars.prefix { $0 == "." || "0"..."9" ~= $0 }
      scalars = scalars[number.endIndex...]
      let name = scalars.prefix { $0 != "." && !("0"..."9" ~= $0) }
      scalars = scalars[name.endIndex...]
      let halves = number.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
      // A second dot stands in the second half.
      guard number.contains(where: { $0 != "." }), !halves.dropFirst().joined().contains("."),
        let unit = units.first(where: { $0.name.unicodeScalars.elementsEqual(name) })?.nanoseconds
      else { return nil }
      var value: Int128 = 0
      for digit in halves[0] {
        value = value * 10 + Int128(digit.value - 48)
        if value > Int128(Int64.max) { return nil }
      }
      total += value * unit
      // More digits are worth less than a nanosecond in any unit.
      var (fraction, scale): (Int128, Int128) = (0, 1)
      for digit in halves.dropFirst().joined().prefix(18) {
        fraction = fraction * 10 + Int128(digit.value - 48)
        scale *= 10
      }
      total += fraction * unit / scale
      if total > Int128(Int64.max) { return nil }
      parts += 1
    }
    return parts == 0 ? nil : Int64(total)
  }
}
