// What cells are built from, from the first one down to the one at hand: a stack, so that what is needed next is near.

/// Consecutive edges of one polygon in a cell.
struct EdgeRun: BitwiseCopyable {
  var polygon: UInt32
  /// Whether the polygon holds the cell's reference point; in its first run of the cell only.
  var holdsReference: Bool
  var firstVertex: UInt32
  var edgeCount: UInt32
}

/// Some elements of a stack that stand one after another.
struct StackRange: BitwiseCopyable {
  var first: Int
  var count: Int
}

/// A cell's place in the stack.
struct CellPart: BitwiseCopyable {
  /// Its edges, ascending by polygon.
  var runs: StackRange
  var edgeCount: Int
  /// The polygons that cover all of it, ascending. In front of them stands the place of their set, once it is known.
  var wholes: StackRange
}

/// The edges and the polygons of the cells that are being built; its owner frees it.
struct CellStack {
  /// The place of a set that is not known yet.
  static let unknownSet = UInt32.max

  private var runs = GrowingBuffer<EdgeRun>()
  private var wholes = GrowingBuffer<UInt32>()

  func free() {
    runs.free()
    wholes.free()
  }

  /// How high it stands.
  @inline(__always)
  var height: (runs: Int, wholes: Int) { (runs.count, wholes.count) }

  /// Takes away what has come since it stood as high.
  @inline(__always)
  mutating func lower(to height: (runs: Int, wholes: Int)) {
    runs.removeLast(runs.count - height.runs)
    wholes.removeLast(wholes.count - height.wholes)
  }

  /// Valid until more comes.
  @inline(__always)
  func runs(of part: CellPart) -> UnsafeBufferPointer<EdgeRun> {
    UnsafeBufferPointer(start: runs.pointer + part.runs.first, count: part.runs.count)
  }

  /// Valid until more comes.
  @inline(__always)
  func wholes(of part: CellPart) -> UnsafeBufferPointer<UInt32> {
    UnsafeBufferPointer(start: wholes.pointer + part.wholes.first, count: part.wholes.count)
  }

  /// The place of the set of the polygons that cover all of a cell, or `unknownSet`.
  @inline(__always)
  func set(of part: CellPart) -> UInt32 { wholes.pointer[part.wholes.first - 1] }

  /// Keeps it for all cells that the same polygons cover.
  @inline(__always)
  func keep(_ set: UInt32, of part: CellPart) { wholes.pointer[part.wholes.first - 1] = set }

  /// Copies a cell.
  mutating func push(
    _ runs: UnsafeBufferPointer<EdgeRun>, edgeCount: Int, wholes: UnsafeBufferPointer<UInt32>
  ) -> CellPart {
    let height = height
    self.wholes.append(wholes.isEmpty ? 0 : Self.unknownSet)
    if let start = runs.baseAddress { self.runs.append(from: start, count: runs.count) }
    if let start = wholes.baseAddress { self.wholes.append(from: start, count: wholes.count) }
    return CellPart(
      runs: StackRange(first: height.runs, count: runs.count), edgeCount: edgeCount,
      wholes: StackRange(first: height.wholes + 1, count: wholes.count))
  }

  /// Where the next runs go, with room for some.
  @inline(__always)
  mutating func nextRuns(room: Int) -> UnsafeMutablePointer<EdgeRun> { runs.unwritten(room: room) }

  @inline(__always)
  mutating func append(writtenRuns some: Int) { runs.append(written: some) }

  /// The polygons that cover all of a part of a cell: those of the cell, and those of its other polygons of which `isWhole` says so.
  ///
  /// - Parameters:
  ///   - wholes: those of the cell.
  ///   - polygons: the others, ascending.
  @inline(__always)
  mutating func merge(
    _ wholes: StackRange, _ polygons: UnsafeBufferPointer<EdgeLanes.Polygon>,
    where isWhole: (EdgeLanes.Polygon) -> Bool
  ) -> StackRange {
    // First those that come, behind where all will stand.
    let target = self.wholes.unwritten(room: 1 + wholes.count + 2 * polygons.count)
    let come = target + (1 + wholes.count + polygons.count)
    var comeCount = 0
    // Without branches, which would go either way.
    for polygon in polygons {
      come[comeCount] = polygon.id
      comeCount &+= isWhole(polygon) ? 1 : 0
    }
    if comeCount == 0 { return wholes }
    let (merged, stay) = (target + 1, self.wholes.pointer + wholes.first)
    target[0] = Self.unknownSet
    var (i, j) = (0, 0)
    while i < wholes.count && j < comeCount {
      let (one, other) = (stay[i], come[j])
      let isLess = one < other ? 1 : 0
      merged[i &+ j] = min(one, other)
      i &+= isLess
      j &+= 1 &- isLess
    }
    (merged + (i + j)).update(from: stay + i, count: wholes.count - i)
    (merged + (wholes.count + j)).update(from: come + j, count: comeCount - j)
    let range = StackRange(first: self.wholes.count + 1, count: wholes.count + comeCount)
    self.wholes.append(written: 1 + range.count)
    return range
  }
}
