// Writes compact leaves while an index is built.

extension CompactLeaf {
  /// Appends a leaf, if its edges are few enough, short enough and far enough from its reference point for that.
  ///
  /// - Parameters:
  ///   - runs: the edges in the cell, ascending by polygon.
  ///   - set: the place of the set of polygons that cover all of the cell.
  ///   - coordinates: those of the polygons.
  static func append(
    _ cell: Cell, _ runs: UnsafeBufferPointer<EdgeRun>, set: UInt32, _ frame: CellFrame,
    _ coordinates: UnsafePointer<Double>, to leaves: inout GrowingBuffer<UInt32>
  ) -> Bool {
    if cell.reference == CellFrame.outsideReference || runs.count > vertexCountMax / 2 { return false }
    var vertexCount = 0
    var polygonCount = 0
    var previous = UInt32.max
    for run in runs {
      vertexCount += Int(run.edgeCount) + 1
      polygonCount += run.polygon == previous ? 0 : 1
      previous = run.polygon
    }
    guard vertexCount <= vertexCountMax else { return false }
    let offset = leaves.count
    let leaf = leaves.appendUnwritten(
      wordCount(polygonCount: polygonCount, vertexCount: vertexCount, runCount: runs.count))
    // The finest units in which all vertices can be said.
    for scaleBits in scaleBitsRange.reversed() {
      let header = CompactLeafHeader(
        level: cell.level, reference: cell.reference, scaleBits: scaleBits, polygonCount: polygonCount,
        vertexCount: vertexCount)
      if write(leaf, header, cell, runs, set: set, frame, coordinates) { return true }
    }
    leaves.removeLast(leaves.count - offset)
    return false
  }

  private static func write(
    _ leaf: UnsafeMutablePointer<UInt32>, _ header: CompactLeafHeader, _ cell: Cell,
    _ runs: UnsafeBufferPointer<EdgeRun>, set: UInt32, _ frame: CellFrame,
    _ coordinates: UnsafePointer<Double>
  ) -> Bool {
    let (u, v) = frame.cells(x: cell.minX, y: cell.minY)
    let grid = CompactGrid(
      level: header.level, scaleBits: header.scaleBits, column: Int(u), row: Int(v))
    let reference = grid.reference(header.reference)
    let polygons = leaf + headerWords
    let xs = UnsafeMutableRawPointer(polygons + header.polygonCount)
    let ys = xs + 2 * header.vertexCount
    let firstVertices = polygons + header.polygonCount + header.vertexCount
    var edges: UInt32 = 0
    var vertex = 0
    var polygon = -1
    var polygonStart = 0
    var holdsReference = false
    for (index, run) in runs.enumerated() {
      if polygon < 0 || run.polygon != runs[index - 1].polygon {
        polygon += 1
        polygonStart = vertex
        holdsReference = run.holdsReference
      }
      firstVertices[index] = run.firstVertex
      var (ax, ay) = (Int16(0), Int16(0))
      for place in 0...run.edgeCount {
        let point = coordinates + 2 * Int(run.firstVertex + place)
        let cells = frame.cells(x: point[0], y: point[1])
        guard let bx = grid.vertex(cells.u - u), let by = grid.vertex(cells.v - v),
          place == 0 || CompactPath.isCertain(ax: ax, ay: ay, bx: bx, by: by, reference)
        else { return false }
        xs.storeBytes(of: bx, toByteOffset: 2 * vertex, as: Int16.self)
        ys.storeBytes(of: by, toByteOffset: 2 * vertex, as: Int16.self)
        if place < run.edgeCount { edges |= 1 << UInt32(vertex) }
        vertex += 1
        (ax, ay) = (bx, by)
      }
      polygons[polygon] =
        CompactPolygon(
          polygon: run.polygon, vertexCount: vertex - polygonStart, holdsReference: holdsReference
        ).word
    }
    leaf[0] = set
    leaf[1] = header.word
    leaf[2] = edges
    return true
  }
}
