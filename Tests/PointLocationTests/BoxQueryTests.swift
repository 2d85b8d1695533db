// Box queries of the packed R-trees against a scan of everything.

import PointLocation
import Testing

@Suite struct BoxQueryTests {
  @Test(arguments: [0, 1, 2, 15, 16, 17, 31, 32, 33, 255, 256, 257, 4_097])
  func `a box finds the polygons and the points that a scan finds`(count: Int) {
    var random = SeededRandom(seed: UInt64(count) + 1)
    var builder = PolygonSetBuilder()
    var xs: [Double] = []
    var ys: [Double] = []
    for _ in 0..<count {
      // A coarse grid, so that boxes touch in their borders.
      let x = Double(random.int(0..<64))
      let y = Double(random.int(0..<64))
      let size = Double(random.int(0..<8))
      builder.append(coordinates: [x, y, x + size, y, x, y + size, x, y], ringStarts: [0, 4])
      xs.append(x)
      ys.append(y)
    }
    let polygons = builder.build()
    let index = PolygonIndex(polygons)
    let order = hilbertOrder(xs: FlatArray(xs), ys: FlatArray(ys))
    #expect(order.buffer.sorted() == (0..<UInt32(count)).map { $0 }, "each point once")
    let points = PointIndex(
      xs: FlatArray(order.buffer.map { xs[Int($0)] }), ys: FlatArray(order.buffer.map { ys[Int($0)] }))
    for _ in 0..<64 {
      let x = Double(random.int(-4..<70))
      let y = Double(random.int(-4..<70))
      let box = Box(
        minX: x, minY: y, maxX: x + Double(random.int(0..<30)), maxY: y + Double(random.int(0..<30)))
      var found: [Int] = []
      index.intersecting(box) { found.append($0) }
      #expect(found.sorted() == (0..<count).filter { polygons.boxes[$0].intersects(box) })
      var foundPoints: [Int] = []
      points.points(in: box) { foundPoints.append($0) }
      #expect(foundPoints == (0..<count).filter { box.contains(x: points.xs[$0], y: points.ys[$0]) })
    }
  }

  @Test func `points in Hilbert order lie near those beside them`() {
    var random = SeededRandom(seed: 5)
    let xs = FlatArray((0..<20_000).map { _ in random.double(-10...10) })
    let ys = FlatArray((0..<20_000).map { _ in random.double(40...50) })
    let order = hilbertOrder(xs: xs, ys: ys)
    var path = 0.0
    for (from, to) in zip(order.buffer, order.buffer.dropFirst()) {
      path += (xs[Int(from)] - xs[Int(to)]).magnitude + (ys[Int(from)] - ys[Int(to)]).magnitude
    }
    // A random order would walk about 10 degrees a step; 20,000 points on 20 x 10 degrees lie about 0.1 apart.
    #expect(path / 20_000 < 0.2)
  }
}
