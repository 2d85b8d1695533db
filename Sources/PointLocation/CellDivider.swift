// Divides a cell into parts: which edges touch each part, and which polygons hold its reference point.

/// How a cell has been divided.
struct CellDivision: BitwiseCopyable {
  fileprivate let whole: Cell
  let sideBits: Int
  /// Where the parts' reference points lie; nil for the corners that four parts share.
  fileprivate let reference: Int?
  /// The quarters whose four parts are one leaf, by their first parts: one bit for each.
  fileprivate var leafQuarters: UInt16 = 0

  fileprivate init(whole: Cell, sideBits: Int, reference: Int?) {
    self.whole = whole
    self.sideBits = sideBits
    self.reference = reference
  }

  /// The parts, by their numbers in a `PartGrid`; a quarter that is one leaf has the number of its first part.
  @inline(__always)
  var parts: SetBits<UInt16> {
    let others = leafQuarters &<< 1 | leafQuarters &<< 4 | leafQuarters &<< 5
    return SetBits(PartGrid.all(sideBits: sideBits) & ~others)
  }

  @inline(__always)
  func isLeafQuarter(_ number: Int) -> Bool { leafQuarters &>> UInt16(truncatingIfNeeded: number) & 1 != 0 }

  /// A part, or a quarter that is one leaf.
  @inline(__always)
  func cell(_ number: Int) -> Cell {
    if isLeafQuarter(number) {
      return whole.part(
        row: number >> 3, column: number >> 1 & 1, sideBits: 1, reference: CellFrame.centreReference)
    }
    return whole.part(row: number >> 2, column: number & 3, sideBits: sideBits, reference: reference)
  }
}

/// Divides one cell after the other; its owner frees it.
struct CellDivider {
  /// Cells with fewer edges are divided sooner than they are shared among processors.
  private static let sharedEdgesMin = 1 << 13

  private let source: CellIndexSource
  private var lanes = EdgeLanes()
  private let shares: CellShares?

  /// - Parameter processors: what large cells are divided on.
  init(_ source: CellIndexSource, _ processors: Processors = .one) {
    self.source = source
    shares = processors.count > 1 ? CellShares(source, processors) : nil
  }

  func free() {
    lanes.free()
    shares?.free()
  }

  /// Divides a cell into 2^sideBits parts a side, 1 or 2. Nil if no reference points were found that miss all edges.
  ///
  /// - Parameters:
  ///   - part: the cell's place in the stack, on which the parts are put.
  ///   - parts: where their places are written, by their numbers in a `PartGrid`.
  mutating func divide(
    _ cell: Cell, _ part: CellPart, sideBits: Int, _ stack: inout CellStack,
    into parts: UnsafeMutablePointer<CellPart>
  ) -> CellDivision? {
    let division = CellDivision(whole: cell, sideBits: sideBits, reference: nil)
    if let division = divide(division, part, &stack, into: parts) { return division }
    for reference in CellFrame.innerReferences {
      let division = CellDivision(whole: cell, sideBits: sideBits, reference: reference)
      if let division = divide(division, part, &stack, into: parts) { return division }
    }
    return nil
  }

  /// Divides a cell in one way. Nil if one of the parts' reference points lies on an edge.
  private mutating func divide(
    _ division: CellDivision, _ part: CellPart, _ stack: inout CellStack,
    into parts: UnsafeMutablePointer<CellPart>
  ) -> CellDivision? {
    if let shares, part.edgeCount >= Self.sharedEdgesMin {
      return shares.divide(division, part, &stack, into: parts) ? division : nil
    }
    guard find(division, part, stack) else { return nil }
    var division = division
    if division.sideBits == 2 && division.reference == nil { division.leafQuarters = lanes.joinQuarters() }
    writeParts(division, part, &stack, into: parts)
    return division
  }

  /// Finds which edges touch each part, and which polygons hold its reference point. False if one of those lies on an edge.
  mutating func find(_ division: CellDivision, _ part: CellPart, _ stack: CellStack) -> Bool {
    let grid = PartGrid(
      division.whole, sideBits: division.sideBits, sharesReferences: division.reference == nil,
      firstPart: division.cell(0), source.frame)
    lanes.load(stack.runs(of: part), edgeCount: part.edgeCount, source.vertices, grid)
    for word in 0..<lanes.wordCount {
      let found = lanes.find(word, grid)
      guard findPolygonsHolding(found, word, division, grid) else { return false }
      for lane in SetBits(found.oblique) {
        let edge = source.vertices.edge(lanes.vertex(word, lane))
        for number in SetBits(grid.partsMissed(by: edge)) { lanes.remove(word, lane, from: number) }
      }
    }
    return true
  }

  /// Puts the parts of which all has been found on the stack.
  mutating func writeParts(
    _ division: CellDivision, _ part: CellPart, _ stack: inout CellStack,
    into parts: UnsafeMutablePointer<CellPart>
  ) {
    for number in division.parts { parts[number] = lanes.part(number, wholes: part.wholes, &stack) }
  }

  /// Finds out for which parts the edges in a word of lanes lie between the cell's reference point and that of the part. False if one of them touches a
  /// reference point or its row with a vertex.
  @inline(__always)
  private mutating func findPolygonsHolding(
    _ found: FoundLanes, _ word: Int, _ division: CellDivision, _ grid: PartGrid
  ) -> Bool {
    for line in 0..<grid.lineCount {
      for lane in SetBits(found.meetingColumn | found.meetingRows[line]) {
        let vertex = lanes.vertex(word, lane)
        guard
          let beyond = grid.partsBeyond(source.vertices.edge(vertex), line: line)
            ?? partsBeyond(edge: vertex, line: line, division, grid)
        else { return false }
        lanes.cross(word, lane, parts: beyond)
      }
    }
    return true
  }

  /// The parts of a line whose reference points are on the other end of a path from the cell's that the edge crosses: `PartGrid.partsBeyond`, but from
  /// the coordinates. Nil if the edge touches a reference point or its row with a vertex.
  @inline(never)
  private func partsBeyond(
    edge vertex: UInt32, line: Int, _ division: CellDivision, _ grid: PartGrid
  ) -> UInt16? {
    let edge = source.coordinates + 2 * Int(vertex)
    let (ax, ay, bx, by) = (edge[0], edge[1], edge[2], edge[3])
    let cell = division.whole
    let y = division.cell(grid.part(line: line, 0)).referencePoint(source.frame).y
    let reference = cell.referencePoint(source.frame)
    if ay == y || by == y { return nil }
    let all = grid.partsRight(of: 0, line: line)
    let cornerSide = PathCrossing.cornerSide(ax, ay, bx, by, reference.x, y)
    let meetsColumn = (ax > reference.x) != (bx > reference.x)
    let meetsPath =
      meetsColumn && cornerSide != orientation(ax, ay, bx, by, reference.x, reference.y)
    let beyond = meetsPath ? all : 0
    guard (ay > y) != (by > y) else { return beyond }
    let rightSide = by > ay ? -1 : 1
    var right = grid.lineCount
    while right > 0 {
      let x = division.cell(grid.part(line: line, right - 1)).referencePoint(source.frame).x
      let pointSide = orientation(ax, ay, bx, by, x, y)
      if pointSide == 0 { return nil }
      if pointSide != rightSide { break }
      right -= 1
    }
    let rightParts = grid.partsRight(of: right, line: line)
    return beyond ^ (cornerSide == rightSide ? rightParts ^ all : rightParts)
  }
}
