// Numbers as LEB128, and texts with their lengths before them: how the log of changes packs what it keeps many of.

import ByteBuffers

extension ByteBuffer {
  /// Seven bits a byte, the lowest first; the high bit says that more follow (DWARF 5, 7.6, unsigned LEB128).
  mutating func append(leb128 value: Int) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(truncatingIfNeeded: rest))
  }

  /// The sign in the lowest bit, so that small differences either way are short.
  mutating func append(difference: Int) {
    append(leb128: difference >= 0 ? difference << 1 : ~(difference << 1))
  }

  /// The length, and the bytes as they are.
  mutating func append(packed text: UnsafeRawBufferPointer) {
    append(leb128: text.count)
    append(text)
  }
}

/// Takes packed values off the front of some bytes. What it gives is `nil` at their end, and where they are not what was asked for.
struct PackedReader {
  private var rest: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

  mutating func byte() -> UInt8? {
    guard let first = rest.first else { return nil }
    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst())
    return first
  }

  mutating func number() -> Int? {
    var value = 0
    var shift = 0
    while shift < 63, let byte = byte() {
      value |= Int(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
      shift += 7
    }
    return nil
  }

  mutating func difference() -> Int? {
    number().map { $0 & 1 == 0 ? $0 >> 1 : ~($0 >> 1) }
  }

  mutating func text() -> UnsafeRawBufferPointer? {
    guard let count = number(), count <= rest.count else { return nil }
    defer { rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count)) }
    return UnsafeRawBufferPointer(rebasing: rest.prefix(count))
  }
}
