// The join, whole and after changes, against a covering query for each point.

import PointLocation
import Testing

@Suite struct JoinTests {
  @Test(arguments: UInt64(1)...8)
  func `each point's set is what the covering query answers`(seed: UInt64) {
    var shapes = AdversarialShapes(seed: seed)
    let polygons = PolygonIndex(Layer(&shapes, count: 40).polygonSet)
    let points = hardPoints(&shapes, polygons.polygons, count: 3_000)
    let coverage = PointCoverage.join(points: points, polygons: polygons)
    expect(coverage, points, polygons, seed)
    #expect(coverage.polygons(ofSet: 0).isEmpty)
    #expect(coverage.setCount < points.count, "equal sets are shared")
  }

  /// Some polygons go, some change, some come, and the rest get other ids in another order.
  @Test(arguments: UInt64(1)...8)
  func `an updated join equals a join made anew`(seed: UInt64) {
    var shapes = AdversarialShapes(seed: seed)
    let old = Layer(&shapes, count: 40)
    let oldIndex = PolygonIndex(old.polygonSet)
    let points = hardPoints(&shapes, oldIndex.polygons, count: 3_000)
    var coverage = PointCoverage.join(points: points, polygons: oldIndex)
    var layer = old
    for _ in 0..<4 {
      var next = Layer()
      var newIdOfOld = [UInt32](repeating: .max, count: layer.shapes.count)
      var changed: [UInt32] = []
      for polygon in layer.shapes.indices.shuffled(using: &shapes.random) {
        switch shapes.random.int(0..<8) {
        case 0: break
        case 1:
          changed.append(UInt32(next.shapes.count))
          next.shapes.append(shapes.shape())
        default:
          newIdOfOld[polygon] = UInt32(next.shapes.count)
          next.shapes.append(layer.shapes[polygon])
        }
      }
      for _ in 0..<shapes.random.int(0..<4) {
        changed.append(UInt32(next.shapes.count))
        next.shapes.append(shapes.shape())
      }
      let index = PolygonIndex(next.polygonSet)
      coverage = coverage.updated(points: points, polygons: index, newIdOfOld: newIdOfOld, changed: changed)
      expect(coverage, points, index, seed)
      layer = next
    }
  }

  @Test func `a layer that empties and fills again leaves no point behind`() {
    var shapes = AdversarialShapes(seed: 3)
    let layer = Layer(&shapes, count: 12)
    let full = PolygonIndex(layer.polygonSet)
    let none = PolygonIndex(PolygonSetBuilder().build())
    let points = hardPoints(&shapes, full.polygons, count: 500)
    let emptied = PointCoverage.join(points: points, polygons: full)
      .updated(
        points: points, polygons: none, newIdOfOld: [UInt32](repeating: .max, count: 12), changed: [])
    #expect(emptied.setOfPoint.buffer.allSatisfy { emptied.polygons(ofSet: $0).isEmpty })
    let filled = emptied.updated(points: points, polygons: full, newIdOfOld: [], changed: Array(0..<12))
    expect(filled, points, full, 3)
  }

  private func expect(
    _ coverage: PointCoverage, _ points: PointIndex, _ polygons: PolygonIndex, _ seed: UInt64
  ) {
    var hits = HitList()
    var wrong: [Int] = []
    for point in 0..<points.count {
      polygons.covering(x: points.xs[point], y: points.ys[point], into: &hits)
      if !coverage.polygons(ofSet: coverage.setOfPoint[point]).elementsEqual(hits.ids) { wrong.append(point) }
    }
    #expect(wrong.isEmpty, "seed \(seed)")
  }

  /// Points on and beside the layer's edges, in Hilbert order, and some that are not finite.
  private func hardPoints(_ shapes: inout AdversarialShapes, _ polygons: PolygonSet, count: Int) -> PointIndex
  {
    var points = (0..<count).map { _ in shapes.point(polygons) }
    points[count / 2].x = .nan
    points[count / 3].y = .infinity
    let xs = FlatArray(points.map(\.x))
    let ys = FlatArray(points.map(\.y))
    let order = hilbertOrder(xs: xs, ys: ys)
    return PointIndex(
      xs: FlatArray(order.buffer.map { xs[Int($0)] }), ys: FlatArray(order.buffer.map { ys[Int($0)] }))
  }
}

/// The shapes of a layer, kept so that the next layer can hold some of them.
private struct Layer {
  var shapes: [Shape] = []

  init() {}

  init(_ maker: inout AdversarialShapes, count: Int) {
    for _ in 0..<count { shapes.append(maker.shape()) }
  }

  var polygonSet: PolygonSet {
    var builder = PolygonSetBuilder()
    for shape in shapes { builder.append(coordinates: shape.coordinates, ringStarts: shape.ringStarts) }
    return builder.build()
  }
}
