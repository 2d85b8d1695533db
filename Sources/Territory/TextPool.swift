// The shared parts of packed texts: patterns and the heap, and the way back from a packed text to its bytes.

import PointLocation

/// What the packed texts of one table share.
struct TextPool: Sendable {
  let heap: FlatArray<UInt8>
  let suffixPatterns: PatternTable
  let prefixPatterns: PatternTable

  /// The packed form of `text` if this pool can hold a table's text like it; `nil` means that no row has it. A text of `heap` form is
  /// found by its bytes, not by its bits, so it gives `.some(nil)`.
  @inline(__always)
  func find(_ text: UnsafeBufferPointer<UInt8>) -> PackedText?? {
    switch TextShape(text) {
    case .inline:
      return PackedText(inline: text)
    case .numberedSuffix(let digits, let number):
      let prefix = UnsafeBufferPointer(rebasing: text.dropLast(digits))
      if let pattern = suffixPatterns.find(prefix, digits: digits) {
        return PackedText(suffixPattern: pattern, number: number)
      }
      return .some(nil)
    case .numberedPrefix(let digits, let number):
      let suffix = UnsafeBufferPointer(rebasing: text.dropFirst(digits))
      if let pattern = prefixPatterns.find(suffix, digits: 0) {
        return PackedText(prefixPattern: pattern, number: number)
      }
      return .some(nil)
    case .plain:
      if let pattern = prefixPatterns.find(text, digits: 0) {
        return PackedText(prefixPattern: pattern, number: nil)
      }
      return .some(nil)
    }
  }

  /// The most bytes that `write` may need for this text.
  @inline(__always)
  func byteCountBound(_ text: PackedText) -> Int {
    switch text.form {
    case .inline: 8
    case .numberedSuffix: suffixPatterns.text(text.suffixPattern).count + 20
    case .numberedPrefix: prefixPatterns.text(text.prefixPattern).count + 20
    case .heap: text.heapCount
    }
  }

  /// Writes the text's UTF-8 bytes and returns their number.
  /// - Precondition: there is room for `byteCountBound(text)` bytes.
  @inline(__always)
  func write(_ text: PackedText, to target: UnsafeMutablePointer<UInt8>) -> Int {
    switch text.form {
    case .inline:
      // Eight bytes are written whatever the count: the bound gives room for them.
      UnsafeMutableRawPointer(target).storeBytes(of: text.bits.littleEndian, as: UInt64.self)
      return text.inlineCount
    case .numberedSuffix:
      let pattern = text.suffixPattern
      let prefix = suffixPatterns.text(pattern)
      if let source = prefix.baseAddress { target.update(from: source, count: prefix.count) }
      let digits = Int(suffixPatterns.digits(pattern))
      writeDecimal(text.suffixNumber, digits: digits, to: target + prefix.count)
      return prefix.count + digits
    case .numberedPrefix:
      var count = 0
      if let number = text.prefixNumber {
        count = decimalDigitCount(number)
        writeDecimal(number, digits: count, to: target)
      }
      let suffix = prefixPatterns.text(text.prefixPattern)
      if let source = suffix.baseAddress { (target + count).update(from: source, count: suffix.count) }
      return count + suffix.count
    case .heap:
      target.update(from: heap.pointer + text.heapOffset, count: text.heapCount)
      return text.heapCount
    }
  }

  func string(_ text: PackedText) -> String {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: byteCountBound(text)) { room in
      let count = write(text, to: room.baseAddress!)
      return String(decoding: room[..<count], as: UTF8.self)
    }
  }

  /// Whether a row's text is exactly these bytes.
  func equals(_ text: PackedText, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    guard text.form == .heap else {
      return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: byteCountBound(text)) { room in
        let count = write(text, to: room.baseAddress!)
        return room[..<count].elementsEqual(bytes)
      }
    }
    return text.heapCount == bytes.count
      && UnsafeBufferPointer(start: heap.pointer + text.heapOffset, count: text.heapCount).elementsEqual(
        bytes)
  }

  var byteCount: Int { heap.byteCount + suffixPatterns.byteCount + prefixPatterns.byteCount }
}

@inline(__always)
private func writeDecimal(_ number: UInt64, digits: Int, to target: UnsafeMutablePointer<UInt8>) {
  var rest = number
  var index = digits
  while index > 0 {
    index -= 1
    let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
    target[index] = UInt8(truncatingIfNeeded: 48 &+ digit)
    rest = quotient
  }
}

@inline(__always)
private func decimalDigitCount(_ number: UInt64) -> Int {
  var count = 1
  var rest = number
  while rest >= 10 {
    rest /= 10
    count += 1
  }
  return count
}

/// Interned texts, each with a number of digits that belongs to it; found by hash, read by index.
struct PatternTable: Sendable {
  let bytes: FlatArray<UInt8>
  /// Text `i` is `bytes[starts[i] ..< starts[i + 1]]`.
  let starts: FlatArray<UInt32>
  let digitCounts: FlatArray<UInt8>
  /// Open addressing; index plus one, 0 = free. A power of two, at most half full.
  let slots: FlatArray<UInt32>

  var count: Int { digitCounts.count }
  var byteCount: Int { bytes.byteCount + starts.byteCount + digitCounts.byteCount + slots.byteCount }

  @inline(__always)
  func text(_ index: Int) -> UnsafeBufferPointer<UInt8> {
    let start = Int(starts.pointer[index])
    return UnsafeBufferPointer(start: bytes.pointer + start, count: Int(starts.pointer[index + 1]) - start)
  }

  @inline(__always)
  func digits(_ index: Int) -> UInt8 { digitCounts.pointer[index] }

  @inline(__always)
  func find(_ text: UnsafeBufferPointer<UInt8>, digits: Int) -> UInt32? {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: patternHash(text, digits: digits)) & mask
    while true {
      let entry = slots.pointer[slot]
      if entry == 0 { return nil }
      let index = Int(entry) - 1
      if Int(self.digits(index)) == digits, sameBytes(self.text(index), text) { return entry - 1 }
      slot = (slot + 1) & mask
    }
  }
}

@inline(__always)
private func sameBytes(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Bool {
  guard a.count == b.count else { return false }
  for index in 0..<a.count where a[index] != b[index] { return false }
  return true
}

@inline(__always)
private func patternHash(_ text: UnsafeBufferPointer<UInt8>, digits: Int) -> UInt64 {
  hashBytes(text) ^ UInt64(digits) &* 0x9E37_79B9_7F4A_7C15
}

/// FNV-1a, then a finaliser that spreads it over all bits.
@inline(__always)
func hashBytes(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
  var hash: UInt64 = 0xcbf2_9ce4_8422_2325
  for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
  return mixBits(hash)
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
@inline(__always)
func mixBits(_ value: UInt64) -> UInt64 {
  var z = value
  z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
  z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
  return z ^ (z >> 31)
}

/// Packs texts while a table is being filled.
struct TextPoolBuilder {
  private var heap: [UInt8] = []
  private var suffixPatterns = PatternTableBuilder()
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
  private var slots = [UInt32](repeating: 0, count: 64)
  /// Longer texts repeat too seldom to be worth a pattern.
  private static let textBytesMax = 64

  mutating func intern(_ text: UnsafeBufferPointer<UInt8>, digits: Int, max: Int) -> UInt32? {
    if text.count > Self.textBytesMax { return nil }
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

  private func text(_ index: Int) -> Range<Int> { Int(starts[index])..<Int(starts[index + 1]) }

  /// Where this text stands, or the free slot where it would.
  private func slot(of text: UnsafeBufferPointer<UInt8>, digits: Int) -> Int {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: patternHash(text, digits: digits)) & mask
    while slots[slot] != 0 {
      let index = Int(slots[slot]) - 1
      if Int(digitCounts[index]) == digits, bytes[self.text(index)].elementsEqual(text) { break }
      slot = (slot + 1) & mask
    }
    return slot
  }

  private mutating func grow() {
    slots = [UInt32](repeating: 0, count: slots.count * 2)
    // The text just added has no slot yet: its caller gives it one.
    for index in 0..<digitCounts.count - 1 {
      bytes.withUnsafeBufferPointer { all in
        let text = UnsafeBufferPointer(rebasing: all[self.text(index)])
        slots[slot(of: text, digits: Int(digitCounts[index]))] = UInt32(index + 1)
      }
    }
  }

  func build() -> PatternTable {
    PatternTable(
      bytes: FlatArray(bytes), starts: FlatArray(starts), digitCounts: FlatArray(digitCounts),
      slots: FlatArray(slots))
  }
}
