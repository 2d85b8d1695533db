// Builds a cell index: splits cells where edges crowd, and keeps track of which polygons hold each cell's reference point.

internal import CCellParts

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

/// Consecutive edges of one polygon in a cell.
struct EdgeRun: BitwiseCopyable {
  var polygon: UInt32
  /// Whether the polygon holds the cell's reference point; in its first run of the cell only.
  var holdsReference: Bool
  var firstVertex: UInt32
  var edgeCount: UInt32
}

/// One of the parts of a cell that is being split.
private struct Part {
  var cell: Cell
  var runs = GrowingBuffer<EdgeRun>()
  var edgeCount = 0
  /// The part's first run of the polygon at hand.
  var firstRun = 0
  /// The polygons that have edges in the cell and cover all of the part, without touching it with an edge; ascending.
  var wholes = GrowingBuffer<UInt32>()
}

/// The polygons that cover all of a cell, ascending.
private struct Wholes {
  var polygons: UnsafeBufferPointer<UInt32>
  /// Where the place of their set is kept once it is known; `UInt32.max` until then.
  var set: UnsafeMutablePointer<UInt32>
}

/// What splitting a cell of one size needs; kept for the next cell, so that building allocates little.
private struct SplitScratch {
  let parts = UnsafeMutablePointer<Part>.allocate(capacity: 16)
  /// The polygons that cover all of the part that is being built.
  var merged = GrowingBuffer<UInt32>()
  let mergedSet = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)

  init() {
    let nowhere = Cell(CellFrame(.empty))
    for part in 0..<16 { (parts + part).initialize(to: Part(cell: nowhere)) }
  }

  func free() {
    for part in 0..<16 {
      parts[part].runs.free()
      parts[part].wholes.free()
    }
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
  private var coordinates: UnsafePointer<Double> { source.coordinates }
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
    for row in 0..<1 << sideBits {
      for column in 0..<1 << sideBits {
        let part = PartGrid.part(row: row, column: column)
        let covering = covering(part, of: cell, wholes)
        // Below it the nodes may move, so that their address is taken afterwards.
        if sideBits == 2 {
          let below = entry(parts[part], covering)
          nodes.pointer[16 * block + part] = below
        } else {
          writeQuarter(parts[part], covering, to: 16 * block + 2 * part)
        }
      }
    }
    return CellIndex.nodeTag | UInt32(block)
  }

  private mutating func entry(_ part: Part, _ wholes: Wholes) -> UInt32 {
    entry(part.cell, runs: part.runs.buffer, edgeCount: part.edgeCount, wholes)
  }

  /// Writes a quarter of a node's cell, and all below it: a leaf, which then has four entries of the node, or four cells.
  private mutating func writeQuarter(_ quarter: Part, _ wholes: Wholes, to first: Int) {
    let (cell, runs) = (quarter.cell, quarter.runs.buffer)
    let parts =
      quarter.edgeCount <= Self.leafEdgesMax
      ? nil : split(cell, runs, edgeCount: quarter.edgeCount, sideBits: 1)
    let whole = parts == nil ? leaf(cell, runs, wholes) : 0
    for part in [0, 1, 4, 5] {
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
    if wholes.set.pointee == .max { wholes.set.pointee = table.place(ofSet: table.intern(wholes.polygons)) }
    let set = wholes.set.pointee
    precondition(set < 1 << 30 && leaves.count < 1 << 30, "too many cells")
    if runs.isEmpty { return set }
    let offset = UInt32(leaves.count)
    if CompactLeaf.append(cell, runs, set: set, source.vertices, to: &leaves) {
      return CellIndex.compactLeafTag | offset
    }
    leaves.append(set)
    leaves.append(0)
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
    leaves.pointer[Int(offset) + 1] =
      EdgeLeafHeader(bits: cell.bits, reference: cell.reference, runCount: runCount).word
    return CellIndex.edgeLeafTag | offset
  }

  private func merge(
    _ a: UnsafeBufferPointer<UInt32>, _ b: UnsafeBufferPointer<UInt32>,
    into result: inout GrowingBuffer<UInt32>
  ) {
    result.removeAll()
    var i = 0
    var j = 0
    while i < a.count && j < b.count {
      if a[i] < b[j] {
        result.append(a[i])
        i += 1
      } else {
        result.append(b[j])
        j += 1
      }
    }
    while i < a.count {
      result.append(a[i])
      i += 1
    }
    while j < b.count {
      result.append(b[j])
      j += 1
    }
  }
}

extension CellIndexBuilder {
  /// Divides a cell into 2^sideBits parts a side. Nil if no reference points were found that miss all edges, or if long edges, which many parts
  /// share, would multiply by more than there is budget for.
  private mutating func split(
    _ cell: Cell, _ runs: UnsafeBufferPointer<EdgeRun>, edgeCount: Int, sideBits: Int
  ) -> UnsafeMutablePointer<Part>? {
    let parts = scratch[cell.bits].parts
    guard
      divide(cell, runs, reference: nil, sideBits: sideBits, into: parts)
        || CellFrame.innerReferences.contains(where: {
          divide(cell, runs, reference: $0, sideBits: sideBits, into: parts)
        })
    else { return nil }
    // Twice as many edges are free for 4 by 4 parts, one and a half times for 2 by 2.
    var growth = -edgeCount * (sideBits + 2) / 2
    for row in 0..<1 << sideBits {
      for column in 0..<1 << sideBits { growth += parts[PartGrid.part(row: row, column: column)].edgeCount }
    }
    if growth > budget { return nil }
    budget -= max(0, growth)
    return parts
  }

  private func divide(
    _ cell: Cell, _ runs: UnsafeBufferPointer<EdgeRun>, reference: Int?, sideBits: Int,
    into parts: UnsafeMutablePointer<Part>
  ) -> Bool {
    for row in 0..<1 << sideBits {
      for column in 0..<1 << sideBits {
        let part = parts + PartGrid.part(row: row, column: column)
        part.pointee.runs.removeAll()
        part.pointee.wholes.removeAll()
        part.pointee.edgeCount = 0
        part.pointee.cell = cell.part(row: row, column: column, sideBits: sideBits, reference: reference)
      }
    }
    let grid = PartGrid(
      cell, sideBits: sideBits, sharesReferences: reference == nil, firstPart: parts[0].cell, source.frame)
    var index = 0
    while index < runs.count {
      let polygon = runs[index].polygon
      // One bit a part: does the polygon hold the part's reference point, and does it touch the part with an edge?
      var holds: UInt32 = runs[index].holdsReference ? grid.all : 0
      var touches: UInt32 = 0
      repeat {
        let run = runs[index]
        if index + 4 < runs.count { source.vertices.prefetch(runs[index + 4].firstVertex) }
        var vertex = run.firstVertex
        let end = vertex + run.edgeCount
        while vertex < end {
          // Long runs by blocks, and most of their edges at once.
          let most =
            end - vertex > FrameVertices.blockEdgeCount ? FrameVertices.manyBlocks(from: vertex, to: end) : 0
          if most > 0, let part = grid.wholePart(of: source.vertices.box(ofManyFrom: vertex)) {
            append(vertex, most, of: polygon, to: part, parts, &touches)
            vertex += most
            continue
          }
          var pieceEnd = end
          if end - vertex > FrameVertices.blockEdgeCount {
            pieceEnd = min(end, FrameVertices.end(ofBlockOf: vertex))
            if let part = grid.wholePart(of: source.vertices.box(of: vertex)) {
              append(vertex, pieceEnd - vertex, of: polygon, to: part, parts, &touches)
              vertex = pieceEnd
              continue
            }
          }
          guard divide(vertex..<pieceEnd, of: polygon, cell, grid, parts, &holds, &touches) else {
            return false
          }
          vertex = pieceEnd
        }
        index += 1
      } while index < runs.count && runs[index].polygon == polygon
      while holds != 0 {
        let part = holds.trailingZeroBitCount
        if touches >> UInt32(part) & 1 == 0 {
          parts[part].wholes.append(polygon)
        } else {
          parts[part].runs.pointer[parts[part].firstRun].holdsReference = true
        }
        holds &= holds - 1
      }
    }
    return true
  }

  /// Divides up to eight edges. False if one of them touches a reference point or its row with a vertex.
  @inline(__always)
  private func divide(
    _ vertices: Range<UInt32>, of polygon: UInt32, _ cell: Cell, _ grid: PartGrid,
    _ parts: UnsafeMutablePointer<Part>, _ holds: inout UInt32, _ touches: inout UInt32
  ) -> Bool {
    let first = vertices.lowerBound
    let found = grid.find(source.vertices.numbers(from: first))
    let edges: UInt32 = 1 &<< UInt32(vertices.count) &- 1
    var meeting = found.meeting & edges
    while meeting != 0 {
      let vertex = first &+ UInt32(meeting.trailingZeroBitCount)
      meeting &= meeting &- 1
      guard
        let crossed = grid.partsBeyond(source.vertices.edge(vertex))
          ?? partsBeyond(edge: vertex, cell, grid, parts)
      else { return false }
      holds ^= crossed
    }
    let all = UInt64(edges) &* 0x0101_0101_0101_0101
    var (lower, upper) = (found.lower & all, found.upper & all)
    var oblique = found.oblique & edges
    while oblique != 0 {
      let number = oblique.trailingZeroBitCount
      oblique &= oblique &- 1
      let edge = source.vertices.edge(first &+ UInt32(number))
      grid.keepTouched(edge, number: number, rows: 0, &lower)
      grid.keepTouched(edge, number: number, rows: 2, &upper)
    }
    append(lower, from: first, of: polygon, firstPart: 0, parts, &touches)
    append(upper, from: first, of: polygon, firstPart: 8, parts, &touches)
    return true
  }

  /// Adds edges to eight parts: one byte for each part, one bit for each edge.
  @inline(__always)
  private func append(
    _ edgesOfParts: UInt64, from first: UInt32, of polygon: UInt32, firstPart: Int,
    _ parts: UnsafeMutablePointer<Part>, _ touches: inout UInt32
  ) {
    var rest = edgesOfParts
    while rest != 0 {
      let part = rest.trailingZeroBitCount >> 3
      var edges = UInt32(truncatingIfNeeded: rest &>> UInt64(8 * part)) & 0xFF
      rest &= ~(0xFF &<< UInt64(8 * part))
      while edges != 0 {
        let start = UInt32(edges.trailingZeroBitCount)
        let count = UInt32((~(edges &>> start)).trailingZeroBitCount)
        append(first &+ start, count, of: polygon, to: firstPart + part, parts, &touches)
        // The lowest bits that are set in a row, carried away.
        edges &= edges &+ (1 &<< start)
      }
    }
  }

  /// The parts whose reference points are on the other end of a path from the cell's that the edge crosses: `PartGrid.partsBeyond`, but from the
  /// coordinates. Nil if the edge touches a reference point or its row with a vertex.
  @inline(never)
  private func partsBeyond(
    edge vertex: UInt32, _ cell: Cell, _ grid: PartGrid, _ parts: UnsafeMutablePointer<Part>
  ) -> UInt32? {
    let edge = coordinates + 2 * Int(vertex)
    let (ax, ay, bx, by) = (edge[0], edge[1], edge[2], edge[3])
    var beyond: UInt32 = 0
    let meetsColumn = (ax > cell.referenceX) != (bx > cell.referenceX)
    let referenceSide = orientation(ax, ay, bx, by, cell.referenceX, cell.referenceY)
    for line in 0..<grid.lineCount {
      let y = parts[grid.part(line: line, 0)].cell.referenceY
      let all = grid.partsRight(of: 0, line: line)
      let side = PathCrossing.cornerSide(ax, ay, bx, by, cell.referenceX, y)
      if meetsColumn && side != referenceSide { beyond ^= all }
      if ay == y || by == y { return nil }
      guard (ay > y) != (by > y) else { continue }
      let rightSide = by > ay ? -1 : 1
      var right = grid.lineCount
      while right > 0 {
        let x = parts[grid.part(line: line, right - 1)].cell.referenceX
        let pointSide = orientation(ax, ay, bx, by, x, y)
        if pointSide == 0 { return nil }
        if pointSide != rightSide { break }
        right -= 1
      }
      let parts = grid.partsRight(of: right, line: line)
      beyond ^= side == rightSide ? parts ^ all : parts
    }
    return beyond
  }

  @inline(__always)
  private func append(
    _ vertex: UInt32, _ count: UInt32, of polygon: UInt32, to part: Int, _ parts: UnsafeMutablePointer<Part>,
    _ touches: inout UInt32
  ) {
    let part = parts + part
    part.pointee.edgeCount += Int(count)
    let bit = UInt32(1) << UInt32(part - parts)
    if touches & bit != 0 {
      let last = part.pointee.runs.pointer + (part.pointee.runs.count - 1)
      if last.pointee.firstVertex + last.pointee.edgeCount == vertex {
        last.pointee.edgeCount += count
        return
      }
    } else {
      touches |= bit
      part.pointee.firstRun = part.pointee.runs.count
    }
    part.pointee.runs.append(
      EdgeRun(polygon: polygon, holdsReference: false, firstVertex: vertex, edgeCount: count))
  }
}
