// The texts that packed texts share, each found by its index and by its bytes.

import PointLocation

/// Interned texts, each with a number of digits that belongs to it, by index.
struct PatternTable: Sendable {
  /// The texts, and `paddingBytes` zeros, so that a text's last bytes can be copied in whole blocks.
  let bytes: FlatArray<UInt8>
  /// Text `i` is `bytes[starts[i] ..< starts[i + 1]]`.
  let starts: FlatArray<UInt32>
  let digitCounts: FlatArray<UInt8>
  /// Where a text's index is found (`PatternSlots`).
  let slots: FlatArray<UInt32>

  static let paddingBytes = 16
  /// Longer texts repeat too seldom to be worth a pattern.
  static let textBytesMax = 64
  static let slotsMin = 64

  var count: Int { digitCounts.count }
  var byteCount: Int { bytes.byteCount + starts.byteCount + digitCounts.byteCount + slots.byteCount }

  @inline(__always)
  func text(_ index: Int) -> UnsafeBufferPointer<UInt8> {
    let start = Int(starts.pointer[index])
    return UnsafeBufferPointer(
      start: bytes.pointer + start, count: Int(starts.pointer[index &+ 1]) &- start)
  }

  @inline(__always)
  func digits(_ index: Int) -> UInt8 { digitCounts.pointer[index] }

  /// The index of a text that has so many digits; `nil` if there is none.
  @inline(__always)
  func find(_ text: UnsafeBufferPointer<UInt8>, digits: Int) -> UInt32? {
    let slot = PatternSlots.slot(of: text, digits: digits, in: slots.buffer) { index in
      digits == Int(self.digits(index)) && sameBytes(self.text(index), text)
    }
    let found = slots.pointer[slot]
    return found == 0 ? nil : found &- 1
  }

  /// Writes a text and returns its number of bytes; up to 15 more may be written to.
  @inline(__always)
  func write(_ index: Int, to target: UnsafeMutablePointer<UInt8>) -> Int {
    let start = Int(starts.pointer[index])
    let count = Int(starts.pointer[index + 1]) - start
    let source = UnsafeRawPointer(bytes.pointer + start)
    var offset = 0
    repeat {
      let block = source.loadUnaligned(fromByteOffset: offset, as: SIMD16<UInt8>.self)
      UnsafeMutableRawPointer(target).storeBytes(of: block, toByteOffset: offset, as: SIMD16<UInt8>.self)
      offset += 16
    } while offset < count
    return count
  }
}

/// How the slots of a pattern table are searched: open addressing, an index plus one in each, 0 in a free one; as many as a power of two, at most half of them
/// taken.
enum PatternSlots {
  /// Where this text stands, or the free slot where it would.
  /// - Parameter isText: whether the text of an index is the one that is sought, and its number of digits likewise.
  @inline(__always)
  static func slot(
    of text: UnsafeBufferPointer<UInt8>, digits: Int, in slots: UnsafeBufferPointer<UInt32>,
    isText: (Int) -> Bool
  ) -> Int {
    let mask = slots.count &- 1
    let hash = hashBytes(text) ^ UInt64(truncatingIfNeeded: digits) &* 0x9E37_79B9_7F4A_7C15
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] != 0, !isText(Int(slots[slot]) &- 1) { slot = (slot &+ 1) & mask }
    return slot
  }
}

/// Interns texts for a `PatternTable`.
struct PatternTableBuilder {
  private var bytes: [UInt8] = []
  private var starts: [UInt32] = [0]
  private var digitCounts: [UInt8] = []
  private var slots = [UInt32](repeating: 0, count: PatternTable.slotsMin)

  init(bareNumbers: Bool = false) {
    guard bareNumbers else { return }
    for digits in 0...PackedText.suffixDigitsMax {
      _ = intern(UnsafeBufferPointer(start: nil, count: 0), digits: digits, max: PackedText.suffixPatternsMax)
    }
  }

  mutating func intern(_ text: UnsafeBufferPointer<UInt8>, digits: Int, max: Int) -> UInt32? {
    if text.count > PatternTable.textBytesMax { return nil }
    var slot = self.slot(of: text, digits: digits)
    if slots[slot] != 0 { return slots[slot] - 1 }
    guard digitCounts.count < max else { return nil }
    bytes.append(contentsOf: text)
    starts.append(UInt32(bytes.count))
    digitCounts.append(UInt8(digits))
    if digitCounts.count * 2 > slots.count {
      grow()
      slot = self.slot(of: text, digits: digits)
    }
    slots[slot] = UInt32(digitCounts.count)
    return UInt32(digitCounts.count - 1)
  }

  private func slot(of text: UnsafeBufferPointer<UInt8>, digits: Int) -> Int {
    slots.withUnsafeBufferPointer { slots in
      PatternSlots.slot(of: text, digits: digits, in: slots) { index in
        Int(digitCounts[index]) == digits
          && bytes[Int(starts[index])..<Int(starts[index + 1])].elementsEqual(text)
      }
    }
  }

  private mutating func grow() {
    slots = [UInt32](repeating: 0, count: slots.count * 2)
    // The text just added has no slot yet: its caller gives it one.
    for index in 0..<digitCounts.count - 1 {
      bytes.withUnsafeBufferPointer { all in
        let text = UnsafeBufferPointer(rebasing: all[Int(starts[index])..<Int(starts[index + 1])])
        slots[slot(of: text, digits: Int(digitCounts[index]))] = UInt32(index + 1)
      }
    }
  }

  func build() -> PatternTable {
    PatternTable(
      bytes: FlatArray(bytes + [UInt8](repeating: 0, count: PatternTable.paddingBytes)),
      starts: FlatArray(starts), digitCounts: FlatArray(digitCounts), slots: FlatArray(slots))
  }
}

/// Whether two texts are the same.
@inline(__always)
func sameBytes(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Bool {
  guard a.count == b.count else { return false }
  for index in 0..<a.count where a[index] != b[index] { return false }
  return true
}
