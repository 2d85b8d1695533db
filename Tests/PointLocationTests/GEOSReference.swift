// The truth that our answers are held against: GEOS `covers`, through its reentrant C API.

import CGEOS
import PointLocation

/// Owns a GEOS context and the prepared geometries of a polygon set.
final class GEOSReference {
  private let context: GEOSContextHandle_t
  private var geometries: [OpaquePointer?] = []
  private var prepared: [OpaquePointer?] = []

  init(_ polygons: PolygonSet) {
    context = GEOS_init_r()
    for polygon in 0..<polygons.count {
      // Even-odd over the rings is what GEOS gives for a polygon whose first ring is the shell; tests keep each part a polygon.
      let geometry = Self.geometry(context, polygons, polygon)
      geometries.append(geometry)
      prepared.append(geometry.flatMap { GEOSPrepare_r(context, $0) })
    }
  }

  deinit {
    for geometry in prepared { GEOSPreparedGeom_destroy_r(context, geometry) }
    for geometry in geometries { GEOSGeom_destroy_r(context, geometry) }
    GEOS_finish_r(context)
  }

  func isValid(_ polygon: Int) -> Bool { GEOSisValid_r(context, geometries[polygon]) == 1 }

  /// Whether GEOS can tell on which side of an edge the point lies. Beside 0 the next number is 5e-324, with which its double-double
  /// products underflow; only our two ways are compared there.
  static func canTell(x: Double, y: Double) -> Bool {
    (x == 0 || x.magnitude > 1e-290) && (y == 0 || y.magnitude > 1e-290)
  }

  func covers(_ polygon: Int, x: Double, y: Double) -> Bool {
    guard x.isFinite && y.isFinite, let geometry = prepared[polygon] else { return false }
    let point = GEOSGeom_createPointFromXY_r(context, x, y)
    defer { GEOSGeom_destroy_r(context, point) }
    return GEOSPreparedCovers_r(context, geometry, point) == 1
  }

  /// The first ring is the shell of the first part; a ring inside it is a hole; a ring outside all shells starts another part.
  private static func geometry(
    _ context: GEOSContextHandle_t, _ polygons: PolygonSet, _ polygon: Int
  ) -> OpaquePointer? {
    var parts: [(shell: OpaquePointer?, box: Box, holes: [OpaquePointer?])] = []
    for ring in Int(polygons.polygonStarts[polygon])..<Int(polygons.polygonStarts[polygon + 1]) {
      let first = Int(polygons.ringStarts[ring])
      let count = Int(polygons.ringStarts[ring + 1]) - first
      var box = Box.empty
      for vertex in first..<first + count {
        let x = polygons.coordinates[2 * vertex]
        let y = polygons.coordinates[2 * vertex + 1]
        box = Box(
          minX: min(box.minX, x), minY: min(box.minY, y), maxX: max(box.maxX, x), maxY: max(box.maxY, y))
      }
      let sequence = GEOSCoordSeq_copyFromBuffer_r(
        context, polygons.coordinates.pointer + 2 * first, UInt32(count), 0, 0)
      let linear = GEOSGeom_createLinearRing_r(context, sequence)
      if let part = parts.firstIndex(where: { $0.box.contains(box) }) {
        parts[part].holes.append(linear)
      } else {
        parts.append((linear, box, []))
      }
    }
    var shapes = parts.map { part -> OpaquePointer? in
      var holes = part.holes
      return GEOSGeom_createPolygon_r(context, part.shell, &holes, UInt32(holes.count))
    }
    if shapes.count == 1 { return shapes[0] }
    return GEOSGeom_createCollection_r(
      context, Int32(GEOS_MULTIPOLYGON.rawValue), &shapes, UInt32(shapes.count))
  }
}
