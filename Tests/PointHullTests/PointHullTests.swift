// The hull is a valid area that covers every point, by GEOS itself.

import CGEOS
import OutageModel
import Testing

@testable import PointHull

@Suite struct PointHullTests {
  private static let origin = LonLat(lonDegrees: -121.75, latDegrees: 38.54)

  private static func place(_ eastMetres: Double, _ northMetres: Double) -> LonLat {
    LonLat(
      lonDegrees: origin.lonDegrees + eastMetres / (111_195 * 0.782_166),
      latDegrees: origin.latDegrees + northMetres / 111_195)
  }

  /// Whether it is valid, which of the points it covers, and its area in square metres.
  private static func examine(_ area: OutageArea, _ points: [LonLat]) -> (Bool, [Bool], Double) {
    let context = GEOS_init_r()
    defer { GEOS_finish_r(context) }
    func ring(_ ring: [LonLat]) -> OpaquePointer? {
      var xy = ring.flatMap { [$0.lonDegrees, $0.latDegrees] }
      return GEOSGeom_createLinearRing_r(
        context, GEOSCoordSeq_copyFromBuffer_r(context, &xy, UInt32(ring.count), 0, 0))
    }
    let rings = area.rings(ofPolygon: 0)
    var holes = rings.dropFirst().map(ring)
    let polygon = GEOSGeom_createPolygon_r(context, ring(rings[0]), &holes, UInt32(holes.count))
    defer { GEOSGeom_destroy_r(context, polygon) }
    let covered = points.map { point in
      let geometry = GEOSGeom_createPointFromXY_r(context, point.lonDegrees, point.latDegrees)
      defer { GEOSGeom_destroy_r(context, geometry) }
      return GEOSCovers_r(context, polygon, geometry) == 1
    }
    var squareDegrees = 0.0
    GEOSArea_r(context, polygon, &squareDegrees)
    return (
      GEOSisValid_r(context, polygon) == 1, covered, squareDegrees * 111_195 * 111_195 * 0.782_166
    )
  }

  @Test(arguments: [
    ("one point", [place(0, 0)]), ("one spot", [place(0, 0), place(0, 0), place(0, 0)]),
    ("two points", [place(0, 0), place(60, 10)]),
    ("a street", (0..<8).map { place(Double($0) * 15, 0) }),
    ("a slanting street", (0..<8).map { place(Double($0) * 15, Double($0) * 7) }),
    ("three corners", [place(0, 0), place(100, 0), place(0, 100)]),
  ])
  func `few points and points on a line give an area`(name: String, points: [LonLat]) {
    let area = PointHull(marginMetres: 25).area(around: points)
    let (isValid, covered, squareMetres) = Self.examine(area, points)
    #expect(isValid)
    #expect(!covered.contains(false))
    // A circle of 25 m has 1,963 square metres.
    #expect(squareMetres > 1_700)
  }

  @Test func `a single point gives a circle of the margin`() {
    let area = PointHull(marginMetres: 25).area(around: [Self.place(0, 0)])
    let (_, _, squareMetres) = Self.examine(area, [])
    #expect(squareMetres > 1_700 && squareMetres < 1_970)
  }

  @Test func `a hollow is left out, which a convex hull would take in`() {
    // Houses on both sides of two streets, 300 m each, that meet at a corner.
    let points = (0...15).flatMap { step in
      [
        Self.place(-15, Double(step) * 20), Self.place(15, Double(step) * 20 + 7),
        Self.place(Double(step) * 20, -15), Self.place(Double(step) * 20 + 7, 15),
      ]
    }
    let hollow = Self.place(130, 130)
    let area = PointHull(marginMetres: 20).area(around: points)
    let (isValid, covered, _) = Self.examine(area, points + [hollow])
    #expect(isValid)
    #expect(covered == Array(repeating: true, count: points.count) + [false])
  }

  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func `random points are all covered by a valid area`(seed: UInt64) {
    var state = seed
    func next(_ range: Double) -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 11) / Double(1 << 53) * range
    }
    let points = (0..<Int(2 + next(200))).map { _ in Self.place(next(900), next(600) * next(1)) }
    let area = PointHull(marginMetres: 15).area(around: points)
    let (isValid, covered, _) = Self.examine(area, points)
    #expect(isValid, "seed \(seed)")
    #expect(!covered.contains(false), "seed \(seed)")
    let areFinite = area.coordinates.allSatisfy { $0.isFinite }
    #expect(areFinite)
  }
}
