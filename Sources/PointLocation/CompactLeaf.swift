// An edge leaf that holds its edges itself, in 16 bits a coordinate. It decides only what those can prove.

internal import CCacheLine
internal import CCrossings

/// A view of a compact leaf's words, with p polygons, v vertices and r runs of consecutive edges:
/// - the place of the set of polygons that cover all of the cell;
/// - a `CompactLeafHeader`;
/// - one bit for each vertex: is it joined to the next one by an edge? The last vertex of a run is not;
/// - p times a `CompactPolygon`, ascending by polygon;
/// - v times x, and v times y, each an `Int16` in units of the cell's width / 2^scaleBits, rounded down, so that the cell lies in the middle
///   of what 15 bits can say;
/// - r times the first vertex of the run among those of the polygons, for what the 16 bits cannot decide.
struct CompactLeaf {
  static let headerWords = 3
  static let vertexCountMax = 32
  static let polygonCountMax = 32
  /// Vertices are read `CompactPath.edgeCount` and one at a time, and at least two are there.
  static let paddingWords = 8
  /// Finer and finer units, as long as all vertices fit.
  static let scaleBitsRange = 8...13

  private let words: UnsafePointer<UInt32>

  init(_ words: UnsafePointer<UInt32>) { self.words = words }

  @inline(__always)
  var set: Int { Int(words[0]) }
  @inline(__always)
  var header: CompactLeafHeader { CompactLeafHeader(word: words[1]) }
  @inline(__always)
  var edges: UInt32 { words[2] }

  /// Begins to fetch the two cache lines in which most leaves lie.
  @inline(__always)
  func prefetch() {
    ccacheline_prefetch(words)
    ccacheline_prefetch(words + 16)
  }

  @inline(__always)
  func polygon(_ index: Int) -> UInt32 { head(index).polygon }

  @inline(__always)
  func head(_ index: Int) -> CompactPolygon { CompactPolygon(word: words[Self.headerWords + index]) }

  @inline(__always)
  func firstVertex(ofRun run: Int) -> UInt32 {
    words[Self.headerWords + header.polygonCount + header.vertexCount + run]
  }

  /// How many words a leaf has.
  static func wordCount(polygonCount: Int, vertexCount: Int, runCount: Int) -> Int {
    headerWords + polygonCount + vertexCount + runCount
  }

  /// The way from the reference point to the point, as `PathCrossing` goes it, against all edges at once.
  ///
  /// - Returns: which of the leaf's polygons cover the point, one bit for each; it says nothing unless `isCertain`.
  @inline(__always)
  func polygonsHolding(_ place: CellPlace) -> (polygons: UInt32, isCertain: Bool) {
    let header = header
    let grid = CompactGrid(
      bits: header.bits, scaleBits: header.scaleBits, column: place.column, row: place.row)
    let path = CompactPath(
      px: grid.number(place.u - grid.column), py: grid.number(place.v - grid.row),
      grid.reference(header.reference))
    let xs = UnsafeRawPointer(words + Self.headerWords + header.polygonCount)
    let ys = xs + 2 * header.vertexCount
    var crossings: UInt32 = 0
    var doubts: UInt32 = 0
    var lane = 0
    repeat {
      let found = path.crossings(xs + 2 * lane, ys + 2 * lane)
      crossings |= found.crossings &<< UInt32(lane)
      doubts |= found.doubts &<< UInt32(lane)
      lane += CompactPath.edgeCount
    } while lane < header.vertexCount - 1
    let edges = edges
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
    for index in 0..<header.polygonCount {
      let head = head(index)
      last &+= head.vertexCount
      let after = parity &>> last & 1
      polygons |= (after ^ before ^ head.holdsReference) &<< UInt32(index)
      before = after
    }
    return (polygons, true)
  }

  /// The same answer from the polygons' own coordinates: exact.
  func polygonsCovering(
    x: Double, y: Double, _ coordinates: UnsafePointer<Double>, reference: (x: Double, y: Double)
  ) -> UInt32 {
    var polygons: UInt32 = 0
    var edges = UInt64(edges)
    var run = 0
    for index in 0..<header.polygonCount {
      let head = head(index)
      var isInside = head.holdsReference != 0
      var isOnEdge = false
      var verticesLeft = Int(head.vertexCount)
      while verticesLeft > 0 {
        let edgeCount = (~edges).trailingZeroBitCount
        switch PathCrossing.along(
          coordinates + 2 * Int(firstVertex(ofRun: run)), edgeCount: edgeCount, rx: reference.x,
          ry: reference.y,
          px: x, py: y)
        {
        case .even: break
        case .odd: isInside.toggle()
        case .onEdge: isOnEdge = true
        }
        edges >>= UInt64(edgeCount + 1)
        verticesLeft -= edgeCount + 1
        run += 1
      }
      if isInside || isOnEdge { polygons |= 1 << UInt32(index) }
    }
    return polygons
  }
}

/// The second word of a compact leaf: the size of its cell, its reference point, its units, and how many polygons and vertices it has.
struct CompactLeafHeader: BitwiseCopyable {
  let word: UInt32

  init(word: UInt32) { self.word = word }

  init(bits: Int, reference: Int, scaleBits: Int, polygonCount: Int, vertexCount: Int) {
    word =
      UInt32(bits) | UInt32(reference) << 5 | UInt32(scaleBits) << 9 | UInt32(polygonCount) << 16
      | UInt32(vertexCount) << 24
  }

  /// The leaf's cell is 2^bits of the smallest cells wide.
  @inline(__always)
  var bits: Int { Int(word & 31) }
  @inline(__always)
  var reference: Int { Int(word >> 5 & 15) }
  @inline(__always)
  var scaleBits: Int { Int(word >> 9 & 15) }
  @inline(__always)
  var polygonCount: Int { Int(word >> 16 & 255) }
  @inline(__always)
  var vertexCount: Int { Int(word >> 24) }
}

/// A polygon of a compact leaf: its number, whether it holds the leaf's reference point, and how many of the leaf's vertices it has.
struct CompactPolygon: BitwiseCopyable {
  let word: UInt32

  init(word: UInt32) { self.word = word }

  init(polygon: UInt32, vertexCount: Int, holdsReference: Bool) {
    word = (holdsReference ? 1 << 31 : 0) | UInt32(vertexCount - 1) << 26 | polygon
  }

  @inline(__always)
  var polygon: UInt32 { word & 0x3FF_FFFF }
  @inline(__always)
  var vertexCount: UInt32 { (word >> 26 & 31) + 1 }
  /// 1 if so, otherwise 0.
  @inline(__always)
  var holdsReference: UInt32 { word >> 31 }
}

/// The units of a compact leaf.
struct CompactGrid {
  /// The corner of the leaf's cell, in widths of the smallest cells.
  let column: Double
  let row: Double
  private let scaleBits: Int
  private let unitsPerSmallest: Double
  /// What the corner of the cell has for both coordinates.
  let corner: Int

  @inline(__always)
  init(bits: Int, scaleBits: Int, column: Int, row: Int) {
    self.column = Double((column >> bits) << bits)
    self.row = Double((row >> bits) << bits)
    self.scaleBits = scaleBits
    unitsPerSmallest = Double(bitPattern: UInt64(1023 + scaleBits - bits) << 52)
    corner = ((1 << 15) - (1 << scaleBits)) / 2
  }

  /// The number of the unit in which something lies that is so many of the smallest cells from the corner, inside of the cell.
  @inline(__always)
  func number(_ cells: Double) -> Int16 { Int16(truncatingIfNeeded: corner + Int(cells * unitsPerSmallest)) }

  /// The unit in which a reference point lies.
  @inline(__always)
  func reference(_ reference: Int) -> (x: Int16, y: Int16) {
    if reference <= CellFrame.centreReference {
      // In halves of the cell, for each reference one after another: no branch, which would go either way.
      let (x, y) = (0b01_10_00_10_00 >> (2 * reference) & 3, 0b01_10_10_00_00 >> (2 * reference) & 3)
      return (
        Int16(truncatingIfNeeded: corner + x << (scaleBits - 1)),
        Int16(truncatingIfNeeded: corner + y << (scaleBits - 1))
      )
    }
    let fractions = CellFrame.fractions(reference)
    let units = Double(bitPattern: UInt64(1023 + scaleBits) << 52)
    return (
      Int16(truncatingIfNeeded: corner + Int(fractions.x * units)),
      Int16(truncatingIfNeeded: corner + Int(fractions.y * units))
    )
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
