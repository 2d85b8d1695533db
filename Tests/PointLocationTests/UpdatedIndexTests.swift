// An index that was updated, once or often, against one that is built anew.

import Testing

@testable import PointLocation

@Suite struct UpdatedIndexTests {
  @Test(arguments: UInt64(1)...8)
  func `an index after many changes answers like a new one`(seed: UInt64) throws {
    var shapes = AdversarialShapes(seed: seed)
    var layer = (0..<80).map { _ in shapes.shape() }
    var index = PolygonIndex(PolygonSet(of: layer))
    let points = Self.points(&shapes, index.polygons, count: 600)
    var coverage = PointCoverage.join(points: points, polygons: index)
    var layeredSteps = 0
    for step in 0..<8 {
      let change = Self.change(layer, &shapes, exchanges: step % 4 == 3)
      layer = change.layer
      let old = index
      index = old.updated(
        newIdOfOld: change.newIdOfOld, changedIds: change.changed,
        changed: PolygonSet(of: change.changed.map { layer[Int($0)] }))
      coverage = coverage.updated(
        points: points, from: old, to: index, newIdOfOld: change.newIdOfOld, changed: change.changed)
      if index.isLayered { layeredSteps += 1 }
      let fresh = PolygonIndex(PolygonSet(of: layer))
      #expect(index.count == layer.count)
      let (polygons, expected) = (index.polygons.coordinates, fresh.polygons.coordinates)
      #expect(polygons.count == expected.count)
      #expect((0..<expected.count).allSatisfy { polygons[$0] == expected[$0] })
      let difference = Self.firstDifference(index, fresh, coverage, points, &shapes)
      #expect(difference == nil, "seed \(seed), step \(step)")
      // What was written is what is read.
      var writer = SectionWriter()
      index.write(to: &writer)
      var reader = SectionReader(writer.sections)
      let read = try PolygonIndex(validating: &reader)
      #expect(read.isLayered == index.isLayered)
      let readDifference = Self.firstDifference(read, fresh, coverage, points, &shapes)
      #expect(readDifference == nil, "seed \(seed), step \(step), read from sections")
    }
    #expect(layeredSteps > 2, "seed \(seed): too few updates kept what was there")
  }

  @Test func `a layer that changes much, empties or fills is built anew`() {
    var shapes = AdversarialShapes(seed: 5)
    let full = PolygonSet(of: (0..<20).map { _ in shapes.shape() })
    let empty = PolygonIndex(PolygonSetBuilder().build())
    let filled = empty.updated(newIdOfOld: [], changedIds: (0..<20).map { $0 }, changed: full)
    #expect(!filled.isLayered && filled.count == 20)
    let emptied = filled.updated(
      newIdOfOld: [UInt32](repeating: .max, count: 20), changedIds: [],
      changed: PolygonSetBuilder().build())
    #expect(!emptied.isLayered && emptied.count == 0)
    let half = filled.updated(
      newIdOfOld: (0..<20).map { $0 % 2 == 0 ? $0 / 2 : .max }, changedIds: [],
      changed: PolygonSetBuilder().build())
    #expect(half.count == 10)
    #expect(half.polygons.boxes[3] == full.boxes[6])
  }

  @Test(arguments: UInt64(1)...4)
  func `of ids out of order the longest ascending run stays`(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    for count in [0, 1, 2, 7, 12] {
      var ids = (0..<UInt32(count)).map { random.int(0..<5) == 0 ? UInt32.max : $0 }.shuffled(using: &random)
      let before = ids
      let loose = PolygonIndex.keepAscending(&ids)
      let kept = ids.filter { $0 != .max }
      #expect(kept == kept.sorted())
      #expect(loose.allSatisfy { before[$0.slot] == $0.id && ids[$0.slot] == .max })
      let given = before.filter { $0 != .max }
      #expect(kept.count + loose.count == given.count)
      #expect(kept.count == Self.longestAscending(given), "seed \(seed): \(before)")
    }
  }

  @Test func `ids of a damaged file are refused`() throws {
    var shapes = AdversarialShapes(seed: 2)
    let layer = (0..<60).map { _ in shapes.shape() }
    let index = PolygonIndex(PolygonSet(of: layer)).updated(
      newIdOfOld: (0..<60).map { $0 == 7 ? .max : $0 }, changedIds: [7], changed: PolygonSet(of: [layer[8]]))
    try #require(index.isLayered)
    var writer = SectionWriter()
    index.write(to: &writer)
    for name in ["polygons.ids", "changes.ids"] {
      for id in [UInt32(8), 60, .max] {
        let place = try #require(writer.sections.firstIndex { $0.name == name })
        var sections = writer.sections
        let ids = sections[place].bytes
        sections[place] = FlatSection(
          name: name,
          bytes: FlatArray(count: ids.count) { copy in
            _ = copy.initialize(from: ids.buffer)
            UnsafeMutableRawPointer(copy.baseAddress!).storeBytes(of: id, as: UInt32.self)
          })
        var reader = SectionReader(sections)
        #expect(throws: SectionError.self) { try PolygonIndex(validating: &reader) }
      }
    }
  }

  // MARK: Layers

  /// A few polygons go, change or come; with `exchanges`, a few that stay also change places.
  private static func change(
    _ layer: [Shape], _ shapes: inout AdversarialShapes, exchanges: Bool
  ) -> (layer: [Shape], newIdOfOld: [UInt32], changed: [UInt32]) {
    var order = Array(layer.indices)
    if exchanges {
      for _ in 0..<2 { order.swapAt(shapes.random.int(0..<order.count), shapes.random.int(0..<order.count)) }
    }
    var next: [Shape] = []
    var newIdOfOld = [UInt32](repeating: .max, count: layer.count)
    var changed: [UInt32] = []
    for old in order {
      switch shapes.random.int(0..<60) {
      case 0: break
      case 1:
        changed.append(UInt32(next.count))
        next.append(shapes.shape())
      case 2:
        changed.append(UInt32(next.count))
        next.append(shapes.shape())
        fallthrough
      default:
        newIdOfOld[old] = UInt32(next.count)
        next.append(layer[old])
      }
    }
    return (next, newIdOfOld, changed)
  }

  private static func points(
    _ shapes: inout AdversarialShapes, _ polygons: PolygonSet, count: Int
  ) -> PointIndex {
    let points = (0..<count).map { _ in shapes.point(polygons) }
    let xs = FlatArray(points.map(\.x))
    let ys = FlatArray(points.map(\.y))
    let order = hilbertOrder(xs: xs, ys: ys)
    return PointIndex(
      xs: FlatArray(order.buffer.map { xs[Int($0)] }), ys: FlatArray(order.buffer.map { ys[Int($0)] }))
  }

  /// The first point or box to which the two indexes, or the coverage, have different answers.
  private static func firstDifference(
    _ index: PolygonIndex, _ fresh: PolygonIndex, _ coverage: PointCoverage, _ points: PointIndex,
    _ shapes: inout AdversarialShapes
  ) -> String? {
    var hits = HitList()
    var expected = HitList()
    var near = NearList()
    var expectedNear = NearList()
    for point in 0..<points.count {
      let (x, y) = (points.xs[point], points.ys[point])
      fresh.covering(x: x, y: y, into: &expected)
      index.covering(x: x, y: y, into: &hits)
      if !hits.equals(expected.ids) { return "(\(x), \(y)): \(Array(hits.ids)), anew \(Array(expected.ids))" }
      if !coverage.polygons(ofSet: coverage.setOfPoint[point]).elementsEqual(expected.ids) {
        return "(\(x), \(y)): the coverage has another set"
      }
      if (coverage.setOfPoint[point] == 0) != (expected.count == 0) {
        return "an empty set that is not set 0"
      }
      if point % 50 > 0 { continue }
      index.coveringByRTree(x: x, y: y, into: &hits)
      if !hits.equals(expected.ids) { return "(\(x), \(y)): R-tree \(Array(hits.ids))" }
      let metres = shapes.random.double(1...5_000)
      index.near(x: x, y: y, withinMetres: metres, into: &near)
      fresh.near(x: x, y: y, withinMetres: metres, into: &expectedNear)
      if (0..<near.count).map({ near[$0] }) != (0..<expectedNear.count).map({ expectedNear[$0] }) {
        return "(\(x), \(y)): other polygons are near"
      }
    }
    return nil
  }

  private static func longestAscending(_ ids: [UInt32]) -> Int {
    var best = [Int](repeating: 1, count: ids.count)
    for (end, id) in ids.enumerated() {
      for start in 0..<end where ids[start] < id { best[end] = max(best[end], best[start] + 1) }
    }
    return best.max() ?? 0
  }
}
