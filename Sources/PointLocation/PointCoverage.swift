// The join: which polygons cover each service point.

/// For each point the set of polygons that cover it. Points share their sets, so that a point costs four bytes.
public struct PointCoverage: Sendable {
  /// The number of each point's set; 0 is the empty set, and no other set is empty.
  public let setOfPoint: SetNumbers
  /// The sets of the last full join, or those that were left when all were sorted out; no two are equal.
  @usableFromInline let base: FlatSets
  /// The sets that have come since, numbered behind those of `base`.
  ///
  /// Sets that no point has any more stay where they are in both, and may name polygons that are gone.
  @usableFromInline let added: FlatSets

  /// Sets have numbers below this one; not all of them need belong to a point.
  public var setCount: Int { base.count + added.count }

  public var byteCount: Int { setOfPoint.byteCount + base.byteCount + added.byteCount }

  /// The polygons of a point's set, ascending; valid for as long as this value lives.
  @inlinable @inline(__always)
  public func polygons(ofSet set: UInt32) -> UnsafeBufferPointer<UInt32> {
    let set = Int(set)
    return set < base.count ? base.members(of: set) : added.members(of: set - base.count)
  }

  /// Finds the polygons that cover each point.
  public static func join(points: PointIndex, polygons: PolygonIndex) -> PointCoverage {
    var sets = JoinedSets(pointCount: points.count)
    let setOfPoint = FlatArray<UInt32>(count: points.count) { target in
      for start in stride(from: 0, to: points.count, by: CellBatch.size) {
        sets.write(
          to: target.baseAddress! + start, count: min(CellBatch.size, points.count - start),
          xs: points.xs.pointer + start, ys: points.ys.pointer + start, polygons)
      }
    }
    return PointCoverage(setOfPoint: SetNumbers(setOfPoint), base: sets.finished())
  }

  init(setOfPoint: SetNumbers, base: FlatSets, added: FlatSets = .none) {
    self.setOfPoint = setOfPoint
    self.base = base
    self.added = added
  }
}

/// The sets of the points of a full join.
private struct JoinedSets: ~Copyable {
  /// A set of a batch that is not numbered yet.
  private struct Found: BitwiseCopyable {
    var hash: UInt32 = 0
    /// Where it ends in `hits`; it begins where the one before ends.
    var end = 0
  }

  private var table: SetTable
  private var batch = CellBatch()
  private var changes = CellBatch()
  /// The members of the batch's sets, one set after another.
  private var hits = HitList()
  private var found = InlineArray<32, Found>(repeating: Found())
  private var last = CellAnswer(entry: 0)
  private var lastSet: UInt32 = 0

  init(pointCount: Int) { table = SetTable(setCapacity: pointCount / 2, memberCapacity: 4 * pointCount) }

  consuming func finished() -> FlatSets { FlatSets(table) }

  /// Writes the sets of up to `CellBatch.size` points.
  mutating func write(
    to target: UnsafeMutablePointer<UInt32>, count: Int, xs: UnsafePointer<Double>, ys: UnsafePointer<Double>,
    _ polygons: PolygonIndex
  ) {
    polygons.ask(about: xs, ys, count: count, &batch, &changes)
    if polygons.isLayered {
      for point in 0..<count {
        hits.removeAll()
        polygons.append(batch.answers[point], changes.answers[point], x: xs[point], y: ys[point], to: &hits)
        target[point] = table.intern(hits.ids)
      }
      return
    }
    // Points lie along the Hilbert curve, so that many have the answer of the one before.
    var news: UInt32 = 0
    var foundCount = 0
    hits.removeAll()
    for point in 0..<count {
      let answer = batch.answers[point]
      if answer == last && !answer.dependsOnPoint { continue }
      last = answer
      news |= 1 << UInt32(point)
      find(answer, x: xs[point], y: ys[point], polygons, number: foundCount)
      foundCount += 1
    }
    foundCount = 0
    for point in 0..<count {
      if news >> UInt32(point) & 1 != 0 {
        let start = foundCount == 0 ? 0 : found[foundCount - 1].end
        lastSet = table.intern(hits.ids(start..<found[foundCount].end), hash: found[foundCount].hash)
        foundCount += 1
      }
      target[point] = lastSet
    }
  }

  /// Finds a set, and begins to fetch its place in the table, which all sets of a batch wait for together.
  @inline(never)
  private mutating func find(
    _ answer: CellAnswer, x: Double, y: Double, _ polygons: PolygonIndex, number: Int
  ) {
    let start = hits.count
    if answer.entry != 0 { polygons.base.append(answer, x: x, y: y, to: &hits) }
    let hash = SetTable.hash(hits.ids(start..<hits.count))
    table.prefetch(hash: hash)
    found[number] = Found(hash: hash, end: hits.count)
  }
}
