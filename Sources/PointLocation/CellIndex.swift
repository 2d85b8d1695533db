// The cell index: for each cell of an adaptive grid, which polygons cover all of it, and which edges of the others touch it.

internal import CCacheLine

/// A quadtree laid flat, after the cells of S2's shape index and the true-hit cells of Kipf et al., *Adaptive Main-Memory Indexing for
/// High-Performance Point-Polygon Joins* (EDBT 2020). Edges are not clipped: a leaf has whole edges, so that all is exact.
///
/// The cells of `root` are split, where edges crowd, into 4 by 4, and again; where 2 by 2 are enough, the four entries of a quarter are the same.
/// An entry is, by its two highest bits,
/// - a plain leaf: the place in `sets` of the polygons that cover all of it (0: none);
/// - a compact leaf or an edge leaf: an offset into `leaves`, where a `CompactLeaf` or an `EdgeLeaf` stands;
/// - a node: the number of a block of 16 entries in `nodes`.
struct CellIndex: Sendable {
  /// There are `2^bits` of the smallest cells a side.
  static let bits = 24
  static let edgeLeafTag: UInt32 = 1 << 30
  static let nodeTag: UInt32 = 2 << 30
  static let compactLeafTag: UInt32 = 3 << 30
  static let tagMask: UInt32 = 3 << 30

  let frame: CellFrame
  /// The root is a square of `2^rootBits` cells a side, row by row.
  let rootBits: Int
  let root: FlatArray<UInt32>
  let nodes: FlatArray<UInt32>
  /// Ends in `CompactLeaf.paddingWords` words that belong to no leaf.
  let leaves: FlatArray<UInt32>
  /// Sets of polygons: the number of members, and the members, ascending. The first is the empty set. Ends in `setPaddingWords` words that
  /// belong to no set, because members are read several at a time.
  let sets: FlatArray<UInt32>

  static let setPaddingWords = 8

  var byteCount: Int { root.byteCount + nodes.byteCount + leaves.byteCount + sets.byteCount }

  /// The entry of the root's cell that holds one of the smallest cells.
  @inline(__always)
  func rootEntry(_ place: CellPlace) -> UInt32 {
    let shift = Self.bits &- rootBits
    return root.pointer[(place.row &>> shift) &<< rootBits | place.column &>> shift]
  }

  /// The entry of the leaf that holds one of the smallest cells, given that of the root.
  @inline(__always)
  func leafEntry(below rootEntry: UInt32, _ place: CellPlace) -> UInt32 {
    guard Self.isNode(rootEntry) else { return rootEntry }
    var shift = Self.bits &- rootBits &- 2
    // Few go farther than one step: a branch of its own, which is guessed better.
    var entry = self.entry(below: rootEntry, place, shift)
    while Self.isNode(entry) {
      shift &-= 2
      entry = self.entry(below: entry, place, shift)
    }
    return entry
  }

  @inline(__always)
  private static func isNode(_ entry: UInt32) -> Bool { entry & tagMask == nodeTag }

  /// The entry of that part of a node's cell that holds one of the smallest cells; each is 2^shift of those wide.
  @inline(__always)
  private func entry(below node: UInt32, _ place: CellPlace, _ shift: Int) -> UInt32 {
    let part = (place.row &>> shift & 3) &<< 2 | place.column &>> shift & 3
    return nodes.pointer[Int(node & ~Self.tagMask) &<< 4 | part]
  }

  @inline(__always)
  func members(ofSetAt place: Int) -> UnsafeBufferPointer<UInt32> {
    let set = sets.pointer + place
    return UnsafeBufferPointer(start: set + 1, count: Int(set[0]))
  }

  /// Appends the polygons that cover a point, ascending.
  @inline(__always)
  func covering(
    _ coordinates: UnsafePointer<Double>, x: Double, y: Double, into hits: inout HitList
  ) {
    let answer = answer(coordinates, x: x, y: y)
    if answer.entry != 0 { append(answer, coordinates, x: x, y: y, to: &hits) }
  }

  /// What the leaf that holds a point says about it.
  @inline(__always)
  func answer(_ coordinates: UnsafePointer<Double>, x: Double, y: Double) -> CellAnswer {
    guard let place = frame.place(x: x, y: y) else { return CellAnswer(entry: 0) }
    var answer = CellAnswer(entry: leafEntry(below: rootEntry(place), place))
    if let leaf = compactLeaf(answer) {
      // The set comes while the edges are compared.
      ccacheline_prefetch(sets.pointer + leaf.set)
      answer.inside = inside(leaf, place, coordinates, x: x, y: y)
    }
    return answer
  }

  /// The compact leaf of an answer, if it has one.
  @inline(__always)
  func compactLeaf(_ answer: CellAnswer) -> CompactLeaf? {
    guard answer.entry & Self.tagMask == Self.compactLeafTag else { return nil }
    return CompactLeaf(leaves.pointer + Int(answer.entry & ~Self.tagMask))
  }

  /// Whether an answer may stand for polygons; false only if it certainly stands for none.
  @inline(__always)
  func mayHit(_ answer: CellAnswer) -> Bool {
    if let leaf = compactLeaf(answer) { return answer.inside != 0 || leaf.set != 0 }
    return answer.entry != 0
  }

  /// Which of a compact leaf's polygons cover a point, one bit for each.
  @inline(__always)
  func inside(
    _ leaf: CompactLeaf, _ place: CellPlace, _ coordinates: UnsafePointer<Double>, x: Double, y: Double
  ) -> UInt32 {
    let leaf = UnpackedLeaf(leaf, place)
    return inside(leaf, place, leaf.units(place), coordinates, x: x, y: y)
  }

  /// The same with what is the same for all points of the leaf, and the units of this one, at hand.
  @inline(__always)
  func inside(
    _ leaf: UnpackedLeaf, _ place: CellPlace, _ units: CompactUnits, _ coordinates: UnsafePointer<Double>,
    x: Double, y: Double
  ) -> UInt32 {
    let found = leaf.polygonsHolding(units)
    return found.isCertain ? found.polygons : exactly(leaf.leaf, place, coordinates, x: x, y: y)
  }

  @inline(never)
  private func exactly(
    _ leaf: CompactLeaf, _ place: CellPlace, _ coordinates: UnsafePointer<Double>, x: Double, y: Double
  ) -> UInt32 {
    let reference = frame.reference(place, bits: leaf.header.bits, leaf.header.reference)
    return leaf.polygonsCovering(x: x, y: y, coordinates, reference: reference)
  }

  /// Appends the polygons that an answer about a point stands for, ascending.
  @inline(__always)
  func append(
    _ answer: CellAnswer, _ coordinates: UnsafePointer<Double>, x: Double, y: Double, to hits: inout HitList
  ) {
    let value = Int(answer.entry & ~Self.tagMask)
    switch answer.entry & Self.tagMask {
    case 0: hits.append(paddedSet: members(ofSetAt: value), room: 0)
    case Self.compactLeafTag:
      let leaf = CompactLeaf(leaves.pointer + value)
      let first = hits.count
      hits.append(paddedSet: members(ofSetAt: leaf.set), room: CompactLeaf.polygonCountMax)
      for polygon in SetBits(answer.inside) { hits.insert(leaf.polygon(polygon), from: first) }
    default: appendFromEdgeLeaf(at: value, coordinates, x: x, y: y, to: &hits)
    }
  }

  @inline(never)
  private func appendFromEdgeLeaf(
    at offset: Int, _ coordinates: UnsafePointer<Double>, x: Double, y: Double, to hits: inout HitList
  ) {
    guard let place = frame.place(x: x, y: y) else { return }
    let leaf = EdgeLeaf(leaves.pointer + offset)
    leaf.covering(
      coordinates, x: x, y: y,
      reference: frame.reference(place, bits: leaf.header.bits, leaf.header.reference),
      whole: members(ofSetAt: leaf.set), into: &hits)
  }
}

/// What a leaf says about a point. Points with the same answer are covered by the same polygons, unless it `dependsOnPoint`.
struct CellAnswer: BitwiseCopyable, Equatable {
  /// The leaf's entry; 0 where nothing covers the point.
  var entry: UInt32
  /// Which of a compact leaf's polygons cover the point, one bit for each.
  var inside: UInt32 = 0

  /// The answer of an edge leaf is found only when its polygons are appended.
  @inline(__always)
  var dependsOnPoint: Bool { entry & CellIndex.tagMask == CellIndex.edgeLeafTag }
}
