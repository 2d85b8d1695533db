// The bits that are set in a word, one by one.

/// The places of the bits that are set in a word, ascending.
struct SetBits<Word: FixedWidthInteger & UnsignedInteger>: Sequence, IteratorProtocol {
  private var rest: Word

  @inline(__always)
  init(_ word: Word) { rest = word }

  @inline(__always)
  mutating func next() -> Int? {
    if rest == 0 { return nil }
    defer { rest &= rest &- 1 }
    return rest.trailingZeroBitCount
  }
}
