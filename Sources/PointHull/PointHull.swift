// The area around a set of points: their concave hull, widened, so that it has a width and covers them all.

import CGEOS
import Foundation
import OutageModel

/// The concave hull of points in WGS 84, by GEOS. Owns a GEOS context; used on one thread at a time.
public final class PointHull {
  private let context: GEOSContextHandle_t
  /// How far the hull is widened.
  public let marginMetres: Double

  /// Between the convex hull (1) and the tightest hull without holes (0): the length ratio of Duckham et al., *Efficient generation of simple
  /// polygons for characterizing the shape of a set of points in the plane* (2008), that GEOS takes.
  private static let lengthRatio = 0.3
  /// Segments for a quarter of a circle.
  private static let quarterSegments: Int32 = 4
  private static let metresPerDegree = 6_371_008.8 * Double.pi / 180

  public init(marginMetres: Double) {
    precondition(marginMetres > 0)
    self.marginMetres = marginMetres
    context = GEOS_init_r()
  }

  deinit { GEOS_finish_r(context) }

  /// A valid area that covers all of the points, each of them by about the margin; one or several points on one spot give a circle.
  /// - Parameter points: at least one; none near a pole or across the date line.
  public func area(around points: [LonLat]) -> OutageArea {
    let center = Self.middle(points)
    let metresPerLon = Self.metresPerDegree * max(0.02, cos(center.latDegrees * .pi / 180))
    let plane = points.map {
      (
        x: ($0.lonDegrees - center.lonDegrees) * metresPerLon,
        y: ($0.latDegrees - center.latDegrees) * Self.metresPerDegree
      )
    }
    let rings = hull(plane) ?? [Self.box(plane, marginMetres)]
    let degrees = rings.map { ring in
      ring.map {
        LonLat(
          lonDegrees: Self.sevenDecimals(center.lonDegrees + $0.x / metresPerLon),
          latDegrees: Self.sevenDecimals(center.latDegrees + $0.y / Self.metresPerDegree))
      }
    }
    return OutageArea(polygons: [degrees])
  }

  /// The shell, counter-clockwise, and the holes of the widened hull; `nil` where GEOS gives up.
  private func hull(_ points: [(x: Double, y: Double)]) -> [[(x: Double, y: Double)]]? {
    var xy = points.flatMap { [$0.x, $0.y] }
    guard let sequence = GEOSCoordSeq_copyFromBuffer_r(context, &xy, UInt32(points.count), 0, 0),
      let line = points.count == 1
        ? GEOSGeom_createPoint_r(context, sequence) : GEOSGeom_createLineString_r(context, sequence)
    else { return nil }
    defer { GEOSGeom_destroy_r(context, line) }
    guard let hull = GEOSConcaveHull_r(context, line, Self.lengthRatio, 0) else { return nil }
    defer { GEOSGeom_destroy_r(context, hull) }
    guard let wide = GEOSBuffer_r(context, hull, marginMetres, Self.quarterSegments) else { return nil }
    defer { GEOSGeom_destroy_r(context, wide) }
    // A fifth of the margin in corners that nobody would draw.
    guard let simple = GEOSTopologyPreserveSimplify_r(context, wide, marginMetres / 5) else { return nil }
    defer { GEOSGeom_destroy_r(context, simple) }
    guard GEOSGeomTypeId_r(context, simple) == Int32(GEOS_POLYGON.rawValue),
      let shell = GEOSGetExteriorRing_r(context, simple)
    else { return nil }
    let holes = (0..<GEOSGetNumInteriorRings_r(context, simple)).compactMap {
      GEOSGetInteriorRingN_r(context, simple, $0)
    }
    return [vertices(shell, counterClockwise: true)] + holes.map { vertices($0, counterClockwise: false) }
  }

  private func vertices(_ ring: OpaquePointer, counterClockwise: Bool) -> [(x: Double, y: Double)] {
    let sequence = GEOSGeom_getCoordSeq_r(context, ring)
    var count: UInt32 = 0
    GEOSCoordSeq_getSize_r(context, sequence, &count)
    var vertices = (0..<count).map { index in
      var (x, y) = (0.0, 0.0)
      GEOSCoordSeq_getXY_r(context, sequence, index, &x, &y)
      return (x: x, y: y)
    }
    var isCounterClockwise: CChar = 0
    GEOSCoordSeq_isCCW_r(context, sequence, &isCounterClockwise)
    if (isCounterClockwise == 1) != counterClockwise { vertices.reverse() }
    return vertices
  }

  private static func box(_ points: [(x: Double, y: Double)], _ margin: Double) -> [(x: Double, y: Double)] {
    let (west, east) = (points.map(\.x).min()! - margin, points.map(\.x).max()! + margin)
    let (south, north) = (points.map(\.y).min()! - margin, points.map(\.y).max()! + margin)
    return [(west, south), (east, south), (east, north), (west, north), (west, south)]
  }

  private static func middle(_ points: [LonLat]) -> LonLat {
    let lons = points.map(\.lonDegrees)
    let lats = points.map(\.latDegrees)
    return LonLat(
      lonDegrees: (lons.min()! + lons.max()!) / 2, latDegrees: (lats.min()! + lats.max()!) / 2)
  }

  private static func sevenDecimals(_ degrees: Double) -> Double { (degrees * 1e7).rounded() / 1e7 }
}
