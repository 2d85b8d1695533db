// The seeded workloads: a storm's polygons and the points that are asked about.

import Foundation
public import PointLocation

/// Polygons, and points of which half are covered by at least one of them.
public struct Workload {
  public let name: String
  public let summary: String
  public let polygons: PolygonSet
  public let xs: [Double]
  public let ys: [Double]

  /// W1: a storm over 60 towns; 12 to 400 vertices, heavy overlap, 5 % with a hole.
  public static func storm(name: String, polygonCount: Int, pointCount: Int, seed: UInt64) -> Workload {
    var random = SeededRandom(seed: seed)
    // As many towns and as much land for each polygon, whatever their number.
    let scale = (Double(polygonCount) / 10_000).squareRoot()
    let towns = random.towns(count: max(1, polygonCount * 60 / 10_000), scale: scale)
    var builder = PolygonSetBuilder()
    for _ in 0..<polygonCount { random.outage(towns).append(to: &builder) }
    let polygons = builder.build()
    let points = random.points(polygons, towns, scale: scale, count: pointCount)
    return Workload(
      name: name,
      summary: "\(polygonCount) storm polygons, \(polygons.vertexCount) vertices, \(pointCount) points",
      polygons: polygons, xs: points.xs, ys: points.ys)
  }

  /// W2: polygons with as many vertices as a coast has.
  public static func coasts(polygonCount: Int, pointCount: Int, seed: UInt64) -> Workload {
    var random = SeededRandom(seed: seed)
    let towns = random.towns(count: 60, scale: 1)
    var builder = PolygonSetBuilder()
    for _ in 0..<polygonCount {
      let vertices = Int(exp(random.double(log(5_000)...log(100_000))))
      let town = towns[random.int(0..<towns.count)]
      let radius = random.double(0.02...0.15)
      Shape(
        shell: random.ring(
          x: town.x + random.gauss() * 0.1, y: town.y + random.gauss() * 0.1, radius: radius,
          vertices: vertices,
          roughness: 0.35), hole: nil
      ).append(to: &builder)
    }
    let polygons = builder.build()
    let points = random.points(polygons, towns, scale: 1, count: pointCount)
    return Workload(
      name: "W2", summary: "\(polygonCount) polygons, \(polygons.vertexCount) vertices, \(pointCount) points",
      polygons: polygons, xs: points.xs, ys: points.ys)
  }

  /// Any polygons, with points in and around them of which half are covered.
  public static func over(name: String, polygons: PolygonSet, pointCount: Int, seed: UInt64) -> Workload {
    var random = SeededRandom(seed: seed)
    let index = PolygonIndex(polygons)
    var hits = HitList()
    var xs: [Double] = []
    var ys: [Double] = []
    while xs.count < pointCount {
      let box = polygons.boxes[random.int(0..<polygons.count)]
      if box.isEmpty { continue }
      let wantsHit = xs.count % 2 == 0
      let spread = wantsHit ? 0.0 : 2.0
      // What is asked for may be nowhere near: after some tries any point will do.
      for attempt in 0..<64 {
        let x = random.double(
          box.minX - spread * (box.maxX - box.minX)...box.maxX + spread * (box.maxX - box.minX))
        let y = random.double(
          box.minY - spread * (box.maxY - box.minY)...box.maxY + spread * (box.maxY - box.minY))
        index.covering(x: x, y: y, into: &hits)
        if (hits.count > 0) == wantsHit || attempt == 63 {
          xs.append(x)
          ys.append(y)
          break
        }
      }
    }
    return Workload(
      name: name,
      summary: "\(polygons.count) polygons, \(polygons.vertexCount) vertices, \(pointCount) points",
      polygons: polygons, xs: xs, ys: ys)
  }

  /// The same layer after a change of one polygon in a hundred, and the ids of those.
  public func changed(share: Double, seed: UInt64) -> (polygons: PolygonSet, changed: [UInt32]) {
    var random = SeededRandom(seed: seed)
    var builder = PolygonSetBuilder()
    var changed: [UInt32] = []
    for polygon in 0..<polygons.count {
      let rings = Int(polygons.polygonStarts[polygon])...Int(polygons.polygonStarts[polygon + 1])
      let first = Int(polygons.ringStarts[rings.lowerBound])
      let end = Int(polygons.ringStarts[rings.upperBound])
      var coordinates = Array(polygons.coordinates.buffer[2 * first..<2 * end])
      if random.double(0...1) < share {
        changed.append(UInt32(polygon))
        let (dx, dy) = (random.gauss() * 0.01, random.gauss() * 0.01)
        for index in stride(from: 0, to: coordinates.count, by: 2) {
          coordinates[index] += dx
          coordinates[index + 1] += dy
        }
      }
      builder.append(
        coordinates: coordinates, ringStarts: rings.map { Int32(Int(polygons.ringStarts[$0]) - first) })
    }
    return (builder.build(), changed)
  }

  /// Points that floating-point arithmetic finds hard: on vertices and edges, in their rows and columns, one ulp beside them.
  public func adversarialPoints(count: Int, seed: UInt64) -> (xs: [Double], ys: [Double]) {
    var random = SeededRandom(seed: seed)
    var xs: [Double] = []
    var ys: [Double] = []
    for _ in 0..<count {
      let vertex = random.int(0..<polygons.vertexCount - 1)
      var x = polygons.coordinates[2 * vertex]
      var y = polygons.coordinates[2 * vertex + 1]
      let other = random.int(0..<polygons.vertexCount)
      switch random.int(0..<5) {
      case 0: break
      case 1:
        let share = random.int(0..<2) == 0 ? 0.5 : random.double(0...1)
        x += (polygons.coordinates[2 * vertex + 2] - x) * share
        y += (polygons.coordinates[2 * vertex + 3] - y) * share
      case 2: x = polygons.coordinates[2 * other]
      case 3: y = polygons.coordinates[2 * other + 1]
      default:
        let step = Double(sign: .plus, exponent: -random.int(0..<16), significand: 1)
        x = (x / step).rounded() * step
      }
      switch random.int(0..<6) {
      case 0: x = x.nextUp
      case 1: x = x.nextDown
      case 2: y = y.nextUp
      case 3: y = y.nextDown
      default: break
      }
      xs.append(x)
      ys.append(y)
    }
    return (xs, ys)
  }
}

/// A polygon with at most one hole.
struct Shape {
  let shell: [Double]
  let hole: [Double]?

  func append(to builder: inout PolygonSetBuilder) {
    var coordinates = shell
    var starts = [0, Int32(shell.count / 2)]
    if let hole {
      coordinates += hole
      starts.append(Int32(coordinates.count / 2))
    }
    builder.append(coordinates: coordinates, ringStarts: starts)
  }
}

/// SplitMix64 (Steele, Lea, Flood 2014), and what storms are made of.
public struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }

  public mutating func double(_ range: ClosedRange<Double>) -> Double {
    range.lowerBound + Double(next() >> 11) * 0x1p-53 * (range.upperBound - range.lowerBound)
  }

  public mutating func int(_ range: Range<Int>) -> Int {
    range.lowerBound + Int(next() % UInt64(range.count))
  }

  mutating func gauss() -> Double {
    (-2 * log(double(1e-12...1))).squareRoot() * cos(double(0...2 * .pi))
  }

  mutating func towns(count: Int, scale: Double) -> [(x: Double, y: Double)] {
    (0..<count).map { _ in (-98 + double(0.1...1.9) * scale, 34 + double(0.1...1.9) * scale) }
  }

  mutating func outage(_ towns: [(x: Double, y: Double)]) -> Shape {
    let town = towns[int(0..<towns.count)]
    let x = town.x + gauss() * 0.03
    let y = town.y + gauss() * 0.03
    let radius = exp(double(log(0.002)...log(0.03)))
    let shell = ring(x: x, y: y, radius: radius, vertices: int(12..<401), roughness: 0.25)
    let hasHole = double(0...1) < 0.05
    return Shape(
      shell: shell,
      hole: hasHole ? ring(x: x, y: y, radius: radius * 0.2, vertices: int(8..<40), roughness: 0.2) : nil)
  }

  /// A ring around a middle, its distance the sum of octaves of noise; closed, counter-clockwise.
  mutating func ring(x: Double, y: Double, radius: Double, vertices: Int, roughness: Double) -> [Double] {
    let waves = (0..<10).map { octave in
      (
        frequency: Double(1 << octave) + double(0...1).rounded(), phase: double(0...2 * .pi),
        height: roughness * pow(0.6, Double(octave)) / 2
      )
    }
    var ring: [Double] = []
    ring.reserveCapacity(2 * vertices + 2)
    for vertex in 0..<vertices {
      let angle = (Double(vertex) + double(0...0.8)) / Double(vertices) * 2 * .pi
      var length = 1.0
      for wave in waves { length += wave.height * sin(wave.frequency * angle + wave.phase) }
      length = max(length, 0.25) * radius
      ring.append(x + cos(angle) * length)
      ring.append(y + sin(angle) * length)
    }
    return ring + ring.prefix(2)
  }

  /// Points in no order; every other one is covered, all lie in and around towns.
  mutating func points(
    _ polygons: PolygonSet, _ towns: [(x: Double, y: Double)], scale: Double, count: Int
  ) -> (xs: [Double], ys: [Double]) {
    let index = PolygonIndex(polygons)
    var hits = HitList()
    var xs: [Double] = []
    var ys: [Double] = []
    while xs.count < count {
      let wantsHit = xs.count % 2 == 0
      let town = towns[int(0..<towns.count)]
      let spread = wantsHit ? 0.04 : 0.12
      let isFarOut = !wantsHit && int(0..<4) == 0
      let x = isFarOut ? -98 + double(0...2) * scale : town.x + gauss() * spread
      let y = isFarOut ? 34 + double(0...2) * scale : town.y + gauss() * spread
      index.covering(x: x, y: y, into: &hits)
      if (hits.count > 0) == wantsHit {
        xs.append(x)
        ys.append(y)
      }
    }
    return (xs, ys)
  }
}
