// Interns sets of polygon ids: equal sets get one number.

/// A growing table of distinct sets; set 0 is the empty one.
struct SetTable {
  private(set) var starts: [UInt32] = [0, 0]
  private(set) var members: [UInt32] = []
  /// Open addressing; a slot holds a set's number, or 0 if it is free.
  private var slots = [UInt32](repeating: 0, count: 1024)

  /// The number of the set with these members, which must be ascending.
  mutating func intern(_ ids: UnsafeBufferPointer<UInt32>) -> UInt32 {
    if ids.isEmpty { return 0 }
    var slot = Self.hash(ids) & (slots.count - 1)
    while slots[slot] != 0 {
      if isEqual(Int(slots[slot]), ids) { return slots[slot] }
      slot = (slot + 1) & (slots.count - 1)
    }
    let set = UInt32(starts.count - 1)
    members.append(contentsOf: ids)
    starts.append(UInt32(members.count))
    slots[slot] = set
    if starts.count * 2 > slots.count { rehash() }
    return set
  }

  private func isEqual(_ set: Int, _ ids: UnsafeBufferPointer<UInt32>) -> Bool {
    let start = Int(starts[set])
    if Int(starts[set + 1]) - start != ids.count { return false }
    for index in 0..<ids.count where members[start + index] != ids[index] { return false }
    return true
  }

  private static func hash(_ ids: UnsafeBufferPointer<UInt32>) -> Int {
    var hash: UInt64 = 0
    for id in ids { hash = (hash ^ UInt64(id)) &* 0x9E37_79B9_7F4A_7C15 }
    return Int(truncatingIfNeeded: hash >> 32)
  }

  private mutating func rehash() {
    slots = [UInt32](repeating: 0, count: slots.count * 2)
    members.withUnsafeBufferPointer { members in
      for set in 1..<starts.count - 1 {
        let ids = UnsafeBufferPointer(rebasing: members[Int(starts[set])..<Int(starts[set + 1])])
        var slot = Self.hash(ids) & (slots.count - 1)
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = UInt32(set)
      }
    }
  }
}
