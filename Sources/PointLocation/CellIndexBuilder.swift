// Builds a cell index: splits cells where edges crowd, and keeps track of which polygons hold each cell's reference point.

/// A square of the tree and its reference point, which lies on no edge that touches the square.
struct Cell: BitwiseCopyable {
  var minX: Double
  var minY: Double
  var size: Double
  /// Its corner, in widths of the smallest cells.
  var column: Int
  var row: Int
  /// It is 2^bits of the smallest cells wide.
  var bits: Int
  var reference: Int
  var referenceX: Double
  var referenceY: Double

  /// All of a frame, with the reference point that is outside of all polygons.
  init(_ frame: CellFrame) {
    self.init(
      minX: frame.originX, minY: frame.originY, size: frame.size, column: 0, row: 0, bits: CellIndex.bits,
      reference: CellFrame.outsideReference)
  }

  private init(minX: Double, minY: Double, size: Double, column: Int, row: Int, bits: Int, reference: Int) {
    self.minX = minX
    self.minY = minY
    self.size = size
    self.column = column
    self.row = row
    self.bits = bits
    self.reference = reference
    (referenceX, referenceY) = CellFrame.reference(minX: minX, minY: minY, size: size, reference)
  }

  /// One of its parts, of which there are 2^sideBits a side.
  /// - Parameter reference: where it lies in the part; nil for the corner that the part shares with three others.
  @inline(__always)
  func part(row: Int, column: Int, sideBits: Int, reference: Int?) -> Cell {
    let reference = reference ?? (~column & 1 | (~row & 1) << 1)
    let (size, bits) = (size / Double(1 << sideBits), bits - sideBits)
    return Cell(
      minX: minX + Double(column) * size, minY: minY + Double(row) * size, size: size,
      column: self.column + column << bits, row: self.row + row << bits, bits: bits, reference: reference)
  }
}

/// The polygons that cover all of a cell, ascending.
private struct Wholes {
  var polygons: UnsafeBufferPointer<UInt32>
  /// Where the place of their set is kept once it is known; `UInt32.max` until then.
  var set: UnsafeMutablePointer<UInt32>
}

/// What splitting a cell of one size needs; kept for the next cell, so that building allocates little.
private struct SplitScratch {
  let parts = UnsafeMutablePointer<CellPart>.allocate(capacity: 16)
  /// The polygons that cover all of the part that is being built.
  var merged = GrowingBuffer<UInt32>()
  let mergedSet = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)

  init() {
    let nowhere = Cell(CellFrame(.empty))
    for part in 0..<16 { (parts + part).initialize(to: CellPart(cell: nowhere)) }
  }

  func free() {
    for part in 0..<16 { parts[part].free() }
    parts.deallocate()
    merged.free()
    mergedSet.deallocate()
  }
}

/// What an index is built from.
struct CellIndexSource {
  let coordinates: UnsafePointer<Double>
  let vertices: FrameVertices
  let frame: CellFrame
}

/// Builds a part of the index cell by cell, from one cell downwards.
struct CellIndexBuilder: ~Copyable {
  /// A cell with no more edges is not split.
  static let leafEdgesMax = 24
  /// A cell with more is split into 4 by 4 at once; one with fewer into 2 by 2, and only those quarters again that need it.
  static let quarterEdgesMax = 64

  private let source: CellIndexSource
  private var divider: CellDivider
  /// How many more copies of edges costly splits may make: it bounds the memory by the number of edges.
  private(set) var budget = 0
  private(set) var nodes: GrowingBuffer<UInt32>
  private(set) var leaves: GrowingBuffer<UInt32>
  private(set) var table: SetTable
  /// Cells with no more edges are left to others.
  private let ownEdgesMin: Int
  private(set) var left = DeferredCells()
  private let scratch: UnsafeMutablePointer<SplitScratch>
  private static let sizes = CellIndex.bits + 1

  /// - Parameters:
  ///   - edgeCount: what room is made for: memory that is not written to costs little, and what grows is copied.
  ///   - ownEdgesMin: cells with fewer edges are `left` to others, unless they are leaves.
  init(_ source: CellIndexSource, edgeCount: Int, ownEdgesMin: Int = 0) {
    self.source = source
    divider = CellDivider(source)
    self.ownEdgesMin = ownEdgesMin
    // A storm's take two fifths of a word and two and a half words an edge, and half a word for the sets.
    nodes = GrowingBuffer(capacity: 2 * edgeCount / 3 + 1024)
    leaves = GrowingBuffer(capacity: 4 * edgeCount + 1024)
    table = SetTable(
      setCapacity: edgeCount / 4 + 1024, memberCapacity: 3 * edgeCount / 4 + 4096,
      knownCapacity: edgeCount / 32)
    scratch = .allocate(capacity: Self.sizes)
    for bits in 0..<Self.sizes { (scratch + bits).initialize(to: SplitScratch()) }
  }

  deinit {
    nodes.free()
    leaves.free()
    left.free()
    divider.free()
    for bits in 0..<Self.sizes { scratch[bits].free() }
    scratch.deallocate()
  }

  /// Builds a cell and all below it.
  ///
  /// - Parameters:
  ///   - runs: the edges in the cell, ascending by polygon.
  ///   - wholes: the polygons that cover all of it, ascending.
  ///   - budget: how many copies of edges costly splits may make.
  mutating func build(
    _ cell: Cell, runs: UnsafeBufferPointer<EdgeRun>, edgeCount: Int, wholes: UnsafeBufferPointer<UInt32>,
    budget: Int
  ) -> CellIndexPiece {
    table.forget()
    self.budget = budget
    let first = (node: nodes.count, leaf: leaves.count, set: table.setCount)
    let set = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
    defer { set.deallocate() }
    set.pointee = wholes.isEmpty ? 0 : .max
    let entry = entry(cell, runs: runs, edgeCount: edgeCount, Wholes(polygons: wholes, set: set))
    return CellIndexPiece(
      entry: entry, nodes: first.node..<nodes.count, leaves: first.leaf..<leaves.count,
      sets: first.set..<table.setCount)
  }

  /// Makes nodes and leaves so many, for the caller to write those that are new; behind the leaves stands what belongs to none.
  mutating func extend(
    nodeCount: Int, leafCount: Int
  ) -> (nodes: UnsafeMutablePointer<UInt32>, leaves: UnsafeMutablePointer<UInt32>) {
    _ = nodes.appendUnwritten(nodeCount - nodes.count)
    _ = leaves.appendUnwritten(leafCount - leaves.count)
    leaves.append(repeating: 0, count: CompactLeaf.paddingWords)
    return (nodes.pointer, leaves.pointer)
  }

  /// The nodes and the leaves as arrays; nothing more is built then.
  mutating func takeNodesAndLeaves() -> (nodes: FlatArray<UInt32>, leaves: FlatArray<UInt32>) {
    defer { (nodes, leaves) = (GrowingBuffer(), GrowingBuffer()) }
    return (nodes.finished(), leaves.finished())
  }

  /// Writes a cell and all below it, and returns its entry. Its side is one of those of nodes: 4^n of the smallest cells.
  private mutating func entry(
    _ cell: Cell, runs: UnsafeBufferPointer<EdgeRun>, edgeCount: Int, _ wholes: Wholes
  ) -> UInt32 {
    if edgeCount <= Self.leafEdgesMax || cell.bits == 0 { return leaf(cell, runs, wholes) }
    if edgeCount < ownEdgesMin { return left.append(cell, runs, edgeCount: edgeCount, wholes.polygons) }
    let sideBits = edgeCount > Self.quarterEdgesMax ? 2 : 1
    guard let parts = split(cell, runs, edgeCount: edgeCount, sideBits: sideBits) else {
      return leaf(cell, runs, wholes)
    }
    let block = nodes.count / 16
    precondition(block < DeferredCells.mark, "too many cells")
    nodes.append(repeating: 0, count: 16)
    for part in PartGrid.parts(sideBits: sideBits) {
      let covering = covering(part, of: cell, wholes)
      // Below it the nodes may move, so that their address is taken afterwards.
      if sideBits == 2 {
        let below = entry(parts[part], covering)
        nodes.pointer[16 * block + part] = below
      } else {
        writeQuarter(parts[part], covering, to: 16 * block + 2 * part)
      }
    }
    return CellIndex.nodeTag | UInt32(block)
  }

  private mutating func entry(_ part: CellPart, _ wholes: Wholes) -> UInt32 {
    entry(part.cell, runs: part.runs.buffer, edgeCount: part.edgeCount, wholes)
  }

  /// Writes a quarter of a node's cell, and all below it: a leaf, which then has four entries of the node, or four cells.
  private mutating func writeQuarter(_ quarter: CellPart, _ wholes: Wholes, to first: Int) {
    let (cell, runs) = (quarter.cell, quarter.runs.buffer)
    let parts =
      quarter.edgeCount <= Self.leafEdgesMax
      ? nil : split(cell, runs, edgeCount: quarter.edgeCount, sideBits: 1)
    let whole = parts == nil ? leaf(cell, runs, wholes) : 0
    for part in PartGrid.parts(sideBits: 1) {
      let below = parts.map { entry($0[part], covering(part, of: cell, wholes)) } ?? whole
      nodes.pointer[first + part] = below
    }
  }

  /// The polygons that cover all of a part of a cell that has been split, given those that cover all of the cell.
  private func covering(_ part: Int, of cell: Cell, _ wholes: Wholes) -> Wholes {
    let scratch = scratch + cell.bits
    let more = scratch.pointee.parts[part].wholes.buffer
    if more.isEmpty { return wholes }
    merge(wholes.polygons, more, into: &scratch.pointee.merged)
    scratch.pointee.mergedSet.pointee = .max
    return Wholes(polygons: scratch.pointee.merged.buffer, set: scratch.pointee.mergedSet)
  }

  private mutating func leaf(_ cell: Cell, _ runs: UnsafeBufferPointer<EdgeRun>, _ wholes: Wholes) -> UInt32 {
    // The set's place in the table comes while the leaf is written.
    let isNew = wholes.set.pointee == .max
    let hash = isNew ? SetTable.hash(wholes.polygons) : 0
    if isNew { table.prefetch(hash: hash) }
    let offset = leaves.count
    precondition(offset < 1 << 30, "too many cells")
    var tag: UInt32 = 0
    if !runs.isEmpty {
      tag = CellIndex.compactLeafTag
      if !CompactLeaf.append(cell, runs, source.vertices, to: &leaves) {
        appendEdgeLeaf(cell, runs)
        tag = CellIndex.edgeLeafTag
      }
    }
    if isNew {
      wholes.set.pointee = table.place(ofSet: table.intern(wholes.polygons, hash: hash))
      precondition(wholes.set.pointee < 1 << 30, "too many cells")
    }
    if tag == 0 { return wholes.set.pointee }
    leaves.pointer[offset] = wholes.set.pointee
    return tag | UInt32(offset)
  }

  /// Appends an edge leaf, all but the place of its set.
  @inline(never)
  private mutating func appendEdgeLeaf(_ cell: Cell, _ runs: UnsafeBufferPointer<EdgeRun>) {
    let header = leaves.count + 1
    leaves.append(repeating: 0, count: EdgeLeaf.headerWords)
    var runCount = 0
    for run in runs {
      var vertex = run.firstVertex
      let end = vertex + run.edgeCount
      var holdsReference = run.holdsReference
      while vertex < end {
        let count = min(Int(end - vertex), EdgeRunHead.edgeCountMax)
        leaves.append(
          EdgeRunHead(polygon: run.polygon, edgeCount: count, holdsReference: holdsReference).word)
        leaves.append(vertex)
        vertex += UInt32(count)
        holdsReference = false
        runCount += 1
      }
    }
    leaves.pointer[header] =
      EdgeLeafHeader(bits: cell.bits, reference: cell.reference, runCount: runCount).word
  }

  private func merge(
    _ a: UnsafeBufferPointer<UInt32>, _ b: UnsafeBufferPointer<UInt32>,
    into result: inout GrowingBuffer<UInt32>
  ) {
    result.removeAll()
    let target = result.unwritten(room: a.count + b.count)
    result.append(written: a.count + b.count)
    guard let first = b.baseAddress else { return }
    guard let second = a.baseAddress else { return target.update(from: first, count: b.count) }
    var (i, j) = (0, 0)
    // Without branches, which would go either way.
    while i < a.count && j < b.count {
      let (one, other) = (second[i], first[j])
      let isLess = one < other ? 1 : 0
      target[i &+ j] = min(one, other)
      i &+= isLess
      j &+= 1 &- isLess
    }
    (target + (i + j)).update(from: second + i, count: a.count - i)
    (target + (a.count + j)).update(from: first + j, count: b.count - j)
  }
}

extension CellIndexBuilder {
  /// Divides a cell into 2^sideBits parts a side. Nil if no reference points were found that miss all edges, or if long edges, which many parts
  /// share, would multiply by more than there is budget for.
  private mutating func split(
    _ cell: Cell, _ runs: UnsafeBufferPointer<EdgeRun>, edgeCount: Int, sideBits: Int
  ) -> UnsafeMutablePointer<CellPart>? {
    let parts = scratch[cell.bits].parts
    guard divider.divide(cell, runs, edgeCount: edgeCount, sideBits: sideBits, into: parts) else {
      return nil
    }
    // Twice as many edges are free for 4 by 4 parts, one and a half times for 2 by 2.
    var growth = -edgeCount * (sideBits + 2) / 2
    for part in PartGrid.parts(sideBits: sideBits) { growth += parts[part].edgeCount }
    if growth > budget { return nil }
    budget -= max(0, growth)
    return parts
  }
}
