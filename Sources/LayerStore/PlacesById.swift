// The places of the ids of a load in progress, so that a later service point finds the earlier one with its id.

/// A hash table of places without the ids themselves: 8 bytes a slot, so 2 million ids take 32 MiB.
///
/// A slot holds 32 bits of the id's hash and its place; whoever looks up compares the ids at the places that it is offered
/// (by bytes, not by Unicode equivalence). The alternative, a unique index in the database, touches a page at random per row.
struct PlacesById {
  /// Zero is free: places count from 1. A power of two of them, at most half taken.
  private var slots: [UInt64]
  private var count = 0

  init() {
    slots = Array(repeating: 0, count: 4096)
  }

  /// - Parameter idAt: the id at a place that was inserted.
  /// - Returns: the place of `id`, or `nil` if it was not inserted.
  func find<Failure: Error>(_ id: String, idAt: (Int) throws(Failure) -> String) throws(Failure) -> Int? {
    let tag = Self.tag(of: id)
    var slot = home(of: tag)
    while slots[slot] != 0 {
      if slots[slot] >> 32 == tag {
        let place = Int(slots[slot] & 0xFFFF_FFFF)
        if try idAt(place).utf8.elementsEqual(id.utf8) { return place }
      }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  /// Inserts an id that `find` does not find.
  mutating func insert(_ id: String, place: Int) {
    if count * 2 >= slots.count {
      let old = slots
      slots = Array(repeating: 0, count: old.count * 2)
      for entry in old where entry != 0 { put(entry) }
    }
    put(Self.tag(of: id) << 32 | UInt64(place))
    count += 1
  }

  private mutating func put(_ entry: UInt64) {
    var slot = home(of: entry >> 32)
    while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = entry
  }

  /// The tag's upper bits, as many as there are slots for: all that a growing table still knows of an id.
  private func home(of tag: UInt64) -> Int {
    Int(tag) >> max(0, 32 - slots.count.trailingZeroBitCount)
  }

  private static func tag(of id: String) -> UInt64 {
    var id = id
    var hasher = Hasher()
    id.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    return UInt64(UInt32(truncatingIfNeeded: hasher.finalize()))
  }
}
