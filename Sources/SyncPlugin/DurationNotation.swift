extension Duration {
  /// Reads a duration as Go writes it: `300ms`, `1.5s`, `5m`, `1h30m`, `0`. Units are `ns`, `us` (or
  /// `µs`), `ms`, `s`, `m` and `h`. Nil for anything else, for negative and for more than 292 years.
  public init?(goNotation text: String) {
    if text == "0" {
      self = .zero
      return
    }
    var rest = text.utf8[...]
    guard !rest.isEmpty else { return nil }
    var total: Int64 = 0
    while !rest.isEmpty {
      let whole = Self.takeDigits(&rest)
      var fraction = Substring().utf8
      if rest.first == UInt8(ascii: ".") {
        rest = rest.dropFirst()
        fraction = Self.takeDigits(&rest)
      }
      guard !whole.isEmpty || !fraction.isEmpty, let unit = Self.takeUnit(&rest),
        let nanoseconds = Self.nanoseconds(whole, fraction, unit)
      else { return nil }
      let (sum, overflow) = total.addingReportingOverflow(nanoseconds)
      if overflow { return nil }
      total = sum
    }
    self = .nanoseconds(total)
  }

  private static func takeDigits(_ text: inout Substring.UTF8View) -> Substring.UTF8View {
    let digits = text.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    text = text[digits.endIndex...]
    return digits
  }

  private static func takeUnit(_ text: inout Substring.UTF8View) -> Int64? {
    let units: [(name: String, nanoseconds: Int64)] = [
      ("ns", 1), ("us", 1_000), ("µs", 1_000), ("μs", 1_000), ("ms", 1_000_000),
      ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
    ]
    guard let unit = units.first(where: { text.starts(with: $0.name.utf8) }) else { return nil }
    text = text.dropFirst(unit.name.utf8.count)
    return unit.nanoseconds
  }

  private static func nanoseconds(
    _ whole: Substring.UTF8View, _ fraction: Substring.UTF8View, _ unit: Int64
  ) -> Int64? {
    guard let value = whole.isEmpty ? 0 : Int64(Substring(whole)) else { return nil }
    let (product, overflow) = value.multipliedReportingOverflow(by: unit)
    if overflow { return nil }
    // What is less than a nanosecond is cut off, as Go does it: of the sum, not of each digit.
    var (numerator, scale): (Int64, Int64) = (0, 1)
    for digit in fraction.prefix(18) {
      numerator = numerator * 10 + Int64(digit - UInt8(ascii: "0"))
      scale *= 10
    }
    let rest = scale.dividingFullWidth(numerator.multipliedFullWidth(by: unit)).quotient
    let (sum, sumOverflow) = product.addingReportingOverflow(rest)
    return sumOverflow ? nil : sum
  }

  /// The shortest notation that ``init(goNotation:)`` reads back: `5m`, `1h30m`, `1.5s`, `250ms`,
  /// `0s`. Parts of a nanosecond are dropped.
  public var goNotation: String {
    let (seconds, attoseconds) = components
    let nanoseconds = attoseconds / 1_000_000_000
    if seconds == 0, nanoseconds > 0 {
      for (unit, size) in [("ms", Int64(1_000_000)), ("µs", 1_000)] where nanoseconds >= size {
        return Self.decimal(nanoseconds, per: size) + unit
      }
      return "\(nanoseconds)ns"
    }
    var text = ""
    if seconds >= 3600 { text += "\(seconds / 3600)h" }
    if seconds / 60 % 60 > 0 { text += "\(seconds / 60 % 60)m" }
    if seconds % 60 > 0 || nanoseconds > 0 || text.isEmpty {
      text += Self.decimal(seconds % 60 * 1_000_000_000 + nanoseconds, per: 1_000_000_000) + "s"
    }
    return text
  }

  private static func decimal(_ value: Int64, per size: Int64) -> String {
    let rest = value % size
    if rest == 0 { return "\(value / size)" }
    var digits = String(size + rest).dropFirst()
    while digits.last == "0" { digits.removeLast() }
    return "\(value / size).\(digits)"
  }
}
