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
  /// The number of lines of reference points, and of points in each.
  let lineCount: Int
  /// 1 where four parts share a reference point, otherwise 0.
  private let sharedBits: Int
  /// The parts in the first column that have a reference point of the first line.
  private let rowsOfLine: UInt16
  /// The parts that have the first reference point.
  private let pointParts: Int
  /// The same in units of the cell's own, for many edges at once.
  let ownUnits: ccellparts_grid

  /// - Parameter sideBits: there are 2^sideBits parts a side, 1 or 2.
  init(_ cell: Cell, sideBits: Int, sharesReferences: Bool, firstPart: Cell, _ frame: CellFrame) {
    column = FrameVertices.units(cell.column)
    row = FrameVertices.units(cell.row)
    if cell.reference == CellFrame.outsideReference {
      // Outside of all polygons, where no vertex lies.
      (referenceColumn, referenceRow) = (-4, -4)
    } else {
      (referenceColumn, referenceRow) = Self.units(cell.referencePoint(frame), frame)
    }
    (pointColumn, pointRow) = Self.units(firstPart.referencePoint(frame), frame)
    sharedBits = sharesReferences ? 1 : 0
    shift = Int32(cell.bits - sideBits + FrameVertices.fractionBits)
    pointShift = shift + Int32(sharedBits)
    side = 1 << sideBits
    rowsOfLine = sharesReferences ? 0x11 : 1
    pointParts = sharesReferences ? 0x33 : 1
    // A part is 2^10 units wide there at most.
    let unitShift = max(0, shift - 10)
    var lines = SIMD4<Int16>.zero
    lineCount = side >> sharedBits
    for line in 0..<lineCount {
      let from = pointRow &- row &+ Int32(truncatingIfNeeded: line << Int(pointShift))
      lines[line] = Int16(clamping: from >> unitShift)
    }
    ownUnits = ccellparts_grid(
      column: column, row: row, unit_shift: unitShift, part_bits: shift - unitShift, side: Int32(side),
      meeting_column: Int16(clamping: (referenceColumn &- column) >> unitShift),
      meeting_rows: (lines[0], lines[1], lines[2], lines[3]), meeting_row_count: Int32(lineCount))
  }

  private static func units(_ point: (x: Double, y: Double), _ frame: CellFrame) -> (
    column: Int32, row: Int32
  ) {
    let units = FrameVertices.floor(frame.cells(x: point.x, y: point.y))
    return (units.x, units.y)
  }

  /// The last column, and the last row.
  @inline(__always)
  var last: Int { side - 1 }

  /// One bit for each part.
  @inline(__always)
  var all: UInt16 { side == 4 ? 0xFFFF : 0x33 }

  /// The same for 2^sideBits parts a side; they are numbered four a row, also where there are two.
  @inline(__always)
  static func all(sideBits: Int) -> UInt16 { sideBits == 2 ? 0xFFFF : 0x33 }

  /// The number of a part.
  @inline(__always)
  static func part(row: Int, column: Int) -> Int { row << 2 | column }

  @inline(__always)
  func column(_ column: Int32) -> Int { Int((column &- self.column) &>> shift) }

  /// The column or the row of the cell that is nearest to one that may be outside of it.
  @inline(__always)
  func inside(_ line: Int) -> Int { max(0, min(last, line)) }

  @inline(__always)
  func row(_ row: Int32) -> Int { Int((row &- self.row) &>> shift) }

  /// Whether edges in a box touch one part only, and stay away from all lines of references; true only if they certainly do.
  @inline(__always)
  func isInOnePart(_ box: FrameBox) -> Bool {
    let columns = (box.minColumn &- 1 &- column) ^ (box.maxColumn &- column)
    let rows = (box.minRow &- 1 &- row) ^ (box.maxRow &- row)
    return (columns | rows) &>> shift == 0 && !mayMeetColumn(box) && !mayMeetRows(box)
  }

  /// The first part that has a reference point.
  @inline(__always)
  func part(line: Int, _ point: Int) -> Int {
    Self.part(row: line &<< sharedBits, column: point &<< sharedBits)
  }

  /// The parts that have the reference points of a line from one on: one bit for each.
  @inline(__always)
  func partsRight(of point: Int, line: Int) -> UInt16 {
    let row: UInt16 = side == 4 ? 0xF : 0x3
    let right = row & row &<< UInt16(truncatingIfNeeded: point &<< sharedBits)
    // In one row, or in two.
    return (right &* rowsOfLine) &<< UInt16(truncatingIfNeeded: part(line: line, 0))
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
    let half: Int32 = 1 &<< (shift &- 1)
    let middleX = self.column &+ Int32(truncatingIfNeeded: column) &<< shift &+ half
    let middleY = self.row &+ Int32(truncatingIfNeeded: row) &<< shift &+ half
    let (area, error) = edge.side(x: middleX, y: middleY)
    let (dx, dy) = (Int(edge.bx) &- Int(edge.ax), Int(edge.by) &- Int(edge.ay))
    let reach = (UInt(half) &+ 2) &* (dx.magnitude &+ dy.magnitude &+ 2)
    return area.magnitude <= reach &+ error
  }

  /// The parts that the box of an edge touches, and its line certainly does not: one bit for each.
  @inline(__always)
  func partsMissed(by edge: FrameEdge) -> UInt16 {
    let firstColumn = column(min(edge.ax, edge.bx) &- 1)
    let firstRow = row(min(edge.ay, edge.by) &- 1)
    let lastColumn = column(max(edge.ax, edge.bx))
    let lastRow = row(max(edge.ay, edge.by))
    if firstColumn + 1 == lastColumn && firstRow + 1 == lastRow {
      // Of four parts, it goes from one to the opposite one. The corner in which they meet lies on the side of the part that it misses, if it does.
      let (area, error) = edge.side(
        x: column &+ Int32(truncatingIfNeeded: lastColumn) &<< shift,
        y: row &+ Int32(truncatingIfNeeded: lastRow) &<< shift)
      guard area.magnitude > error else { return 0 }
      let isBelow = (area > 0) != (edge.bx > edge.ax)
      let ascends = (edge.bx > edge.ax) == (edge.by > edge.ay)
      let missedColumn = isBelow == ascends ? lastColumn : firstColumn
      let missedRow = isBelow ? firstRow : lastRow
      guard inside(missedColumn) == missedColumn, inside(missedRow) == missedRow else { return 0 }
      return 1 &<< UInt16(truncatingIfNeeded: Self.part(row: missedRow, column: missedColumn))
    }
    var missed: UInt16 = 0
    var row = inside(firstRow)
    while row <= inside(lastRow) {
      var column = inside(firstColumn)
      while column <= inside(lastColumn) {
        if !mayTouch(edge, row: row, column: column) {
          missed |= 1 &<< UInt16(truncatingIfNeeded: Self.part(row: row, column: column))
        }
        column += 1
      }
      row += 1
    }
    return missed
  }

  /// The parts of a line of reference points that are on the other end of a path from the cell's reference point that an edge crosses: along the cell's
  /// column of reference and the line. Nil if whole numbers do not say.
  @inline(__always)
  func partsBeyond(_ edge: FrameEdge, line: Int) -> UInt16? {
    let y = pointRow &+ Int32(truncatingIfNeeded: line) &<< pointShift
    let (fromAX, fromBX) = (edge.ax &- referenceColumn, edge.bx &- referenceColumn)
    let (fromAY, fromBY) = (edge.ay &- y, edge.by &- y)
    if min(min(fromAX.magnitude, fromBX.magnitude), min(fromAY.magnitude, fromBY.magnitude)) < 2 {
      return nil
    }
    // All that may matter is worked out, without branches, which would go either way: -1 is yes, 0 is no.
    let (meetsColumn, meetsLine) = (Int(fromAX ^ fromBX) &>> 63, Int(fromAY ^ fromBY) &>> 63)
    let rightIsRight = Int(fromAY) &>> 63
    let corner = side(of: edge, x: referenceColumn, y: y)
    let reference = side(of: edge, x: referenceColumn, y: referenceRow)
    var inDoubt = meetsColumn & (corner.inDoubt | reference.inDoubt)
    let all = Int(truncatingIfNeeded: partsRight(of: 0, line: line))
    // Where the edge does not meet the column, the path's corner is on its one side or the other.
    let cornerIsRight = meetsColumn & (corner.isRight ^ ~rightIsRight) | ~meetsColumn & Int(fromAX) &>> 63
    // The reference points of the line that lie right of the edge.
    var right = 0
    for point in 0..<lineCount {
      let place = side(of: edge, x: pointColumn &+ Int32(truncatingIfNeeded: point) &<< pointShift, y: y)
      inDoubt |= meetsLine & place.inDoubt
      right |= (place.isRight ^ ~rightIsRight) & pointParts &<< part(line: line, point)
    }
    if inDoubt != 0 { return nil }
    return UInt16(
      truncatingIfNeeded: all & meetsColumn & (corner.isRight ^ reference.isRight)
        ^ meetsLine & (right ^ all & cornerIsRight))
  }

  /// Whether a reference point lies right of an edge, and whether that is in doubt.
  @inline(__always)
  private func side(of edge: FrameEdge, x: Int32, y: Int32) -> (isRight: Int, inDoubt: Int) {
    let (area, error) = edge.side(x: x, y: y)
    return (area &>> 63, Int(bitPattern: area.magnitude &- error &- 1) &>> 63)
  }

  /// The column and the row of a vertex in the grid's own units; what is far outside of the cell is cut to 16 bits.
  @inline(__always)
  func units(_ vertex: SIMD2<Int32>) -> (column: Int16, row: Int16) {
    let shift = ownUnits.unit_shift
    return (Int16(clamping: (vertex.x &- column) &>> shift), Int16(clamping: (vertex.y &- row) &>> shift))
  }

  /// Writes those of sixteen vertices.
  @inline(__always)
  func writeUnits(
    _ vertices: UnsafePointer<Int32>, columns: UnsafeMutablePointer<Int16>, rows: UnsafeMutablePointer<Int16>
  ) {
    ccellparts_write_units(columns, rows, vertices, ownUnits)
  }
}
