extension String {
  /// The string with control characters, and what could pass for them, as visible escapes.
  ///
  /// Names of units are arbitrary, and a line feed or an escape sequence among them must neither
  /// break a table nor reach a terminal. Escapes are those of Go's `%q`, as in the original's texts.
  package var escapingControlCharacters: String { escaping(quotes: false) }

  /// The string in double quotes, escaped as Go's `%q` does it.
  package var quoted: String { "\"" + escaping(quotes: true) + "\"" }

  private func escaping(quotes: Bool) -> String {
    let isPlain = utf8.allSatisfy { byte in
      byte >= 0x20 && byte < 0x7f && !(quotes && (byte == 0x22 || byte == 0x5c))
    }
    if isPlain { return self }
    var text = ""
    for scalar in unicodeScalars {
      switch scalar {
      case "\"" where quotes: text += "\\\""
      case "\\" where quotes: text += "\\\\"
      case "\u{07}": text += "\\a"
      case "\u{08}": text += "\\b"
      case "\t": text += "\\t"
      case "\n": text += "\\n"
      case "\u{0b}": text += "\\v"
      case "\u{0c}": text += "\\f"
      case "\r": text += "\\r"
      case _ where scalar.value < 0x20 || scalar.value == 0x7f:
        text += "\\x" + hexadecimal(scalar.value, digits: 2)
      case _ where !scalar.isPrintable:
        text +=
          scalar.value > 0xffff
          ? "\\U" + hexadecimal(scalar.value, digits: 8)
          : "\\u" + hexadecimal(scalar.value, digits: 4)
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}

extension Unicode.Scalar {
  fileprivate var isPrintable: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
      .unassigned:
      false
    case .spaceSeparator: self == " "
    default: true
    }
  }
}

private func hexadecimal(_ value: UInt32, digits: Int) -> String {
  let text = String(value, radix: 16)
  return String(repeating: "0", count: max(0, digits - text.count)) + text
}
