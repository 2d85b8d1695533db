// Builds a cell index: splits cells where edges crowd, and keeps track of which polygons hold each cell's reference point.

/// A square of the tree and its reference point, which lies on no edge that touches the square.
struct Cell: BitwiseCopyable {
  var minX: Double
  var minY: Double
  var size: Double
  /// Its corner, in widths of the smallest cells.
  var column: Int
  var row: Int
  /// 12 for the whole frame, 0 for the smallest cells.
  var level: Int
  var reference: Int
  var referenceX: Double
  var referenceY: Double

  /// All of a frame, with the reference point that is outside of all polygons.
  init(_ frame: CellFrame) {
    self.init(
      minX: frame.originX, minY: frame.originY, size: frame.size, column: 0, row: 0,
      level: CellIndex.bits / 2,
      reference: CellFrame.outsideReference)
  }

  private init(minX: Double, minY: Double, size: Double, column: Int, row: Int, level: Int, reference: Int) {
    self.minX = minX
    self.minY = minY
    self.size = size
    self.column = column
    self.row = row
    self.level = level
    self.reference = reference
    (referenceX, referenceY) = CellFrame.reference(minX: minX, minY: minY, size: size, reference)
  }

  /// One of 4 by 4 parts, row by row.
  func part(_ part: Int, reference: Int) -> Cell {
    let (column, row) = (part & 3, part >> 2)
    let (size, width) = (size / 4, 1 << (2 * level - 2))
    return Cell(
      minX: minX + Double(column) * size, minY: minY + Double(row) * size, size: size,
      column: self.column + column * width, row: self.row + row * width, level: level - 1,
      reference: reference)
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

/// One of the 16 parts of a cell that is being split.
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

/// What splitting a cell of one depth needs; kept for the next cell, so that building allocates little.
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
  static let leafEdgesMax = 16
  /// A split that multiplies the edges by more (long edges, which many parts share) must be paid from the budget.
  static let freeGrowth = 2

  private let source: CellIndexSource
  private var coordinates: UnsafePointer<Double> { source.coordinates }
  /// How many more copies of edges costly splits may make: it bounds the memory by the number of edges.
  private(set) var budget = 0
  private(set) var nodes: GrowingBuffer<UInt32>
  private(set) var leaves: GrowingBuffer<UInt32>
  private(set) var table = SetTable()
  /// Cells with no more edges are left to others.
  private let ownEdgesMin: Int
  private(set) var left = DeferredCells()
  private let scratch: UnsafeMutablePointer<SplitScratch>
  private static let depths = CellIndex.bits / 2 + 1

  /// - Parameters:
  ///   - edgeCount: what room is made for: memory that is not written to costs little, and what grows is copied.
  ///   - ownEdgesMin: cells with fewer edges are `left` to others, unless they are leaves.
  init(_ source: CellIndexSource, edgeCount: Int, ownEdgesMin: Int = 0) {
    self.source = source
    self.ownEdgesMin = ownEdgesMin
    // A storm's take half a word and four and a half words an edge.
    nodes = GrowingBuffer(capacity: edgeCount + 1024)
    leaves = GrowingBuffer(capacity: 6 * edgeCount + 1024)
    scratch = .allocate(capacity: Self.depths)
    for depth in 0..<Self.depths { (scratch + depth).initialize(to: SplitScratch()) }
  }

  deinit {
    nodes.free()
    leaves.free()
    left.free()
    for depth in 0..<Self.depths { scratch[depth].free() }
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

  /// Writes a cell and all below it, and returns its entry.
  private mutating func entry(
    _ cell: Cell, runs: UnsafeBufferPointer<EdgeRun>, edgeCount: Int, _ wholes: Wholes
  ) -> UInt32 {
    if edgeCount <= Self.leafEdgesMax || cell.level == 0 { return leaf(cell, runs, wholes) }
    if edgeCount < ownEdgesMin { return left.append(cell, runs, edgeCount: edgeCount, wholes.polygons) }
    let scratch = scratch + (Self.depths - 1 - cell.level)
    let parts = scratch.pointee.parts
    guard split(cell, runs, into: parts) else { return leaf(cell, runs, wholes) }
    var growth = -edgeCount * Self.freeGrowth
    for part in 0..<16 { growth += parts[part].edgeCount }
    if growth > 0 {
      if growth > budget { return leaf(cell, runs, wholes) }
      budget -= growth
    }
    let block = nodes.count / 16
    precondition(block < DeferredCells.mark, "too many cells")
    nodes.append(repeating: 0, count: 16)
    for part in 0..<16 {
      var covering = wholes
      let more = parts[part].wholes.buffer
      if !more.isEmpty {
        merge(wholes.polygons, more, into: &scratch.pointee.merged)
        scratch.pointee.mergedSet.pointee = .max
        covering = Wholes(
          polygons: scratch.pointee.merged.buffer, set: scratch.pointee.mergedSet)
      }
      // Below it the nodes may move, so that their address is taken afterwards.
      let below = entry(
        parts[part].cell, runs: parts[part].runs.buffer, edgeCount: parts[part].edgeCount, covering)
      nodes.pointer[block * 16 + part] = below
    }
    return CellIndex.nodeTag | UInt32(block)
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
      EdgeLeafHeader(level: cell.level, reference: cell.reference, runCount: runCount).word
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
  /// Divides a cell into 4 by 4 parts. False if no reference points were found that miss all edges.
  private func split(
    _ cell: Cell, _ runs: UnsafeBufferPointer<EdgeRun>, into parts: UnsafeMutablePointer<Part>
  ) -> Bool {
    for reference in 0..<CellFrame.referenceCount {
      if divide(cell, runs, reference: reference, into: parts) { return true }
    }
    return false
  }

  private func divide(
    _ cell: Cell, _ runs: UnsafeBufferPointer<EdgeRun>, reference: Int, into parts: UnsafeMutablePointer<Part>
  ) -> Bool {
    for part in 0..<16 {
      parts[part].runs.removeAll()
      parts[part].wholes.removeAll()
      parts[part].edgeCount = 0
      parts[part].cell = cell.part(part, reference: reference)
    }
    let grid = PartGrid(cell, firstPart: parts[0].cell, source.frame)
    var index = 0
    while index < runs.count {
      let polygon = runs[index].polygon
      // One bit a part: does the polygon hold the part's reference point, and does it touch the part with an edge?
      var holds: UInt32 = runs[index].holdsReference ? 0xFFFF : 0
      var touches: UInt32 = 0
      repeat {
        let run = runs[index]
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
    let columns = source.vertices.columns.pointer + Int(vertices.lowerBound)
    let rows = source.vertices.rows.pointer + Int(vertices.lowerBound)
    let crossing = grid.crossing(columns, rows)
    var edge = 0
    while edge < vertices.count {
      let next = min(vertices.count, edge + (crossing >> UInt64(8 * edge)).trailingZeroBitCount / 8)
      if next > edge {
        append(
          vertices.lowerBound + UInt32(edge), UInt32(next - edge), of: polygon,
          to: grid.row(rows[edge]) << 2 | grid.column(columns[edge]), parts, &touches)
      }
      if next < vertices.count {
        let vertex = vertices.lowerBound + UInt32(next)
        guard divide(vertex, of: polygon, cell, grid, parts, &holds, &touches) else { return false }
      }
      edge = next + 1
    }
    return true
  }

  /// Divides one edge.
  @inline(__always)
  private func divide(
    _ vertex: UInt32, of polygon: UInt32, _ cell: Cell, _ grid: PartGrid, _ parts: UnsafeMutablePointer<Part>,
    _ holds: inout UInt32, _ touches: inout UInt32
  ) -> Bool {
    let edge = coordinates + 2 * Int(vertex)
    let (ax, ay, bx, by) = (edge[0], edge[1], edge[2], edge[3])
    let box = source.vertices.box(ofEdge: vertex)
    let columns = (first: grid.column(box.minColumn), last: grid.column(box.maxColumn))
    let rows = (first: max(0, grid.row(box.minRow)), last: min(3, grid.row(box.maxRow)))
    let (firstColumn, lastColumn) = (max(0, columns.first), min(3, columns.last))
    // An edge in one column of parts touches all of them between its ends.
    let isCertain = columns.first == columns.last || firstColumn == lastColumn && rows.first == rows.last
    var row = rows.first
    while row <= rows.last {
      var column = firstColumn
      while column <= lastColumn {
        let part = row << 2 | column
        if isCertain || mayTouch(ax, ay, bx, by, parts[part].cell) {
          append(vertex, 1, of: polygon, to: part, parts, &touches)
        }
        column += 1
      }
      row += 1
    }
    if grid.mayMeetColumn(box) && (ax > cell.referenceX) != (bx > cell.referenceX) {
      let side = orientation(ax, ay, bx, by, cell.referenceX, cell.referenceY)
      for row in 0..<4 {
        let y = parts[row << 2].cell.referenceY
        if PathCrossing.cornerSide(ax, ay, bx, by, cell.referenceX, y) != side {
          holds ^= 0xF << UInt32(4 * row)
        }
      }
    }
    if grid.mayMeetRows(box) {
      let certain = grid.referenceColumns(box)
      var row = rows.first
      while row <= rows.last {
        let y = parts[row << 2].cell.referenceY
        if ay == y || by == y { return false }
        if (ay > y) != (by > y) {
          let side = PathCrossing.cornerSide(ax, ay, bx, by, cell.referenceX, y)
          // The columns whose reference points lie right of the edge.
          let rightSide = by > ay ? -1 : 1
          var right: UInt32 = 0xF << UInt32(certain.right) & 0xF
          for column in certain.left..<certain.right {
            let partSide = orientation(ax, ay, bx, by, parts[column].cell.referenceX, y)
            if partSide == 0 { return false }
            if partSide == rightSide { right |= 1 << UInt32(column) }
          }
          holds ^= (side == rightSide ? ~right & 0xF : right) << UInt32(4 * row)
        }
        row += 1
      }
    }
    return true
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

  /// Whether the line through an edge may touch the cell or its margin; false only if it certainly does not.
  @inline(__always)
  private func mayTouch(_ ax: Double, _ ay: Double, _ bx: Double, _ by: Double, _ cell: Cell) -> Bool {
    let half = cell.size / 2
    let dx = bx - ax
    let dy = by - ay
    let fromMiddleX = cell.minX + half - ax
    let fromMiddleY = cell.minY + half - ay
    let offset = (dx * fromMiddleY - dy * fromMiddleX).magnitude
    let reach = (half + source.frame.margin) * (dx.magnitude + dy.magnitude)
    // The differences are rounded by less than the margin's thousandth; the products by less than 2^-51 of themselves.
    let error = (dx * fromMiddleY).magnitude * 0x1p-50 + (dy * fromMiddleX).magnitude * 0x1p-50
    return offset <= reach * 1.001 + error
  }
}
