// Which of a cell's parts edges touch, and which lines of reference points they may meet, by whole numbers.

internal import CCellParts

/// The lines that divide a cell, in units of `FrameVertices`, and the reference points of its parts. Either each part has one of its own, inside of it,
/// or four parts share the corner in which they meet: then no line of reference points is one more to look for.
///
/// Vertices are rounded like points are placed in cells, and by a rule that keeps their order. So what lies in a part, and is on an edge,
/// lies between the columns and the rows of the edge's ends; and where the numbers of a vertex and of a reference point differ, their
/// coordinates do so in the same way. A vertex within a unit of a line is in doubt.
struct PartGrid {
  private let column: Int32
  private let row: Int32
  /// Of the cell.
  private let referenceColumn: Int32
  private let referenceRow: Int32
  /// Of the first reference point; those of the others are `pointShift` apart.
  private let pointColumn: Int32
  private let pointRow: Int32
  private let shift: Int32
  private let pointShift: Int32
  private let side: Int
  /// 1 where four parts share a reference point, otherwise 0.
  private let sharedBits: Int
  /// The parts in the first column that have a reference point of the first line.
  private let rowsOfLine: UInt32
  private let eightEdges: ccellparts_grid

  /// - Parameter sideBits: there are 2^sideBits parts a side, 1 or 2.
  init(_ cell: Cell, sideBits: Int, sharesReferences: Bool, firstPart: Cell, _ frame: CellFrame) {
    column = FrameVertices.units(cell.column)
    row = FrameVertices.units(cell.row)
    if cell.reference == CellFrame.outsideReference {
      // Outside of all polygons, where no vertex lies.
      (referenceColumn, referenceRow) = (-4, -4)
    } else {
      let reference = FrameVertices.floor(frame.cells(x: cell.referenceX, y: cell.referenceY))
      (referenceColumn, referenceRow) = (reference.x, reference.y)
    }
    let point = FrameVertices.floor(frame.cells(x: firstPart.referenceX, y: firstPart.referenceY))
    (pointColumn, pointRow) = (point.x, point.y)
    sharedBits = sharesReferences ? 1 : 0
    shift = Int32(cell.bits - sideBits + FrameVertices.fractionBits)
    pointShift = shift + Int32(sharedBits)
    side = 1 << sideBits
    rowsOfLine = sharesReferences ? 0x11 : 1
    // A part is 2^10 units wide there at most.
    let unitShift = max(0, shift - 10)
    var lines = SIMD4<Int16>.zero
    let lineCount = side >> sharedBits
    for line in 0..<lineCount {
      let from = pointRow &- row &+ Int32(truncatingIfNeeded: line << Int(pointShift))
      lines[line] = Int16(clamping: from >> unitShift)
    }
    eightEdges = ccellparts_grid(
      column: column, row: row, unit_shift: unitShift, part_bits: shift - unitShift, side: Int32(side),
      meeting_column: Int16(clamping: (referenceColumn &- column) >> unitShift),
      meeting_rows: (lines[0], lines[1], lines[2], lines[3]), meeting_row_count: Int32(lineCount))
  }

  /// The last column, and the last row.
  @inline(__always)
  var last: Int { side - 1 }

  /// One bit for each part.
  @inline(__always)
  var all: UInt32 { side == 4 ? 0xFFFF : 0x33 }

  /// The number of a part: four a row, also where there are two.
  @inline(__always)
  static func part(row: Int, column: Int) -> Int { row << 2 | column }

  @inline(__always)
  func column(_ column: Int32) -> Int { Int((column &- self.column) &>> shift) }

  /// The column or the row of the cell that is nearest to one that may be outside of it.
  @inline(__always)
  func inside(_ line: Int) -> Int { max(0, min(last, line)) }

  /// The first column of parts that what lies in a box may touch. A part is touched on its right border as well: there its reference point may lie.
  @inline(__always)
  func firstColumn(_ box: FrameBox) -> Int { column(box.minColumn &- 1) }

  @inline(__always)
  func row(_ row: Int32) -> Int { Int((row &- self.row) &>> shift) }

  /// The only part that edges of the cell in a box touch, if they also stay away from all lines of references.
  @inline(__always)
  func wholePart(of box: FrameBox) -> Int? {
    let (firstColumn, lastColumn) = (inside(firstColumn(box)), inside(column(box.maxColumn)))
    let (firstRow, lastRow) = (inside(row(box.minRow)), inside(row(box.maxRow)))
    guard firstColumn == lastColumn, firstRow == lastRow else { return nil }
    if mayMeetColumn(box) || mayMeetRows(box) { return nil }
    return Self.part(row: firstRow, column: firstColumn)
  }

  /// The number of lines of reference points, and of points in each.
  @inline(__always)
  var lineCount: Int { side >> sharedBits }

  /// The first part that has a reference point.
  @inline(__always)
  func part(line: Int, _ point: Int) -> Int {
    Self.part(row: line << sharedBits, column: point << sharedBits)
  }

  /// The parts that have the reference points of a line from one on: one bit for each.
  @inline(__always)
  func partsRight(of point: Int, line: Int) -> UInt32 {
    let row: UInt32 = side == 4 ? 0xF : 0x3
    let right = row & row &<< UInt32(point &<< sharedBits)
    // In one row, or in two.
    return (right &* rowsOfLine) &<< UInt32(part(line: line, 0))
  }

  /// Whether edges in a box may meet the column of the cell's reference point.
  @inline(__always)
  func mayMeetColumn(_ box: FrameBox) -> Bool {
    box.minColumn &- 1 <= referenceColumn && referenceColumn <= box.maxColumn &+ 1
  }

  /// Whether edges in a box may meet one of the lines of reference points.
  @inline(__always)
  func mayMeetRows(_ box: FrameBox) -> Bool {
    (box.minRow &- pointRow &- 2) &>> pointShift != (box.maxRow &- pointRow &+ 1) &>> pointShift
  }

  /// Whether the line through an edge may touch a part or its margin; false only if it certainly does not.
  @inline(__always)
  func mayTouch(_ edge: FrameEdge, row: Int, column: Int) -> Bool {
    let half = 1 << (Int(shift) - 1)
    let middleX = self.column &+ Int32(truncatingIfNeeded: column << Int(shift) + half)
    let middleY = self.row &+ Int32(truncatingIfNeeded: row << Int(shift) + half)
    let (area, error) = edge.side(x: middleX, y: middleY)
    let (dx, dy) = (Int(edge.bx) - Int(edge.ax), Int(edge.by) - Int(edge.ay))
    return abs(area) <= (half + 2) * (abs(dx) + abs(dy) + 2) + error
  }

  /// Of the parts of two rows that an edge may touch by its box, keeps those that its line touches: one byte for each part, one bit for each edge.
  @inline(__always)
  func keepTouched(_ edge: FrameEdge, number: Int, rows first: Int, _ edgesOfParts: inout UInt64) {
    var parts = edgesOfParts &>> UInt64(number) & 0x0101_0101_0101_0101
    while parts != 0 {
      let part = parts.trailingZeroBitCount >> 3
      parts &= parts &- 1
      if !mayTouch(edge, row: first + part >> 2, column: part & 3) {
        edgesOfParts &= ~(1 &<< UInt64(8 * part + number))
      }
    }
  }

  /// The parts whose reference points are on the other end of a path from the cell's reference point that an edge crosses: along the cell's column of
  /// reference and the line of the part's. Nil if whole numbers do not say.
  @inline(__always)
  func partsBeyond(_ edge: FrameEdge) -> UInt32? {
    let (fromAX, fromBX) = (edge.ax &- referenceColumn, edge.bx &- referenceColumn)
    if abs(fromAX) < 2 || abs(fromBX) < 2 { return nil }
    let meetsColumn = fromAX ^ fromBX < 0
    var referenceIsLeft = false
    if meetsColumn {
      guard let isLeft = isLeft(of: edge, x: referenceColumn, y: referenceRow) else { return nil }
      referenceIsLeft = isLeft
    }
    var beyond: UInt32 = 0
    for line in 0..<lineCount {
      let y = pointRow &+ Int32(truncatingIfNeeded: line << Int(pointShift))
      let (fromAY, fromBY) = (edge.ay &- y, edge.by &- y)
      if abs(fromAY) < 2 || abs(fromBY) < 2 { return nil }
      let meetsLine = fromAY ^ fromBY < 0
      guard meetsColumn || meetsLine else { continue }
      guard let cornerIsLeft = isLeft(of: edge, x: referenceColumn, y: y) else { return nil }
      let all = partsRight(of: 0, line: line)
      if meetsColumn && cornerIsLeft != referenceIsLeft { beyond ^= all }
      guard meetsLine else { continue }
      // The first of the line's reference points that lies right of the edge.
      let rightIsLeft = fromAY > 0
      var right = lineCount
      while right > 0 {
        let x = pointColumn &+ Int32(truncatingIfNeeded: (right - 1) << Int(pointShift))
        guard let pointIsLeft = isLeft(of: edge, x: x, y: y) else { return nil }
        if pointIsLeft != rightIsLeft { break }
        right -= 1
      }
      let parts = partsRight(of: right, line: line)
      beyond ^= cornerIsLeft == rightIsLeft ? parts ^ all : parts
    }
    return beyond
  }

  /// Whether a reference point lies left of an edge; nil if that is in doubt.
  @inline(__always)
  private func isLeft(of edge: FrameEdge, x: Int32, y: Int32) -> Bool? {
    let (area, error) = edge.side(x: x, y: y)
    return abs(area) > error ? area > 0 : nil
  }

  /// Which parts the eight edges of the cell from the first vertices on may touch, by their boxes, and which may meet a line of references.
  @inline(__always)
  func find(_ vertices: UnsafePointer<Int32>) -> ccellparts_found { ccellparts_find(vertices, eightEdges) }
}
