// Polygons near a point, against geodesics on the ellipsoid.

import Foundation
import PointLocation
import Testing

@Suite struct NearTests {
  static let tolerance = 0.005

  /// Territories at every latitude, on the date line and at a pole; small and large edges.
  @Test(arguments: [
    (0.0, 0.0), (13.4, 52.5), (-97.5, 35.2), (25, 71), (-40, -83.5), (100, 89.2), (179.95, 17), (-179.9, -66),
  ])
  func `each polygon within the distance is found, with its geodesic distance`(lon: Double, lat: Double) {
    var random = SeededRandom(seed: UInt64(abs(lon * 100 + lat)))
    let wide = 0.6 / max(0.02, cos(lat * .pi / 180))
    var builder = PolygonSetBuilder()
    var rings: [[Double]] = []
    for _ in 0..<60 {
      let x = lon + random.double(-1...1) * wide
      let y = min(89.9, max(-89.9, lat + random.double(-0.6...0.6)))
      let size = random.double(0.001...0.2)
      let top = min(90, y + size)
      let side = size * wide
      let ring = [x, y, x + side, y + size * 0.2, x + side * 0.4, top, x, y]
      rings.append(ring)
      builder.append(coordinates: ring, ringStarts: [0, 4])
    }
    let index = PolygonIndex(builder.build())
    var hits = NearList()
    for _ in 0..<12 {
      var x = lon + random.double(-1...1) * wide
      if x > 180 { x -= 360 }
      if x < -180 { x += 360 }
      let y = min(90, max(-90, lat + random.double(-0.6...0.6)))
      let within = [200.0, 5_000, 20_000, 50_000][random.int(0..<4)]
      index.near(x: x, y: y, withinMetres: within, into: &hits)
      var found: [Int: Double] = [:]
      var last = 0.0
      for hit in 0..<hits.count {
        #expect(found[Int(hits[hit].polygon)] == nil, "polygon \(hits[hit].polygon) came twice")
        #expect(hits[hit].distanceMetres >= last, "nearest first")
        last = hits[hit].distanceMetres
        found[Int(hits[hit].polygon)] = last
      }
      for (polygon, ring) in rings.enumerated() {
        let truth = Geodesic.metres(x, y, toRing: ring)
        if let distance = found[polygon] {
          #expect(abs(distance - truth) <= truth * Self.tolerance + 0.01, "(\(x), \(y)) to \(ring)")
          #expect(distance <= within)
        } else {
          #expect(truth > within * (1 - Self.tolerance), "(\(x), \(y)) to \(ring) missed")
        }
      }
    }
  }

  @Test func `the edge counts, not the inside, and distance 0 finds what is touched`() {
    var builder = PolygonSetBuilder()
    builder.append(coordinates: [0, 0, 1, 0, 1, 1, 0, 1, 0, 0], ringStarts: [0, 5])
    let index = PolygonIndex(builder.build())
    var hits = NearList()
    index.near(x: 0.5, y: 0.5, withinMetres: 1_000, into: &hits)
    #expect(hits.count == 0)
    index.near(x: 1, y: 1, withinMetres: 0, into: &hits)
    #expect(hits.count == 1)
    #expect(hits[0].distanceMetres == 0)
  }

  @Test(arguments: [(Double.nan, 0.0, 1.0), (0, .infinity, 1), (0, 0, -1), (0, 0, .nan), (0, 0, .infinity)])
  func `what is no place or no distance finds nothing`(x: Double, y: Double, within: Double) {
    var builder = PolygonSetBuilder()
    builder.append(coordinates: [0, 0, 1, 0, 1, 1, 0, 0], ringStarts: [0, 4])
    var hits = NearList()
    PolygonIndex(builder.build()).near(x: x, y: y, withinMetres: within, into: &hits)
    #expect(hits.count == 0)
  }
}

/// Distances after T. Vincenty, "Direct and Inverse Solutions of Geodesics on the Ellipsoid", Survey Review XXIII (1975).
private enum Geodesic {
  static let a = 6_378_137.0
  static let f = 1 / 298.257_223_563

  /// The least distance to the edges, which are straight in degrees: sampled, then narrowed around the nearest sample.
  static func metres(_ x: Double, _ y: Double, toRing ring: [Double]) -> Double {
    var least = Double.infinity
    for edge in stride(from: 0, to: ring.count - 2, by: 2) {
      let (ax, ay, bx, by) = (ring[edge], ring[edge + 1], ring[edge + 2], ring[edge + 3])
      func metres(_ share: Double) -> Double {
        Self.metres(x, y, ax + (bx - ax) * share, ay + (by - ay) * share)
      }
      let samples = 64
      let nearest = (0...samples).min { metres(Double($0) / 64) < metres(Double($1) / 64) }!
      var low = max(0, Double(nearest - 1) / Double(samples))
      var high = min(1, Double(nearest + 1) / Double(samples))
      for _ in 0..<40 {
        let third = (high - low) / 3
        if metres(low + third) < metres(high - third) { high -= third } else { low += third }
      }
      least = min(least, metres((low + high) / 2), metres(Double(nearest) / Double(samples)))
    }
    return least
  }

  static func metres(_ lon1: Double, _ lat1: Double, _ lon2: Double, _ lat2: Double) -> Double {
    let degree = Double.pi / 180
    let b = a * (1 - f)
    let u1 = atan((1 - f) * tan(lat1 * degree))
    let u2 = atan((1 - f) * tan(lat2 * degree))
    let l = (lon2 - lon1) * degree
    var lambda = l
    for _ in 0..<200 {
      let sinSigma = hypot(
        cos(u2) * sin(lambda), cos(u1) * sin(u2) - sin(u1) * cos(u2) * cos(lambda))
      if sinSigma == 0 { return 0 }
      let cosSigma = sin(u1) * sin(u2) + cos(u1) * cos(u2) * cos(lambda)
      let sigma = atan2(sinSigma, cosSigma)
      let sinAlpha = cos(u1) * cos(u2) * sin(lambda) / sinSigma
      let cos2Alpha = 1 - sinAlpha * sinAlpha
      let cos2M = cos2Alpha > 1e-15 ? cosSigma - 2 * sin(u1) * sin(u2) / cos2Alpha : 0
      let c = f / 16 * cos2Alpha * (4 + f * (4 - 3 * cos2Alpha))
      let previous = lambda
      lambda =
        l + (1 - c) * f * sinAlpha
        * (sigma + c * sinSigma * (cos2M + c * cosSigma * (2 * cos2M * cos2M - 1)))
      if abs(lambda - previous) > 1e-13 { continue }
      let u = cos2Alpha * (a * a - b * b) / (b * b)
      let bigA = 1 + u / 16_384 * (4_096 + u * (-768 + u * (320 - 175 * u)))
      let bigB = u / 1_024 * (256 + u * (-128 + u * (74 - 47 * u)))
      let part = cosSigma * (2 * cos2M * cos2M - 1)
      let rest = bigB / 6 * cos2M * (4 * sinSigma * sinSigma - 3) * (4 * cos2M * cos2M - 3)
      return b * bigA * (sigma - bigB * sinSigma * (cos2M + bigB / 4 * (part - rest)))
    }
    return .nan
  }
}
