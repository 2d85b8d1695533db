// The join, whole and after changes, against a covering query for each point.

import Testing

@testable import PointLocation

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
    var index = PolygonIndex(old.polygonSet)
    let points = hardPoints(&shapes, index.polygons, count: 3_000)
    var coverage = PointCoverage.join(points: points, polygons: index)
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
      let nextIndex = PolygonIndex(next.polygonSet)
      coverage = coverage.updated(
        points: points, from: index, to: nextIndex, newIdOfOld: newIdOfOld, changed: changed)
      expect(coverage, points, nextIndex, seed)
      (layer, index) = (next, nextIndex)
    }
  }

  /// Ids stay, all move by one, or change places, in turns; sets pile up until they are sorted out.
  @Test(arguments: UInt64(1)...4)
  func `a join that is updated many times equals a join made anew`(seed: UInt64) {
    var shapes = AdversarialShapes(seed: seed)
    var layer = Layer(&shapes, count: 40)
    var index = PolygonIndex(layer.polygonSet)
    let points = hardPoints(&shapes, index.polygons, count: 1_500)
    var coverage = PointCoverage.join(points: points, polygons: index)
    var sortedOut = 0
    var sharedBases = 0
    for step in 0..<40 {
      var newIdOfOld = (0..<UInt32(40)).map { $0 }
      var next = layer
      if step % 5 == 3 {
        // The first goes and one comes at the end.
        next.shapes.append(next.shapes.removeFirst())
        newIdOfOld = [.max] + (0..<39)
        next.shapes[39] = shapes.shape()
      } else if step % 5 == 4 {
        let (a, b) = (shapes.random.int(0..<40), shapes.random.int(0..<40))
        next.shapes.swapAt(a, b)
        newIdOfOld.swapAt(a, b)
      }
      var changed: Set<UInt32> = step % 5 == 3 ? [39] : []
      for _ in 0..<3 {
        let id = UInt32(shapes.random.int(0..<40))
        next.shapes[Int(id)] = shapes.shape()
        changed.insert(id)
        for old in newIdOfOld.indices where newIdOfOld[old] == id { newIdOfOld[old] = .max }
      }
      let ids = changed.sorted()
      let nextIndex = index.updated(
        newIdOfOld: newIdOfOld, changedIds: ids, changed: PolygonSet(of: ids.map { next.shapes[Int($0)] }))
      let nextCoverage = coverage.updated(
        points: points, from: index, to: nextIndex, newIdOfOld: newIdOfOld, changed: ids)
      expect(nextCoverage, points, nextIndex, seed)
      if coverage.added.count > 0 && nextCoverage.added.count == 0 { sortedOut += 1 }
      if nextCoverage.base.members.pointer == coverage.base.members.pointer { sharedBases += 1 }
      (layer, index, coverage) = (next, nextIndex, nextCoverage)
    }
    #expect(sortedOut > 0, "seed \(seed): sets were never sorted out")
    #expect(sharedBases > 10, "seed \(seed): sets were copied where no id moved")
  }

  @Test func `points that have a redrawn polygon again keep their sets`() {
    var shapes = AdversarialShapes(seed: 5)
    let layer = Layer(&shapes, count: 40)
    let index = PolygonIndex(layer.polygonSet)
    let points = hardPoints(&shapes, index.polygons, count: 3_000)
    let coverage = PointCoverage.join(points: points, polygons: index)
    let changed: [UInt32] = [3, 7, 11]
    var newIdOfOld = (0..<UInt32(40)).map { $0 }
    for id in changed { newIdOfOld[Int(id)] = .max }
    // The same geometry once more, as when an OMS writes its vertices in another way.
    let updated = coverage.updated(
      points: points, from: index, to: PolygonIndex(layer.polygonSet), newIdOfOld: newIdOfOld,
      changed: changed)
    #expect(updated.setCount == coverage.setCount)
    #expect(updated.setOfPoint.elementsEqual(coverage.setOfPoint))
  }

  @Test func `a layer that empties and fills again leaves no point behind`() {
    var shapes = AdversarialShapes(seed: 3)
    let layer = Layer(&shapes, count: 12)
    let full = PolygonIndex(layer.polygonSet)
    let none = PolygonIndex(PolygonSetBuilder().build())
    let points = hardPoints(&shapes, full.polygons, count: 500)
    let emptied = PointCoverage.join(points: points, polygons: full)
      .updated(
        points: points, from: full, to: none, newIdOfOld: [UInt32](repeating: .max, count: 12), changed: [])
    #expect(emptied.setOfPoint.allSatisfy { emptied.polygons(ofSet: $0).isEmpty })
    let filled = emptied.updated(
      points: points, from: none, to: full, newIdOfOld: [], changed: Array(0..<12))
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

  var polygonSet: PolygonSet { PolygonSet(of: shapes) }
}
