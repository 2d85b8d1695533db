// The index over the polygons of a layer: which cover a point, which lie near it, which meet a box?

/// An immutable index over a set of polygons; safe to ask from any number of threads at once.
///
/// It has two parts: the polygons of the last full build, of which some may be gone, and those that have come since (`updated`). Both are
/// asked; ids are those of the layer as it is now.
public final class PolygonIndex: Sendable {
  let base: IndexedPolygons
  /// The id of each slot of `base`, ascending, `UInt32.max` where the polygon is gone. Empty if there are no changes: slots are ids.
  let baseIds: FlatArray<UInt32>
  let changes: IndexedPolygons
  /// The id of each slot of `changes`, ascending.
  let changeIds: FlatArray<UInt32>
  /// Where each id is found; empty if there are no changes.
  let places: FlatArray<PolygonPlace>

  /// - Parameter processors: what builds it.
  public init(_ polygons: PolygonSet, _ processors: Processors = .one) {
    base = IndexedPolygons(polygons, processors)
    baseIds = FlatArray([])
    changes = .none
    changeIds = FlatArray([])
    places = FlatArray([])
  }

  /// An index whose parts are known to fit together.
  init(
    base: IndexedPolygons, baseIds: FlatArray<UInt32>, changes: IndexedPolygons, changeIds: FlatArray<UInt32>,
    places: FlatArray<PolygonPlace>
  ) {
    self.base = base
    self.baseIds = baseIds
    self.changes = changes
    self.changeIds = changeIds
    self.places = places
  }

  /// Whether some polygons are not where the last full build put them.
  var isLayered: Bool { baseIds.count > 0 }

  /// The number of polygons; their ids lie below it.
  public var count: Int { isLayered ? places.count : base.count }

  /// The memory of the polygons and of all that is built over them.
  public var byteCount: Int {
    base.byteCount + baseIds.byteCount + changes.byteCount + changeIds.byteCount + places.byteCount
  }

  /// The bounds of all polygons; after updates also of polygons that are gone.
  public var bounds: Box {
    var box = base.tree.bounds
    box.extend(changes.tree.bounds)
    return box
  }

  /// The polygons by id. After updates they are put together anew each time, in time linear in the vertices.
  public var polygons: PolygonSet {
    guard isLayered else { return base.polygons }
    var builder = PolygonSetBuilder()
    for place in places.buffer { builder.append(place.slot, of: polygons(of: place)) }
    return builder.build()
  }

  /// The bounds of one polygon.
  /// - Precondition: `id` is below `count`.
  public func bounds(of id: UInt32) -> Box {
    let place = place(of: id)
    return polygons(of: place).boxes[place.slot]
  }

  /// The coordinates of all rings of one polygon, one after another: part of the index's own memory.
  /// - Precondition: `id` is below `count`.
  public func coordinates(of id: UInt32) -> FlatArray<Double> {
    let place = place(of: id)
    return polygons(of: place).coordinates(of: place.slot)
  }

  @inline(__always)
  func place(of id: UInt32) -> PolygonPlace {
    isLayered ? places[Int(id)] : PolygonPlace(slot: Int(id), isChange: false)
  }

  func polygons(of place: PolygonPlace) -> PolygonSet { place.isChange ? changes.polygons : base.polygons }

  /// The polygons that cover a point: the answer of GEOS `covers`, so that a point on an edge or a vertex is covered.
  ///
  /// - Parameters:
  ///   - x: the longitude in degrees; nothing covers a point that is not finite.
  ///   - y: the latitude in degrees.
  ///   - hits: is emptied, and receives the ids in ascending order. It allocates only if it must grow.
  public func covering(x: Double, y: Double, into hits: inout HitList) {
    hits.removeAll()
    base.covering(x: x, y: y, into: &hits)
    if isLayered { addChanges(x: x, y: y, to: &hits) }
  }

  /// Turns the base's slots into ids, and adds what has changed since.
  @inline(never)
  private func addChanges(x: Double, y: Double, to hits: inout HitList) {
    addChanges(changes.answer(x: x, y: y), x: x, y: y, to: &hits, from: 0)
  }

  /// The same with the answer of the changes' cells at hand, for the hits from `first` on.
  @inline(__always)
  private func addChanges(_ answer: CellAnswer, x: Double, y: Double, to hits: inout HitList, from first: Int)
  {
    hits.rename(from: first, baseIds.pointer)
    if answer.entry == 0 { return }
    let middle = hits.count
    appendChanges(answer, x: x, y: y, to: &hits)
    hits.merge(from: first, at: middle)
  }

  /// What the cells of both parts say about up to `CellBatch.size` points, for `append`.
  func ask(
    about xs: UnsafePointer<Double>, _ ys: UnsafePointer<Double>, count: Int, _ base: inout CellBatch,
    _ changes: inout CellBatch
  ) {
    self.base.ask(about: xs, ys, count: count, &base)
    if isLayered { self.changes.ask(about: xs, ys, count: count, &changes) }
  }

  /// Appends the polygons that the answers of both parts' cells about a point stand for, as ids, ascending.
  @inline(__always)
  func append(_ base: CellAnswer, _ changes: CellAnswer, x: Double, y: Double, to hits: inout HitList) {
    let first = hits.count
    if base.entry != 0 { self.base.append(base, x: x, y: y, to: &hits) }
    if isLayered { addChanges(changes, x: x, y: y, to: &hits, from: first) }
  }

  /// Appends the polygons that an answer of the changes' cells stands for, as ids.
  func appendChanges(_ answer: CellAnswer, x: Double, y: Double, to hits: inout HitList) {
    let first = hits.count
    changes.append(answer, x: x, y: y, to: &hits)
    hits.rename(from: first, changeIds.pointer)
  }

  /// The same answer from the R-trees and all edges of their candidates: the twin that `covering` is tested against.
  package func coveringByRTree(x: Double, y: Double, into hits: inout HitList) {
    hits.removeAll()
    visit(Box(minX: x, minY: y, maxX: x, maxY: y)) { id, polygons, slot in
      if polygons.covers(polygon: slot, x: x, y: y) { hits.append(id) }
    }
    hits.sort()
  }

  /// Calls `body` with the id, the set and the slot in it of each polygon whose bounds meet the box, in no order.
  @inline(__always)
  private func visit(_ box: Box, _ body: (UInt32, PolygonSet, Int) -> Void) {
    base.tree.visit(box) { item in
      let slot = base.order.pointer[item]
      let id = isLayered ? baseIds.pointer[Int(slot)] : slot
      if id != .max { body(id, base.polygons, Int(slot)) }
    }
    changes.tree.visit(box) { item in
      let slot = Int(changes.order.pointer[item])
      body(changeIds.pointer[slot], changes.polygons, slot)
    }
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
      visit(region.box(turns: turns)) { id, polygons, slot in
        let bounds = polygons.boxes.pointer[slot]
        // A polygon that was met in an earlier turn was measured there against all three.
        if turns > -1 && bounds.intersects(boxes.0) || turns > 0 && bounds.intersects(boxes.1) { return }
        let distance = Self.distanceMetres(polygons, slot, region, boxes)
        if distance <= withinMetres { hits.append(NearHit(polygon: id, distanceMetres: distance)) }
      }
    }
    hits.sort()
  }

  /// Calls `body` with the id of each polygon whose bounds meet the box, in no order.
  public func intersecting(_ box: Box, _ body: (Int) -> Void) {
    visit(box) { id, _, _ in body(Int(id)) }
  }

  /// The distance to the polygon's nearest edge, or infinity if that is beyond the region.
  private static func distanceMetres(
    _ polygons: PolygonSet, _ polygon: Int, _ region: NearRegion, _ boxes: (Box, Box, Box)
  ) -> Double {
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
