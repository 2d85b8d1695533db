// Builds a cell index: splits cells where edges crowd, and keeps track of which polygons hold each cell's reference point.

/// A square of the tree and its reference point, which lies on no edge that touches the square.
struct Cell: BitwiseCopyable {
  /// Its corner, in widths of the smallest cells.
  let column: Int
  let row: Int
  /// It is 2^bits of the smallest cells wide.
  let bits: Int
  let reference: Int

  /// All of a frame, with the reference point that is outside of all polygons.
  static let frame = Cell(column: 0, row: 0, bits: CellIndex.bits, reference: CellFrame.outsideReference)

  /// One of its parts, of which there are 2^sideBits a side.
  /// - Parameter reference: where it lies in the part; nil for the corner that the part shares with three others.
  @inline(__always)
  func part(row: Int, column: Int, sideBits: Int, reference: Int?) -> Cell {
    let bits = bits - sideBits
    return Cell(
      column: self.column + column << bits, row: self.row + row << bits, bits: bits,
      reference: reference ?? (~column & 1 | (~row & 1) << 1))
  }

  /// In degrees.
  @inline(__always)
  func referencePoint(_ frame: CellFrame) -> (x: Double, y: Double) {
    frame.reference(column: column, row: row, bits: bits, reference)
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
  /// A cell with more is split into 4 by 4 at once; one with fewer into 2 by 2, and only those quarters again that need it.
  static let quarterEdgesMax = 64

  private let source: CellIndexSource
  private var divider: CellDivider
  private let leafWriter = CompactLeafWriter()
  /// How many more copies of edges costly splits may make: it bounds the memory by the number of edges.
  private(set) var budget = 0
  /// What is written to; its owner frees it.
  var piece: CellIndexPiece
  private var table: SetTable
  /// Cells with no more edges are left to others.
  private let ownEdgesMin: Int
  private(set) var left = DeferredCells()
  private var stack = CellStack()
  /// The parts of the cells that are divided, 16 for each size.
  private let allParts: UnsafeMutablePointer<CellPart>

  /// - Parameters:
  ///   - allEdges: what room is made for: memory that is not written to costs little, and what grows is copied.
  ///   - ownEdgesMin: cells with fewer edges are `left` to others, unless they are leaves.
  ///   - processors: what large cells are divided on.
  init(
    _ source: CellIndexSource, into piece: CellIndexPiece, allEdges: Int, ownEdgesMin: Int = 0,
    _ processors: Processors = .one
  ) {
    self.source = source
    divider = CellDivider(source, processors)
    self.ownEdgesMin = ownEdgesMin
    self.piece = piece
    table = SetTable(
      setCapacity: allEdges / 4 + 1024, memberCapacity: 3 * allEdges / 4 + 4096, knownCapacity: allEdges / 32)
    allParts = .allocate(capacity: 16 * (CellIndex.bits + 1))
  }

  deinit {
    left.free()
    divider.free()
    leafWriter.free()
    stack.free()
    allParts.deallocate()
  }

  /// Builds a cell and all below it, behind what `piece` has.
  ///
  /// - Parameters:
  ///   - runs: the edges in the cell, ascending by polygon.
  ///   - wholes: the polygons that cover all of it, ascending.
  ///   - budget: how many copies of edges costly splits may make.
  mutating func build(
    _ cell: Cell, runs: UnsafeBufferPointer<EdgeRun>, edgeCount: Int, wholes: UnsafeBufferPointer<UInt32>,
    budget: Int
  ) {
    table.forget()
    self.budget = budget
    let firstSet = table.setCount
    let height = stack.height
    piece.entry = entry(cell, stack.push(runs, edgeCount: edgeCount, wholes: wholes))
    stack.lower(to: height)
    let sets = firstSet..<table.setCount
    piece.setsStart = table.place(ofSet: UInt32(firstSet))
    table.write(sets, to: piece.sets.appendUnwritten(table.wordCount(sets)))
  }

  /// Writes a cell and all below it, and returns its entry. Its side is one of those of nodes: 4^n of the smallest cells.
  private mutating func entry(_ cell: Cell, _ part: CellPart) -> UInt32 {
    if Self.isLeaf(part) || cell.bits == 0 { return leaf(cell, part) }
    if part.edgeCount < ownEdgesMin {
      return left.append(
        cell, stack.runs(of: part), edgeCount: part.edgeCount, stack.wholes(of: part))
    }
    let sideBits = part.edgeCount > Self.quarterEdgesMax ? 2 : 1
    let height = stack.height
    guard let division = split(cell, part, sideBits: sideBits) else { return leaf(cell, part) }
    let block = piece.nodes.count / 16
    precondition(block < DeferredCells.mark, "too many cells")
    piece.nodes.append(repeating: 0, count: 16)
    for number in division.parts {
      let (below, part) = (division.cell(number), parts(of: cell)[number])
      // Below it the nodes may move, so that their address is taken afterwards.
      if sideBits == 1 {
        writeQuarter(below, part, to: 16 * block + 2 * number)
      } else if division.isLeafQuarter(number) {
        write(leaf(below, part), toQuarter: 16 * block + number)
      } else {
        let entry = entry(below, part)
        piece.nodes.pointer[16 * block + number] = entry
      }
    }
    stack.lower(to: height)
    return CellIndex.nodeTag | UInt32(block)
  }

  /// A cell with as many edges as a compact leaf may have is not split: the last vertex of each run is one more.
  @inline(__always)
  private static func isLeaf(_ part: CellPart) -> Bool {
    part.edgeCount + part.runs.count <= CompactLeaf.vertexCountMax
  }

  /// Writes a quarter of a node's cell, and all below it: a leaf, which then has four entries of the node, or four cells.
  private mutating func writeQuarter(_ cell: Cell, _ quarter: CellPart, to first: Int) {
    let height = stack.height
    if !Self.isLeaf(quarter), let division = split(cell, quarter, sideBits: 1) {
      for number in division.parts {
        let entry = entry(division.cell(number), parts(of: cell)[number])
        piece.nodes.pointer[first + number] = entry
      }
    } else {
      write(leaf(cell, quarter), toQuarter: first)
    }
    stack.lower(to: height)
  }

  /// Writes the four entries of a quarter that is one leaf, from the first one on.
  @inline(__always)
  private func write(_ leaf: UInt32, toQuarter first: Int) {
    for number in SetBits(PartGrid.all(sideBits: 1)) { piece.nodes.pointer[first + number] = leaf }
  }

  /// The parts of a cell while it is divided, by their numbers in a `PartGrid`.
  @inline(__always)
  private func parts(of cell: Cell) -> UnsafeMutablePointer<CellPart> { allParts + 16 * cell.bits }

  /// Divides a cell. Nil if no reference points were found that miss all edges, or if long edges, which many parts share, would multiply by more than
  /// there is budget for.
  private mutating func split(_ cell: Cell, _ part: CellPart, sideBits: Int) -> CellDivision? {
    let below = parts(of: cell)
    guard let division = divider.divide(cell, part, sideBits: sideBits, &stack, into: below) else {
      return nil
    }
    // Twice as many edges are free for 4 by 4 parts, one and a half times for 2 by 2.
    var growth = -part.edgeCount * (sideBits + 2) / 2
    for number in division.parts {
      growth += below[number].edgeCount
      // Most parts are leaves, whose sets are looked for.
      table.prefetch(hash: stack.hash(of: below[number]))
    }
    if growth > budget { return nil }
    budget -= max(0, growth)
    return division
  }

  private mutating func leaf(_ cell: Cell, _ part: CellPart) -> UInt32 {
    let runs = stack.runs(of: part)
    let offset = piece.leaves.count
    precondition(offset < 1 << 30, "too many cells")
    var tag: UInt32 = 0
    if !runs.isEmpty {
      tag = CellIndex.compactLeafTag
      if !leafWriter.append(cell, runs, source.vertices, to: &piece.leaves) {
        appendEdgeLeaf(cell, runs)
        tag = CellIndex.edgeLeafTag
      }
    }
    var set = stack.set(of: part)
    if set == CellStack.unknownSet {
      set = table.place(ofSet: table.intern(stack.wholes(of: part), hash: stack.hash(of: part)))
      precondition(set < 1 << 30, "too many cells")
      stack.keep(set, of: part)
    }
    if tag == 0 { return set }
    piece.leaves.pointer[offset] = set
    return tag | UInt32(offset)
  }

  /// Appends an edge leaf, all but the place of its set.
  @inline(never)
  private mutating func appendEdgeLeaf(_ cell: Cell, _ runs: UnsafeBufferPointer<EdgeRun>) {
    let header = piece.leaves.count + 1
    piece.leaves.append(repeating: 0, count: EdgeLeaf.headerWords)
    var runCount = 0
    for run in runs {
      var vertex = run.firstVertex
      let end = vertex + run.edgeCount
      var holdsReference = run.holdsReference
      while vertex < end {
        let count = min(Int(end - vertex), EdgeRunHead.edgeCountMax)
        piece.leaves.append(
          EdgeRunHead(polygon: run.polygon, edgeCount: count, holdsReference: holdsReference).word)
        piece.leaves.append(vertex)
        vertex += UInt32(count)
        holdsReference = false
        runCount += 1
      }
    }
    piece.leaves.pointer[header] =
      EdgeLeafHeader(bits: cell.bits, reference: cell.reference, runCount: runCount).word
  }
}
