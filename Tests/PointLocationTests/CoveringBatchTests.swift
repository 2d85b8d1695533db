// Points that are asked about together against the same points one by one.

import Testing

@testable import PointLocation

@Suite struct CoveringBatchTests {
  @Test(arguments: UInt64(1)...8)
  func `points together have the answers that each has for itself`(seed: UInt64) throws {
    var shapes = AdversarialShapes(seed: seed)
    let layer = (0..<60).map { _ in shapes.shape() }
    let index = PolygonIndex(PolygonSet(of: layer))
    let newIdOfOld = (0..<60).map { $0 % 20 == 7 ? .max : UInt32($0) }
    let layered = index.updated(
      newIdOfOld: newIdOfOld, changedIds: [7, 27, 47],
      changed: PolygonSet(of: (0..<3).map { _ in shapes.shape() }))
    try #require(layered.isLayered)
    var batch = CoveringBatch()
    var hits = HitList()
    // In turns, so that nothing of one index is taken for an answer of the other.
    for turn in 0..<60 {
      let index = turn % 2 == 0 ? layered : index
      let count = turn < 3 ? [0, 1, CoveringBatch.size][turn] : shapes.random.int(0..<CoveringBatch.size + 1)
      var points = (0..<count).map { _ in shapes.point(index.polygons) }
      if count > 4 { points[count / 2].x = .nan }
      let (xs, ys) = (points.map(\.x), points.map(\.y))
      batch.find(index, xs: xs, ys: ys, count: count)
      for (point, (x, y)) in points.enumerated() {
        index.covering(x: x, y: y, into: &hits)
        #expect(batch.hits(of: point).elementsEqual(hits.ids), "seed \(seed), turn \(turn): (\(x), \(y))")
      }
    }
  }
}
