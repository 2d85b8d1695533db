// The index over the polygons of a layer: which cover a point, which lie near it, which meet a box?

/// An immutable index over a set of polygons; safe to ask from any number of threads at once.
public final class PolygonIndex: Sendable {
  public let polygons: PolygonSet
  /// Items are polygons in the order of `order`.
  private let tree: PackedRTree
  private let order: FlatArray<UInt32>
  let cells: CellIndex

  public init(_ polygons: PolygonSet) {
    self.polygons = polygons
    var extent = Box.empty
    for box in polygons.boxes.buffer { extent.extend(box) }
    let grid = HilbertGrid(extent)
    let boxes = polygons.boxes
    let order = orderByKey(count: boxes.count) { polygon in
      let box = boxes.pointer[polygon]
      return grid.position(x: (box.minX + box.maxX) / 2, y: (box.minY + box.maxY) / 2)
    }
    self.order = order
    tree = PackedRTree(itemCount: boxes.count) { boxes.pointer[Int(order.pointer[$0])] }
    cells = CellIndexBuilder.build(polygons, bounds: extent)
  }

  /// The memory of the polygons and of all that is built over them.
  public var byteCount: Int { polygons.byteCount + tree.byteCount + order.byteCount + cells.byteCount }

  /// The bounds of all polygons.
  public var bounds: Box { tree.bounds }

  /// The polygons that cover a point: the answer of GEOS `covers`, so that a point on an edge or a vertex is covered.
  ///
  /// - Parameters:
  ///   - x: the longitude in degrees; nothing covers a point that is not finite.
  ///   - y: the latitude in degrees.
  ///   - hits: is emptied, and receives the ids in ascending order. It allocates only if it must grow.
  public func covering(x: Double, y: Double, into hits: inout HitList) {
    hits.removeAll()
    cells.covering(polygons.coordinates.pointer, x: x, y: y, into: &hits)
  }

  /// The same answer from the R-tree and all edges of its candidates: the twin that `covering` is tested against.
  package func coveringByRTree(x: Double, y: Double, into hits: inout HitList) {
    hits.removeAll()
    let box = Box(minX: x, minY: y, maxX: x, maxY: y)
    tree.visit(box) { item in
      let polygon = order.pointer[item]
      if polygons.covers(polygon: Int(polygon), x: x, y: y) { hits.append(polygon) }
    }
    hits.sort()
  }

  /// The polygons with an edge within a geodesic distance of a point, on the WGS 84 ellipsoid.
  ///
  /// Edges are straight in longitude and latitude, as for `covering`. Distances are within 0.5 % of the geodesic's up to 50 km at
  /// any latitude; an edge is found across ±180 degrees. A polygon that covers the point counts only with its edges.
  /// - Parameter hits: is emptied, and receives the polygons, nearest first.
  public func near(x: Double, y: Double, withinMetres: Double, into hits: inout NearList) {
    hits.removeAll()
    guard x.isFinite && y.isFinite && withinMetres >= 0 && withinMetres.isFinite else { return }
    let region = NearRegion(x: x, y: y, withinMetres: withinMetres)
    let boxes = (region.box(turns: -1), region.box(turns: 0), region.box(turns: 1))
    for turns in -1...1 {
      tree.visit(region.box(turns: turns)) { item in
        let polygon = Int(order.pointer[item])
        let bounds = polygons.boxes.pointer[polygon]
        // A polygon that was met in an earlier turn was measured there against all three.
        if turns > -1 && bounds.intersects(boxes.0) || turns > 0 && bounds.intersects(boxes.1) { return }
        let distance = distanceMetres(polygon, region, boxes)
        if distance <= withinMetres {
          hits.append(NearHit(polygon: UInt32(polygon), distanceMetres: distance))
        }
      }
    }
    hits.sort()
  }

  /// Calls `body` with the id of each polygon whose bounds meet the box, in no order.
  public func intersecting(_ box: Box, _ body: (Int) -> Void) {
    tree.visit(box) { body(Int(order.pointer[$0])) }
  }

  /// The distance to the polygon's nearest edge, or infinity if that is beyond the region.
  private func distanceMetres(_ polygon: Int, _ region: NearRegion, _ boxes: (Box, Box, Box)) -> Double {
    var least = Double.infinity
    let vertices = polygons.coordinates.pointer
    for ring in Int(polygons.polygonStarts[polygon])..<Int(polygons.polygonStarts[polygon + 1]) {
      let first = Int(polygons.ringStarts[ring])
      let last = Int(polygons.ringStarts[ring + 1]) - 1
      for vertex in first..<last {
        let a = vertices + 2 * vertex
        let b = a + 2
        var bounds = Box.empty
        bounds.extend(x: a[0], y: a[1])
        bounds.extend(x: b[0], y: b[1])
        guard bounds.intersects(boxes.1) || bounds.intersects(boxes.0) || bounds.intersects(boxes.2) else {
          continue
        }
        let limit = min(least, region.withinMetres)
        least = min(
          least, region.distanceMetres(toEdge: a[0], a[1], b[0], b[1], limitMetres: limit))
      }
    }
    return least
  }
}
