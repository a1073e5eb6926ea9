/// Finds numbers by the hash of what they stand for: open addressing over one array, with what is compared
/// kept elsewhere. A node's name and an edge's ends are looked up with every call, and a dictionary would
/// hash them more slowly and keep them twice.
struct HashIndex {
  /// Where a number lies and whether it is the one are both read off these 32 bits of its hash, so that the
  /// table grows without asking for a hash again.
  private struct Slot {
    var hash: UInt32
    /// One more than the number; 0 is free.
    var entry: UInt32
  }

  private var slots: [Slot] = []
  private(set) var count = 0

  /// The number with this hash for which `isMatch` is true.
  func find(_ hash: UInt32, _ isMatch: (Int) -> Bool) -> Int? {
    if slots.isEmpty { return nil }
    let mask = slots.count - 1
    var index = Int(hash) & mask
    while slots[index].entry != 0 {
      if slots[index].hash == hash, isMatch(Int(slots[index].entry) - 1) {
        return Int(slots[index].entry) - 1
      }
      index = (index + 1) & mask
    }
    return nil
  }

  /// Adds a number that is not in it.
  mutating func insert(_ number: Int, _ hash: UInt32) {
    if slots.count < (count + 1) * 2 { grow() }
    place(Slot(hash: hash, entry: UInt32(number + 1)))
    count += 1
  }

  private mutating func grow() {
    let old = slots
    slots = Array(repeating: Slot(hash: 0, entry: 0), count: max(16, old.count * 2))
    for slot in old where slot.entry != 0 { place(slot) }
  }

  private mutating func place(_ slot: Slot) {
    let mask = slots.count - 1
    var index = Int(slot.hash) & mask
    while slots[index].entry != 0 { index = (index + 1) & mask }
    slots[index] = slot
  }
}

/// A hash of bytes by folded multiplication (Wang Yi's wyhash, much shortened), from a seed that nobody
/// can guess, so that nobody can choose names that collide.
struct SeededHash {
  private let seed = UInt64.random(in: .min ... .max)

  func callAsFunction(_ number: UInt64) -> UInt32 {
    Self.half(Self.fold(number ^ seed, 0x9e37_79b9_7f4a_7c15))
  }

  func callAsFunction(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var hash = seed ^ UInt64(bytes.count)
    var offset = 0
    while offset + 8 <= bytes.count {
      let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      hash = Self.fold(hash ^ word, 0xa076_1d64_78bd_642f)
      offset += 8
    }
    var last: UInt64 = 0
    while offset < bytes.count {
      last = last << 8 | UInt64(bytes[offset])
      offset += 1
    }
    return Self.half(Self.fold(hash ^ last, 0xe703_7ed1_a0b4_28db))
  }

  private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    return product.high ^ product.low
  }

  private static func half(_ hash: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: hash ^ hash >> 32)
  }
}
