// Ids one after another, of which most differ from the one before in their number only.

import ByteBuffers
import Glibc

/// The id before, against which the next one is packed or unpacked.
///
/// Ids of one kind are a text and then a number of fixed width, as a rule (`SP-` and `00088121`). One whose text and width are those of the id before it is kept as
/// the difference of the two numbers, a quarter of its size; another one as it is.
struct IdRun: ~Copyable {
  private var last = ByteBuffer()
  private var digitCount = 0
  private var number = 0

  /// Above it, a number would not fit.
  private static let digitsMax = 18

  /// What leads from the id before to this one; `nil` where their texts or widths differ.
  mutating func difference(to id: UnsafeRawBufferPointer) -> Int? {
    let before = number
    let (digits, number) = Self.trailingNumber(id)
    let isSameShape =
      digits > 0 && digits == digitCount && id.count == last.count
      && memcmp(id.baseAddress!, last.bytes.baseAddress!, id.count - digits) == 0
    (digitCount, self.number) = (digits, number)
    if isSameShape { return number - before }
    last.removeAll()
    last.append(id)
    return nil
  }

  /// Takes an id that was packed as it is.
  mutating func take(_ id: UnsafeRawBufferPointer) {
    last.removeAll()
    last.append(id)
    (digitCount, number) = Self.trailingNumber(id)
  }

  /// The id to which a difference leads, valid until the next one; `nil` where there is none.
  mutating func id(after difference: Int) -> UnsafeRawBufferPointer? {
    let (sum, overflow) = number.addingReportingOverflow(difference)
    guard digitCount > 0, !overflow, sum >= 0 else { return nil }
    number = sum
    last.truncate(to: last.count - digitCount)
    var rest = sum
    last.append(atMost: digitCount) { digits in
      for place in stride(from: digitCount - 1, through: 0, by: -1) {
        digits[place] = UInt8(ascii: "0") + UInt8(rest % 10)
        rest /= 10
      }
      return digitCount
    }
    return rest == 0 ? last.bytes : nil
  }

  private static func trailingNumber(_ id: UnsafeRawBufferPointer) -> (digits: Int, number: Int) {
    var (digits, number, scale) = (0, 0, 1)
    while digits < min(digitsMax, id.count) {
      let digit = Int(id[id.count - 1 - digits]) - 0x30
      guard 0...9 ~= digit else { break }
      number += digit * scale
      scale *= 10
      digits += 1
    }
    return (digits, number)
  }
}
