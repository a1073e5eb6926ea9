/// The data of an InvokeMetadata packet: entries (field 1) of a key (field 1) and a value (field 2).
package struct CallMetadata: ProtobufMessage {
  package var entries: [Entry] = []

  /// One key with its value.
  package struct Entry: ProtobufMessage {
    package var key = ""
    package var value = ""

    package init() {}

    package mutating func take(_ field: ProtobufField, of bytes: RawSpan) throws(ProtobufError) {
      switch field.number {
      case 1: try field.read(into: &key, of: bytes)
      case 2: try field.read(into: &value, of: bytes)
      default: break
      }
    }

    package func encode(into writer: inout ProtobufWriter) {
      writer.append(1, key)
      writer.append(2, value)
    }
  }

  package init() {}

  /// Metadata of one entry.
  package init(_ key: String, _ value: String) {
    var entry = Entry()
    entry.key = key
    entry.value = value
    entries = [entry]
  }

  /// The last value of a key.
  package subscript(key: String) -> String? { entries.last { $0.key == key }?.value }

  package mutating func take(_ field: ProtobufField, of bytes: RawSpan) throws(ProtobufError) {
    if field.number == 1 { try field.append(to: &entries, of: bytes) }
  }

  package func encode(into writer: inout ProtobufWriter) {
    writer.append(1, entries)
  }
}
