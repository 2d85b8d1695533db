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
  /// The polygons that cover all of it, ascending. In front of them stand their hash and the place of their set, once it is known; behind them the
  /// greatest number.
  var wholes: StackRange
}

/// The edges and the polygons of the cells that are being built; its owner frees it.
struct CellStack {
  /// The place of a set that is not known yet.
  static let unknownSet = UInt32.max
  /// Words in front of the polygons that cover a cell.
  private static let headerWords = 2

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

  /// The hash of the polygons that cover all of a cell: the sum of theirs, so that it grows as they do.
  @inline(__always)
  func hash(of part: CellPart) -> UInt32 { wholes.pointer[part.wholes.first - 2] }

  @inline(__always)
  private static func hash(_ polygon: UInt32) -> UInt32 {
    UInt32(truncatingIfNeeded: SetTable.folded(UInt64(polygon)))
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
    let firstRun = self.runs.count
    if let start = runs.baseAddress { self.runs.append(from: start, count: runs.count) }
    let target = self.wholes.unwritten(room: Self.headerWords + wholes.count + 1)
    target[0] = wholes.reduce(0) { $0 &+ Self.hash($1) }
    target[1] = wholes.isEmpty ? 0 : Self.unknownSet
    if let start = wholes.baseAddress {
      (target + Self.headerWords).update(from: start, count: wholes.count)
    }
    return CellPart(
      runs: StackRange(first: firstRun, count: runs.count), edgeCount: edgeCount,
      wholes: append(writtenWholes: wholes.count))
  }

  /// Says that a header and so many polygons have been written.
  @inline(__always)
  private mutating func append(writtenWholes some: Int) -> StackRange {
    let range = StackRange(first: wholes.count + Self.headerWords, count: some)
    wholes.pointer[range.first + some] = .max
    wholes.append(written: Self.headerWords + some + 1)
    return range
  }

  /// Where the next runs go, with room for some.
  @inline(__always)
  mutating func nextRuns(room: Int) -> UnsafeMutablePointer<EdgeRun> { runs.unwritten(room: room) }

  @inline(__always)
  mutating func append(writtenRuns some: Int) { runs.append(written: some) }

  /// The polygons that cover all of a part of a cell: those of the cell, and those of its other polygons of which `isWhole` is 1, not 0.
  ///
  /// - Parameters:
  ///   - wholes: those of the cell.
  ///   - polygons: the others, ascending.
  @inline(__always)
  mutating func merge(
    _ wholes: StackRange, _ polygons: UnsafeBufferPointer<EdgeLanes.Polygon>,
    where isWhole: (EdgeLanes.Polygon) -> Int
  ) -> StackRange {
    // First those that come, behind where all will stand.
    let room = Self.headerWords + wholes.count + polygons.count + 1
    let target = self.wholes.unwritten(room: room + polygons.count + 1)
    let come = target + room
    var comeCount = 0
    var hash = self.wholes.pointer[wholes.first - 2]
    // Without branches, which would go either way.
    for polygon in polygons {
      let one = isWhole(polygon)
      come[comeCount] = polygon.id
      hash &+= Self.hash(polygon.id) & UInt32(truncatingIfNeeded: 0 &- one)
      comeCount &+= one
    }
    if comeCount == 0 { return wholes }
    come[comeCount] = .max
    (target[0], target[1]) = (hash, Self.unknownSet)
    let (merged, stay) = (target + Self.headerWords, self.wholes.pointer + wholes.first)
    // Both lists end with the greatest number.
    var (i, j) = (0, 0)
    for place in 0..<wholes.count &+ comeCount {
      let (one, other) = (stay[i], come[j])
      let isLess = one < other ? 1 : 0
      merged[place] = min(one, other)
      i &+= isLess
      j &+= 1 &- isLess
    }
    return append(writtenWholes: wholes.count + comeCount)
  }
}
