// What the 16 bits of a compact leaf say about points: all edges at once.

internal import CCrossings

/// A compact leaf that is asked about points of its cell: what is the same for all of them.
struct UnpackedLeaf {
  let leaf: CompactLeaf
  private let grid: CompactGrid
  private let reference: (x: Int16, y: Int16)
  private let xs: UnsafeRawPointer
  private let ys: UnsafeRawPointer
  private let edges: UInt32
  private let vertexCount: Int
  private let polygonCount: Int

  /// - Parameter place: a point of the cell.
  @inline(__always)
  init(_ leaf: CompactLeaf, _ place: CellPlace) {
    let header = leaf.header
    self.leaf = leaf
    grid = CompactGrid(
      bits: header.bits, scaleBits: header.scaleBits, column: place.column, row: place.row)
    reference = grid.reference(header.reference)
    (xs, ys) = leaf.vertices
    edges = leaf.edges
    vertexCount = header.vertexCount
    polygonCount = header.polygonCount
  }

  /// The units in which a point of the cell lies.
  @inline(__always)
  func units(_ place: CellPlace) -> CompactUnits {
    CompactUnits(x: grid.number(place.u - grid.column), y: grid.number(place.v - grid.row))
  }

  /// The way from the reference point to a point, as `PathCrossing` goes it, against all edges at once.
  ///
  /// - Returns: which of the leaf's polygons cover the point, one bit for each; it says nothing unless `isCertain`.
  @inline(__always)
  func polygonsHolding(_ point: CompactUnits) -> (polygons: UInt32, isCertain: Bool) {
    let path = CompactPath(px: point.x, py: point.y, reference)
    var crossings: UInt32 = 0
    var doubts: UInt32 = 0
    var lane = 0
    repeat {
      let found = path.crossings(xs + 2 * lane, ys + 2 * lane)
      crossings |= found.crossings &<< UInt32(lane)
      doubts |= found.doubts &<< UInt32(lane)
      lane += CompactPath.edgeCount
    } while lane < vertexCount - 1
    if doubts & edges != 0 { return (0, false) }
    // Bit i becomes the parity of the crossings up to edge i.
    var parity = crossings & edges
    parity ^= parity << 1
    parity ^= parity << 2
    parity ^= parity << 4
    parity ^= parity << 8
    parity ^= parity << 16
    var polygons: UInt32 = 0
    var before: UInt32 = 0
    var last: UInt32 = .max
    for index in 0..<polygonCount {
      let head = leaf.head(index)
      last &+= head.vertexCount
      let after = parity &>> last & 1
      polygons |= (after ^ before ^ head.holdsReference) &<< UInt32(index)
      before = after
    }
    return (polygons, true)
  }

  /// Whether the box of an edge meets the box of some points. If none does, the leaf says the same about all of them: units keep the order of coordinates,
  /// so that no edge comes between them.
  @inline(__always)
  func hasEdge(near least: CompactUnits, _ most: CompactUnits) -> Bool {
    let box = ccrossings_box(min_x: least.x, min_y: least.y, max_x: most.x, max_y: most.y)
    var meeting: UInt32 = 0
    var lane = 0
    repeat {
      meeting |= ccrossings_meeting(xs + 2 * lane, ys + 2 * lane, box) &<< UInt32(lane)
      lane += CompactPath.edgeCount
    } while lane < vertexCount - 1
    return meeting & edges != 0
  }
}

/// The path from a leaf's reference point to a point, and which edges cross it.
struct CompactPath {
  /// So many edges are looked at together.
  static let edgeCount = Int(ccrossings_edge_count)

  private let path: ccrossings_path

  @inline(__always)
  init(px: Int16, py: Int16, _ reference: (x: Int16, y: Int16)) {
    path = ccrossings_path(px: px, py: py, rx: reference.x, ry: reference.y)
  }

  /// Whether each of `edgeCount` consecutive edges crosses the path, and whether that is in doubt; one bit for each edge.
  @inline(__always)
  func crossings(_ xs: UnsafeRawPointer, _ ys: UnsafeRawPointer) -> (crossings: UInt32, doubts: UInt32) {
    let found = ccrossings_find(xs, ys, path)
    return (found.crossings, found.doubts)
  }

  /// Whether what an edge says about the reference point alone is certain; `crossings` takes it for granted.
  static func isCertain(ax: Int16, ay: Int16, bx: Int16, by: Int16, _ reference: (x: Int16, y: Int16)) -> Bool
  {
    let (rax, ray) = (Int(ax) - Int(reference.x), Int(ay) - Int(reference.y))
    let (rbx, rby) = (Int(bx) - Int(reference.x), Int(by) - Int(reference.y))
    if abs(rax) < 2 || abs(rbx) < 2 { return false }
    if (rax > 0) == (rbx > 0) { return true }
    let sum = abs(rax) + abs(ray) + abs(rbx) + abs(rby)
    return abs(rax * rby - ray * rbx) >= sum + 3
  }
}
