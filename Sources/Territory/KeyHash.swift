// The hashes by which keys are found.

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
