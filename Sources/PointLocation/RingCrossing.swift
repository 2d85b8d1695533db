// Does a polygon cover a point? By counting the crossings of a ray with all of its edges, in time linear in its vertices.

/// What one edge says about a point: nothing, one crossing of the ray towards greater x, or the point lies on the edge.
enum EdgeCrossing {
  case none
  case crosses
  case boundary
}

/// How the edge a-b meets the ray from (x, y) towards greater x.
///
/// An edge is half open: it owns its lower end and not its upper one, so that a ray through a vertex counts it once or twice, as
/// it should; a horizontal edge is never crossed.
@inline(__always)
func crossing(
  _ ax: Double, _ ay: Double, _ bx: Double, _ by: Double, x: Double, y: Double
) -> EdgeCrossing {
  if (ay <= y) == (by <= y) {
    // Both ends above or both not above: no crossing; but the point may be the upper end, or lie on a horizontal edge.
    if ay != y && by != y { return .none }
    if ay == y && by == y { return (ax <= x) != (bx <= x) || ax == x || bx == x ? .boundary : .none }
    return ay == y && ax == x || by == y && bx == x ? .boundary : .none
  }
  if ax < x && bx < x { return .none }
  if ax > x && bx > x { return .crosses }
  let side = pointSide(ax, ay, bx, by, x, y)
  if side == 0 { return .boundary }
  return (side > 0) == (by > ay) ? .crosses : .none
}

extension PolygonSet {
  /// Whether the polygon covers the point, its boundary included, as GEOS `covers` has it.
  func covers(polygon: Int, x: Double, y: Double) -> Bool {
    if !boxes[polygon].contains(x: x, y: y) { return false }
    var isInside = false
    let vertices = coordinates.pointer
    for ring in Int(polygonStarts[polygon])..<Int(polygonStarts[polygon + 1]) {
      var vertex = Int(ringStarts[ring])
      let last = Int(ringStarts[ring + 1]) - 1
      while vertex < last {
        let edge = vertices + 2 * vertex
        switch crossing(edge[0], edge[1], edge[2], edge[3], x: x, y: y) {
        case .none: break
        case .crosses: isInside.toggle()
        case .boundary: return true
        }
        vertex += 1
      }
      // A ring of one vertex has no edge, but its vertex is its boundary.
      if vertex == Int(ringStarts[ring]), vertices[2 * vertex] == x, vertices[2 * vertex + 1] == y {
        return true
      }
    }
    return isInside
  }
}
