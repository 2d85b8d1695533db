// `fuzz-match`: point location against GEOS on adversarial layers and points, until the time is over.

import ArgumentParser
import PointLocation

@main
struct FuzzMatch: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fuzz-match",
    abstract: "Compares covering queries, joins and updated indexes with GEOS until the time is over.",
    discussion: """
      Each seed makes a layer of its own (Tests/PointLocationTests/AdversarialShapes.swift). Exits 1 at the first difference, and prints the \
      seed that repeats it.
      """)

  @Option(help: "How long to go on.")
  var seconds = 120

  @Option(help: "The first seed.")
  var seed: UInt64 = 1

  @Option(help: "Stop after so many seeds.")
  var seeds = Int.max

  @Option(help: "Points of each layer.")
  var points = 20_000

  mutating func run() throws {
    let began = ContinuousClock.now
    let end = began + .seconds(seconds)
    var told = began
    var done = 0
    var asked = 0
    var withGEOS = 0
    while ContinuousClock.now < end && done < seeds {
      let current = seed &+ UInt64(done)
      var layer = FuzzLayer(seed: current)
      if let difference = layer.firstDifference(pointCount: points) {
        print("seed \(current): \(difference)")
        throw ExitCode.failure
      }
      done += 1
      asked += layer.asked
      withGEOS += layer.askedGEOS
      if ContinuousClock.now - told > .seconds(10) {
        told = ContinuousClock.now
        print(
          "seeds \(seed) to \(current): \(asked) points, \(withGEOS) answers compared with GEOS, no difference"
        )
      }
    }
    print(
      "\(done) layers from seed \(seed) on, \(asked) points, \(withGEOS) answers compared with GEOS: no difference"
    )
  }
}

/// One layer, which changes twice, with the points that are asked about.
struct FuzzLayer {
  private var shapes: AdversarialShapes
  private var layer: [Shape]
  private(set) var asked = 0
  private(set) var askedGEOS = 0

  init(seed: UInt64) {
    shapes = AdversarialShapes(seed: seed)
    layer = []
    for _ in 0..<shapes.random.int(1..<60) { layer.append(shapes.shape()) }
  }

  /// What is different first; `nil` if all agree.
  mutating func firstDifference(pointCount: Int) -> String? {
    var index = PolygonIndex(PolygonSet(of: layer))
    let points = self.points(index.polygons, count: pointCount)
    var coverage = PointCoverage.join(points: points, polygons: index)
    for version in 0..<3 {
      if version > 0 {
        // A polygon goes, one changes and one comes.
        let gone = shapes.random.int(0..<layer.count)
        var newIdOfOld = layer.indices.map { $0 < gone ? UInt32($0) : $0 == gone ? .max : UInt32($0) - 1 }
        layer.remove(at: gone)
        var changed: [UInt32] = []
        if !layer.isEmpty {
          let changing = shapes.random.int(0..<layer.count)
          layer[changing] = shapes.shape()
          for old in newIdOfOld.indices where newIdOfOld[old] == changing { newIdOfOld[old] = .max }
          changed.append(UInt32(changing))
        }
        changed.append(UInt32(layer.count))
        layer.append(shapes.shape())
        let old = index
        index = old.updated(
          newIdOfOld: newIdOfOld, changedIds: changed, changed: PolygonSet(of: changed.map { layer[Int($0)] })
        )
        coverage = coverage.updated(
          points: points, from: old, to: index, newIdOfOld: newIdOfOld, changed: changed)
      }
      if let difference = compare(index, coverage, points) { return "version \(version), \(difference)" }
    }
    return nil
  }

  private mutating func compare(
    _ index: PolygonIndex, _ coverage: PointCoverage, _ points: PointIndex
  ) -> String? {
    let polygons = index.polygons
    let reference = GEOSReference(polygons)
    let isValid = layer.indices.map { reference.isValid($0) }
    var hits = HitList()
    var batch = CoveringBatch()
    for point in 0..<points.count {
      let (x, y) = (points.xs[point], points.ys[point])
      index.covering(x: x, y: y, into: &hits)
      asked += 1
      if point % CoveringBatch.size == 0 {
        batch.find(
          index, xs: points.xs.pointer + point, ys: points.ys.pointer + point,
          count: min(CoveringBatch.size, points.count - point))
      }
      if !batch.hits(of: point % CoveringBatch.size).elementsEqual(hits.ids) {
        return "(\(x), \(y)): it has another answer among other points"
      }
      let canTell = GEOSReference.canTell(x: x, y: y)
      if !coverage.polygons(ofSet: coverage.setOfPoint[point]).elementsEqual(hits.ids) {
        return "(\(x), \(y)): the join has another answer than the query"
      }
      var next = 0
      for polygon in layer.indices {
        let isOurs = next < hits.count && hits[next] == UInt32(polygon)
        if isOurs { next += 1 }
        // Outside of its bounds nothing is covered, which needs no witness.
        if !isValid[polygon] || !canTell || !isOurs && !polygons.boxes[polygon].contains(x: x, y: y) {
          continue
        }
        askedGEOS += 1
        if isOurs != reference.covers(polygon, x: x, y: y) {
          return "(\(x), \(y)): polygon \(polygon) is \(isOurs ? "" : "not ")ours, GEOS has it the other way"
        }
      }
      if next != hits.count { return "(\(x), \(y)): ids that do not ascend: \(Array(hits.ids))" }
    }
    return nil
  }

  private mutating func points(_ polygons: PolygonSet, count: Int) -> PointIndex {
    var xs: [Double] = []
    var ys: [Double] = []
    for _ in 0..<count {
      let point = shapes.point(polygons)
      xs.append(point.x)
      ys.append(point.y)
    }
    let order = hilbertOrder(xs: FlatArray(xs), ys: FlatArray(ys))
    return PointIndex(
      xs: FlatArray(order.buffer.map { xs[Int($0)] }), ys: FlatArray(order.buffer.map { ys[Int($0)] }))
  }
}
