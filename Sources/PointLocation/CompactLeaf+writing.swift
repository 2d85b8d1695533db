// Writes compact leaves while an index is built.

extension CompactLeaf {
  /// Appends a leaf, if its edges are few enough, short enough and far enough from its reference point for that.
  ///
  /// - Parameters:
  ///   - runs: the edges in the cell, ascending by polygon.
  ///   - set: the place of the set of polygons that cover all of the cell.
  static func append(
    _ cell: Cell, _ runs: UnsafeBufferPointer<EdgeRun>, set: UInt32, _ vertices: FrameVertices,
    to leaves: inout GrowingBuffer<UInt32>
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
    let count = wordCount(polygonCount: polygonCount, vertexCount: vertexCount, runCount: runs.count)
    let leaf = leaves.unwritten(room: count + spillWords)
    // The finest units in which all vertices can be said.
    var scaleBits = min(scaleBitsRange.upperBound, 2 * cell.level + FrameVertices.fractionBits)
    while scaleBits >= scaleBitsRange.lowerBound {
      let header = CompactLeafHeader(
        level: cell.level, reference: cell.reference, scaleBits: scaleBits, polygonCount: polygonCount,
        vertexCount: vertexCount)
      let axes = UnsafeMutableRawPointer(leaf + headerWords + polygonCount)
      if write(axes, header, cell, runs, vertices) {
        leaf[0] = set
        leaf[1] = header.word
        leaf[2] = writeHeads(leaf + headerWords, header, runs)
        leaves.append(written: count)
        return true
      }
      scaleBits -= 1
    }
    return false
  }

  /// Vertices are written eight at a time.
  private static let spillWords = 4

  /// Writes x and y of all vertices. False if these units cannot say them, or leave the reference point's side of an edge in doubt.
  @inline(__always)
  private static func write(
    _ xs: UnsafeMutableRawPointer, _ header: CompactLeafHeader, _ cell: Cell,
    _ runs: UnsafeBufferPointer<EdgeRun>, _ vertices: FrameVertices
  ) -> Bool {
    let grid = CompactGrid(level: header.level, scaleBits: header.scaleBits, column: 0, row: 0)
    let reference = grid.reference(header.reference)
    let shift = Int32(2 * header.level + FrameVertices.fractionBits - header.scaleBits)
    let perCell = Int32(FrameVertices.fractionBits)
    let corner = Int32(grid.corner)
    let ys = xs + 2 * header.vertexCount
    // What is written too much of one axis, the next one writes over.
    guard
      write(
        xs, runs, vertices.columns.pointer, shift, first: (Int32(cell.column) << perCell) >> shift - corner,
        farFrom: reference.x),
      write(
        ys, runs, vertices.rows.pointer, shift, first: (Int32(cell.row) << perCell) >> shift - corner,
        farFrom: nil)
    else { return false }
    return !meets(column: reference.x, xs, header.vertexCount) || isCertain(xs, ys, runs, reference)
  }

  /// Writes one axis of all vertices. False if 15 bits cannot say one of them, or one is not two units away from a number.
  @inline(__always)
  private static func write(
    _ numbers: UnsafeMutableRawPointer, _ runs: UnsafeBufferPointer<EdgeRun>,
    _ vertices: UnsafePointer<Int32>, _ shift: Int32, first: Int32, farFrom number: Int16?
  ) -> Bool {
    let lanes = SIMD8<Int32>(0, 1, 2, 3, 4, 5, 6, 7)
    var faults = SIMD8<Int32>.zero
    var to = numbers
    for run in runs {
      var from = UnsafeRawPointer(vertices + Int(run.firstVertex))
      var left = Int32(run.edgeCount) + 1
      let end = to + 2 * Int(left)
      repeat {
        let units = from.loadUnaligned(as: SIMD8<Int32>.self)
        let values = (units &>> SIMD8(repeating: shift)) &- SIMD8(repeating: first)
        to.storeBytes(of: SIMD8<Int16>(truncatingIfNeeded: values), as: SIMD8<Int16>.self)
        var fault = values & SIMD8(repeating: ~0x7FFF)
        // A sign bit is what comparisons come down to here.
        if let number {
          let away = values &- SIMD8(repeating: Int32(number) - 1)
          fault |= ((away &- SIMD8(repeating: 3)) & ~away) & SIMD8(repeating: .min)
        }
        faults |= fault & ((lanes &- SIMD8(repeating: left)) &>> SIMD8(repeating: 31))
        from += 32
        to += 16
        left -= 8
      } while left > 0
      to = end
    }
    return !isAny(faults)
  }

  /// Whether an edge may have its ends on different sides of a column.
  @inline(__always)
  private static func meets(column: Int16, _ xs: UnsafeMutableRawPointer, _ vertexCount: Int) -> Bool {
    var changes = SIMD8<Int16>.zero
    var lane = 0
    repeat {
      let ax = (xs + 2 * lane).loadUnaligned(as: SIMD8<Int16>.self) &- SIMD8(repeating: column)
      let bx = (xs + 2 * lane + 2).loadUnaligned(as: SIMD8<Int16>.self) &- SIMD8(repeating: column)
      changes |= (ax ^ bx) & SIMD8(repeating: .min)
      lane += 8
    } while lane < vertexCount - 1
    return isAny(changes)
  }

  private static func isCertain(
    _ xs: UnsafeMutableRawPointer, _ ys: UnsafeMutableRawPointer, _ runs: UnsafeBufferPointer<EdgeRun>,
    _ reference: (x: Int16, y: Int16)
  ) -> Bool {
    var vertex = 0
    for run in runs {
      for _ in 0..<run.edgeCount {
        let (a, b) = (2 * vertex, 2 * vertex + 2)
        guard
          CompactPath.isCertain(
            ax: xs.load(fromByteOffset: a, as: Int16.self), ay: ys.load(fromByteOffset: a, as: Int16.self),
            bx: xs.load(fromByteOffset: b, as: Int16.self), by: ys.load(fromByteOffset: b, as: Int16.self),
            reference)
        else { return false }
        vertex += 1
      }
      vertex += 1
    }
    return true
  }

  @inline(__always)
  private static func isAny(_ bits: SIMD8<Int32>) -> Bool {
    let half = unsafeBitCast(bits.lowHalf | bits.highHalf, to: SIMD2<UInt64>.self)
    return half[0] | half[1] != 0
  }

  @inline(__always)
  private static func isAny(_ bits: SIMD8<Int16>) -> Bool {
    let half = unsafeBitCast(bits, to: SIMD2<UInt64>.self)
    return half[0] | half[1] != 0
  }

  /// Writes the polygons and the first vertices of the runs, and returns which vertices are joined to the next one.
  @inline(__always)
  private static func writeHeads(
    _ polygons: UnsafeMutablePointer<UInt32>, _ header: CompactLeafHeader,
    _ runs: UnsafeBufferPointer<EdgeRun>
  ) -> UInt32 {
    let firstVertices = polygons + header.polygonCount + header.vertexCount
    var edges: UInt32 = 0
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
      edges |= (1 << run.edgeCount - 1) << UInt32(vertex)
      vertex += Int(run.edgeCount) + 1
      polygons[polygon] =
        CompactPolygon(
          polygon: run.polygon, vertexCount: vertex - polygonStart, holdsReference: holdsReference
        ).word
    }
    return edges
  }
}
