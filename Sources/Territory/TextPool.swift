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
    PackedText(
      bytes, suffixPattern: { suffixPatterns.find($0, digits: $1) },
      prefixPattern: { prefixPatterns.find($0, digits: 0) })
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
    let packed = PackedText(
      bytes,
      suffixPattern: { suffixPatterns.intern($0, digits: $1, max: PackedText.suffixPatternsMax) },
      prefixPattern: { prefixPatterns.intern($0, digits: 0, max: PackedText.prefixPatternsMax) })
    if let packed { return packed }
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
