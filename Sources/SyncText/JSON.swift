internal import CJansson

/// A JSON value. Members of an object keep their order. Written by jansson.
package indirect enum JSON {
  case string(String)
  case integer(Int)
  /// Finite.
  case real(Double)
  case boolean(Bool)
  case array([JSON])
  case object([(name: String, value: JSON)])

  package enum Layout {
    /// One line.
    case compact
    /// Two spaces a level.
    case indented
  }

  package func text(_ layout: Layout) -> String {
    let value = jansson
    defer { json_decref(value) }
    var bytes: [UInt8] = []
    let flags =
      switch layout {
      case .compact: Self.compactFlag
      case .indented: 2
      }
    withUnsafeMutablePointer(to: &bytes) { bytes in
      _ = json_dump_callback(
        value,
        { chunk, count, context in
          let bytes = context!.assumingMemoryBound(to: [UInt8].self)
          bytes.pointee.append(contentsOf: UnsafeRawBufferPointer(start: chunk, count: count))
          return 0
        }, bytes, flags | Self.encodeAnyFlag)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  // Macros of jansson that Swift does not see.
  private static let compactFlag = 0x20
  private static let encodeAnyFlag = 0x200

  private var jansson: UnsafeMutablePointer<json_t> {
    switch self {
    case .string(var text):
      return text.withUTF8 { bytes in
        bytes.withMemoryRebound(to: CChar.self) { characters in
          guard let first = characters.baseAddress else { return json_string_nocheck("") }
          return json_stringn_nocheck(first, characters.count)
        }
      }
    case .integer(let number): return json_integer(json_int_t(number))
    case .real(let number): return json_real(number)
    case .boolean(let flag): return flag ? json_true() : json_false()
    case .array(let values):
      let array = json_array()!
      for value in values { json_array_append_new(array, value.jansson) }
      return array
    case .object(let members):
      let object = json_object()!
      for (name, value) in members { json_object_set_new_nocheck(object, name, value.jansson) }
      return object
    }
  }
}
