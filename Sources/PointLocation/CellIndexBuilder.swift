// Builds a cell index: splits cells where edges crowd, and keeps track of which polygons hold each cell's reference point.

/// A square of the tree and its reference point, which lies on no edge that touches the square.
struct Cell: BitwiseCopyable {
  var minX: Double
  var minY: Double
  var size: Double
  /// 12 for the whole frame, 0 for the smallest cells.
  var level: Int
  var reference: Int
  var referenceX: Double
  var referenceY: Double

  init(minX: Double, minY: Double, size: Double, level: Int, reference: Int) {
    self.minX = minX
    self.minY = minY
    self.size = size
    self.level = level
    self.reference = reference
    (referenceX, referenceY) = CellFrame.reference(minX: minX, minY: minY, size: size, reference)
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
    let nowhere = Cell(minX: 0, minY: 0, size: 1, level: 0, reference: 0)
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

/// Builds the index cell by cell, from the whole frame downwards.
struct CellIndexBuilder: ~Copyable {
  /// A cell with no more edges is not split.
  static let leafEdgesMax = 16
  /// A split that multiplies the edges by more (long edges, which many parts share) must be paid from the budget.
  static let freeGrowth = 2

  private let polygons: PolygonSet
  private let coordinates: UnsafePointer<Double>
  private let blocks: VertexBlocks
  private let frame: CellFrame
  /// How many more copies of edges costly splits may make: it bounds the memory by the number of edges.
  private var budget: Int
  private var nodes: GrowingBuffer<UInt32>
  private var leaves: GrowingBuffer<UInt32>
  private var table = SetTable()
  private let scratch: UnsafeMutablePointer<SplitScratch>
  private static let depths = CellIndex.bits / 2 + 1

  static func build(_ polygons: PolygonSet, bounds: Box) -> CellIndex {
    var builder = CellIndexBuilder(polygons, bounds)
    return builder.build()
  }

  private init(_ polygons: PolygonSet, _ bounds: Box) {
    precondition(polygons.count <= EdgeRunHead.polygonCountMax, "too many polygons")
    self.polygons = polygons
    coordinates = polygons.coordinates.pointer
    blocks = VertexBlocks(polygons)
    frame = CellFrame(bounds)
    budget = 2 * polygons.vertexCount + 1024
    // Room for more than there is ever likely to be: memory that is not written to costs nothing, and what grows is copied.
    nodes = GrowingBuffer(capacity: 2 * polygons.vertexCount + 1024)
    leaves = GrowingBuffer(capacity: 8 * polygons.vertexCount + 1024)
    scratch = .allocate(capacity: Self.depths)
    for depth in 0..<Self.depths { (scratch + depth).initialize(to: SplitScratch()) }
  }

  deinit {
    for depth in 0..<Self.depths { scratch[depth].free() }
    scratch.deallocate()
  }

  private mutating func build() -> CellIndex {
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
    let cell = Cell(
      minX: frame.originX, minY: frame.originY, size: frame.size, level: CellIndex.bits / 2,
      reference: CellFrame.outsideReference)
    let emptySet = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
    defer { emptySet.deallocate() }
    emptySet.pointee = 0
    let top = entry(
      cell, runs: runs.buffer, edgeCount: edgeCount,
      Wholes(polygons: UnsafeBufferPointer(start: emptySet, count: 0), set: emptySet))
    leaves.append(repeating: 0, count: CompactLeaf.paddingWords)
    let (rootBits, root) = flattenTop(top)
    return CellIndex(
      frame: frame, rootBits: rootBits, root: root, nodes: nodes.finished(), leaves: leaves.finished(),
      sets: table.countedSets(paddingWords: CellIndex.setPaddingWords))
  }

  /// Writes a cell and all below it, and returns its entry.
  private mutating func entry(
    _ cell: Cell, runs: UnsafeBufferPointer<EdgeRun>, edgeCount: Int, _ wholes: Wholes
  ) -> UInt32 {
    if edgeCount <= Self.leafEdgesMax || cell.level == 0 { return leaf(cell, runs, wholes) }
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
    precondition(block < 1 << 30, "too many cells")
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
    if CompactLeaf.append(cell, runs, set: set, frame, coordinates, to: &leaves) {
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

  /// Copies the entries of the upper levels into one square, as long as that is no larger than what lies below.
  private func flattenTop(_ top: UInt32) -> (Int, FlatArray<UInt32>) {
    var levels = 0
    while levels < 5 && 16 << (4 * levels) <= max(1, nodes.count) { levels += 1 }
    let side = 1 << (2 * levels)
    let root = FlatArray<UInt32>(count: side * side) { root in
      for row in 0..<side {
        for column in 0..<side {
          var entry = top
          var shift = 2 * levels
          while shift > 0 && entry & CellIndex.tagMask == CellIndex.nodeTag {
            shift -= 2
            let child = (row >> shift & 3) << 2 | column >> shift & 3
            entry = nodes.pointer[Int(entry & ~CellIndex.tagMask) << 4 | child]
          }
          root[row * side + column] = entry
        }
      }
    }
    return (2 * levels, root)
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
    let size = cell.size / 4
    for part in 0..<16 {
      parts[part].runs.removeAll()
      parts[part].wholes.removeAll()
      parts[part].edgeCount = 0
      parts[part].cell = Cell(
        minX: cell.minX + Double(part & 3) * size, minY: cell.minY + Double(part >> 2) * size, size: size,
        level: cell.level - 1, reference: reference)
    }
    let grid = PartGrid(cell, margin: frame.margin)
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
          let pieceEnd = min(end, VertexBlocks.end(ofBlockOf: vertex))
          if pieceEnd - vertex >= 2,
            let part = wholePart(of: blocks.box(of: vertex), cell, grid, parts)
          {
            append(vertex, pieceEnd - vertex, of: polygon, to: part, parts, &touches)
          } else if !divide(vertex..<pieceEnd, of: polygon, cell, grid, parts, &holds, &touches) {
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

  /// The only part that edges in a box touch, if they also stay away from all lines along which references are compared.
  @inline(__always)
  private func wholePart(
    of box: Box, _ cell: Cell, _ grid: PartGrid, _ parts: UnsafeMutablePointer<Part>
  ) -> Int? {
    let columns = grid.columns(box.minX, box.maxX)
    let rows = grid.rows(box.minY, box.maxY)
    guard columns.first == columns.last, rows.first == rows.last else { return nil }
    let part = rows.first << 2 | columns.first
    let referenceY = parts[part].cell.referenceY
    if box.minX <= cell.referenceX && cell.referenceX <= box.maxX { return nil }
    if box.minY <= referenceY && referenceY <= box.maxY { return nil }
    return part
  }

  /// Divides edges one by one. False if one of them touches a reference point or its row with a vertex.
  @inline(__always)
  private func divide(
    _ vertices: Range<UInt32>, of polygon: UInt32, _ cell: Cell, _ grid: PartGrid,
    _ parts: UnsafeMutablePointer<Part>, _ holds: inout UInt32, _ touches: inout UInt32
  ) -> Bool {
    var edge = coordinates + 2 * Int(vertices.lowerBound)
    var (ax, ay) = (edge[0], edge[1])
    for vertex in vertices {
      edge += 2
      let (bx, by) = (edge[0], edge[1])
      let columns = grid.columns(min(ax, bx), max(ax, bx))
      let rows = grid.rows(min(ay, by), max(ay, by))
      if columns.first == columns.last && rows.first == rows.last {
        append(vertex, 1, of: polygon, to: rows.first << 2 | columns.first, parts, &touches)
      } else if columns.first <= columns.last && rows.first <= rows.last {
        for row in rows.first...rows.last {
          for column in columns.first...columns.last {
            let part = row << 2 | column
            if mayTouch(ax, ay, bx, by, parts[part].cell) {
              append(vertex, 1, of: polygon, to: part, parts, &touches)
            }
          }
        }
      }
      if (ax > cell.referenceX) != (bx > cell.referenceX) {
        let side = orientation(ax, ay, bx, by, cell.referenceX, cell.referenceY)
        for row in 0..<4 {
          let y = parts[row << 2].cell.referenceY
          if PathCrossing.cornerSide(ax, ay, bx, by, cell.referenceX, y) != side {
            holds ^= 0xF << UInt32(4 * row)
          }
        }
      }
      var row = rows.first
      while row <= rows.last {
        let y = parts[row << 2].cell.referenceY
        if ay == y || by == y { return false }
        if (ay > y) != (by > y) {
          let side = PathCrossing.cornerSide(ax, ay, bx, by, cell.referenceX, y)
          for column in 0..<4 {
            let partSide = orientation(ax, ay, bx, by, parts[column].cell.referenceX, y)
            if partSide == 0 { return false }
            if partSide != side { holds ^= 1 << UInt32(4 * row + column) }
          }
        }
        row += 1
      }
      (ax, ay) = (bx, by)
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
    let reach = (half + frame.margin) * (dx.magnitude + dy.magnitude)
    // The differences are rounded by less than the margin's thousandth; the products by less than 2^-51 of themselves.
    let error = (dx * fromMiddleY).magnitude * 0x1p-50 + (dy * fromMiddleX).magnitude * 0x1p-50
    return offset <= reach * 1.001 + error
  }
}

/// The columns and rows of a cell's parts that a span touches, widened by a margin: empty (`last` below `first`) if none.
private struct PartGrid {
  private let low: SIMD2<Double>
  private let high: SIMD2<Double>
  private let perSize: Double

  init(_ cell: Cell, margin: Double) {
    low = SIMD2(cell.minX + margin, cell.minY + margin)
    high = SIMD2(cell.minX - margin, cell.minY - margin)
    perSize = 4 / cell.size
  }

  @inline(__always)
  func columns(_ least: Double, _ greatest: Double) -> (first: Int, last: Int) {
    Self.parts((least - low.x) * perSize, (greatest - high.x) * perSize)
  }

  @inline(__always)
  func rows(_ least: Double, _ greatest: Double) -> (first: Int, last: Int) {
    Self.parts((least - low.y) * perSize, (greatest - high.y) * perSize)
  }

  @inline(__always)
  private static func parts(_ least: Double, _ greatest: Double) -> (first: Int, last: Int) {
    let first = least > 0 ? Int(least < 4 ? least : 4) : 0
    let last = greatest >= 0 ? Int(greatest < 3 ? greatest : 3) : -1
    return (first, last)
  }
}

/// The bounds of blocks of consecutive vertices, so that a block that lies in one part of a cell need not be looked at edge by edge.
private struct VertexBlocks {
  static let edgeCount: UInt32 = 8
  private let boxes: FlatArray<Box>

  init(_ polygons: PolygonSet) {
    let vertexCount = polygons.vertexCount
    let coordinates = polygons.coordinates.pointer
    let length = Int(Self.edgeCount)
    boxes = FlatArray(count: (vertexCount + length - 1) / length) { boxes in
      for block in boxes.indices {
        var box = Box.empty
        // The edges of a block end in the first vertex of the next; edges from ring to ring do no harm.
        for vertex in block * length...min(block * length + length, vertexCount - 1) {
          box.extend(x: coordinates[2 * vertex], y: coordinates[2 * vertex + 1])
        }
        boxes[block] = box
      }
    }
  }

  @inline(__always)
  static func end(ofBlockOf vertex: UInt32) -> UInt32 { (vertex / edgeCount + 1) * edgeCount }

  @inline(__always)
  func box(of vertex: UInt32) -> Box { boxes.pointer[Int(vertex / Self.edgeCount)] }
}
