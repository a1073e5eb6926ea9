/// The name of a unit: an arbitrary non-empty UTF-8 string of at most ``Limits/nameBytes`` bytes.
///
/// Two names are the same unit exactly when their bytes are the same, as on the wire; Swift's own
/// string comparison would take "é" and "e" + U+0301 for one name. The order is that of the bytes.
/// Any string can be held; a manager refuses names that are empty or too long with
/// ``UnitError/Code/invalidName``.
public struct UnitID: Sendable {
  /// The name as it was given.
  public let name: String

  /// Wraps `name`, unchecked.
  public init(_ name: String) {
    var name = name
    name.makeContiguousUTF8()
    self.name = name
  }

  func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    // Contiguous since init, so the closure always runs.
    name.utf8.withContiguousStorageIfAvailable { body(UnsafeRawBufferPointer($0)) }!
  }
}

extension UnitID: Hashable {
  public static func == (left: Self, right: Self) -> Bool {
    left.withBytes { left in
      right.withBytes { right in
        guard left.count == right.count else { return false }
        // Eight at a time: names are compared with every call.
        var offset = 0
        while offset + 8 <= left.count {
          guard
            left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
              == right.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
          else { return false }
          offset += 8
        }
        while offset < left.count {
          guard left[offset] == right[offset] else { return false }
          offset += 1
        }
        return true
      }
    }
  }

  public func hash(into hasher: inout Hasher) {
    withBytes { hasher.combine(bytes: $0) }
  }
}

extension UnitID: Comparable {
  public static func < (left: Self, right: Self) -> Bool {
    left.withBytes { left in right.withBytes { right in left.lexicographicallyPrecedes(right) } }
  }
}

extension UnitID: ExpressibleByStringLiteral, CustomStringConvertible {
  public init(stringLiteral name: String) { self.init(name) }
  public var description: String { name }
}
