// A short text in eight bytes: inline, as a number with a shared prefix or suffix, or as a place in a text heap.

internal import CDigits
import PointLocation

/// One text of the service-point table, in eight bytes.
///
/// Ids and addresses are short and repeat themselves, so one of four forms holds nearly all of them with no heap text of their own. The
/// highest two bits tell which; a given text always gets the same form in one table, so that two packed texts other than
/// `heap` are equal exactly if their bits are.
/// - inline: up to 7 UTF-8 bytes (bits 56...58 hold the count, the first byte lies lowest)
/// - numbered suffix: a shared prefix, then a number of fixed width (`SP-` and `00088121`): 16 bits of pattern, 46 of number; pattern `d` is
///   the empty prefix before `d` digits, for each number of digits that there may be
/// - numbered prefix: a number without leading zeros, then a shared text (`12` and ` Oak St`): 24 bits of pattern, 34 of number
///   plus one, or zero for the shared text alone
/// - heap: 38 bits of offset, 24 of length
public struct PackedText: Hashable, Sendable, BitwiseCopyable {
  let bits: UInt64

  public static let empty = PackedText(bits: 0)
  public var isEmpty: Bool { bits == 0 }

  enum Form: UInt64 {
    case inline = 0, numberedSuffix = 1, numberedPrefix = 2, heap = 3
  }

  var form: Form { Form(rawValue: bits >> 62).unsafelyUnwrapped }

  init(bits: UInt64) { self.bits = bits }

  init(inline bytes: UnsafeBufferPointer<UInt8>) {
    var bits = UInt64(bytes.count) << 56
    for (index, byte) in bytes.enumerated() { bits |= UInt64(byte) << (8 * UInt64(index)) }
    self.bits = bits
  }

  init(suffixPattern pattern: UInt32, number: UInt64) {
    bits = Form.numberedSuffix.rawValue << 62 | UInt64(pattern) << 46 | number
  }

  /// A text of decimal digits, of more than can lie inline, packed without asking a table; `nil` for any other.
  @inline(__always)
  init?(bareNumber bytes: UnsafeBufferPointer<UInt8>) {
    guard bytes.count > Self.inlineBytesMax, bytes.count <= Self.suffixDigitsMax else { return nil }
    let (digits, number) = TextShape.trailingDigits(bytes)
    guard digits == bytes.count else { return nil }
    self.init(suffixPattern: UInt32(truncatingIfNeeded: digits), number: number)
  }

  init(prefixPattern pattern: UInt32, number: UInt64?) {
    bits = Form.numberedPrefix.rawValue << 62 | UInt64(pattern) << 34 | (number.map { $0 + 1 } ?? 0)
  }

  init(heapOffset: Int, count: Int) {
    bits = Form.heap.rawValue << 62 | UInt64(heapOffset) << 24 | UInt64(count)
  }

  var inlineCount: Int { Int(bits >> 56 & 7) }
  var suffixPattern: Int { Int(bits >> 46 & 0xffff) }
  var suffixNumber: UInt64 { bits & (1 << 46 - 1) }
  var prefixPattern: Int { Int(bits >> 34 & 0xff_ffff) }
  var prefixNumber: UInt64? {
    let raw = bits & (1 << 34 - 1)
    return raw == 0 ? nil : raw - 1
  }
  var heapOffset: Int { Int(bits >> 24 & (1 << 38 - 1)) }
  var heapCount: Int { Int(bits & 0xff_ffff) }

  static let inlineBytesMax = 7
  static let suffixPatternsMax = 1 << 16
  static let suffixDigitsMax = Int(cdigits_most)
  static let prefixPatternsMax = 1 << 24
  static let prefixDigitsMax = 10
  static let heapTextBytesMax = 1 << 24 - 1
}

extension PackedText {
  /// A text with the patterns of a table; `nil` where there is none for it, so that it belongs in the heap.
  /// - Parameters:
  ///   - suffixPattern: the pattern of a prefix before so many digits.
  ///   - prefixPattern: the pattern of what stands behind a number, or of a whole text.
  @inline(__always)
  init?(
    _ bytes: UnsafeBufferPointer<UInt8>, suffixPattern: (UnsafeBufferPointer<UInt8>, Int) -> UInt32?,
    prefixPattern: (UnsafeBufferPointer<UInt8>) -> UInt32?
  ) {
    switch TextShape(bytes) {
    case .inline:
      self.init(inline: bytes)
    case .numberedSuffix(let digits, let number):
      guard let pattern = suffixPattern(UnsafeBufferPointer(rebasing: bytes.dropLast(digits)), digits) else {
        return nil
      }
      self.init(suffixPattern: pattern, number: number)
    case .numberedPrefix(let digits, let number):
      guard let pattern = prefixPattern(UnsafeBufferPointer(rebasing: bytes.dropFirst(digits))) else {
        return nil
      }
      self.init(prefixPattern: pattern, number: number)
    case .plain:
      guard let pattern = prefixPattern(bytes) else { return nil }
      self.init(prefixPattern: pattern, number: nil)
    }
  }
}

/// How a text would be packed, before any table is asked.
enum TextShape {
  case inline
  /// `digits` decimal digits at the end, worth `number`.
  case numberedSuffix(digits: Int, number: UInt64)
  /// `digits` decimal digits at the start, worth `number`.
  case numberedPrefix(digits: Int, number: UInt64)
  case plain

  @inline(__always)
  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    let count = bytes.count
    if count <= PackedText.inlineBytesMax {
      self = .inline
      return
    }
    let (digits, number) = Self.trailingDigits(bytes)
    if digits > 0 {
      self = .numberedSuffix(digits: digits, number: number)
      return
    }
    self = Self.withoutTrailingDigits(bytes)
  }

  private static func withoutTrailingDigits(_ bytes: UnsafeBufferPointer<UInt8>) -> TextShape {
    var prefixDigits = 0
    var prefixNumber: UInt64 = 0
    while prefixDigits < bytes.count, prefixDigits < PackedText.prefixDigitsMax,
      let value = bytes[prefixDigits].decimalDigit
    {
      prefixNumber = prefixNumber * 10 + value
      prefixDigits += 1
    }
    if prefixDigits > 0, bytes[0] != UInt8(ascii: "0"), prefixDigits < PackedText.prefixDigitsMax {
      return .numberedPrefix(digits: prefixDigits, number: prefixNumber)
    }
    return .plain
  }

  /// How many decimal digits a text of eight bytes or more ends with, `suffixDigitsMax` at most, and their number.
  @inline(__always)
  static func trailingDigits(_ bytes: UnsafeBufferPointer<UInt8>) -> (count: Int, number: UInt64) {
    let ending = cdigits_find_ending(bytes.baseAddress.unsafelyUnwrapped, bytes.count)
    return (Int(truncatingIfNeeded: ending.count), ending.number)
  }
}

extension UInt8 {
  @inline(__always)
  var decimalDigit: UInt64? { self &- 48 <= 9 ? UInt64(self &- 48) : nil }
}
