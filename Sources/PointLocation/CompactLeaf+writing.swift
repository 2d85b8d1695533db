// Writes compact leaves while an index is built.

internal import CCellParts

extension CompactLeaf {
  /// Appends a leaf, all but the place of its set, if its edges are few enough, short enough and far enough from its reference point for that.
  /// - Parameter runs: the edges in the cell, ascending by polygon.
  static func append(
    _ cell: Cell, _ runs: UnsafeBufferPointer<EdgeRun>, _ vertices: FrameVertices,
    to leaves: inout GrowingBuffer<UInt32>
  ) -> Bool {
    if cell.reference == CellFrame.outsideReference || runs.count > vertexCountMax / 2 { return false }
    var vertexCount = 0
    var polygonCount = 0
    var edges: UInt32 = 0
    var previous = UInt32.max
    for run in runs {
      edges |= (1 << run.edgeCount &- 1) << UInt32(vertexCount)
      vertexCount += Int(run.edgeCount) + 1
      polygonCount += run.polygon == previous ? 0 : 1
      previous = run.polygon
    }
    guard vertexCount <= vertexCountMax else { return false }
    let count = wordCount(polygonCount: polygonCount, vertexCount: vertexCount, runCount: runs.count)
    let leaf = leaves.unwritten(room: count + spillWords)
    // The finest units in which all vertices can be said.
    var scaleBits = min(scaleBitsRange.upperBound, cell.bits + FrameVertices.fractionBits)
    while scaleBits >= scaleBitsRange.lowerBound {
      let header = CompactLeafHeader(
        bits: cell.bits, reference: cell.reference, scaleBits: scaleBits, polygonCount: polygonCount,
        vertexCount: vertexCount)
      let axes = UnsafeMutableRawPointer(leaf + headerWords + polygonCount)
      if write(axes, header, edges, cell, runs, vertices) {
        leaf[1] = header.word
        leaf[2] = edges
        writeHeads(leaf + headerWords, header, runs)
        leaves.append(written: count)
        return true
      }
      scaleBits -= 1
    }
    return false
  }

  /// The rows of the vertices are written behind the leaf first, where as many more do no harm. Vertices are written eight at a time.
  private static let spillWords = vertexCountMax / 2 + 4

  /// Writes x and y of all vertices. False if these units cannot say them, or leave the reference point's side of an edge in doubt.
  @inline(__always)
  private static func write(
    _ xs: UnsafeMutableRawPointer, _ header: CompactLeafHeader, _ edges: UInt32, _ cell: Cell,
    _ runs: UnsafeBufferPointer<EdgeRun>, _ vertices: FrameVertices
  ) -> Bool {
    let grid = CompactGrid(bits: header.bits, scaleBits: header.scaleBits, column: 0, row: 0)
    let reference = grid.reference(header.reference)
    let shift = Int32(header.bits + FrameVertices.fractionBits - header.scaleBits)
    let perCell = Int32(FrameVertices.fractionBits)
    let corner = Int32(grid.corner)
    let leaf = ccellparts_leaf(
      shift: shift, first_column: (Int32(cell.column) << perCell) >> shift - corner,
      first_row: (Int32(cell.row) << perCell) >> shift - corner, far_from: reference.x)
    let ys = xs + 2 * header.vertexCount
    let rows = ys + 2 * header.vertexCount + 4 * runs.count
    var offset = 0
    var isCertain: Int32 = 1
    for run in runs {
      let count = Int32(run.edgeCount) + 1
      isCertain &= ccellparts_write(
        xs + offset, rows + offset, vertices.numbers(from: run.firstVertex), count, leaf)
      offset += 2 * Int(count)
    }
    if isCertain == 0 { return false }
    for eight in stride(from: 0, to: offset, by: 16) {
      ys.storeBytes(
        of: rows.loadUnaligned(fromByteOffset: eight, as: SIMD8<Int16>.self), toByteOffset: eight,
        as: SIMD8<Int16>.self)
    }
    for edge in SetBits(ccellparts_across(xs, Int32(header.vertexCount), reference.x) & edges) {
      let a = 2 * edge
      guard
        CompactPath.isCertain(
          ax: xs.load(fromByteOffset: a, as: Int16.self), ay: ys.load(fromByteOffset: a, as: Int16.self),
          bx: xs.load(fromByteOffset: a + 2, as: Int16.self),
          by: ys.load(fromByteOffset: a + 2, as: Int16.self), reference)
      else { return false }
    }
    return true
  }

  /// Writes the polygons and the first vertices of the runs.
  @inline(__always)
  private static func writeHeads(
    _ polygons: UnsafeMutablePointer<UInt32>, _ header: CompactLeafHeader,
    _ runs: UnsafeBufferPointer<EdgeRun>
  ) {
    let firstVertices = polygons + header.polygonCount + header.vertexCount
    var vertex = 0
    var polygon = -1
    var polygonStart = 0
    var previous = UInt32.max
    var holdsReference = false
    for (index, run) in runs.enumerated() {
      if run.polygon != previous {
        polygon += 1
        polygonStart = vertex
        holdsReference = run.holdsReference
        previous = run.polygon
      }
      firstVertices[index] = run.firstVertex
      vertex += Int(run.edgeCount) + 1
      polygons[polygon] =
        CompactPolygon(
          polygon: run.polygon, vertexCount: vertex - polygonStart, holdsReference: holdsReference
        ).word
    }
  }
}
