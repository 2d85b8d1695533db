// Which of a cell's 4 by 4 parts edges touch, and which lines of reference points they may meet, by whole numbers and eight edges at once.

/// The lines that divide a cell, in units of `FrameVertices`.
///
/// Vertices are rounded like points are placed in cells, and by a rule that keeps their order. So what lies in a part, and is on an edge,
/// lies between the columns and the rows of the edge's ends; and where the numbers of a vertex and of a reference point differ, their
/// coordinates do so in the same way. A vertex within a unit of a line is in doubt.
struct PartGrid {
  private let column: Int32
  private let row: Int32
  /// Of the cell.
  private let referenceColumn: Int32
  /// Of the first part; those of the others are a part's size apart.
  private let partReferenceColumn: Int32
  private let partReferenceRow: Int32
  private let shift: Int32

  init(_ cell: Cell, firstPart: Cell, _ frame: CellFrame) {
    let cells = frame.cells(x: firstPart.referenceX, y: firstPart.referenceY)
    column = FrameVertices.units(cell.column)
    row = FrameVertices.units(cell.row)
    // Outside of all polygons, where no vertex lies.
    referenceColumn =
      cell.reference == CellFrame.outsideReference
      ? -4 : FrameVertices.floor(frame.cells(x: cell.referenceX, y: cell.referenceY).u)
    partReferenceColumn = FrameVertices.floor(cells.u)
    partReferenceRow = FrameVertices.floor(cells.v)
    shift = Int32(2 * (cell.level - 1) + FrameVertices.fractionBits)
  }

  @inline(__always)
  func column(_ column: Int32) -> Int { Int((column &- self.column) &>> shift) }

  @inline(__always)
  func row(_ row: Int32) -> Int { Int((row &- self.row) &>> shift) }

  /// The only part that edges in a box touch, if they also stay away from all lines of references.
  @inline(__always)
  func wholePart(of box: FrameBox) -> Int? {
    let (firstColumn, lastColumn) = (column(box.minColumn), column(box.maxColumn))
    let (firstRow, lastRow) = (row(box.minRow), row(box.maxRow))
    guard firstColumn == lastColumn, firstRow == lastRow, (firstColumn | firstRow) & ~3 == 0 else {
      return nil
    }
    if mayMeetColumn(box) || mayMeetRows(box) { return nil }
    return firstRow << 2 | firstColumn
  }

  /// Whether edges in a box may meet the column of the cell's reference point.
  @inline(__always)
  func mayMeetColumn(_ box: FrameBox) -> Bool {
    box.minColumn &- 1 <= referenceColumn && referenceColumn <= box.maxColumn &+ 1
  }

  /// Whether edges in a box may meet one of the rows of the parts' reference points.
  @inline(__always)
  func mayMeetRows(_ box: FrameBox) -> Bool {
    (box.minRow &- partReferenceRow &- 2) &>> shift != (box.maxRow &- partReferenceRow &+ 1) &>> shift
  }

  /// The columns of parts whose reference points lie left of a box, and where those that lie right of it begin; between them are those for
  /// which whole numbers do not say.
  @inline(__always)
  func referenceColumns(_ box: FrameBox) -> (left: Int, right: Int) {
    let left = (box.minColumn &- partReferenceColumn &- 2) &>> shift &+ 1
    let right = (box.maxColumn &- partReferenceColumn &+ 1) &>> shift &+ 1
    return (Int(max(0, min(4, left))), Int(max(0, min(4, right))))
  }

  /// Which of the eight edges from the first vertices on do not lie in one part, away from all lines of references: a byte for each, zero
  /// if it does.
  @inline(__always)
  func crossing(_ columns: UnsafePointer<Int32>, _ rows: UnsafePointer<Int32>) -> UInt64 {
    let (ax, bx) = Self.ends(columns)
    let (ay, by) = Self.ends(rows)
    let shift = SIMD8<Int32>(repeating: shift)
    let column = SIMD8<Int32>(repeating: self.column)
    let row = SIMD8<Int32>(repeating: self.row)
    let aColumn = (ax &- column) &>> shift
    let bColumn = (bx &- column) &>> shift
    let aRow = (ay &- row) &>> shift
    let bRow = (by &- row) &>> shift
    var differs = (aColumn ^ bColumn) | (aRow ^ bRow)
    differs |= (aColumn | aRow) & SIMD8<Int32>(repeating: ~3)
    let referenceRow = SIMD8<Int32>(repeating: partReferenceRow)
    let aLine = (ay &- referenceRow) &>> shift
    let bLine = (by &- referenceRow) &>> shift
    differs |= aLine ^ bLine
    // What follows is in the sign bit.
    let mask = SIMD8<Int32>(repeating: 1 << self.shift - 1)
    let three = SIMD8<Int32>(repeating: 3)
    let nearRow = SIMD8<Int32>(repeating: partReferenceRow &- 1)
    var signs = ((ay &- nearRow) & mask) &- three
    signs |= ((by &- nearRow) & mask) &- three
    let nearColumn = SIMD8<Int32>(repeating: referenceColumn &- 1)
    let fromA = ax &- nearColumn
    let fromB = bx &- nearColumn
    signs |= fromA ^ fromB
    signs |= (fromA &- three) & ~fromA
    signs |= (fromB &- three) & ~fromB
    differs |= signs & SIMD8<Int32>(repeating: .min)
    let bytes = (differs | (SIMD8<Int32>.zero &- differs)) &>> SIMD8<Int32>(repeating: 31)
    return unsafeBitCast(
      SIMD8<Int8>(truncatingIfNeeded: SIMD8<Int16>(truncatingIfNeeded: bytes)), to: UInt64.self)
  }

  /// The first and the second ends of eight edges.
  @inline(__always)
  private static func ends(_ numbers: UnsafePointer<Int32>) -> (SIMD8<Int32>, SIMD8<Int32>) {
    let bytes = UnsafeRawPointer(numbers)
    return (
      bytes.loadUnaligned(as: SIMD8<Int32>.self),
      bytes.loadUnaligned(fromByteOffset: 4, as: SIMD8<Int32>.self)
    )
  }
}
