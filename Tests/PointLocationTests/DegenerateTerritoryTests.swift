// Territories that leave a plane index nothing to divide: nothing at all, one place, everything on one line.

import PointLocation
import Testing

@Suite struct DegenerateTerritoryTests {
  @Test func `no polygon covers nothing and takes next to no memory`() {
    let index = PolygonIndex(PolygonSetBuilder().build())
    var hits = HitList()
    index.covering(x: 0, y: 0, into: &hits)
    #expect(hits.count == 0)
    #expect(index.bounds.isEmpty)
    #expect(index.byteCount < 4_096)
    let points = PointIndex(xs: FlatArray([Double]()), ys: FlatArray([Double]()))
    #expect(PointCoverage.join(points: points, polygons: index).setOfPoint.count == 0)
  }

  @Test(arguments: [(0.0, 0.0), (180, 90), (-180, -90), (13.377, 52.516), (0x1p-40, -0x1p-40)])
  func `a polygon of one point covers that point alone`(x: Double, y: Double) {
    var builder = PolygonSetBuilder()
    builder.append(coordinates: [x, y], ringStarts: [0, 1])
    builder.append(coordinates: [x, y, x, y, x, y], ringStarts: [0, 3])
    builder.append(coordinates: [], ringStarts: [0])
    expectTwins(PolygonIndex(builder.build()), around: [(x, y)], covering: [(x, y, [0, 1])])
  }

  @Test func `polygons without area on one line cover their line`() {
    for (dx, dy) in [(1.0, 0.0), (0, 1), (1, 1), (3, -1)] {
      var builder = PolygonSetBuilder()
      for step in 0..<50 {
        let (x, y) = (10 + Double(step) * dx * 0.25, 20 + Double(step) * dy * 0.25)
        builder.append(coordinates: [x, y, x + dx, y + dy, x, y], ringStarts: [0, 3])
      }
      expectTwins(
        PolygonIndex(builder.build()),
        around: (0..<50).map { (10 + Double($0) * dx * 0.25, 20 + Double($0) * dy * 0.25) },
        covering: [
          (10, 20, [0]), (10 + dx * 0.125, 20 + dy * 0.125, [0]), (10 + dx, 20 + dy, [0, 1, 2, 3, 4]),
        ])
    }
  }

  @Test func `the whole world is covered to its corners`() {
    var builder = PolygonSetBuilder()
    builder.append(coordinates: [-180, -90, 180, -90, 180, 90, -180, 90, -180, -90], ringStarts: [0, 5])
    let corners = [(-180.0, -90.0), (180, -90), (180, 90), (-180, 90), (0, 90), (180, 0), (0, 0)]
    expectTwins(
      PolygonIndex(builder.build()), around: corners, covering: corners.map { ($0.0, $0.1, [0]) })
  }

  @Test func `a thousand equal polygons are one set`() {
    var builder = PolygonSetBuilder()
    for _ in 0..<1_000 {
      builder.append(coordinates: [0, 0, 1, 0, 0.3, 1, 0, 0], ringStarts: [0, 4])
    }
    let all = (0..<1_000).map { UInt32($0) }
    expectTwins(
      PolygonIndex(builder.build()), around: [(0, 0), (0.3, 1), (0.4, 0.2)],
      covering: [(0, 0, all), (0.4, 0.2, all), (1, 1, [])])
  }

  @Test func `ten small outages on a continent cost kilobytes`() {
    var random = SeededRandom(seed: 11)
    var builder = PolygonSetBuilder()
    for _ in 0..<10 {
      let x = random.double(-120...(-70))
      let y = random.double(25...50)
      builder.append(
        coordinates: [x, y, x + 0.01, y, x + 0.01, y + 0.01, x, y + 0.01, x, y], ringStarts: [0, 5])
    }
    #expect(PolygonIndex(builder.build()).byteCount < 32_768)
  }

  /// The expected answers, and cells and R-tree agree an ulp to each side of the places.
  private func expectTwins(
    _ index: PolygonIndex, around places: [(Double, Double)], covering expected: [(Double, Double, [UInt32])]
  ) {
    var hits = HitList()
    var twin = HitList()
    for (x, y, ids) in expected {
      index.covering(x: x, y: y, into: &hits)
      #expect(Array(hits.ids) == ids, "(\(x), \(y))")
    }
    for (placeX, placeY) in places {
      for x in [placeX.nextDown, placeX, placeX.nextUp] {
        for y in [placeY.nextDown, placeY, placeY.nextUp] {
          index.covering(x: x, y: y, into: &hits)
          index.coveringByRTree(x: x, y: y, into: &twin)
          #expect(hits.ids.elementsEqual(twin.ids), "(\(x), \(y))")
        }
      }
    }
  }
}
