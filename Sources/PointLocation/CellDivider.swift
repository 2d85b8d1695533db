// Divides a cell into parts: which edges touch each part, and which polygons hold its reference point.

/// Consecutive edges of one polygon in a cell.
struct EdgeRun: BitwiseCopyable {
  var polygon: UInt32
  /// Whether the polygon holds the cell's reference point; in its first run of the cell only.
  var holdsReference: Bool
  var firstVertex: UInt32
  var edgeCount: UInt32
}

/// One of the parts of a cell that is being divided.
struct CellPart {
  var cell: Cell
  var runs = GrowingBuffer<EdgeRun>()
  var edgeCount = 0
  /// The polygons that have edges in the cell and cover all of the part, without touching it with an edge; ascending.
  var wholes = GrowingBuffer<UInt32>()

  init(cell: Cell) { self.cell = cell }

  func free() {
    runs.free()
    wholes.free()
  }

  /// Makes it a part without edges.
  @inline(__always)
  mutating func reset(_ cell: Cell) {
    self.cell = cell
    runs.removeAll()
    wholes.removeAll()
    edgeCount = 0
  }
}

/// Divides one cell after the other; its owner frees it.
struct CellDivider {
  private let source: CellIndexSource
  private var lanes = EdgeLanes()

  init(_ source: CellIndexSource) { self.source = source }

  func free() { lanes.free() }

  /// Divides a cell into 2^sideBits parts a side, 1 or 2. False if no reference points were found that miss all edges.
  ///
  /// - Parameters:
  ///   - runs: the edges in the cell, ascending by polygon.
  ///   - parts: where the parts are written, by their numbers in a `PartGrid`.
  mutating func divide(
    _ cell: Cell, _ runs: UnsafeBufferPointer<EdgeRun>, edgeCount: Int, sideBits: Int,
    into parts: UnsafeMutablePointer<CellPart>
  ) -> Bool {
    var isDivided = divide(cell, runs, edgeCount: edgeCount, sideBits: sideBits, reference: nil, into: parts)
    for reference in CellFrame.innerReferences where !isDivided {
      isDivided = divide(
        cell, runs, edgeCount: edgeCount, sideBits: sideBits, reference: reference, into: parts)
    }
    return isDivided
  }

  /// - Parameter reference: where the parts' reference points lie; nil for the corners that four parts share.
  private mutating func divide(
    _ cell: Cell, _ runs: UnsafeBufferPointer<EdgeRun>, edgeCount: Int, sideBits: Int, reference: Int?,
    into parts: UnsafeMutablePointer<CellPart>
  ) -> Bool {
    for part in PartGrid.parts(sideBits: sideBits) {
      parts[part].reset(
        cell.part(row: part >> 2, column: part & 3, sideBits: sideBits, reference: reference))
    }
    let grid = PartGrid(
      cell, sideBits: sideBits, sharesReferences: reference == nil, firstPart: parts[0].cell, source.frame)
    lanes.load(runs, edgeCount: edgeCount, source.vertices, grid)
    for word in 0..<lanes.wordCount {
      let found = grid.find(&lanes, word)
      guard findPolygonsHolding(found, word, cell, grid, parts) else { return false }
      for lane in SetBits(found.oblique) {
        let edge = source.vertices.edge(lanes.vertex(word, lane))
        for part in SetBits(grid.partsMissed(by: edge)) { lanes.remove(word, lane, from: part) }
      }
    }
    for part in PartGrid.parts(sideBits: sideBits) { lanes.appendEdges(of: part, to: &parts[part]) }
    for polygon in lanes.polygons.buffer {
      for part in SetBits(polygon.holds & ~polygon.touches) { parts[part].wholes.append(polygon.id) }
    }
    return true
  }

  /// Finds out for which parts the edges in a word of lanes lie between the cell's reference point and that of the part. False if one of them touches a
  /// reference point or its row with a vertex.
  @inline(__always)
  private mutating func findPolygonsHolding(
    _ found: FoundLanes, _ word: Int, _ cell: Cell, _ grid: PartGrid, _ parts: UnsafeMutablePointer<CellPart>
  ) -> Bool {
    for line in 0..<grid.lineCount {
      for lane in SetBits(found.meetingColumn | found.meetingRows[line]) {
        let vertex = lanes.vertex(word, lane)
        guard
          let beyond = grid.partsBeyond(source.vertices.edge(vertex), line: line)
            ?? partsBeyond(edge: vertex, line: line, cell, grid, parts)
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
    edge vertex: UInt32, line: Int, _ cell: Cell, _ grid: PartGrid, _ parts: UnsafeMutablePointer<CellPart>
  ) -> UInt16? {
    let edge = source.coordinates + 2 * Int(vertex)
    let (ax, ay, bx, by) = (edge[0], edge[1], edge[2], edge[3])
    let y = parts[grid.part(line: line, 0)].cell.referenceY
    if ay == y || by == y { return nil }
    let all = grid.partsRight(of: 0, line: line)
    let cornerSide = PathCrossing.cornerSide(ax, ay, bx, by, cell.referenceX, y)
    let meetsColumn = (ax > cell.referenceX) != (bx > cell.referenceX)
    let meetsPath =
      meetsColumn && cornerSide != orientation(ax, ay, bx, by, cell.referenceX, cell.referenceY)
    let beyond = meetsPath ? all : 0
    guard (ay > y) != (by > y) else { return beyond }
    let rightSide = by > ay ? -1 : 1
    var right = grid.lineCount
    while right > 0 {
      let pointSide = orientation(ax, ay, bx, by, parts[grid.part(line: line, right - 1)].cell.referenceX, y)
      if pointSide == 0 { return nil }
      if pointSide != rightSide { break }
      right -= 1
    }
    let rightParts = grid.partsRight(of: right, line: line)
    return beyond ^ (cornerSide == rightSide ? rightParts ^ all : rightParts)
  }
}
