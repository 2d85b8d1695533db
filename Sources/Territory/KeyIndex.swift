// From a key (account, phone, meter or service point) to the rows that have it.

internal import CCacheLine
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

/// A hash index that holds rows and a few bits of their keys' hashes; the keys stay in the rows, which a look-up reads to compare.
///
/// Open addressing by lines of 16 slots, one cache line each, three quarters full: a key's home is a line, and one that is full leads to
/// the next. A slot is 0 if free. Otherwise its low bits, as many as `valueMask` has, hold a row plus one, or `rowCount` plus one plus the number
/// of a group, whose rows `groupRows[groupStarts[g] ..< groupStarts[g + 1]]` share the key; the bits above them are the hash's, so that nearly
/// always only the row that has the key is read (9 bits of 32 where there are five million rows).
struct KeyIndex: Sendable {
  /// Whole lines.
  let slots: FlatArray<UInt32>
  let groupStarts: FlatArray<UInt32>
  let groupRows: FlatArray<UInt32>
  let rowCount: UInt32
  let valueMask: UInt32
  private let lineCount: UInt64

  /// As many as `ccacheline_find` compares.
  static let lineSlots = 16

  var byteCount: Int { slots.byteCount + groupStarts.byteCount + groupRows.byteCount }

  /// - Parameter slots: whole lines, one of them at least.
  init(
    slots: FlatArray<UInt32>, groupStarts: FlatArray<UInt32>, groupRows: FlatArray<UInt32>, rowCount: Int
  ) {
    self.slots = slots
    self.groupStarts = groupStarts
    self.groupRows = groupRows
    self.rowCount = UInt32(rowCount)
    lineCount = UInt64(slots.count / Self.lineSlots)
    valueMask = Self.valueMask(rowCount: rowCount, groupCount: groupStarts.count - 1)
  }

  static func valueMask(rowCount: Int, groupCount: Int) -> UInt32 {
    let largest = UInt32(rowCount + groupCount)
    return largest == 0 ? 0 : .max >> UInt32(largest.leadingZeroBitCount)
  }

  /// - Parameter matches: whether the row's key is the one looked for.
  @inline(__always)
  func find(hash: UInt64, matches: (Int) -> Bool) -> RowList {
    var line = home(hash)
    let tag = UInt32(truncatingIfNeeded: hash) & ~valueMask
    while true {
      let start = slots.pointer + line &* Self.lineSlots
      var candidates = ccacheline_find(start, ~valueMask, tag)
      while candidates != 0 {
        let value = start[candidates.trailingZeroBitCount] & valueMask
        // Where the tag is 0, a free slot looks as if it had it.
        if _fastPath(value != 0) {
          let rows = rows(of: value)
          if matches(rows[0]) { return rows }
        }
        candidates &= candidates &- 1
      }
      if ccacheline_find(start, .max, 0) != 0 { return .none }
      line &+= 1
      if UInt64(truncatingIfNeeded: line) == lineCount { line = 0 }
    }
  }

  /// Begins to fetch the line at which `find` will begin.
  @inline(__always)
  func prefetch(hash: UInt64) { ccacheline_prefetch(slots.pointer + home(hash) &* Self.lineSlots) }

  /// The row that `find` will read first, most likely; `nil` where the key's home has none.
  @inline(__always)
  func likelyRow(hash: UInt64) -> Int? {
    let start = slots.pointer + home(hash) &* Self.lineSlots
    let candidates = ccacheline_find(start, ~valueMask, UInt32(truncatingIfNeeded: hash) & ~valueMask)
    if candidates == 0 { return nil }
    let value = start[candidates.trailingZeroBitCount] & valueMask
    return value == 0 ? nil : rows(of: value)[0]
  }

  /// What a slot's value stands for.
  @inline(__always)
  private func rows(of value: UInt32) -> RowList {
    _fastPath(value <= rowCount)
      ? RowList(row: value &- 1)
      : Self.group(Int(value &- rowCount &- 1), groupStarts.pointer, groupRows.pointer)
  }

  /// Apart, as most keys have one row, and without the index, which a call would first copy.
  @inline(never)
  private static func group(
    _ group: Int, _ starts: UnsafePointer<UInt32>, _ rows: UnsafePointer<UInt32>
  ) -> RowList {
    let start = Int(starts[group])
    return RowList(several: rows + start, count: Int(starts[group + 1]) &- start)
  }

  @inline(__always)
  private func home(_ hash: UInt64) -> Int { Self.home(hash, lineCount: lineCount) }

  /// Maps a hash to a line with one multiplication (Lemire, *Fast Random Integer Generation in an Interval*).
  @inline(__always)
  static func home(_ hash: UInt64, lineCount: UInt64) -> Int {
    Int(truncatingIfNeeded: hash.multipliedFullWidth(by: lineCount).high)
  }
}

// MARK: - Building

extension KeyIndex {
  /// - Parameters:
  ///   - entries: how many keys there are, fewer than 2^31; entry `e` belongs to row `row(e)`. Entries come in ascending order of row.
  ///   - hash: of the entry's key, or `nil` where it has none.
  ///   - sameKey: whether two entries have the same key.
  ///   - precedes: the order in which the rows of one key are listed.
  init(
    entries: Int, rowCount: Int, row: (Int) -> UInt32, hash: (Int) -> UInt64?, sameKey: (Int, Int) -> Bool,
    precedes: (UInt32, UInt32) -> Bool
  ) {
    let lineCount = entries / 12 + 1
    let slotCount = lineCount * Self.lineSlots
    // While it is built, a slot holds the lower half of the hash above an entry plus one; entries with the same key hang in a chain behind the first.
    var heads = [UInt64](repeating: 0, count: slotCount)
    var chained: [(head: UInt32, entry: UInt32)] = []
    for entry in 0..<entries {
      guard let hash = hash(entry) else { continue }
      var slot = Self.home(hash, lineCount: UInt64(lineCount)) * Self.lineSlots
      let tag = UInt32(truncatingIfNeeded: hash)
      func isOther(_ head: UInt64) -> Bool {
        UInt32(head >> 32) != tag || !sameKey(Int(UInt32(truncatingIfNeeded: head)) - 1, entry)
      }
      while heads[slot] != 0, isOther(heads[slot]) {
        slot += 1
        if slot == slotCount { slot = 0 }
      }
      if heads[slot] == 0 {
        heads[slot] = UInt64(tag) << 32 | UInt64(entry + 1)
      } else {
        chained.append((UInt32(slot), UInt32(entry)))
      }
    }
    chained.sort { ($0.head, $0.entry) < ($1.head, $1.entry) }
    let groupBit: UInt64 = 1 << 31
    var starts: [UInt32] = []
    var rows: [UInt32] = []
    var next = 0
    while next < chained.count {
      let slot = Int(chained[next].head)
      let start = rows.count
      starts.append(UInt32(start))
      rows.append(row(Int(UInt32(truncatingIfNeeded: heads[slot])) - 1))
      while next < chained.count, Int(chained[next].head) == slot {
        let other = row(Int(chained[next].entry))
        // One service point may give the same phone twice.
        if rows[rows.count - 1] != other { rows.append(other) }
        next += 1
      }
      rows[start...].sort(by: precedes)
      heads[slot] = heads[slot] & ~UInt64(UInt32.max) | groupBit | UInt64(starts.count - 1)
    }
    let groupCount = starts.count
    starts.append(UInt32(rows.count))
    let valueMask = Self.valueMask(rowCount: rowCount, groupCount: groupCount)
    let slots = FlatArray<UInt32>(count: slotCount) { target in
      for (slot, head) in heads.enumerated() {
        let low = UInt32(truncatingIfNeeded: head)
        let value =
          head & groupBit == 0
          ? (low == 0 ? 0 : row(Int(low) - 1) + 1) : UInt32(rowCount) + 1 + low & ~UInt32(groupBit)
        target.initializeElement(
          at: slot, to: low == 0 ? 0 : UInt32(head >> 32) & ~valueMask | value)
      }
    }
    self.init(
      slots: slots, groupStarts: FlatArray(starts), groupRows: FlatArray(rows), rowCount: rowCount)
  }
}
