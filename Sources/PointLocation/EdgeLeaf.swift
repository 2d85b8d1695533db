// An edge leaf that names runs of the polygons' edges: for what has too many edges, or too long ones, for a compact leaf.

/// A view of an edge leaf's words: the place of a set of polygons that cover all of the cell, an `EdgeLeafHeader`, and for each of its
/// runs of edges an `EdgeRunHead` and the first vertex. Runs ascend by polygon. No edge of the leaf touches its reference point.
struct EdgeLeaf {
  static let headerWords = 2
  static let runWords = 2

  private let words: UnsafePointer<UInt32>

  init(_ words: UnsafePointer<UInt32>) { self.words = words }

  @inline(__always)
  var set: Int { Int(words[0]) }
  @inline(__always)
  var header: EdgeLeafHeader { EdgeLeafHeader(word: words[1]) }

  /// Appends the polygons that cover a point: those of `whole`, and those of the leaf whose edges say so; ascending.
  ///
  /// - Parameters:
  ///   - coordinates: those of the polygons.
  ///   - reference: the leaf's reference point.
  ///   - whole: the members of the leaf's set.
  func covering(
    _ coordinates: UnsafePointer<Double>, x: Double, y: Double, reference: (x: Double, y: Double),
    whole: UnsafeBufferPointer<UInt32>, into hits: inout HitList
  ) {
    let header = header
    // Room for all that could be found, so that nothing more needs to be asked.
    var hit = hits.reserve(whole.count + header.runCount)
    var nextWhole = whole.startIndex
    var run = words + Self.headerWords
    let end = run + Self.runWords * header.runCount
    while run < end {
      var head = EdgeRunHead(word: run[0])
      let polygon = head.polygon
      while nextWhole < whole.count && whole[nextWhole] < polygon {
        hit[0] = whole[nextWhole]
        hit += 1
        nextWhole += 1
      }
      var isInside = head.holdsReference
      var isOnEdge = false
      repeat {
        switch PathCrossing.along(
          coordinates + 2 * Int(run[1]), edgeCount: head.edgeCount, rx: reference.x, ry: reference.y, px: x,
          py: y)
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
    while nextWhole < whole.count {
      hit[0] = whole[nextWhole]
      hit += 1
      nextWhole += 1
    }
    hits.finish(at: hit)
  }
}

/// The second word of an edge leaf: the size of its cell, which of the references it has, and the number of its runs.
struct EdgeLeafHeader: BitwiseCopyable {
  let word: UInt32

  static let runCountMax = 1 << 23 - 1

  init(word: UInt32) { self.word = word }

  init(bits: Int, reference: Int, runCount: Int) {
    precondition(runCount <= Self.runCountMax, "too many edges in one place")
    word = UInt32(runCount) << 9 | UInt32(bits) << 4 | UInt32(reference)
  }

  /// The leaf's cell is 2^bits of the smallest cells wide.
  @inline(__always)
  var bits: Int { Int(word >> 4 & 31) }
  /// Which of the places in the cell the reference point has.
  @inline(__always)
  var reference: Int { Int(word & 15) }
  @inline(__always)
  var runCount: Int { Int(word >> 9) }
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
