// Cells that the builder of the top leaves to others, who build them side by side.

/// A cell that one builder leaves to others, with copies of what they need.
struct DeferredCell {
  let cell: Cell
  let edgeCount: Int
  /// Where its edges and the polygons that cover all of it are kept.
  let runs: Range<Int>
  let wholes: Range<Int>
}

/// The cells that a builder leaves to others. Their number stands in for their entry.
struct DeferredCells {
  /// Added to the number of a cell, and the tag of a node; no number of a block is as great.
  static let mark = 1 << 29

  private(set) var cells: [DeferredCell] = []
  private var runs = GrowingBuffer<EdgeRun>()
  private var wholes = GrowingBuffer<UInt32>()
  private(set) var edgeCount = 0

  func free() {
    runs.free()
    wholes.free()
  }

  /// - Returns: what stands in for the cell's entry.
  mutating func append(
    _ cell: Cell, _ runs: UnsafeBufferPointer<EdgeRun>, edgeCount: Int, _ wholes: UnsafeBufferPointer<UInt32>
  ) -> UInt32 {
    let number = cells.count
    let (firstRun, firstWhole) = (self.runs.count, self.wholes.count)
    self.runs.append(from: runs.baseAddress!, count: runs.count)
    if !wholes.isEmpty { self.wholes.append(from: wholes.baseAddress!, count: wholes.count) }
    cells.append(
      DeferredCell(
        cell: cell, edgeCount: edgeCount, runs: firstRun..<self.runs.count,
        wholes: firstWhole..<self.wholes.count
      ))
    self.edgeCount += edgeCount
    return CellIndex.nodeTag | UInt32(Self.mark + number)
  }

  /// The number of the cell that an entry stands for, if it does.
  @inline(__always)
  static func number(of entry: UInt32) -> Int? {
    entry & CellIndex.tagMask == CellIndex.nodeTag && Int(entry) & mark != 0 ? Int(entry) & (mark - 1) : nil
  }

  func runs(of cell: DeferredCell) -> UnsafeBufferPointer<EdgeRun> {
    UnsafeBufferPointer(rebasing: runs.buffer[cell.runs])
  }

  func wholes(of cell: DeferredCell) -> UnsafeBufferPointer<UInt32> {
    UnsafeBufferPointer(rebasing: wholes.buffer[cell.wholes])
  }
}
