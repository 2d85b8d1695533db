// The polygons' vertices as whole numbers, for building: half the memory of their coordinates, and what leaves are made of.

internal import CCacheLine
internal import CCellParts

/// The bounds of some vertices; closed.
struct FrameBox: BitwiseCopyable {
  /// The least column and row.
  private var least: SIMD2<Int32>
  private var most: SIMD2<Int32>

  /// Bounds in degrees, inside of a frame, rounded like vertices.
  init(_ box: Box, _ frame: CellFrame) {
    guard !box.isEmpty else {
      (least, most) = (.zero, .zero)
      return
    }
    least = FrameVertices.floor(frame.cells(x: box.minX, y: box.minY))
    most = FrameVertices.floor(frame.cells(x: box.maxX, y: box.maxY))
  }

  @inline(__always)
  var minColumn: Int32 { least.x }
  @inline(__always)
  var minRow: Int32 { least.y }
  @inline(__always)
  var maxColumn: Int32 { most.x }
  @inline(__always)
  var maxRow: Int32 { most.y }

  @inline(__always)
  var middle: SIMD2<Int32> { least &+ (most &- least) &>> 1 }

  @inline(__always)
  mutating func extend(_ other: FrameBox) {
    least.replace(with: other.least, where: other.least .< least)
    most.replace(with: other.most, where: other.most .> most)
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
  func side(x: Int32, y: Int32) -> (area: Int, error: UInt) {
    let (dx, dy) = (Int(bx) &- Int(ax), Int(by) &- Int(ay))
    let (fromX, fromY) = (Int(x) &- Int(ax), Int(y) &- Int(ay))
    let error = (dx.magnitude &+ dy.magnitude &+ 1) &* 2 &+ fromX.magnitude &+ fromY.magnitude
    return (dx &* fromY &- dy &* fromX, error)
  }
}

/// Where each vertex lies in a cell frame, in 2^-`fractionBits` of the smallest cells, rounded down: 31 bits each.
struct FrameVertices {
  static let fractionBits = 7
  /// Vertices are read sixteen at a time.
  private static let padding = 16
  static let blockEdgeCount: UInt32 = 8
  static let manyEdgeCount: UInt32 = 64

  /// The column and the row of each vertex.
  private let places: FlatArray<SIMD2<Int32>>
  /// The bounds of blocks of consecutive edges, so that a block that lies in one part of a cell need not be looked at edge by edge.
  private let boxes: FlatArray<FrameBox>
  private let boxesOfMany: FlatArray<FrameBox>
  /// And of all edges of each polygon.
  private let boxesOfPolygons: FlatArray<FrameBox>

  init(_ polygons: PolygonSet, _ frame: CellFrame, _ processors: Processors) {
    let count = polygons.vertexCount
    let coordinates = polygons.coordinates.pointer
    let (block, many) = (Int(Self.blockEdgeCount), Int(Self.manyEdgeCount))
    let manyCount = (count + many - 1) / many
    var (boxes, boxesOfMany) = (FlatArray<FrameBox>([]), FlatArray<FrameBox>([]))
    places = FlatArray(count: count + Self.padding) { places in
      places[count...].update(repeating: .zero)
      boxes = FlatArray(count: (count + block - 1) / block) { boxes in
        boxesOfMany = FlatArray(count: manyCount) { boxesOfMany in
          nonisolated(unsafe) let writer = FrameVerticesWriter(
            coordinates: coordinates, count: count, numbering: frame.numbering, places: places.baseAddress!,
            boxes: boxes.baseAddress!, boxesOfMany: boxesOfMany.baseAddress!)
          let parts = count < 4096 ? 1 : processors.count
          processors.run(parts) { part in
            for many in manyCount * part / parts..<manyCount * (part + 1) / parts { writer.write(many) }
          }
        }
      }
    }
    (self.boxes, self.boxesOfMany) = (boxes, boxesOfMany)
    boxesOfPolygons = FlatArray(polygons.boxes.buffer.map { FrameBox($0, frame) })
  }

  /// The first vertex of the next block.
  @inline(__always)
  static func end(ofBlockOf vertex: UInt32) -> UInt32 { (vertex / blockEdgeCount + 1) * blockEdgeCount }

  /// Begins to fetch what is asked first about edges from a vertex on.
  @inline(__always)
  func prefetch(_ vertex: UInt32) {
    ccacheline_prefetch(boxes.pointer + Int(vertex / Self.blockEdgeCount))
    // Two lines have nine vertices, wherever the first one stands.
    ccacheline_prefetch(places.pointer + Int(vertex))
    ccacheline_prefetch(places.pointer + Int(vertex) + 8)
  }

  /// Begins to fetch the boxes of a run's edges, of the first ones if there are many.
  @inline(__always)
  func prefetchBoxes(_ vertex: UInt32, edgeCount: UInt32) {
    ccacheline_prefetch(boxesOfMany.pointer + Int(vertex / Self.manyEdgeCount))
    let first = boxes.pointer + Int(vertex / Self.blockEdgeCount)
    for line in 1...max(1, Int(min(edgeCount, 256) / (4 * Self.blockEdgeCount))) {
      ccacheline_prefetch(first + 4 * line)
    }
  }

  /// Begins to fetch some vertices.
  @inline(__always)
  func prefetchVertices(from vertex: UInt32, to end: UInt32) {
    for vertex in stride(from: vertex, through: end, by: Int(Self.blockEdgeCount)) {
      ccacheline_prefetch(places.pointer + Int(vertex))
    }
  }

  /// The column and the row of a vertex.
  @inline(__always)
  func place(of vertex: UInt32) -> SIMD2<Int32> { places.pointer[Int(vertex)] }

  /// The column and the row of each vertex from one on.
  @inline(__always)
  func numbers(from vertex: UInt32) -> UnsafePointer<Int32> {
    UnsafeRawPointer(places.pointer + Int(vertex)).assumingMemoryBound(to: Int32.self)
  }

  @inline(__always)
  func box(of vertex: UInt32) -> FrameBox { boxes.pointer[Int(vertex / Self.blockEdgeCount)] }

  /// The number of edges that share a box, if so many begin at a vertex and end before another one, otherwise 0.
  @inline(__always)
  static func manyBlocks(from vertex: UInt32, to end: UInt32) -> UInt32 {
    vertex % manyEdgeCount == 0 && end - vertex >= manyEdgeCount ? manyEdgeCount : 0
  }

  @inline(__always)
  func box(ofPolygon polygon: UInt32) -> FrameBox { boxesOfPolygons.pointer[Int(polygon)] }

  @inline(__always)
  func box(ofManyFrom vertex: UInt32) -> FrameBox { boxesOfMany.pointer[Int(vertex / Self.manyEdgeCount)] }

  @inline(__always)
  func edge(_ vertex: UInt32) -> FrameEdge {
    let (a, b) = (places.pointer[Int(vertex)], places.pointer[Int(vertex) + 1])
    return FrameEdge(ax: a.x, ay: a.y, bx: b.x, by: b.y)
  }

  /// A number of the smallest cells in units.
  @inline(__always)
  static func units(_ cells: Int) -> Int32 { Int32(cells << fractionBits) }

  /// Widths of the smallest cells, not negative and below 2^24, in whole units.
  static func floor(_ cells: SIMD2<Double>) -> SIMD2<Int32> {
    let units = cells * Double(1 << fractionBits)
    return SIMD2(Int32(units.x), Int32(units.y))
  }
}

/// Writes the arrays of `FrameVertices`, so many edges at a time.
private struct FrameVerticesWriter {
  let coordinates: UnsafePointer<Double>
  let count: Int
  let numbering: ccellparts_frame
  let places: UnsafeMutablePointer<SIMD2<Int32>>
  let boxes: UnsafeMutablePointer<FrameBox>
  let boxesOfMany: UnsafeMutablePointer<FrameBox>

  /// Writes the vertices at which the edges of one of the larger boxes begin, and their boxes: an edge ends at the first vertex of the next one.
  func write(_ many: Int) {
    let blockEdgeCount = Int(FrameVertices.blockEdgeCount)
    let first = many * Int(FrameVertices.manyEdgeCount)
    let numbers = UnsafeMutableRawPointer(places).assumingMemoryBound(to: Int32.self)
    let bounds = UnsafeMutableRawPointer(boxes).assumingMemoryBound(to: Int32.self)
    for start in stride(
      from: first, to: min(count, first + Int(FrameVertices.manyEdgeCount)), by: blockEdgeCount)
    {
      let block = start / blockEdgeCount
      ccellparts_number(
        numbers + 2 * start, bounds + 4 * block, coordinates + 2 * start,
        Int64(min(blockEdgeCount, count - start)), Int64(min(blockEdgeCount, count - 1 - start)),
        numbering)
      if start == first { boxesOfMany[many] = boxes[block] } else { boxesOfMany[many].extend(boxes[block]) }
    }
  }
}
