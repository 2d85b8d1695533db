// The cell index: for each cell of an adaptive grid, which polygons cover all of it, and which edges of the others touch it.

/// A quadtree laid flat, after the cells of S2's shape index and the true-hit cells of Kipf et al., *Adaptive Main-Memory Indexing for
/// High-Performance Point-Polygon Joins* (EDBT 2020). Edges are not clipped: a cell names runs of whole edges, so that all is exact.
///
/// The cells of `root` are split, where edges crowd, into 4 by 4, and again. An entry is, by its two highest bits,
/// - a plain leaf: the number of the set of polygons that cover all of it (0: none);
/// - an edge leaf: an offset into `leaves`;
/// - a node: the number of a block of 16 entries in `nodes`.
///
/// An edge leaf is two words, a set's number and a `LeafHeader`, and for each of its runs of edges two more: an `EdgeRunHead` and the first
/// vertex. Runs ascend by polygon. No edge of the leaf touches its reference point.
struct CellIndex: Sendable {
  /// The levels of a quadtree that a coordinate's number of `2^bits` can tell apart.
  static let bits = 24
  static let edgeLeafTag: UInt32 = 1 << 30
  static let nodeTag: UInt32 = 2 << 30
  static let tagMask: UInt32 = 3 << 30
  static let leafHeaderWords = 2
  static let runWords = 2

  let frame: CellFrame
  /// The root is a square of `2^rootBits` cells a side, row by row.
  let rootBits: Int
  let root: FlatArray<UInt32>
  let nodes: FlatArray<UInt32>
  let leaves: FlatArray<UInt32>
  /// Set s has the members `setStarts[s] ..< setStarts[s + 1]`, ascending.
  let setStarts: FlatArray<UInt32>
  let setMembers: FlatArray<UInt32>

  var byteCount: Int {
    root.byteCount + nodes.byteCount + leaves.byteCount + setStarts.byteCount + setMembers.byteCount
  }

  var setCount: Int { setStarts.count - 1 }

  /// The entry of the leaf that holds one of the smallest cells.
  @inline(__always)
  func entry(column: Int, row: Int) -> UInt32 {
    var shift = Self.bits - rootBits
    var entry = root.pointer[(row >> shift) << rootBits | column >> shift]
    while entry & Self.tagMask == Self.nodeTag {
      shift -= 2
      let child = (row >> shift & 3) << 2 | column >> shift & 3
      entry = nodes.pointer[Int(entry & ~Self.tagMask) << 4 | child]
    }
    return entry
  }

  @inline(__always)
  func members(ofSet set: Int) -> UnsafeBufferPointer<UInt32> {
    let start = Int(setStarts.pointer[set])
    return UnsafeBufferPointer(
      start: setMembers.pointer + start, count: Int(setStarts.pointer[set + 1]) - start)
  }

  /// Appends the polygons that cover a point, ascending.
  @inline(__always)
  func covering(
    _ coordinates: UnsafePointer<Double>, x: Double, y: Double, into hits: inout HitList
  ) {
    guard let (column, row) = frame.place(x: x, y: y) else { return }
    let entry = entry(column: column, row: row)
    if entry & Self.tagMask == 0 {
      if entry != 0 { hits.append(contentsOf: members(ofSet: Int(entry))) }
      return
    }
    let leaf = leaves.pointer + Int(entry & ~Self.tagMask)
    let header = LeafHeader(word: leaf[1])
    let (rx, ry) = frame.reference(column: column, row: row, header)
    let whole = members(ofSet: Int(leaf[0]))
    // Room for all that could be found, so that nothing more needs to be asked.
    var hit = hits.reserve(whole.count + header.runCount)
    var nextWhole = whole.baseAddress!
    let endWhole = nextWhole + whole.count
    var run = leaf + Self.leafHeaderWords
    let end = run + Self.runWords * header.runCount
    while run < end {
      var head = EdgeRunHead(word: run[0])
      let polygon = head.polygon
      while nextWhole < endWhole && nextWhole[0] < polygon {
        hit[0] = nextWhole[0]
        hit += 1
        nextWhole += 1
      }
      var isInside = head.holdsReference
      var isOnEdge = false
      repeat {
        switch PathCrossing.along(
          coordinates + 2 * Int(run[1]), edgeCount: head.edgeCount, rx: rx, ry: ry, px: x, py: y)
        {
        case .even: break
        case .odd: isInside.toggle()
        case .onEdge: isOnEdge = true
        }
        run += Self.runWords
        if run == end { break }
        head = EdgeRunHead(word: run[0])
      } while head.polygon == polygon
      if isInside || isOnEdge {
        hit[0] = polygon
        hit += 1
      }
    }
    while nextWhole < endWhole {
      hit[0] = nextWhole[0]
      hit += 1
      nextWhole += 1
    }
    hits.finish(at: hit)
  }
}

/// The second word of an edge leaf: the level of its cell, which of the references it has, and the number of its runs.
struct LeafHeader: BitwiseCopyable {
  let word: UInt32

  static let runCountMax = 1 << 24 - 1

  init(word: UInt32) { self.word = word }

  init(level: Int, reference: Int, runCount: Int) {
    precondition(runCount <= Self.runCountMax, "too many edges in one place")
    word = UInt32(runCount) << 8 | UInt32(level) << 4 | UInt32(reference)
  }

  /// The leaf's cell is 4^level of the smallest cells wide.
  @inline(__always)
  var level: Int { Int(word >> 4 & 15) }
  /// Which of the places in the cell the reference point has.
  @inline(__always)
  var reference: Int { Int(word & 15) }
  @inline(__always)
  var runCount: Int { Int(word >> 8) }
}

/// The first word of a run of consecutive edges in a leaf: whether the polygon holds the leaf's reference point (in the polygon's first
/// run only), the number of edges less one, and the polygon.
struct EdgeRunHead: BitwiseCopyable {
  let word: UInt32

  static let edgeCountMax = 32
  /// As many polygons can be told apart.
  static let polygonCountMax = 1 << 26

  init(word: UInt32) { self.word = word }

  init(polygon: UInt32, edgeCount: Int, holdsReference: Bool) {
    word = (holdsReference ? 1 << 31 : 0) | UInt32(edgeCount - 1) << 26 | polygon
  }

  @inline(__always)
  var polygon: UInt32 { word & 0x3FF_FFFF }
  @inline(__always)
  var edgeCount: Int { Int(word >> 26 & 31) + 1 }
  @inline(__always)
  var holdsReference: Bool { word >> 31 != 0 }
}

/// The square that a cell index divides: a power of two wide, its corner a multiple of a power of two.
struct CellFrame: Sendable, BitwiseCopyable {
  let originX: Double
  let originY: Double
  let size: Double
  private let cellsPerDegree: Double
  /// The width of the smallest cells.
  private let unit: Double
  /// A point is never further than this from the cell that it is placed in: the rounding of `place`, many times over.
  let margin: Double

  init(_ box: Box) {
    guard !box.isEmpty else {
      (originX, originY, size, cellsPerDegree, unit, margin) = (0, 0, 1, 0, 0, 0)
      return
    }
    let greatest = max(
      max(box.minX.magnitude, box.maxX.magnitude), max(box.minY.magnitude, box.maxY.magnitude))
    // A degenerate extent is widened until its cells are wider than the rounding of its coordinates.
    let extent = max(max(box.maxX - box.minX, box.maxY - box.minY), max(greatest * 0x1p-16, 0x1p-100))
    let size = Double(sign: .plus, exponent: (extent * 1.01).exponent + 1, significand: 1)
    let step = size * 0x1p-8
    originX = (box.minX / step).rounded(.down) * step
    originY = (box.minY / step).rounded(.down) * step
    self.size = size
    cellsPerDegree = Double(1 << CellIndex.bits) / size
    unit = size / Double(1 << CellIndex.bits)
    margin = size * 0x1p-34
  }

  /// The column and row of the smallest cells in which a point lies.
  @inline(__always)
  func place(x: Double, y: Double) -> (column: Int, row: Int)? {
    let u = (x - originX) * cellsPerDegree
    let v = (y - originY) * cellsPerDegree
    let side = Double(1 << CellIndex.bits)
    guard u >= 0, v >= 0, u < side, v < side else { return nil }
    return (Int(u), Int(v))
  }

  /// How many places in its cell a reference point may have; the first that no edge touches is taken.
  static let referenceCount = 8
  /// The reference of a frame that is one leaf: outside of all polygons.
  static let outsideReference = 8

  /// Where in its cell the reference point lies, in widths of the cell. The fractions have no simple form, so that data with round
  /// coordinates does not meet them.
  @inline(__always)
  static func fractions(_ reference: Int) -> (x: Double, y: Double) {
    if reference == outsideReference { return (-1, -1) }
    let x = 0.482_716_049_317 + Double(reference) * 0.007_318_840_597
    return (x, 1.03 - x)
  }

  /// The reference point of a cell: the same bits whenever it is asked for, as all but the last addition is exact.
  @inline(__always)
  static func reference(minX: Double, minY: Double, size: Double, _ reference: Int) -> (x: Double, y: Double)
  {
    let fractions = fractions(reference)
    return (minX + fractions.x * size, minY + fractions.y * size)
  }

  /// The reference point of the leaf that holds one of the smallest cells.
  @inline(__always)
  func reference(column: Int, row: Int, _ leaf: LeafHeader) -> (x: Double, y: Double) {
    let shift = 2 * leaf.level
    return Self.reference(
      minX: originX + Double((column >> shift) << shift) * unit,
      minY: originY + Double((row >> shift) << shift) * unit, size: unit * Double(1 << shift), leaf.reference)
  }
}
