// The cell index: for each cell of an adaptive grid, which polygons cover all of it, and which edges of the others touch it.

/// A quadtree laid flat, after the cells of S2's shape index and the true-hit cells of Kipf et al., *Adaptive Main-Memory Indexing for
/// High-Performance Point-Polygon Joins* (EDBT 2020). Edges are not clipped: a cell names runs of whole edges, so that all is exact.
///
/// The cells of `root` are split, where edges crowd, into 4 by 4, and again. An entry is, by its two highest bits,
/// - a plain leaf: the number of the set of polygons that cover all of it (0: none);
/// - an edge leaf: an offset into `leaves`;
/// - a node: the number of a block of 16 entries in `nodes`.
///
/// An edge leaf is a set's number, the number of its runs, a reference point (x and y, two words each), and for each run three words: the
/// polygon, with the highest bit set if it holds the reference point (in the polygon's first run only); the first vertex; the
/// number of edges. Runs ascend by polygon. No edge of the leaf touches its reference point.
struct CellIndex: Sendable {
  /// The levels of a quadtree that a coordinate's number of `2^bits` can tell apart.
  static let bits = 24
  static let edgeLeafTag: UInt32 = 1 << 30
  static let nodeTag: UInt32 = 2 << 30
  static let tagMask: UInt32 = 3 << 30
  static let insideBit: UInt32 = 1 << 31
  static let leafHeaderWords = 6
  static let runWords = 3

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

  /// The entry of the leaf that holds a point; 0 outside the frame.
  @inline(__always)
  func entry(x: Double, y: Double) -> UInt32 {
    guard let (column, row) = frame.place(x: x, y: y) else { return 0 }
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
    let entry = entry(x: x, y: y)
    if entry == 0 { return }
    if entry & Self.tagMask == 0 { return hits.append(contentsOf: members(ofSet: Int(entry))) }
    let leaf = leaves.pointer + Int(entry & ~Self.tagMask)
    let whole = members(ofSet: Int(leaf[0]))
    var nextWhole = 0
    forEachCovering(leaf, coordinates, x: x, y: y) { polygon in
      while nextWhole < whole.count && whole[nextWhole] < polygon {
        hits.append(whole[nextWhole])
        nextWhole += 1
      }
      hits.append(polygon)
    }
    while nextWhole < whole.count {
      hits.append(whole[nextWhole])
      nextWhole += 1
    }
  }

  /// Calls `body` with each polygon that has edges in the leaf and covers the point, ascending.
  @inline(__always)
  func forEachCovering(
    _ leaf: UnsafePointer<UInt32>, _ coordinates: UnsafePointer<Double>, x: Double, y: Double,
    _ body: (UInt32) -> Void
  ) {
    let rx = Double(bitPattern: UInt64(leaf[2]) | UInt64(leaf[3]) << 32)
    let ry = Double(bitPattern: UInt64(leaf[4]) | UInt64(leaf[5]) << 32)
    var run = leaf + Self.leafHeaderWords
    let end = run + Self.runWords * Int(leaf[1])
    while run < end {
      let polygon = run[0] & ~Self.insideBit
      var isInside = run[0] & Self.insideBit != 0
      var isOnEdge = false
      repeat {
        switch PathCrossing.along(
          coordinates + 2 * Int(run[1]), edgeCount: Int(run[2]), rx: rx, ry: ry, px: x, py: y)
        {
        case .even: break
        case .odd: isInside.toggle()
        case .onEdge: isOnEdge = true
        }
        run += Self.runWords
      } while run < end && run[0] == polygon
      if isInside || isOnEdge { body(polygon) }
    }
  }
}

/// The square that a cell index divides: a power of two wide, its corner a multiple of a power of two.
struct CellFrame: Sendable, BitwiseCopyable {
  let originX: Double
  let originY: Double
  let size: Double
  private let cellsPerDegree: Double
  /// A point is never further than this from the cell that it is placed in: the rounding of `place`, many times over.
  let margin: Double

  init(_ box: Box) {
    guard !box.isEmpty else {
      (originX, originY, size, cellsPerDegree, margin) = (0, 0, 1, 0, 0)
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
}
