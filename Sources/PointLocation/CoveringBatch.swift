// Covering queries about many points at once, for lists of positions that are asked for together.

/// Finds the polygons that cover each of up to `size` points: what `PolygonIndex.covering` answers, but the points wait for memory together
/// and not one after another. Their order does not matter. Keep one per thread; in steady state it allocates nothing.
public struct CoveringBatch: ~Copyable {
  /// The most points of a batch.
  public static let size = CellBatch.size

  private var base = CellBatch()
  private var changes = CellBatch()
  /// The hits of all points, one point after another.
  private var hits = HitList()
  /// Where those of each point end.
  private var ends = InlineArray<32, Int>(repeating: 0)

  public init() {}

  /// Asks about some points.
  /// - Parameters:
  ///   - xs: their longitudes in degrees; nothing covers a point that is not finite.
  ///   - ys: their latitudes in degrees, as many.
  ///   - count: at most `size`.
  public mutating func find(
    _ index: PolygonIndex, xs: UnsafePointer<Double>, ys: UnsafePointer<Double>, count: Int
  ) {
    index.ask(about: xs, ys, count: count, &base, &changes)
    hits.removeAll()
    for point in 0..<count {
      index.append(base.answers[point], changes.answers[point], x: xs[point], y: ys[point], to: &hits)
      ends[point] = hits.count
    }
  }

  /// The ids of the polygons that cover a point of the last batch, ascending; valid until the next one.
  /// - Precondition: `point` lies below the number of its points.
  public func hits(of point: Int) -> UnsafeBufferPointer<UInt32> {
    hits.ids((point == 0 ? 0 : ends[point - 1])..<ends[point])
  }
}
