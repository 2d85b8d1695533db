// Where does a point lie, given where another one does? By the parity of the crossings of a path between them.

/// What a run of edges says about the way from a reference point r to a point p.
enum PathCrossing {
  case even
  case odd
  /// The point p lies on one of the edges.
  case onEdge

  /// Counts how often edges cross the path from r up or down its column to the row of p, and along that row to p.
  ///
  /// The path is taken to lie an infinitesimal step to the right of r's column and, by a yet smaller step, above p's row. So it meets no
  /// vertex: an edge meets the column if one end has x > rx and the other has not, and the row if one end has y > py and the
  /// other has not; it crosses a leg if the leg's ends lie on different sides of it. This is the rule for whatever is collinear.
  /// Each edge's part is its own and exact, but that the side of p is `pointSide`'s: so edges that the path does not meet may be left out or not, and
  /// p counts as on the side of each edge on which GEOS has it.
  ///
  /// - Precondition: r lies on none of the edges.
  @inline(__always)
  static func along(
    _ edges: UnsafePointer<Double>, edgeCount: Int, rx: Double, ry: Double, px: Double, py: Double
  ) -> PathCrossing {
    var crossings = 0
    var edge = edges
    var (ax, ay) = (edge[0], edge[1])
    for _ in 0..<edgeCount {
      edge += 2
      let (bx, by) = (edge[0], edge[1])
      let meetsRow = (ay > py) != (by > py)
      let meetsColumn = (ax > rx) != (bx > rx)
      if meetsRow || meetsColumn || ay == py {
        if meetsRow {
          let isBeyond = ax > px && bx > px && ax > rx && bx > rx || ax < px && bx < px && ax < rx && bx < rx
          if !isBeyond {
            let side = pointSide(ax, ay, bx, by, px, py)
            if side == 0 { return .onEdge }
            if side != cornerSide(ax, ay, bx, by, rx, py) { crossings += 1 }
          }
        } else if ay == py {
          if ax == px || by == py && (ax < px) != (bx < px) { return .onEdge }
        }
        if meetsColumn {
          // Both ends of the leg above the edge, or both below it.
          let isBeyond = ay > ry && by > ry && ay > py && by > py || ay < ry && by < ry && ay < py && by < py
          if !isBeyond, orientation(ax, ay, bx, by, rx, ry) != cornerSide(ax, ay, bx, by, rx, py) {
            crossings += 1
          }
        }
      }
      (ax, ay) = (bx, by)
    }
    if ax == px && ay == py { return .onEdge }
    return crossings & 1 == 0 ? .even : .odd
  }

  /// The side of an edge on which the path's corner lies, a step to the right of and above (x, y): never 0.
  @inline(__always)
  static func cornerSide(
    _ ax: Double, _ ay: Double, _ bx: Double, _ by: Double, _ x: Double, _ y: Double
  ) -> Int {
    let side = orientation(ax, ay, bx, by, x, y)
    if side != 0 { return side }
    // The step to the right comes to lie right of an edge that goes up; only beside a level edge does the step upwards decide.
    if ay != by { return by > ay ? -1 : 1 }
    return bx > ax ? 1 : -1
  }
}
