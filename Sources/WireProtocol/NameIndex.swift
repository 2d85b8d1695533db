// Finds a name among a fixed few by its bytes, whatever their case, in a handful of nanoseconds.

/// A perfect hash over names of up to 24 ASCII characters.
///
/// A name's key is three words: its first 8 bytes, the 8 from the ninth on, and its last 8 where it is longer than 16; letters are
/// raised to upper case in the words. The constructor tries multipliers until no two names share a slot, so that a search is one
/// hash and one comparison.
struct NameIndex: Sendable {
  private struct Key: Hashable, Sendable {
    var length: UInt8
    var head: UInt64
    var middle: UInt64
    var tail: UInt64
  }

  private struct Slot: Sendable {
    var key: Key
    var position: Int32
  }

  private let slots: [Slot]
  private let multiplier: UInt64
  private let shift: UInt64

  static let lengthMax = 24

  /// - Precondition: the names differ (in more than case) and have 1 to 24 characters.
  init(_ names: [String]) {
    let keys = names.map { name in
      var name = name
      return name.withUTF8 { Self.key(Bytes($0)) }!
    }
    precondition(Set(keys).count == keys.count, "two equal names")
    var bits = UInt64(max(1, (2 * names.count).bitWidth - (2 * names.count).leadingZeroBitCount))
    let empty = Slot(key: Key(length: 0, head: 0, middle: 0, tail: 0), position: -1)
    // SplitMix64's increments: a fixed sequence, the same table on every run.
    var candidate: UInt64 = 0x9E37_79B9_7F4A_7C15
    var attempts = 0
    while true {
      var slots = [Slot](repeating: empty, count: 1 << bits)
      let placed = keys.enumerated().allSatisfy { position, key in
        let slot = Self.slot(key, candidate, 64 - bits)
        guard slots[slot].position < 0 else { return false }
        slots[slot] = Slot(key: key, position: Int32(position))
        return true
      }
      if placed {
        (self.slots, multiplier, shift) = (slots, candidate, 64 - bits)
        return
      }
      attempts += 1
      if attempts % 64 == 0 { bits += 1 }
      candidate = (candidate &+ 0x9E37_79B9_7F4A_7C15) | 1
    }
  }

  /// The position of `name` among the names that the index was made of.
  @inline(__always)
  func position(of name: Bytes) -> Int? {
    guard let key = Self.key(name) else { return nil }
    let slot = slots[Self.slot(key, multiplier, shift)]
    return slot.key == key ? Int(slot.position) : nil
  }

  @inline(__always)
  private static func slot(_ key: Key, _ multiplier: UInt64, _ shift: UInt64) -> Int {
    var mixed = (key.head ^ UInt64(key.length)) &* multiplier
    mixed = (mixed ^ (mixed >> 32) ^ key.middle) &* multiplier
    mixed = (mixed ^ (mixed >> 32) ^ key.tail) &* multiplier
    return Int(truncatingIfNeeded: mixed &>> shift)
  }

  /// `nil` for what is too short or too long to be a name.
  @inline(__always)
  private static func key(_ name: Bytes) -> Key? {
    let count = name.count
    guard count > 0, count <= lengthMax, let start = name.baseAddress else { return nil }
    if count >= 8 {
      let head = upperCased(start.loadUnaligned(as: UInt64.self))
      let tail = upperCased(start.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self))
      let middle = count > 16 ? upperCased(start.loadUnaligned(fromByteOffset: 8, as: UInt64.self)) : 0
      return Key(length: UInt8(count), head: head, middle: middle, tail: tail)
    }
    var head: UInt64 = 0
    for offset in 0..<count {
      head = head << 8 | UInt64(start.load(fromByteOffset: offset, as: UInt8.self))
    }
    return Key(length: UInt8(count), head: upperCased(head), middle: 0, tail: 0)
  }

  /// Raises the ASCII letters among eight bytes to upper case, and nothing else.
  @inline(__always)
  private static func upperCased(_ word: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let low7 = word & (0x7F &* ones)
    let aboveZ = low7 &+ (0x7F - 0x7A) &* ones
    let fromA = low7 &+ (0x80 - 0x61) &* ones
    let lowerCase = (fromA ^ aboveZ) & ~word & (0x80 &* ones)
    return word &- (lowerCase >> 2)
  }
}
