// Interns sets of polygon ids: equal sets get one number.

internal import CCacheLine

/// A growing table of distinct sets; set 0 is the empty one.
struct SetTable: ~Copyable {
  /// Set s has the members `starts[s] ..< starts[s + 1]`.
  private(set) var starts: GrowingBuffer<UInt32>
  private(set) var members: GrowingBuffer<UInt32>
  /// Open addressing; a slot holds a set's hash above the set's number, or 0 if it is free.
  private var slots: GrowingBuffer<UInt64>
  private var slotMask: Int
  /// The first set that may be found again.
  private var firstKnown: UInt32 = 1

  /// - Parameters:
  ///   - setCapacity: room for so many sets. Room that is not used costs nothing, but what grows is copied.
  ///   - memberCapacity: room for so many members of all sets.
  ///   - knownCapacity: how many of them may be found again, where that is not all: the less there is to look through, the more of it is near.
  init(setCapacity: Int, memberCapacity: Int, knownCapacity: Int? = nil) {
    starts = GrowingBuffer(capacity: setCapacity + 2)
    members = GrowingBuffer(capacity: memberCapacity)
    starts.append(repeating: 0, count: 2)
    slotMask = 4095
    while slotMask < (knownCapacity ?? setCapacity) / 2 { slotMask = slotMask * 2 + 1 }
    slots = GrowingBuffer(capacity: slotMask + 1)
    slots.append(repeating: 0, count: slotMask + 1)
  }

  deinit {
    starts.free()
    members.free()
    slots.free()
  }

  /// The sets as arrays: set s has the members `starts[s] ..< starts[s + 1]`.
  consuming func finished() -> (starts: FlatArray<UInt32>, members: FlatArray<UInt32>) {
    slots.free()
    let sets = (starts.finished(), members.finished())
    discard self
    return sets
  }

  var setCount: Int { starts.count - 1 }

  /// Keeps all sets but the empty one from being found again: what comes has numbers and places as if it came first.
  mutating func forget() { firstKnown = UInt32(setCount) }

  /// The number of the set with these members, which must be ascending.
  @inline(__always)
  mutating func intern(_ ids: UnsafeBufferPointer<UInt32>) -> UInt32 { intern(ids, hash: Self.hash(ids)) }

  /// Begins to fetch what `intern` will look at first.
  @inline(__always)
  func prefetch(hash: UInt32) {
    ccacheline_prefetch(slots.pointer + home(hash))
  }

  /// The number of the set with these members, which must be ascending.
  /// - Parameter hash: theirs, the same way for all of a table. Equal sets that have another come to stand twice.
  @inline(__always)
  mutating func intern(_ ids: UnsafeBufferPointer<UInt32>, hash: UInt32) -> UInt32 {
    if ids.isEmpty { return 0 }
    var slot = home(hash)
    while true {
      let entry = slots.pointer[slot]
      let set = UInt32(truncatingIfNeeded: entry)
      // A free slot, or one of before.
      if set < firstKnown { break }
      if UInt32(truncatingIfNeeded: entry >> 32) == hash && isEqual(Int(set), ids) { return set }
      slot = (slot + 1) & slotMask
    }
    let set = UInt32(starts.count - 1)
    members.append(from: ids.baseAddress!, count: ids.count)
    starts.append(UInt32(members.count))
    slots.pointer[slot] = UInt64(hash) << 32 | UInt64(set)
    if (setCount - Int(firstKnown)) * 2 > slotMask { rehash() }
    return set
  }

  /// Where a set stands where all are written one after another.
  @inline(__always)
  func place(ofSet set: UInt32) -> UInt32 { starts.pointer[Int(set)] + set }

  /// How many words some sets take, each with its number of members before it.
  func wordCount(_ sets: Range<Int>) -> Int {
    Int(starts.pointer[sets.upperBound] - starts.pointer[sets.lowerBound]) + sets.count
  }

  /// Writes sets one after another, each with its number of members before it.
  func write(_ sets: Range<Int>, to words: UnsafeMutablePointer<UInt32>) {
    var words = words
    for set in sets {
      let first = Int(starts.pointer[set])
      let count = Int(starts.pointer[set + 1]) - first
      words[0] = UInt32(count)
      (words + 1).update(from: members.pointer + first, count: count)
      words += 1 + count
    }
  }

  /// The slot at which a set is looked for first.
  @inline(__always)
  private func home(_ hash: UInt32) -> Int { Int(truncatingIfNeeded: hash) & slotMask }

  @inline(__always)
  private func isEqual(_ set: Int, _ ids: UnsafeBufferPointer<UInt32>) -> Bool {
    let start = Int(starts.pointer[set])
    if Int(starts.pointer[set + 1]) - start != ids.count { return false }
    for index in 0..<ids.count where members.pointer[start + index] != ids[index] { return false }
    return true
  }

  /// Two members a step: a multiplication to 128 bits that is folded to 64.
  @inline(__always)
  static func hash(_ ids: UnsafeBufferPointer<UInt32>) -> UInt32 {
    guard let start = UnsafeRawPointer(ids.baseAddress) else { return 0 }
    var hash = UInt64(truncatingIfNeeded: ids.count)
    var offset = 0
    let end = ids.count &* 4
    while offset &+ 8 <= end {
      hash = folded(hash ^ start.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      offset &+= 8
    }
    if offset < end {
      hash = folded(hash ^ UInt64(start.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }
    return UInt32(truncatingIfNeeded: hash)
  }

  /// A word mixed by a multiplication to 128 bits, folded to 64.
  @inline(__always)
  static func folded(_ word: UInt64) -> UInt64 {
    let product = (word ^ 0xA076_1D64_78BD_642F).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    return product.high ^ product.low
  }

  @inline(never)
  private mutating func rehash() {
    slotMask = slotMask * 2 + 1
    let before = slots
    defer { before.free() }
    slots = GrowingBuffer(capacity: slotMask + 1)
    slots.append(repeating: 0, count: slotMask + 1)
    for entry in before.buffer where UInt32(truncatingIfNeeded: entry) >= firstKnown {
      var slot = home(UInt32(truncatingIfNeeded: entry >> 32))
      while slots.pointer[slot] != 0 { slot = (slot + 1) & slotMask }
      slots.pointer[slot] = entry
    }
  }
}
