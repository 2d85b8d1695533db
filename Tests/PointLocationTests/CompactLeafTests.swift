// The compact leaves against the polygons' own coordinates: they may doubt, but never err.

import CCrossings
import Testing

@testable import PointLocation

@Suite struct CompactLeafTests {
  /// A storm of rings whose vertices lie a little apart, so that leaves are compact, over a territory of random place and size.
  private static func storm(seed: UInt64) -> (PolygonIndex, SeededRandom) {
    var random = SeededRandom(seed: seed)
    let scale = [0x1p-20, 0.01, 1, 37][random.int(0..<4)]
    let middle = (x: random.double(-170...170), y: random.double(-80...80))
    var builder = PolygonSetBuilder()
    for _ in 0..<40 {
      let center = (random.double(-1...1), random.double(-1...1))
      let radius = random.double(0.02...0.5)
      let count = random.int(3..<300)
      var ring: [Double] = []
      for step in 0..<count {
        let (sine, cosine) = sineAndCosine(turns: Double(step) / Double(count))
        let length = radius * random.double(0.9...1)
        ring.append(middle.x + scale * (center.0 + length * cosine))
        ring.append(middle.y + scale * (center.1 + length * sine))
      }
      builder.append(coordinates: ring, ringStarts: [0, Int32(count)])
    }
    return (PolygonIndex(builder.build()), random)
  }

  /// Rough ones: any ring around a middle will do.
  private static func sineAndCosine(turns: Double) -> (Double, Double) {
    func wave(_ turns: Double) -> Double {
      let t = turns - turns.rounded(.down)
      return t < 0.5 ? 16 * t * (0.5 - t) : -16 * (t - 0.5) * (1 - t)
    }
    return (wave(turns), wave(turns + 0.25))
  }

  /// Points where 16 bits are likely to be too few: a hair's breadth from edges, and in the rows and columns of vertices.
  private static func point(_ polygons: PolygonSet, _ random: inout SeededRandom) -> (x: Double, y: Double) {
    let coordinates = polygons.coordinates
    let vertex = random.int(0..<polygons.vertexCount - 1)
    let (ax, ay) = (coordinates[2 * vertex], coordinates[2 * vertex + 1])
    let (bx, by) = (coordinates[2 * vertex + 2], coordinates[2 * vertex + 3])
    let share = random.double(0...1)
    let length = max((bx - ax).magnitude, (by - ay).magnitude)
    // From far below one unit of a compact leaf to some hundred.
    let offset =
      length * Double(sign: .plus, exponent: -random.int(0..<24), significand: random.double(-1...1))
    switch random.int(0..<4) {
    case 0: return (ax + (bx - ax) * share, ay + (by - ay) * share + offset)
    case 1: return (ax + (bx - ax) * share + offset, ay + (by - ay) * share)
    case 2: return (ax + (bx - ax) * random.double(-2...3), ay + offset)
    default: return (ax + offset, ay + (by - ay) * random.double(-2...3))
    }
  }

  /// Far apart as much as 15 bits allow, near each other, or so near that all is in doubt.
  private static func numbers(_ round: Int, _ random: inout SeededRandom) -> Range<Int> {
    let reach = [0x7FFF, 300, 4][round % 3]
    let start = random.int(0..<0x8000 - reach)
    return start..<start + reach + 1
  }

  @Test(arguments: [6, 7] as [UInt64])
  func `edges cross a path together as one by one`(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    for round in 0..<20_000 {
      let numbers = Self.numbers(round, &random)
      func coordinate() -> Int16 { Int16(random.int(numbers)) }
      let path = ccrossings_path(px: coordinate(), py: coordinate(), rx: coordinate(), ry: coordinate())
      let vertexCount = CompactPath.edgeCount + 1
      let (xs, ys) = (
        (0..<vertexCount).map { _ in coordinate() }, (0..<vertexCount).map { _ in coordinate() }
      )
      let found = ccrossings_find(xs, ys, path)
      let expected = ccrossings_find_portable(xs, ys, path, Int32(CompactPath.edgeCount))
      #expect(found.crossings == expected.crossings && found.doubts == expected.doubts, "\(path) \(xs) \(ys)")
    }
  }

  @Test(arguments: [8, 9] as [UInt64])
  func `edges meet a box together as one by one`(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    for round in 0..<20_000 {
      let numbers = Self.numbers(round, &random)
      func coordinate() -> Int16 { Int16(random.int(numbers)) }
      let (xs, ys) = (
        (0...CompactPath.edgeCount).map { _ in coordinate() },
        (0...CompactPath.edgeCount).map { _ in coordinate() }
      )
      let (minX, minY) = (coordinate(), coordinate())
      let box = ccrossings_box(
        min_x: minX, min_y: minY, max_x: max(minX, coordinate()), max_y: max(minY, coordinate()))
      let expected = ccrossings_meeting_portable(xs, ys, box, Int32(CompactPath.edgeCount))
      #expect(ccrossings_meeting(xs, ys, box) == expected, "\(box) \(xs) \(ys)")
      // Boxes meet unless all of one lies beyond all of the other.
      let bits = (0..<CompactPath.edgeCount).map { edge -> UInt32 in
        let (ax, bx, ay, by) = (xs[edge], xs[edge + 1], ys[edge], ys[edge + 1])
        let own = Box(
          minX: Double(min(ax, bx)), minY: Double(min(ay, by)), maxX: Double(max(ax, bx)),
          maxY: Double(max(ay, by)))
        let other = Box(
          minX: Double(box.min_x), minY: Double(box.min_y), maxX: Double(box.max_x), maxY: Double(box.max_y))
        return own.intersects(other) ? 1 << UInt32(edge) : 0
      }
      #expect(expected == bits.reduce(0, |), "\(box) \(xs) \(ys)")
    }
  }

  @Test(arguments: UInt64(1)...24)
  func `what a compact leaf is certain of is so`(seed: UInt64) {
    var (index, random) = Self.storm(seed: seed)
    let (cells, polygons) = (index.base.cells, index.base.polygons)
    var asked = 0
    var certain = 0
    var wrong = 0
    for _ in 0..<20_000 {
      let (x, y) = Self.point(polygons, &random)
      guard let place = cells.frame.place(x: x, y: y) else { continue }
      let answer = CellAnswer(entry: cells.leafEntry(below: cells.rootEntry(place), place))
      guard let leaf = cells.compactLeaf(answer) else { continue }
      asked += 1
      let unpacked = UnpackedLeaf(leaf, place)
      let found = unpacked.polygonsHolding(unpacked.units(place))
      if !found.isCertain { continue }
      certain += 1
      let reference = cells.frame.reference(place, bits: leaf.header.bits, leaf.header.reference)
      let exact = leaf.polygonsCovering(
        x: x, y: y, polygons.coordinates.pointer, reference: reference)
      if found.polygons != exact { wrong += 1 }
    }
    #expect(wrong == 0, "seed \(seed): \(wrong) of \(certain)")
    #expect(asked > 10_000, "seed \(seed): most of a storm's edges stand in compact leaves")
    #expect(
      certain * 5 > asked * 3, "seed \(seed): \(certain) of \(asked) points this near to edges are decided")
  }

  @Test(arguments: UInt64(1)...4)
  func `quarters with few edges are one leaf, whose reference point is their middle`(seed: UInt64) {
    var (index, random) = Self.storm(seed: seed)
    let (cells, polygons) = (index.base.cells, index.base.polygons)
    var (quarterLeaves, wrong) = (0, 0)
    var hits = HitList()
    for _ in 0..<20_000 {
      let (x, y) = Self.point(polygons, &random)
      guard let place = cells.frame.place(x: x, y: y),
        let leaf = cells.compactLeaf(
          CellAnswer(entry: cells.leafEntry(below: cells.rootEntry(place), place))),
        leaf.header.reference == CellFrame.centreReference
      else { continue }
      quarterLeaves += 1
      hits.removeAll()
      cells.covering(polygons.coordinates.pointer, x: x, y: y, into: &hits)
      let expected = (0..<UInt32(polygons.count)).filter { polygons.covers(polygon: Int($0), x: x, y: y) }
      let isSmall = leaf.header.vertexCount <= CompactLeaf.vertexCountMax
      if !hits.ids.elementsEqual(expected) || !isSmall { wrong += 1 }
    }
    #expect(quarterLeaves > 100 && wrong == 0, "seed \(seed): \(wrong) of \(quarterLeaves)")
  }

  @Test(arguments: UInt64(1)...8)
  func `points anywhere are nearly all decided without the polygons`(seed: UInt64) {
    var (index, random) = Self.storm(seed: seed)
    let (cells, box) = (index.base.cells, index.bounds)
    var asked = 0
    var certain = 0
    for _ in 0..<20_000 {
      let x = random.double(box.minX...box.maxX)
      guard let place = cells.frame.place(x: x, y: random.double(box.minY...box.maxY)),
        let leaf = cells.compactLeaf(CellAnswer(entry: cells.leafEntry(below: cells.rootEntry(place), place)))
      else { continue }
      asked += 1
      let unpacked = UnpackedLeaf(leaf, place)
      certain += unpacked.polygonsHolding(unpacked.units(place)).isCertain ? 1 : 0
    }
    #expect(asked > 1_000, "seed \(seed)")
    #expect(Double(certain) > 0.99 * Double(asked), "seed \(seed): \(certain) of \(asked)")
  }

  /// From points that nearly all lie in one leaf, with no edge between them, to points all over the territory.
  @Test(arguments: UInt64(1)...8)
  func `neighbours get the answers of their points`(seed: UInt64) {
    var (index, random) = Self.storm(seed: seed)
    let (cells, box) = (index.base.cells, index.bounds)
    var batch = CellBatch()
    var differences = 0
    var sharing = 0
    for _ in 0..<2_000 {
      let middle = Self.point(index.base.polygons, &random)
      let reach = (box.maxX - box.minX) * Double(sign: .plus, exponent: -random.int(1..<20), significand: 1)
      let xs = (0..<CellBatch.size).map { _ in middle.x + reach * random.double(-1...1) }
      var ys = (0..<CellBatch.size).map { _ in middle.y + reach * random.double(-1...1) }
      ys[random.int(0..<32)] = random.int(0..<2) == 0 ? .nan : middle.y
      let points = UInt32(truncatingIfNeeded: random.int(0..<1 << 32)) | UInt32(random.int(0..<2)) &* .max
      index.base.ask(about: xs, ys, neighbours: points, &batch)
      for point in SetBits(points) {
        let expected = index.base.answer(x: xs[point], y: ys[point])
        if batch.answers[point] != expected { differences += 1 }
        sharing +=
          cells.compactLeaf(expected) != nil && expected == batch.answers[points.trailingZeroBitCount] ? 1 : 0
      }
    }
    #expect(differences == 0, "seed \(seed)")
    #expect(sharing > 10_000, "seed \(seed): \(sharing) points with the answer of their batch's first one")
  }

  @Test(arguments: UInt64(1)...8)
  func `a batch of points gets the answers of its points`(seed: UInt64) {
    var (index, random) = Self.storm(seed: seed)
    var batch = CellBatch()
    var differences = 0
    for _ in 0..<500 {
      let count = random.int(0..<CellBatch.size + 1)
      var (xs, ys) = ([Double](), [Double]())
      for _ in 0..<count {
        let (x, y) = Self.point(index.base.polygons, &random)
        xs.append(random.int(0..<20) == 0 ? .nan : x)
        ys.append(y)
      }
      index.base.ask(about: xs, ys, count: count, &batch)
      for point in 0..<count where batch.answers[point] != index.base.answer(x: xs[point], y: ys[point]) {
        differences += 1
      }
    }
    #expect(differences == 0, "seed \(seed)")
  }
}
