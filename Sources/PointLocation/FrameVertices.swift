// The polygons' vertices as whole numbers, for building: half the memory of their coordinates, and what leaves are made of.

/// The bounds of some vertices; closed.
struct FrameBox: BitwiseCopyable {
  var minColumn: Int32
  var minRow: Int32
  var maxColumn: Int32
  var maxRow: Int32

  @inline(__always)
  mutating func extend(_ other: FrameBox) {
    minColumn = min(minColumn, other.minColumn)
    minRow = min(minRow, other.minRow)
    maxColumn = max(maxColumn, other.maxColumn)
    maxRow = max(maxRow, other.maxRow)
  }
}

/// Where each vertex lies in a cell frame, in 2^-`fractionBits` of the smallest cells, rounded down: 31 bits each.
struct FrameVertices {
  static let fractionBits = 7
  /// Vertices are read nine at a time.
  private static let padding = 8
  static let blockEdgeCount: UInt32 = 8
  private static let manyEdgeCount: UInt32 = 64

  let columns: FlatArray<Int32>
  let rows: FlatArray<Int32>
  /// The bounds of blocks of consecutive edges, so that a block that lies in one part of a cell need not be looked at edge by edge.
  private let boxes: FlatArray<FrameBox>
  private let boxesOfMany: FlatArray<FrameBox>

  init(_ polygons: PolygonSet, _ frame: CellFrame, _ processors: Processors) {
    let count = polygons.vertexCount
    nonisolated(unsafe) let coordinates = polygons.coordinates.pointer
    columns = Self.axis(count, processors) { vertex in
      frame.cells(x: coordinates[2 * vertex], y: coordinates[2 * vertex + 1]).u
    }
    rows = Self.axis(count, processors) { vertex in
      frame.cells(x: coordinates[2 * vertex], y: coordinates[2 * vertex + 1]).v
    }
    nonisolated(unsafe) let (columns, rows) = (columns.pointer, rows.pointer)
    boxes = Self.boxes(count, Self.blockEdgeCount, processors) {
      FrameBox(minColumn: columns[$0], minRow: rows[$0], maxColumn: columns[$0], maxRow: rows[$0])
    }
    nonisolated(unsafe) let blocks = boxes.pointer
    boxesOfMany = Self.boxes(boxes.count, Self.manyEdgeCount / Self.blockEdgeCount, processors) { blocks[$0] }
  }

  /// The first vertex of the next block.
  @inline(__always)
  static func end(ofBlockOf vertex: UInt32) -> UInt32 { (vertex / blockEdgeCount + 1) * blockEdgeCount }

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
  func box(ofEdge vertex: UInt32) -> FrameBox {
    let columns = columns.pointer + Int(vertex)
    let rows = rows.pointer + Int(vertex)
    return FrameBox(
      minColumn: min(columns[0], columns[1]), minRow: min(rows[0], rows[1]),
      maxColumn: max(columns[0], columns[1]), maxRow: max(rows[0], rows[1]))
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

  @inline(__always)
  private static func axis(
    _ count: Int, _ processors: Processors, _ cells: @Sendable (Int) -> Double
  ) -> FlatArray<Int32> {
    array(count, padding: padding, processors) { $0 < count ? floor(cells($0)) : 0 }
  }

  /// The bounds of each so many things, and of the first of those that follow: there an edge ends.
  @inline(__always)
  private static func boxes(
    _ count: Int, _ length: UInt32, _ processors: Processors, _ box: @Sendable (Int) -> FrameBox
  ) -> FlatArray<FrameBox> {
    let length = Int(length)
    return array((count + length - 1) / length, padding: 0, processors) { block in
      let first = block * length
      var bounds = box(first)
      for item in first..<min(first + length + 1, count) { bounds.extend(box(item)) }
      return bounds
    }
  }

  /// An array whose elements are found side by side.
  @inline(__always)
  private static func array<Element: BitwiseCopyable>(
    _ count: Int, padding: Int, _ processors: Processors, _ element: @Sendable (Int) -> Element
  ) -> FlatArray<Element> {
    let count = count + padding
    return FlatArray(count: count) { elements in
      nonisolated(unsafe) let elements = elements.baseAddress!
      let parts = count < 4096 ? 1 : processors.count
      processors.run(parts) { part in
        for index in count * part / parts..<count * (part + 1) / parts { elements[index] = element(index) }
      }
    }
  }
}
