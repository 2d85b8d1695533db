// The covering query against GEOS: the same polygons for every point, however hard.

import PointLocation
import Testing

@Suite struct CoveringTests {
  static let pointsPerSeed = 16_384

  @Test(arguments: UInt64(1)...64)
  func `the polygons that cover a point are those of GEOS`(seed: UInt64) {
    let difference = firstDifference(seed: seed, shapeCount: 12, pointCount: Self.pointsPerSeed)
    #expect(difference == nil, "seed \(seed)")
  }

  /// Describes the first point on which we and GEOS, or the cells and the R-tree, differ.
  private func firstDifference(seed: UInt64, shapeCount: Int, pointCount: Int) -> String? {
    var shapes = AdversarialShapes(seed: seed)
    let polygons = PolygonSet(of: (0..<shapeCount).map { _ in shapes.shape() })
    let reference = GEOSReference(polygons)
    let isValid = (0..<shapeCount).map { reference.isValid($0) }
    let index = PolygonIndex(polygons)
    var hits = HitList()
    var twin = HitList()
    for _ in 0..<pointCount {
      let (x, y) = shapes.point(polygons)
      index.covering(x: x, y: y, into: &hits)
      index.coveringByRTree(x: x, y: y, into: &twin)
      let ours = Array(hits.ids)
      if ours != Array(twin.ids) { return "(\(x), \(y)): cells \(ours), R-tree \(Array(twin.ids))" }
      if !GEOSReference.canTell(x: x, y: y) { continue }
      for polygon in 0..<shapeCount where isValid[polygon] {
        let isOurs = ours.contains(UInt32(polygon))
        // GEOS is asked only where the bounds leave a doubt, as it is slow; that bounds hold what is in them needs no witness.
        if !isOurs && !polygons.boxes[polygon].contains(x: x, y: y) { continue }
        if isOurs != reference.covers(polygon, x: x, y: y) {
          return "(\(x), \(y)): polygon \(polygon) is \(isOurs ? "" : "not ")ours"
        }
      }
    }
    return nil
  }
}
