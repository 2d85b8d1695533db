// Blocks of memory that were freed and wait for the next one of about their size.

/// A list of freed blocks, bounded by their bytes. What is taken out, or does not fit in, is the caller's.
struct SpareBlocks: Sendable {
  /// A block, by the number of its address, so that any thread may take it.
  struct Block: Sendable, Equatable {
    let address: UInt
    let byteCount: Int
  }

  /// How many bytes are kept, at most.
  private(set) var byteCountMax = 0
  /// The oldest first.
  private var blocks: [Block] = []
  private(set) var byteCount = 0

  /// The smallest block of at least so many bytes, if it has no more than `most`.
  mutating func take(atLeast least: Int, atMost most: Int) -> Block? {
    let fitting = blocks.indices.filter { blocks[$0].byteCount >= least && blocks[$0].byteCount <= most }
    guard let best = fitting.min(by: { blocks[$0].byteCount < blocks[$1].byteCount }) else { return nil }
    byteCount -= blocks[best].byteCount
    return blocks.remove(at: best)
  }

  /// Keeps a block, and returns those for which there is no room then: the oldest.
  mutating func keep(_ block: Block) -> [Block] {
    blocks.append(block)
    byteCount += block.byteCount
    return dropOldest()
  }

  /// - Returns: those for which there is no room any more.
  mutating func limit(toBytes most: Int) -> [Block] {
    byteCountMax = most
    return dropOldest()
  }

  /// Takes all of them.
  mutating func takeAll() -> [Block] {
    defer { (blocks, byteCount) = ([], 0) }
    return blocks
  }

  private mutating func dropOldest() -> [Block] {
    var dropped: [Block] = []
    while byteCount > byteCountMax {
      byteCount -= blocks[0].byteCount
      dropped.append(blocks.removeFirst())
    }
    return dropped
  }
}
