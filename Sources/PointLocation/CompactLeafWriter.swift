// Writes compact leaves while an index is built.

internal import CCellParts

/// Gathers a leaf's polygons, vertices and runs, each kind by itself, and then writes them one behind the other; its owner frees it.
///
/// What comes next behind a leaf is not written yet, so that all are written in blocks: a loop that ends after as many steps as there are vertices or runs
/// ends where the processor does not expect it, and that takes longer than to write a few more.
struct CompactLeafWriter {
  /// What of a leaf fits into its units.
  private struct Gathered {
    var edges: UInt32 = 0
    var vertexCount = 0
    var polygonCount = 0
    /// Whether the units can say all vertices, and leave none within two units of the reference point's column.
    var isCertain: Int32 = 1
  }

  /// Vertices are gathered eight at a time, and written 32 at a time.
  private static let axisBytes = 2 * (CompactLeaf.vertexCountMax + 8)
  private static let wordsAtOnce = 4

  private let xs = UnsafeMutableRawPointer.allocate(byteCount: Self.axisBytes, alignment: 16)
  private let ys = UnsafeMutableRawPointer.allocate(byteCount: Self.axisBytes, alignment: 16)
  private let polygons = UnsafeMutablePointer<UInt32>.allocate(capacity: CompactLeaf.polygonCountMax)
  private let firstVertices = UnsafeMutablePointer<UInt32>.allocate(capacity: CompactLeaf.polygonCountMax)

  init() {
    xs.initializeMemory(as: UInt8.self, repeating: 0, count: Self.axisBytes)
    ys.initializeMemory(as: UInt8.self, repeating: 0, count: Self.axisBytes)
    polygons.initialize(repeating: 0, count: CompactLeaf.polygonCountMax)
    firstVertices.initialize(repeating: 0, count: CompactLeaf.polygonCountMax)
  }

  func free() {
    xs.deallocate()
    ys.deallocate()
    polygons.deallocate()
    firstVertices.deallocate()
  }

  /// Appends a leaf, all but the place of its set, if its edges are few enough, short enough and far enough from its reference point for that.
  /// - Parameter runs: the edges in the cell, ascending by polygon.
  func append(
    _ cell: Cell, _ runs: UnsafeBufferPointer<EdgeRun>, _ vertices: FrameVertices,
    to leaves: inout GrowingBuffer<UInt32>
  ) -> Bool {
    if cell.reference == CellFrame.outsideReference || runs.count > CompactLeaf.vertexCountMax / 2 {
      return false
    }
    // The finest units in which all vertices can be said.
    let scales = CompactLeaf.scaleBitsRange
    var scaleBits = min(scales.upperBound, cell.bits + FrameVertices.fractionBits)
    while scaleBits >= scales.lowerBound {
      let grid = CompactGrid(bits: cell.bits, scaleBits: scaleBits, column: 0, row: 0)
      let reference = grid.reference(cell.reference)
      guard let gathered = gather(cell, runs, vertices, scaleBits: scaleBits, grid, farFrom: reference.x)
      else { return false }
      if gathered.isCertain != 0 && isCertain(reference, edges: gathered.edges) {
        let header = CompactLeafHeader(
          bits: cell.bits, reference: cell.reference, scaleBits: scaleBits,
          polygonCount: gathered.polygonCount, vertexCount: gathered.vertexCount)
        write(header, edges: gathered.edges, runCount: runs.count, to: &leaves)
        return true
      }
      scaleBits -= 1
    }
    return false
  }

  /// Gathers the runs of a leaf. Nil if they have too many vertices.
  @inline(__always)
  private func gather(
    _ cell: Cell, _ runs: UnsafeBufferPointer<EdgeRun>, _ vertices: FrameVertices, scaleBits: Int,
    _ grid: CompactGrid, farFrom column: Int16
  ) -> Gathered? {
    let shift = Int32(truncatingIfNeeded: cell.bits + FrameVertices.fractionBits - scaleBits)
    let (perCell, corner) = (Int32(FrameVertices.fractionBits), Int32(truncatingIfNeeded: grid.corner))
    let leaf = ccellparts_leaf(
      shift: shift, first_column: (Int32(truncatingIfNeeded: cell.column) &<< perCell) &>> shift &- corner,
      first_row: (Int32(truncatingIfNeeded: cell.row) &<< perCell) &>> shift &- corner, far_from: column)
    var gathered = Gathered()
    var polygonStart = 0
    var holdsReference = false
    var previous = UInt32.max
    for (index, run) in runs.enumerated() {
      let first = gathered.vertexCount
      let count = Int(run.edgeCount) &+ 1
      gathered.vertexCount = first &+ count
      if gathered.vertexCount > CompactLeaf.vertexCountMax { return nil }
      gathered.isCertain &= ccellparts_write(
        xs + 2 * first, ys + 2 * first, vertices.numbers(from: run.firstVertex),
        Int32(truncatingIfNeeded: count), leaf)
      gathered.edges |= (1 &<< run.edgeCount &- 1) &<< UInt32(truncatingIfNeeded: first)
      firstVertices[index] = run.firstVertex
      let isNew = run.polygon != previous
      previous = run.polygon
      polygonStart = isNew ? first : polygonStart
      holdsReference = isNew ? run.holdsReference : holdsReference
      gathered.polygonCount &+= isNew ? 1 : 0
      polygons[gathered.polygonCount &- 1] =
        CompactPolygon(
          polygon: run.polygon, vertexCount: gathered.vertexCount &- polygonStart,
          holdsReference: holdsReference
        ).word
    }
    return gathered
  }

  /// Whether no edge leaves the reference point's side in doubt.
  @inline(__always)
  private func isCertain(_ reference: (x: Int16, y: Int16), edges: UInt32) -> Bool {
    for edge in SetBits(ccellparts_across(xs, reference.x) & edges) {
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

  /// Appends what has been gathered.
  @inline(__always)
  private func write(
    _ header: CompactLeafHeader, edges: UInt32, runCount: Int, to leaves: inout GrowingBuffer<UInt32>
  ) {
    let (polygonCount, vertexCount) = (header.polygonCount, header.vertexCount)
    let count = CompactLeaf.wordCount(
      polygonCount: polygonCount, vertexCount: vertexCount, runCount: runCount)
    let leaf = leaves.unwritten(room: count + CompactLeaf.vertexCountMax / 2 + Self.wordsAtOnce)
    leaf[1] = header.word
    leaf[2] = edges
    // Each covers what the one before has written too much.
    var target = leaf + CompactLeaf.headerWords
    Self.copy(polygons, to: target, count: polygonCount)
    target += polygonCount
    Self.copyAxis(xs, to: target)
    Self.copyAxis(ys, to: UnsafeMutableRawPointer(target) + 2 * vertexCount)
    Self.copy(firstVertices, to: target + vertexCount, count: runCount)
    leaves.append(written: count)
  }

  /// Copies words, and up to three more.
  @inline(__always)
  private static func copy(
    _ words: UnsafePointer<UInt32>, to target: UnsafeMutablePointer<UInt32>, count: Int
  ) {
    var done = 0
    repeat {
      UnsafeMutableRawPointer(target + done).storeBytes(
        of: UnsafeRawPointer(words + done).loadUnaligned(as: SIMD4<UInt32>.self), as: SIMD4<UInt32>.self)
      done &+= wordsAtOnce
    } while done < count
  }

  /// Copies as many numbers as a leaf may have.
  @inline(__always)
  private static func copyAxis(_ axis: UnsafeMutableRawPointer, to target: UnsafeMutableRawPointer) {
    for offset in stride(from: 0, to: 2 * CompactLeaf.vertexCountMax, by: 16) {
      target.storeBytes(
        of: axis.load(fromByteOffset: offset, as: SIMD8<Int16>.self), toByteOffset: offset,
        as: SIMD8<Int16>.self)
    }
  }
}
