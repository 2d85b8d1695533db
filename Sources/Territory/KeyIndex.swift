// From a key (account, phone, meter or service point) to the rows that have it.

import PointLocation

/// The rows that one key leads to: none, one, or several in the order of their service-point ids.
public struct RowList: Sendable, RandomAccessCollection {
  // Invariant: `several` points into a table that outlives the list; a list never leaves the call that looked it up.
  @usableFromInline nonisolated(unsafe) let several: UnsafePointer<UInt32>?
  @usableFromInline let single: UInt32
  public let count: Int

  static let none = RowList(several: nil, single: 0, count: 0)

  init(row: UInt32) { self.init(several: nil, single: row, count: 1) }

  init(several: UnsafePointer<UInt32>?, single: UInt32 = 0, count: Int) {
    self.several = several
    self.single = single
    self.count = count
  }

  public var startIndex: Int { 0 }
  public var endIndex: Int { count }

  @inlinable
  public subscript(position: Int) -> Int {
    if let several { Int(several[position]) } else { Int(single) }
  }
}

/// A hash index that holds rows only; the keys stay in their column, which a look-up reads to compare.
///
/// Open addressing with linear probing over `slots`, three quarters full. A slot is 0 if free, a row plus one if one row has the key, or,
/// with the highest bit set, the number of a group: rows `groupRows[groupStarts[g] ..< groupStarts[g + 1]]` share the key.
struct KeyIndex: Sendable {
  let slots: FlatArray<UInt32>
  let groupStarts: FlatArray<UInt32>
  let groupRows: FlatArray<UInt32>

  static let groupBit: UInt32 = 1 << 31

  var byteCount: Int { slots.byteCount + groupStarts.byteCount + groupRows.byteCount }

  /// - Parameter matches: whether the row's key is the one looked for.
  @inline(__always)
  func find(hash: UInt64, matches: (Int) -> Bool) -> RowList {
    var slot = Self.home(hash, slotCount: slots.count)
    while true {
      let entry = slots.pointer[slot]
      if entry == 0 { return .none }
      if entry & Self.groupBit == 0 {
        if matches(Int(entry) - 1) { return RowList(row: entry - 1) }
      } else {
        let group = Int(entry & ~Self.groupBit)
        let start = Int(groupStarts.pointer[group])
        if matches(Int(groupRows.pointer[start])) {
          return RowList(
            several: groupRows.pointer + start, count: Int(groupStarts.pointer[group + 1]) - start)
        }
      }
      slot += 1
      if slot == slots.count { slot = 0 }
    }
  }

  /// Maps a hash to a slot with one multiplication (Lemire, *Fast Random Integer Generation in an Interval*).
  @inline(__always)
  static func home(_ hash: UInt64, slotCount: Int) -> Int {
    Int(truncatingIfNeeded: hash.multipliedFullWidth(by: UInt64(slotCount)).high)
  }

  /// - Parameters:
  ///   - entries: how many keys there are; entry `e` belongs to row `row(e)`. Entries come in ascending order of row.
  ///   - hash: of the entry's key, or `nil` where it has none.
  ///   - sameKey: whether two entries have the same key.
  ///   - precedes: the order in which the rows of one key are listed.
  init(
    entries: Int, row: (Int) -> UInt32, hash: (Int) -> UInt64?, sameKey: (Int, Int) -> Bool,
    precedes: (UInt32, UInt32) -> Bool
  ) {
    let slotCount = max(4, entries / 3 * 4 + 4)
    // While it is built, a slot holds an entry plus one; entries with the same key hang in a chain behind the first.
    var heads = [UInt32](repeating: 0, count: slotCount)
    var chained: [(head: UInt32, entry: UInt32)] = []
    for entry in 0..<entries {
      guard let hash = hash(entry) else { continue }
      var slot = Self.home(hash, slotCount: slotCount)
      while heads[slot] != 0, !sameKey(Int(heads[slot]) - 1, entry) {
        slot += 1
        if slot == slotCount { slot = 0 }
      }
      if heads[slot] == 0 {
        heads[slot] = UInt32(entry) + 1
      } else {
        chained.append((UInt32(slot), UInt32(entry)))
      }
    }
    chained.sort { ($0.head, $0.entry) < ($1.head, $1.entry) }
    var starts: [UInt32] = []
    var rows: [UInt32] = []
    var next = 0
    while next < chained.count {
      let slot = Int(chained[next].head)
      let start = rows.count
      starts.append(UInt32(start))
      rows.append(row(Int(heads[slot]) - 1))
      while next < chained.count, Int(chained[next].head) == slot {
        let other = row(Int(chained[next].entry))
        // One service point may give the same phone twice.
        if rows[rows.count - 1] != other { rows.append(other) }
        next += 1
      }
      rows[start...].sort(by: precedes)
      heads[slot] = Self.groupBit | UInt32(starts.count - 1)
    }
    starts.append(UInt32(rows.count))
    slots = FlatArray(count: slotCount) { target in
      for slot in 0..<slotCount {
        let head = heads[slot]
        target.initializeElement(
          at: slot, to: head == 0 || head & Self.groupBit != 0 ? head : row(Int(head) - 1) + 1)
      }
    }
    groupStarts = FlatArray(starts)
    groupRows = FlatArray(rows)
  }
}
