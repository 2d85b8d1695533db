// Puts a cell index together from pieces that are built side by side.

import Synchronization

extension CellIndex {
  /// The index over the edges of polygons: the same bytes on any number of processors.
  init(_ polygons: PolygonSet, bounds: Box, _ processors: Processors) {
    precondition(polygons.count <= EdgeRunHead.polygonCountMax, "too many polygons")
    let frame = CellFrame(bounds)
    let assembly = CellIndexAssembly(polygons, frame, processors)
    let (rootBits, root) = assembly.root()
    self.init(
      frame: frame, rootBits: rootBits, root: root, nodes: assembly.laid.nodes, leaves: assembly.laid.leaves,
      sets: assembly.laid.sets)
  }
}

/// Builds the top of the tree, and then the cells below it side by side.
private struct CellIndexAssembly {
  /// Cells below the top have one edge in so many, or fewer.
  private static let deferredShare = 16
  private static let deferredEdgesMin = 4096

  let laid: LaidPieces.Finished

  init(_ polygons: PolygonSet, _ frame: CellFrame, _ processors: Processors) {
    let source = CellIndexSource(
      coordinates: polygons.coordinates.pointer, vertices: FrameVertices(polygons, frame, processors),
      frame: frame)
    let edgeCount = polygons.vertexCount
    let isShared = edgeCount > Self.deferredEdgesMin
    let ownEdges = isShared ? 0 : edgeCount
    var top = CellIndexBuilder(
      source, into: CellIndexPiece(edgeCount: ownEdges), allEdges: ownEdges,
      ownEdgesMin: isShared ? max(Self.deferredEdgesMin, edgeCount / Self.deferredShare) : 0,
      isShared ? processors : .one)
    defer { top.piece.free() }
    Self.build(polygons, &top)
    // The largest first, so that all are done at about the same time.
    let cells = top.left.cells
    let order = cells.indices.sorted { (cells[$1].edgeCount, $0) < (cells[$0].edgeCount, $1) }
    let pieces = LaidPieces(
      order: order, pieceEdges: order.first.map { cells[$0].edgeCount } ?? 0, allEdges: edgeCount,
      isForOne: processors.count == 1)
    if !order.isEmpty { Self.build(top.left, budget: top.budget, source, in: order, processors, pieces) }
    laid = pieces.finished(top.piece)
  }

  /// Builds the top.
  private static func build(_ polygons: PolygonSet, _ builder: inout CellIndexBuilder) {
    var runs = GrowingBuffer<EdgeRun>(capacity: polygons.ringStarts.count)
    defer { runs.free() }
    var edgeCount = 0
    for polygon in 0..<polygons.count {
      for ring in Int(polygons.polygonStarts[polygon])..<Int(polygons.polygonStarts[polygon + 1]) {
        let first = polygons.ringStarts[ring]
        let count = polygons.ringStarts[ring + 1] - first - 1
        // Outside of all polygons is the first reference, so that none holds it.
        runs.append(
          EdgeRun(polygon: UInt32(polygon), holdsReference: false, firstVertex: first, edgeCount: count))
        edgeCount += Int(count)
      }
    }
    builder.build(
      .frame, runs: runs.buffer, edgeCount: edgeCount, wholes: UnsafeBufferPointer(start: nil, count: 0),
      budget: 2 * polygons.vertexCount + 1024)
  }

  /// Builds what the top has left.
  /// - Parameter budget: what the top has left of its own.
  private static func build(
    _ left: DeferredCells, budget: Int, _ source: CellIndexSource, in order: [Int], _ processors: Processors,
    _ pieces: LaidPieces
  ) {
    nonisolated(unsafe) let (left, source) = (left, source)
    let next = Atomic<Int>(0)
    processors.run(processors.count) { _ in
      // Each has room for a quarter more than its share.
      var builder = CellIndexBuilder(
        source, into: pieces.begin(),
        allEdges: min(left.edgeCount, 5 * left.edgeCount / (4 * processors.count)))
      while true {
        let turn = next.wrappingAdd(1, ordering: .relaxed).oldValue
        if turn >= order.count { break }
        let cell = left.cells[order[turn]]
        builder.build(
          cell.cell, runs: left.runs(of: cell), edgeCount: cell.edgeCount, wholes: left.wholes(of: cell),
          budget: Int(Double(budget) * Double(cell.edgeCount) / Double(left.edgeCount)))
        builder.piece = pieces.lay(builder.piece, inTurn: turn)
      }
      pieces.end(builder.piece)
    }
  }

  /// The entries of the upper levels as one square, as long as that is no larger than what lies below: the bits of a side, and the square.
  func root() -> (bits: Int, FlatArray<UInt32>) {
    var levels = 0
    while levels < 5 && 16 << (4 * levels) <= max(1, laid.nodes.count) { levels += 1 }
    let bits = 2 * levels
    let root = FlatArray<UInt32>(count: 1 << (2 * bits)) { root in
      fill(root.baseAddress!, bits: bits, side: 1 << bits, laid.entry)
    }
    return (bits, root)
  }

  /// Writes the entries below one entry, a square in rows of `side`.
  private func fill(_ square: UnsafeMutablePointer<UInt32>, bits: Int, side: Int, _ entry: UInt32) {
    if bits > 0 && entry & CellIndex.tagMask == CellIndex.nodeTag {
      let block = laid.nodes.pointer + Int(entry & ~CellIndex.tagMask) << 4
      for part in 0..<16 {
        fill(
          square + ((part >> 2) * side + (part & 3)) << (bits - 2), bits: bits - 2, side: side, block[part])
      }
    } else {
      for row in 0..<1 << bits { (square + row * side).update(repeating: entry, count: 1 << bits) }
    }
  }
}
