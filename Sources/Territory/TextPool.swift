// The shared parts of packed texts: patterns and the heap, and the way back from a packed text to its bytes.

import PointLocation

/// What the packed texts of one table share.
struct TextPool: Sendable {
  let heap: FlatArray<UInt8>
  let suffixPatterns: PatternTable
  let prefixPatterns: PatternTable

  /// The most bytes that `write` may write to for this text, which is more than it has.
  @inline(__always)
  func byteCountBound(_ text: PackedText) -> Int {
    text.form == .heap ? text.heapCount : Self.patternedByteCountBound
  }

  private static let patternedByteCountBound = PatternTable.textBytesMax + PatternTable.paddingBytes + 24

  /// Writes the text's UTF-8 bytes and returns their number.
  /// - Precondition: there is room for `byteCountBound(text)` bytes, all of which may be written to.
  @inline(__always)
  func write(_ text: PackedText, to target: UnsafeMutablePointer<UInt8>) -> Int {
    switch text.form {
    case .inline:
      store(text.bits, to: target)
      return text.inlineCount
    case .numberedSuffix:
      let pattern = text.suffixPattern
      let count = suffixPatterns.write(pattern, to: target)
      let digits = Int(suffixPatterns.digits(pattern))
      writeDecimal(text.suffixNumber, digits: digits, to: target + count)
      return count + digits
    case .numberedPrefix:
      let count = text.prefixNumber.map { writeDecimal($0, to: target) } ?? 0
      return count + prefixPatterns.write(text.prefixPattern, to: target + count)
    case .heap:
      target.update(from: heap.pointer + text.heapOffset, count: text.heapCount)
      return text.heapCount
    }
  }

  /// Calls `body` with the text's UTF-8 bytes, valid there only.
  func withBytes<Result>(_ text: PackedText, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    if text.form == .heap {
      return body(UnsafeBufferPointer(start: heap.pointer + text.heapOffset, count: text.heapCount))
    }
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.patternedByteCountBound) { room in
      let count = write(text, to: room.baseAddress!)
      return body(UnsafeBufferPointer(rebasing: room[..<count]))
    }
  }

  func string(_ text: PackedText) -> String { withBytes(text) { String(decoding: $0, as: UTF8.self) } }

  /// These bytes as this table packs them; `nil` where none of its patterns fits, so that only the heap can have them.
  func packed(_ bytes: UnsafeBufferPointer<UInt8>) -> PackedText? {
    switch TextShape(bytes) {
    case .inline:
      return PackedText(inline: bytes)
    case .numberedSuffix(let digits, let number):
      let prefix = UnsafeBufferPointer(start: bytes.baseAddress, count: bytes.count &- digits)
      return suffixPatterns.find(prefix, digits: digits).map { PackedText(suffixPattern: $0, number: number) }
    case .numberedPrefix(let digits, let number):
      let suffix = UnsafeBufferPointer(rebasing: bytes.dropFirst(digits))
      return prefixPatterns.find(suffix, digits: 0).map { PackedText(prefixPattern: $0, number: number) }
    case .plain:
      return prefixPatterns.find(bytes, digits: 0).map { PackedText(prefixPattern: $0, number: nil) }
    }
  }

  /// A hash of the text's bytes: of the eight that it is packed in, unless it lies in the heap.
  func hash(_ text: PackedText) -> UInt64 {
    text.form == .heap ? withBytes(text, hashBytes) : hashNumber(text.bits)
  }

  /// Whether a text lies in the heap and is exactly these bytes.
  func isInHeap(_ text: PackedText, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    text.form == .heap && withBytes(text) { sameBytes($0, bytes) }
  }

  /// Whether two texts have the same bytes.
  func isSame(_ a: PackedText, _ b: PackedText) -> Bool {
    if a.bits == b.bits { return true }
    return a.form == .heap && withBytes(a) { isInHeap(b, $0) }
  }

  var byteCount: Int { heap.byteCount + suffixPatterns.byteCount + prefixPatterns.byteCount }
}

/// Stores eight bytes, the lowest first.
@inline(__always)
private func store(_ word: UInt64, to target: UnsafeMutablePointer<UInt8>) {
  UnsafeMutableRawPointer(target).storeBytes(of: word.littleEndian, as: UInt64.self)
}

/// Writes the lowest decimal digits of a number, up to 16 of them, leading zeros included; eight bytes from the last but seven on are written to.
@inline(__always)
func writeDecimal(_ number: UInt64, digits: Int, to target: UnsafeMutablePointer<UInt8>) {
  if digits > 8 {
    let (high, low) = number.quotientAndRemainder(dividingBy: 100_000_000)
    store(eightDigits(high) >> UInt64(8 * (16 - digits)), to: target)
    store(eightDigits(low), to: target + (digits - 8))
  } else if digits > 0 {
    store(eightDigits(number) >> UInt64(8 * (8 - digits)), to: target)
  }
}

/// Writes a number below 10^16 without leading zeros and returns how many digits it has; 16 bytes may be written to.
@inline(__always)
func writeDecimal(_ number: UInt64, to target: UnsafeMutablePointer<UInt8>) -> Int {
  if number >= 100_000_000 {
    let (high, low) = number.quotientAndRemainder(dividingBy: 100_000_000)
    let count = writeDecimal(high, to: target)
    store(eightDigits(low), to: target + count)
    return count + 8
  }
  let text = eightDigits(number)
  // The first digit lies lowest; of 0 the last one stays.
  let zeros = min(7, (text ^ 0x3030_3030_3030_3030).trailingZeroBitCount / 8)
  store(text >> UInt64(8 * zeros), to: target)
  return 8 - zeros
}

/// The eight decimal digits of a number below 10^8 in ASCII, the first one lowest: halves, then pairs, then digits are parted all at once, each quotient by
/// a multiplication that is exact for its range (Granlund and Montgomery, *Division by Invariant Integers using Multiplication*).
@inline(__always)
private func eightDigits(_ number: UInt64) -> UInt64 {
  let (high, low) = number.quotientAndRemainder(dividingBy: 10_000)
  let halves = high | low << 32
  let hundreds = ((halves &* 10_486) >> 20) & 0x0000_007F_0000_007F
  let pairs = hundreds | (halves &- hundreds &* 100) << 16
  let tens = ((pairs &* 103) >> 10) & 0x000F_000F_000F_000F
  return (tens | (pairs &- tens &* 10) << 8) &+ 0x3030_3030_3030_3030
}

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

@inline(__always)
private func sameBytes(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Bool {
  guard a.count == b.count else { return false }
  for index in 0..<a.count where a[index] != b[index] { return false }
  return true
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

/// Sixteen bytes at a time, each step a multiplication to 128 bits that is folded to 64; the last sixteen may overlap those before them, and the last eight
/// those. Not for keys that an adversary chooses: what is looked up is compared, and what is stored is the utility's own.
@inline(__always)
func hashBytes(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
  let count = bytes.count
  guard count > 0 else { return 0 }
  let start = UnsafeRawPointer(bytes.baseAddress.unsafelyUnwrapped)
  func word(_ offset: Int) -> UInt64 {
    start.loadUnaligned(fromByteOffset: offset, as: UInt64.self).littleEndian
  }
  func half(_ offset: Int) -> UInt64 {
    UInt64(start.loadUnaligned(fromByteOffset: offset, as: UInt32.self).littleEndian)
  }
  let (keyA, keyB): (UInt64, UInt64) = (0xA076_1D64_78BD_642F, 0xE703_7ED1_A0B4_28DB)
  var hash = UInt64(truncatingIfNeeded: count)
  let (first, last): (UInt64, UInt64)
  if count >= 8 {
    var offset = 0
    while _slowPath(offset &+ 16 < count) {
      hash = foldedProduct(word(offset) ^ keyA ^ hash, word(offset &+ 8) ^ keyB)
      offset &+= 16
    }
    (first, last) = (word(min(offset, count &- 8)), word(count &- 8))
  } else if count >= 4 {
    (first, last) = (half(0), half(count &- 4))
  } else {
    (first, last) = (UInt64(bytes[0]) | UInt64(bytes[count / 2]) << 8, UInt64(bytes[count &- 1]))
  }
  return foldedProduct(foldedProduct(first ^ keyA ^ hash, last ^ keyB) ^ hash, 0x9E37_79B9_7F4A_7C15)
}

@inline(__always)
private func foldedProduct(_ a: UInt64, _ b: UInt64) -> UInt64 {
  let product = a.multipliedFullWidth(by: b)
  return product.high ^ product.low
}

/// Of the product with a constant, the half that numbers one after another, or at equal steps, divide evenly among a table's lines by (Knuth, *The Art of Computer
/// Programming*, volume 3, section 6.4): fewer lines are full than chance fills. The tag in the lower half is of both halves, mixed once more.
@inline(__always)
func hashNumber(_ value: UInt64) -> UInt64 {
  let product = value.multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
  let mixed = (product.high ^ product.low) &* 0xE703_7ED1_A0B4_28DB
  return product.low & ~UInt64(UInt32.max) | mixed >> 32
}

/// Packs texts while a table is being filled.
struct TextPoolBuilder {
  private var heap: [UInt8] = []
  private var suffixPatterns = PatternTableBuilder(bareNumbers: true)
  private var prefixPatterns = PatternTableBuilder()

  mutating func pack(_ text: String?) -> PackedText {
    guard var text, !text.isEmpty else { return .empty }
    return text.withUTF8 { pack($0) }
  }

  mutating func pack(_ bytes: UnsafeBufferPointer<UInt8>) -> PackedText {
    switch TextShape(bytes) {
    case .inline:
      return PackedText(inline: bytes)
    case .numberedSuffix(let digits, let number):
      if let pattern = suffixPatterns.intern(
        UnsafeBufferPointer(rebasing: bytes.dropLast(digits)), digits: digits,
        max: PackedText.suffixPatternsMax)
      {
        return PackedText(suffixPattern: pattern, number: number)
      }
    case .numberedPrefix(let digits, let number):
      if let pattern = prefixPatterns.intern(
        UnsafeBufferPointer(rebasing: bytes.dropFirst(digits)), digits: 0, max: PackedText.prefixPatternsMax)
      {
        return PackedText(prefixPattern: pattern, number: number)
      }
    case .plain:
      if let pattern = prefixPatterns.intern(bytes, digits: 0, max: PackedText.prefixPatternsMax) {
        return PackedText(prefixPattern: pattern, number: nil)
      }
    }
    let kept = min(bytes.count, PackedText.heapTextBytesMax)
    let offset = heap.count
    heap.append(contentsOf: bytes[..<kept])
    return PackedText(heapOffset: offset, count: kept)
  }

  func build() -> TextPool {
    TextPool(
      heap: FlatArray(heap), suffixPatterns: suffixPatterns.build(), prefixPatterns: prefixPatterns.build())
  }
}

/// Interns texts for a `PatternTable`.
private struct PatternTableBuilder {
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
