// An edge leaf that holds its edges itself, in 16 bits a coordinate. It decides only what those can prove.

internal import CCacheLine

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

  /// Where x of each vertex starts, and where y.
  @inline(__always)
  var vertices: (xs: UnsafeRawPointer, ys: UnsafeRawPointer) {
    let xs = UnsafeRawPointer(words + Self.headerWords + header.polygonCount)
    return (xs, xs + 2 * header.vertexCount)
  }

  /// Which of the leaf's polygons cover a point, one bit for each, from the polygons' own coordinates: exact.
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
