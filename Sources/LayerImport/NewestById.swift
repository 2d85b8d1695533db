// Remembers which ids have come, and the newest updatedAt of each, in 24 bytes an id.

import OutageModel

/// An open-addressing hash table of 64-bit fingerprints. Two of two million ids share one with a chance of one in ten
/// million; the seed is fixed, so that the same file gives the same report.
struct NewestById {
  private struct Slot {
    var fingerprint: UInt64 = 0
    var updatedAt = Int64.min
    var record = 0
  }

  private var slots = [Slot](repeating: Slot(), count: 1 << 12)
  private var count = 0

  /// - Returns: `nil` if the id is new; otherwise whether this record supersedes the one before, and that one's number.
  mutating func insert(
    _ id: String, updatedAt: Timestamp?, record: Int
  ) -> (isNewer: Bool, otherRecord: Int)? {
    if count * 2 > slots.count { grow() }
    let fingerprint = Self.fingerprint(id)
    let time = updatedAt?.millisecondsSinceEpoch ?? Int64.min
    var index = Int(truncatingIfNeeded: fingerprint) & (slots.count - 1)
    while slots[index].fingerprint != 0 {
      if slots[index].fingerprint == fingerprint {
        let other = slots[index].record
        guard time >= slots[index].updatedAt else { return (false, other) }
        slots[index].updatedAt = time
        slots[index].record = record
        return (true, other)
      }
      index = (index + 1) & (slots.count - 1)
    }
    slots[index] = Slot(fingerprint: fingerprint, updatedAt: time, record: record)
    count += 1
    return nil
  }

  private mutating func grow() {
    let old = slots
    slots = [Slot](repeating: Slot(), count: old.count * 2)
    for slot in old where slot.fingerprint != 0 {
      var index = Int(truncatingIfNeeded: slot.fingerprint) & (slots.count - 1)
      while slots[index].fingerprint != 0 { index = (index + 1) & (slots.count - 1) }
      slots[index] = slot
    }
  }

  /// FNV-1a, finished by MurmurHash3's mixer; never 0.
  private static func fingerprint(_ id: String) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in id.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    hash = (hash ^ hash >> 33) &* 0xff51_afd7_ed55_8ccd
    hash = (hash ^ hash >> 33) &* 0xc4ce_b9fe_1a85_ec53
    return max(hash ^ hash >> 33, 1)
  }
}
