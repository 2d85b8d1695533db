// Puts a cell index together from pieces that were built side by side.

import Synchronization

/// A cell that one builder leaves to others, with copies of what they need.
struct DeferredCell {
  let cell: Cell
  let edgeCount: Int
  /// Where its edges and the polygons that cover all of it are kept.
  let runs: Range<Int>
  let wholes: Range<Int>
}

/// The cells that a builder leaves to others. Their number stands in for their entry.
struct DeferredCells {
  /// Added to the number of a cell, and the tag of a node; no number of a block is as great.
  static let mark = 1 << 29

  private(set) var cells: [DeferredCell] = []
  private var runs = GrowingBuffer<EdgeRun>()
  private var wholes = GrowingBuffer<UInt32>()
  private(set) var edgeCount = 0

  func free() {
    runs.free()
    wholes.free()
  }

  /// - Returns: what stands in for the cell's entry.
  mutating func append(
    _ cell: Cell, _ runs: UnsafeBufferPointer<EdgeRun>, edgeCount: Int, _ wholes: UnsafeBufferPointer<UInt32>
  ) -> UInt32 {
    let number = cells.count
    let (firstRun, firstWhole) = (self.runs.count, self.wholes.count)
    self.runs.append(from: runs.baseAddress!, count: runs.count)
    if !wholes.isEmpty { self.wholes.append(from: wholes.baseAddress!, count: wholes.count) }
    cells.append(
      DeferredCell(
        cell: cell, edgeCount: edgeCount, runs: firstRun..<self.runs.count,
        wholes: firstWhole..<self.wholes.count
      ))
    self.edgeCount += edgeCount
    return CellIndex.nodeTag | UInt32(Self.mark + number)
  }

  /// The number of the cell that an entry stands for, if it does.
  @inline(__always)
  static func number(of entry: UInt32) -> Int? {
    entry & CellIndex.tagMask == CellIndex.nodeTag && Int(entry) & mark != 0 ? Int(entry) & (mark - 1) : nil
  }

  func runs(of cell: DeferredCell) -> UnsafeBufferPointer<EdgeRun> {
    UnsafeBufferPointer(rebasing: runs.buffer[cell.runs])
  }

  func wholes(of cell: DeferredCell) -> UnsafeBufferPointer<UInt32> {
    UnsafeBufferPointer(rebasing: wholes.buffer[cell.wholes])
  }
}

/// What a builder has made of one cell: ranges of its buffers. All that stands in them counts from the starts of the buffers.
struct CellIndexPiece {
  var entry: UInt32
  var nodes: Range<Int>
  var leaves: Range<Int>
  var sets: Range<Int>
  /// Which builder.
  var builder = 0
  /// Where it stands in the index.
  var nodesStart = 0
  var leavesStart = 0
  var setsStart = 0
}

extension CellIndex {
  /// The index over the edges of polygons: the same bytes on any number of processors.
  init(_ polygons: PolygonSet, bounds: Box, _ processors: Processors) {
    let assembly = CellIndexAssembly(polygons, CellFrame(bounds), processors)
    let (rootBits, root) = assembly.root()
    self.init(
      frame: assembly.frame, rootBits: rootBits, root: root, nodes: assembly.nodes, leaves: assembly.leaves,
      sets: assembly.sets)
  }
}

/// Builds the top of the tree, then the cells below it side by side, and joins their nodes, leaves and sets.
private struct CellIndexAssembly {
  /// Cells below the top have one edge in so many, or fewer.
  private static let deferredShare = 16
  private static let deferredEdgesMin = 4096

  let frame: CellFrame
  private(set) var nodes = FlatArray<UInt32>([])
  private(set) var leaves = FlatArray<UInt32>([])
  private(set) var sets = FlatArray<UInt32>([])
  private var top: UInt32 = 0

  init(_ polygons: PolygonSet, _ frame: CellFrame, _ processors: Processors) {
    precondition(polygons.count <= EdgeRunHead.polygonCountMax, "too many polygons")
    self.frame = frame
    let source = CellIndexSource(
      coordinates: polygons.coordinates.pointer, vertices: FrameVertices(polygons, frame, processors),
      frame: frame)
    let edgeCount = polygons.vertexCount
    // The first builds the top.
    let workerCount = edgeCount > Self.deferredEdgesMin ? processors.count : 0
    nonisolated(unsafe) let builders = UnsafeMutablePointer<CellIndexBuilder>.allocate(
      capacity: workerCount + 1)
    for worker in 0...workerCount {
      let isTop = worker == 0 && workerCount > 0
      // Of the workers, each has room for a quarter more than its share.
      (builders + worker).initialize(
        to: CellIndexBuilder(
          source, edgeCount: isTop ? 0 : min(edgeCount, 5 * edgeCount / (4 * max(1, workerCount))),
          ownEdgesMin: isTop ? max(Self.deferredEdgesMin, edgeCount / Self.deferredShare) : 0,
          isTop ? processors : .one))
    }
    defer {
      builders.deinitialize(count: workerCount + 1)
      builders.deallocate()
    }
    let top = Self.buildTop(polygons, &builders[0])
    nonisolated(unsafe) let left = builders[0].left
    let leftBudget = builders[0].budget
    let pieceCount = left.cells.count + 1
    nonisolated(unsafe) let pieces = UnsafeMutablePointer<CellIndexPiece>.allocate(capacity: pieceCount)
    defer { pieces.deallocate() }
    pieces.initialize(repeating: top, count: pieceCount)
    // The largest first, so that all are done at about the same time.
    let turns = left.cells.indices.sorted {
      (left.cells[$1].edgeCount, $0) < (left.cells[$0].edgeCount, $1)
    }
    let next = Atomic<Int>(0)
    if pieceCount > 1 {
      processors.run(workerCount) { worker in
        while true {
          let turn = next.wrappingAdd(1, ordering: .relaxed).oldValue
          if turn >= turns.count { break }
          let number = turns[turn]
          let cell = left.cells[number]
          pieces[number + 1] = builders[worker + 1].build(
            cell.cell, runs: left.runs(of: cell), edgeCount: cell.edgeCount, wholes: left.wholes(of: cell),
            budget: Int(Double(leftBudget) * Double(cell.edgeCount) / Double(left.edgeCount)))
          pieces[number + 1].builder = worker + 1
        }
      }
    }
    join(
      UnsafeMutableBufferPointer(start: pieces, count: pieceCount),
      inOrder: turns.map { $0 + 1 } + [0], builders, workerCount: workerCount, processors)
    self.top =
      DeferredCells.number(of: top.entry).map { PieceMove(pieces[$0 + 1], builders).entry }
      ?? PieceMove(pieces[0], builders).entry
  }

  private static func buildTop(_ polygons: PolygonSet, _ builder: inout CellIndexBuilder) -> CellIndexPiece {
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
    return builder.build(
      .frame, runs: runs.buffer, edgeCount: edgeCount, wholes: UnsafeBufferPointer(start: nil, count: 0),
      budget: 2 * polygons.vertexCount + 1024)
  }

  /// Lays the pieces one behind another.
  /// - Parameter order: the one in which they were built, but for the top, which comes last.
  private mutating func join(
    _ pieces: UnsafeMutableBufferPointer<CellIndexPiece>, inOrder order: [Int],
    _ builders: UnsafeMutablePointer<CellIndexBuilder>, workerCount: Int, _ processors: Processors
  ) {
    // Before them is the empty set.
    var (nodeCount, leafCount, setWordCount) = (0, 0, 1)
    for piece in order {
      pieces[piece].nodesStart = nodeCount
      pieces[piece].leavesStart = leafCount
      pieces[piece].setsStart = setWordCount
      nodeCount += pieces[piece].nodes.count
      leafCount += pieces[piece].leaves.count
      setWordCount += builders[pieces[piece].builder].table.wordCount(pieces[piece].sets)
    }
    precondition(
      nodeCount / 16 < DeferredCells.mark && leafCount < 1 << 30 && setWordCount < 1 << 30, "too many cells")
    nonisolated(unsafe) let (pieces, builders) = (UnsafeBufferPointer(pieces), builders)
    sets = FlatArray(count: setWordCount + CellIndex.setPaddingWords) { sets in
      sets[0] = 0
      sets[setWordCount...].update(repeating: 0)
      nonisolated(unsafe) let sets = sets.baseAddress!
      processors.run(pieces.count) { PieceMove(pieces[$0], builders).copySets(sets) }
    }
    let leftEntry = { @Sendable (left: Int) in PieceMove(pieces[left + 1], builders).entry }
    if workerCount < 2 {
      // What one builder has made stands as it is to stand: only the top is brought to it.
      let last = builders + workerCount
      let (nodes, leaves) = last.pointee.extend(nodeCount: nodeCount, leafCount: leafCount)
      if workerCount > 0 { PieceMove(pieces[0], builders).copy(nodes, leaves, leftEntry) }
      (self.nodes, self.leaves) = last.pointee.takeNodesAndLeaves()
      return
    }
    nodes = FlatArray(count: nodeCount) { nodes in
      leaves = FlatArray(count: leafCount + CompactLeaf.paddingWords) { leaves in
        leaves[leafCount...].update(repeating: 0)
        nonisolated(unsafe) let (nodes, leaves) = (nodes.baseAddress!, leaves.baseAddress!)
        processors.run(pieces.count) { PieceMove(pieces[$0], builders).copy(nodes, leaves, leftEntry) }
      }
    }
  }

  /// The entries of the upper levels as one square, as long as that is no larger than what lies below: the bits of a side, and the square.
  func root() -> (bits: Int, FlatArray<UInt32>) {
    var levels = 0
    while levels < 5 && 16 << (4 * levels) <= max(1, nodes.count) { levels += 1 }
    let bits = 2 * levels
    let root = FlatArray<UInt32>(count: 1 << (2 * bits)) { root in
      fill(root.baseAddress!, bits: bits, side: 1 << bits, top)
    }
    return (bits, root)
  }

  /// Writes the entries below one entry, a square in rows of `side`.
  private func fill(_ square: UnsafeMutablePointer<UInt32>, bits: Int, side: Int, _ entry: UInt32) {
    if bits > 0 && entry & CellIndex.tagMask == CellIndex.nodeTag {
      let block = nodes.pointer + Int(entry & ~CellIndex.tagMask) << 4
      for part in 0..<16 {
        fill(
          square + ((part >> 2) * side + (part & 3)) << (bits - 2), bits: bits - 2, side: side, block[part])
      }
    } else {
      for row in 0..<1 << bits { (square + row * side).update(repeating: entry, count: 1 << bits) }
    }
  }
}

/// Brings a piece from its builder to its place in the index.
private struct PieceMove {
  private let piece: CellIndexPiece
  private let builder: UnsafeMutablePointer<CellIndexBuilder>
  private let blockOffset: UInt32
  private let leafOffset: UInt32
  private let setOffset: UInt32

  init(_ piece: CellIndexPiece, _ builders: UnsafeMutablePointer<CellIndexBuilder>) {
    self.piece = piece
    builder = builders + piece.builder
    blockOffset = UInt32(truncatingIfNeeded: (piece.nodesStart - piece.nodes.lowerBound) / 16)
    leafOffset = UInt32(truncatingIfNeeded: piece.leavesStart - piece.leaves.lowerBound)
    let firstPlace = Int(builder.pointee.table.place(ofSet: UInt32(piece.sets.lowerBound)))
    setOffset = UInt32(truncatingIfNeeded: piece.setsStart - firstPlace)
  }

  /// The entry of the piece, where it stands now.
  var entry: UInt32 { moved(piece.entry) }

  @inline(__always)
  private func moved(_ entry: UInt32) -> UInt32 {
    switch entry & CellIndex.tagMask {
    // The empty set is the same for all.
    case 0: entry == 0 ? 0 : entry &+ setOffset
    case CellIndex.nodeTag: entry &+ blockOffset
    default: entry &+ leafOffset
    }
  }

  func copySets(_ sets: UnsafeMutablePointer<UInt32>) {
    builder.pointee.table.write(piece.sets, to: sets + piece.setsStart)
  }

  /// - Parameter leftEntry: the entry of a cell that was left to others, by its number.
  func copy(
    _ nodes: UnsafeMutablePointer<UInt32>, _ leaves: UnsafeMutablePointer<UInt32>,
    _ leftEntry: (Int) -> UInt32
  ) {
    (leaves + piece.leavesStart).update(
      from: builder.pointee.leaves.pointer + piece.leaves.lowerBound, count: piece.leaves.count)
    let to = nodes + piece.nodesStart
    let from = builder.pointee.nodes.pointer + piece.nodes.lowerBound
    for index in 0..<piece.nodes.count {
      if let left = DeferredCells.number(of: from[index]) {
        to[index] = leftEntry(left)
      } else {
        to[index] = moved(from[index])
        // A leaf has four entries where it is a quarter of the node's cell.
        let isRepeated =
          index & 1 != 0 && from[index] == from[index - 1] || index & 4 != 0 && from[index] == from[index - 4]
        if !isRepeated { moveSet(ofLeaf: to[index], leaves) }
      }
    }
    if DeferredCells.number(of: piece.entry) == nil { moveSet(ofLeaf: entry, leaves) }
  }

  /// All leaves begin with the place of a set.
  @inline(__always)
  private func moveSet(ofLeaf entry: UInt32, _ leaves: UnsafeMutablePointer<UInt32>) {
    // An edge leaf's tag and a compact leaf's have the lower bit.
    guard entry & CellIndex.edgeLeafTag != 0 else { return }
    let leaf = leaves + Int(entry & ~CellIndex.tagMask)
    leaf[0] = moved(leaf[0])
  }
}
