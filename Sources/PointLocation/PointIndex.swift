// The index over service points: a packed R-tree over runs of points that are already in Hilbert order.

/// An immutable R-tree over points in Hilbert order. It holds only boxes of runs of 32 points: about one byte a point.
public final class PointIndex: Sendable {
  static let runLength = 32

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
    let count = xs.count
    tree = PackedRTree(itemCount: (count + Self.runLength - 1) / Self.runLength) { run in
      var box = Box.empty
      for point in run * Self.runLength..<min((run + 1) * Self.runLength, count) {
        // Comparisons with NaN are false, so that a point that is not finite is in no box.
        box.extend(x: xs.pointer[point], y: ys.pointer[point])
      }
      return box
    }
  }

  public var count: Int { xs.count }

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
}
