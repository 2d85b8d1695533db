// The generator's only door to GEOS: corridors along feeder lines, validity, and which positions an area covers.

import CGeoLibraries
import OutageModel

/// A GEOS handle and what the generator asks of it. Not for use from two threads at once.
public final class GEOSContext {
  let handle: OpaquePointer

  public init() {
    handle = GEOS_init_r()
  }

  deinit {
    GEOS_finish_r(handle)
  }

  /// The buffer around line segments: rings of each polygon, shell first. Empty if GEOS cannot make one.
  /// - Parameter quadrantSegments: edges for each quarter of a round end.
  func corridor(
    along segments: [(PlanePoint, PlanePoint)], halfWidthMetres: Double, quadrantSegments: Int32
  ) -> [[[PlanePoint]]] {
    var lines: [OpaquePointer?] = segments.map { start, end in
      let sequence = GEOSCoordSeq_create_r(handle, 2, 2)
      GEOSCoordSeq_setXY_r(handle, sequence, 0, start.xMetres, start.yMetres)
      GEOSCoordSeq_setXY_r(handle, sequence, 1, end.xMetres, end.yMetres)
      return GEOSGeom_createLineString_r(handle, sequence)
    }
    let network = GEOSGeom_createCollection_r(
      handle, Int32(GEOS_MULTILINESTRING.rawValue), &lines, UInt32(lines.count))
    defer { GEOSGeom_destroy_r(handle, network) }
    guard let merged = GEOSLineMerge_r(handle, network) else { return [] }
    defer { GEOSGeom_destroy_r(handle, merged) }
    guard let buffer = GEOSBuffer_r(handle, merged, halfWidthMetres, quadrantSegments) else { return [] }
    defer { GEOSGeom_destroy_r(handle, buffer) }
    return (0..<GEOSGetNumGeometries_r(handle, buffer)).map { index in
      let polygon = GEOSGetGeometryN_r(handle, buffer, index)
      let holes = (0..<GEOSGetNumInteriorRings_r(handle, polygon)).map {
        points(of: GEOSGetInteriorRingN_r(handle, polygon, $0))
      }
      return [points(of: GEOSGetExteriorRing_r(handle, polygon))] + holes
    }
  }

  /// Whether an area is valid in the sense of OGC Simple Features.
  public func isValid(_ area: OutageArea) -> Bool {
    let geometry = geometry(of: area)
    defer { GEOSGeom_destroy_r(handle, geometry) }
    return GEOSisValid_r(handle, geometry) == 1 && GEOSisEmpty_r(handle, geometry) == 0
  }

  /// Which of the positions the area covers (its boundary counts).
  public func covered(by area: OutageArea, among positions: [LonLat]) -> [Bool] {
    let geometry = geometry(of: area)
    defer { GEOSGeom_destroy_r(handle, geometry) }
    let prepared = GEOSPrepare_r(handle, geometry)
    defer { GEOSPreparedGeom_destroy_r(handle, prepared) }
    var (west, south, east, north) = (Double.infinity, Double.infinity, -Double.infinity, -Double.infinity)
    area.withCoordinates { coordinates in
      for vertex in 0..<area.vertexCount {
        let (lon, lat) = (coordinates[2 * vertex], coordinates[2 * vertex + 1])
        (west, east) = (min(west, lon), max(east, lon))
        (south, north) = (min(south, lat), max(north, lat))
      }
    }
    return positions.map { position in
      // Most lie outside the bounds, where GEOS need not be asked.
      guard west <= position.lonDegrees, position.lonDegrees <= east, south <= position.latDegrees,
        position.latDegrees <= north
      else { return false }
      let point = GEOSGeom_createPointFromXY_r(handle, position.lonDegrees, position.latDegrees)
      defer { GEOSGeom_destroy_r(handle, point) }
      return GEOSPreparedCovers_r(handle, prepared, point) == 1
    }
  }

  /// Whether the insides of two areas share anything.
  func overlap(_ a: OutageArea, _ b: OutageArea) -> Bool {
    let (first, second) = (geometry(of: a), geometry(of: b))
    defer {
      GEOSGeom_destroy_r(handle, first)
      GEOSGeom_destroy_r(handle, second)
    }
    return GEOSIntersects_r(handle, first, second) == 1
  }

  private func points(of ring: OpaquePointer?) -> [PlanePoint] {
    let sequence = GEOSGeom_getCoordSeq_r(handle, ring)
    var count: UInt32 = 0
    GEOSCoordSeq_getSize_r(handle, sequence, &count)
    return (0..<count).map { index in
      var point = PlanePoint(0, 0)
      GEOSCoordSeq_getXY_r(handle, sequence, index, &point.xMetres, &point.yMetres)
      return point
    }
  }

  func geometry(of area: OutageArea) -> OpaquePointer? {
    var polygons: [OpaquePointer?] = (0..<area.polygonCount).map { index in
      var rings: [OpaquePointer?] = area.rings(ofPolygon: index).map { ring in
        let sequence = GEOSCoordSeq_create_r(handle, UInt32(ring.count), 2)
        for (place, vertex) in ring.enumerated() {
          GEOSCoordSeq_setXY_r(handle, sequence, UInt32(place), vertex.lonDegrees, vertex.latDegrees)
        }
        return GEOSGeom_createLinearRing_r(handle, sequence)
      }
      let shell = rings.removeFirst()
      return GEOSGeom_createPolygon_r(handle, shell, &rings, UInt32(rings.count))
    }
    return GEOSGeom_createCollection_r(
      handle, Int32(GEOS_MULTIPOLYGON.rawValue), &polygons, UInt32(polygons.count))
  }
}
