// The index over service points: a packed R-tree over runs of points that are already in Hilbert order.

/// An immutable R-tree over points in Hilbert order. It holds only boxes of runs of 32 points: about one byte a point.
public final class PointIndex: Sendable {
  static let runLength = CellBatch.size

  public let xs: FlatArray<Double>
  public let ys: FlatArray<Double>
  let tree: PackedRTree

  /// - Parameters:
  ///   - xs: longitudes in degrees, in the order that `hilbertOrder(xs:ys:)` gives.
  ///   - ys: latitudes in degrees, as many.
  public init(xs: FlatArray<Double>, ys: FlatArray<Double>) {
    precondition(xs.count == ys.count, "as many ys as xs")
    self.xs = xs
    self.ys = ys
    tree = PackedRTree(itemCount: Self.runCount(xs.count)) { Self.bounds(ofRun: $0, xs, ys) }
  }

  /// An index whose parts are known to fit together.
  init(xs: FlatArray<Double>, ys: FlatArray<Double>, tree: PackedRTree) {
    self.xs = xs
    self.ys = ys
    self.tree = tree
  }

  public var count: Int { xs.count }

  static func runCount(_ pointCount: Int) -> Int { (pointCount + runLength - 1) / runLength }

  static func bounds(ofRun run: Int, _ xs: FlatArray<Double>, _ ys: FlatArray<Double>) -> Box {
    var box = Box.empty
    for point in run * runLength..<min((run + 1) * runLength, xs.count) {
      // Comparisons with NaN are false, so that a point that is not finite is in no box.
      box.extend(x: xs.pointer[point], y: ys.pointer[point])
    }
    return box
  }

  /// The memory of the tree; the points themselves are the caller's.
  public var byteCount: Int { tree.byteCount }

  /// Calls `body` with each point in the box, boundary included, in ascending order.
  @inline(__always)
  public func points(in box: Box, _ body: (Int) -> Void) {
    tree.visit(box) { run in
      for point in run * Self.runLength..<min((run + 1) * Self.runLength, xs.count)
      where box.contains(x: xs.pointer[point], y: ys.pointer[point]) {
        body(point)
      }
    }
  }

  /// Calls `body` with each run that has points in the box, boundary included, and with which of its points those are: one bit for each.
  /// Among them may be points that are not finite.
  @inline(__always)
  func visitRuns(in box: Box, _ body: (Int, UInt32) -> Void) {
    // By addresses alone: this index would be counted with each run.
    let (runs, xs, ys, pointCount) = (tree.boxes.pointer, xs.pointer, ys.pointer, count)
    tree.visit(box) { run in
      let start = run * Self.runLength
      let count = min(Self.runLength, pointCount - start)
      let isWhole = box.contains(runs[run])
      let inside =
        isWhole ? .max >> UInt32(Self.runLength - count) : Self.points(xs + start, ys + start, count, in: box)
      if inside != 0 { body(run, inside) }
    }
  }

  @inline(__always)
  private static func points(
    _ xs: UnsafePointer<Double>, _ ys: UnsafePointer<Double>, _ count: Int, in box: Box
  ) -> UInt32 {
    // Without branches, which would go either way.
    let (least, most) = (
      (x: SIMD4(repeating: box.minX), y: SIMD4(repeating: box.minY)),
      (x: SIMD4(repeating: box.maxX), y: SIMD4(repeating: box.maxY))
    )
    var inside: UInt32 = 0
    var point = 0
    while point &+ 4 <= count {
      let x = UnsafeRawPointer(xs + point).loadUnaligned(as: SIMD4<Double>.self)
      let y = UnsafeRawPointer(ys + point).loadUnaligned(as: SIMD4<Double>.self)
      let isInside = (x .>= least.x) .& (x .<= most.x) .& (y .>= least.y) .& (y .<= most.y)
      let bits = SIMD4<UInt64>(1, 2, 4, 8).replacing(with: 0, where: .!isInside).wrappedSum()
      inside |= UInt32(truncatingIfNeeded: bits) &<< UInt32(truncatingIfNeeded: point)
      point &+= 4
    }
    while point < count {
      if box.contains(x: xs[point], y: ys[point]) { inside |= 1 &<< UInt32(truncatingIfNeeded: point) }
      point &+= 1
    }
    return inside
  }
}
