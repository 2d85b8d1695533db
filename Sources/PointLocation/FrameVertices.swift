// The polygons' vertices as whole numbers, for building: half the memory of their coordinates, and what leaves are made of.

internal import CCacheLine

/// The bounds of some vertices; closed.
struct FrameBox: BitwiseCopyable {
  var minColumn: Int32
  var minRow: Int32
  var maxColumn: Int32
  var maxRow: Int32

  /// That of one vertex.
  @inline(__always)
  init(column: Int32, row: Int32) {
    (minColumn, minRow, maxColumn, maxRow) = (column, row, column, row)
  }

  @inline(__always)
  mutating func extend(_ other: FrameBox) {
    minColumn = min(minColumn, other.minColumn)
    minRow = min(minRow, other.minRow)
    maxColumn = max(maxColumn, other.maxColumn)
    maxRow = max(maxRow, other.maxRow)
  }
}

/// An edge between two vertices, whose numbers are less than a unit below the truth.
struct FrameEdge: BitwiseCopyable {
  let ax: Int32
  let ay: Int32
  let bx: Int32
  let by: Int32

  /// On which side of the edge a point lies, times twice the triangle's area; and by how much that may be off at most, where the point's numbers
  /// are less than two units off. Differences of 31 bits leave room for both in 64.
  @inline(__always)
  func side(x: Int32, y: Int32) -> (area: Int, error: Int) {
    let (dx, dy) = (Int(bx) - Int(ax), Int(by) - Int(ay))
    let (fromX, fromY) = (Int(x) - Int(ax), Int(y) - Int(ay))
    return (dx * fromY - dy * fromX, 2 * (abs(dx) + abs(dy) + 1) + abs(fromX) + abs(fromY))
  }
}

/// Where each vertex lies in a cell frame, in 2^-`fractionBits` of the smallest cells, rounded down: 31 bits each.
struct FrameVertices {
  static let fractionBits = 7
  /// Vertices are read nine at a time.
  private static let padding = 8
  static let blockEdgeCount: UInt32 = 8
  static let manyEdgeCount: UInt32 = 64

  let columns: FlatArray<Int32>
  let rows: FlatArray<Int32>
  /// The bounds of blocks of consecutive edges, so that a block that lies in one part of a cell need not be looked at edge by edge.
  private let boxes: FlatArray<FrameBox>
  private let boxesOfMany: FlatArray<FrameBox>

  init(_ polygons: PolygonSet, _ frame: CellFrame, _ processors: Processors) {
    let count = polygons.vertexCount
    let coordinates = polygons.coordinates.pointer
    let (block, many) = (Int(Self.blockEdgeCount), Int(Self.manyEdgeCount))
    let manyCount = (count + many - 1) / many
    var (rows, boxes, boxesOfMany) = (FlatArray<Int32>([]), FlatArray<FrameBox>([]), FlatArray<FrameBox>([]))
    columns = FlatArray(count: count + Self.padding) { columns in
      columns[count...].update(repeating: 0)
      rows = FlatArray(count: count + Self.padding) { rows in
        rows[count...].update(repeating: 0)
        boxes = FlatArray(count: (count + block - 1) / block) { boxes in
          boxesOfMany = FlatArray(count: manyCount) { boxesOfMany in
            nonisolated(unsafe) let writer = FrameVerticesWriter(
              coordinates: coordinates, count: count, frame: frame, columns: columns.baseAddress!,
              rows: rows.baseAddress!, boxes: boxes.baseAddress!, boxesOfMany: boxesOfMany.baseAddress!)
            let parts = count < 4096 ? 1 : processors.count
            processors.run(parts) { part in
              for many in manyCount * part / parts..<manyCount * (part + 1) / parts { writer.write(many) }
            }
          }
        }
      }
    }
    (self.rows, self.boxes, self.boxesOfMany) = (rows, boxes, boxesOfMany)
  }

  /// The first vertex of the next block.
  @inline(__always)
  static func end(ofBlockOf vertex: UInt32) -> UInt32 { (vertex / blockEdgeCount + 1) * blockEdgeCount }

  /// Begins to fetch what is asked first about edges from a vertex on.
  @inline(__always)
  func prefetch(_ vertex: UInt32) {
    ccacheline_prefetch(boxes.pointer + Int(vertex / Self.blockEdgeCount))
    ccacheline_prefetch(columns.pointer + Int(vertex))
    ccacheline_prefetch(rows.pointer + Int(vertex))
  }

  @inline(__always)
  func box(of vertex: UInt32) -> FrameBox { boxes.pointer[Int(vertex / Self.blockEdgeCount)] }

  /// The number of edges that share a box, if so many begin at a vertex and end before another one, otherwise 0.
  @inline(__always)
  static func manyBlocks(from vertex: UInt32, to end: UInt32) -> UInt32 {
    vertex % manyEdgeCount == 0 && end - vertex >= manyEdgeCount ? manyEdgeCount : 0
  }

  @inline(__always)
  func box(ofManyFrom vertex: UInt32) -> FrameBox { boxesOfMany.pointer[Int(vertex / Self.manyEdgeCount)] }

  @inline(__always)
  func edge(_ vertex: UInt32) -> FrameEdge {
    let columns = columns.pointer + Int(vertex)
    let rows = rows.pointer + Int(vertex)
    return FrameEdge(ax: columns[0], ay: rows[0], bx: columns[1], by: rows[1])
  }

  /// A number of the smallest cells in units.
  @inline(__always)
  static func units(_ cells: Int) -> Int32 { Int32(cells << fractionBits) }

  /// Widths of the smallest cells, not negative and below 2^24, in whole units.
  @inline(__always)
  static func floor(_ cells: Double) -> Int32 {
    let units = cells * Double(1 << fractionBits)
    // Numbers from 2^52 on are whole, and their lowest bits say which.
    let nearest = units + 0x1p52
    let below = nearest - (nearest - 0x1p52 > units ? 1 : 0)
    return Int32(truncatingIfNeeded: below.bitPattern)
  }
}

/// Writes the arrays of `FrameVertices`, so many edges at a time.
private struct FrameVerticesWriter {
  let coordinates: UnsafePointer<Double>
  let count: Int
  let frame: CellFrame
  let columns: UnsafeMutablePointer<Int32>
  let rows: UnsafeMutablePointer<Int32>
  let boxes: UnsafeMutablePointer<FrameBox>
  let boxesOfMany: UnsafeMutablePointer<FrameBox>

  /// Writes the vertices at which the edges of one of the larger boxes begin, and their boxes: an edge ends at the first vertex of the next one.
  func write(_ many: Int) {
    let block = Int(FrameVertices.blockEdgeCount)
    let first = many * Int(FrameVertices.manyEdgeCount)
    let end = min(count, first + Int(FrameVertices.manyEdgeCount))
    // One axis after the other: so they are found several at a time.
    for vertex in first..<end { columns[vertex] = FrameVertices.floor(cells(vertex).u) }
    for vertex in first..<end { rows[vertex] = FrameVertices.floor(cells(vertex).v) }
    var bounds = box(first)
    for start in stride(from: first, to: end, by: block) {
      var ofBlock = box(start)
      for vertex in start + 1..<min(start + block, end) { ofBlock.extend(box(vertex)) }
      if start + block < end {
        ofBlock.extend(box(start + block))
      } else if end < count {
        let next = cells(end)
        ofBlock.extend(
          FrameBox(column: FrameVertices.floor(next.u), row: FrameVertices.floor(next.v)))
      }
      boxes[start / block] = ofBlock
      bounds.extend(ofBlock)
    }
    boxesOfMany[many] = bounds
  }

  @inline(__always)
  private func cells(_ vertex: Int) -> (u: Double, v: Double) {
    frame.cells(x: coordinates[2 * vertex], y: coordinates[2 * vertex + 1])
  }

  @inline(__always)
  private func box(_ vertex: Int) -> FrameBox { FrameBox(column: columns[vertex], row: rows[vertex]) }
}
