// A first look at the whole module: small figures with known answers.

import PointLocation
import Testing

@Suite struct PointLocationTests {
  static func square(_ x: Double, _ y: Double, _ side: Double) -> [Double] {
    [x, y, x + side, y, x + side, y + side, x, y + side, x, y]
  }

  @Test(arguments: [
    (0.0, 0.0, [0]), (2, 2, []), (1.5, 1.5, [0]), (1, 1, [0]), (3, 1.5, [0]), (3.5, 3.5, [0, 1]),
    (4, 4, [0, 1]),
    (4.1, 4, [1]), (.nan, 0, []), (.infinity, 0, []),
  ])
  func `a point is covered from the boundary inwards, but not in a hole`(
    x: Double, y: Double, expected: [UInt32]
  ) {
    var builder = PolygonSetBuilder()
    builder.append(
      coordinates: Self.square(0, 0, 4) + Self.square(1.5, 1.5, 1.5), ringStarts: [0, 5, 10])
    builder.append(coordinates: Self.square(3.25, 3.25, 2), ringStarts: [0, 5])
    let index = PolygonIndex(builder.build())
    var hits = HitList()
    index.covering(x: x, y: y, into: &hits)
    #expect(Array(hits.ids) == expected)
  }
}
