// A multipolygon in GEOS's hands.

import CGEOS
import OutageModel

/// Owns a GEOS geometry. It must not outlive the context.
final class GEOSShape {
  private let context: GEOSContextHandle_t
  private let geometry: OpaquePointer

  private init(_ context: GEOSContextHandle_t, owning geometry: OpaquePointer) {
    self.context = context
    self.geometry = geometry
  }

  /// - Parameter polygons: rings closed, of four vertices or more.
  init(_ context: GEOSContextHandle_t, _ polygons: [[[LonLat]]]) {
    self.context = context
    var parts: [OpaquePointer?] = polygons.map { rings in
      var holes: [OpaquePointer?] = rings.dropFirst().map { Self.ring(context, $0) }
      return GEOSGeom_createPolygon_r(context, Self.ring(context, rings[0]), &holes, UInt32(holes.count))
    }
    if parts.count == 1, let only = parts[0] {
      geometry = only
    } else {
      geometry = GEOSGeom_createCollection_r(
        context, Int32(GEOS_MULTIPOLYGON.rawValue), &parts, UInt32(parts.count))
    }
  }

  deinit { GEOSGeom_destroy_r(context, geometry) }

  private static func ring(_ context: GEOSContextHandle_t, _ ring: [LonLat]) -> OpaquePointer? {
    // LonLat is two doubles, as GEOS wants them.
    let sequence = ring.withUnsafeBytes {
      GEOSCoordSeq_copyFromBuffer_r(
        context, $0.baseAddress?.assumingMemoryBound(to: Double.self), UInt32(ring.count), 0, 0)
    }
    return GEOSGeom_createLinearRing_r(context, sequence)
  }

  var isValid: Bool { GEOSisValid_r(context, geometry) == 1 }

  /// Why it is not valid, and where.
  /// - Parameter spike: a vertex where a ring turns back on itself; GEOS calls that a self-intersection.
  func fault(spike: LonLat?) -> AreaFault {
    var reasonText: UnsafeMutablePointer<CChar>?
    var location: OpaquePointer?
    GEOSisValidDetail_r(context, geometry, 0, &reasonText, &location)
    defer {
      if let reasonText { GEOSFree_r(context, reasonText) }
      if let location { GEOSGeom_destroy_r(context, location) }
    }
    let text = reasonText.map { String(cString: $0) } ?? "not valid"
    var (x, y) = (0.0, 0.0)
    if let location {
      GEOSGeomGetX_r(context, location, &x)
      GEOSGeomGetY_r(context, location, &y)
    }
    let reason: ImportReason =
      switch text {
      case "Self-intersection": spike == nil ? .selfIntersection : .spike
      case "Ring Self-intersection": spike == nil ? .ringSelfIntersection : .spike
      case "Hole lies outside shell": .holeOutsideShell
      case "Holes are nested": .nestedHoles
      case "Nested shells": .nestedShells
      case "Duplicate Rings": .duplicateRings
      case "Interior is disconnected": .disconnectedInterior
      case "Too few points in geometry component": .collapsedRing
      default: .invalidGeometry
      }
    if reason == .spike, let spike { (x, y) = (spike.lonDegrees, spike.latDegrees) }
    return AreaFault(reason: reason, found: text, place: place(x, y))
  }

  /// - Returns: `nil` if GEOS gives up or what it makes is not valid.
  func madeValid() -> GEOSShape? {
    guard let parameters = GEOSMakeValidParams_create_r(context) else { return nil }
    defer { GEOSMakeValidParams_destroy_r(context, parameters) }
    GEOSMakeValidParams_setMethod_r(context, parameters, GEOS_MAKE_VALID_STRUCTURE)
    GEOSMakeValidParams_setKeepCollapsed_r(context, parameters, 0)
    guard let made = GEOSMakeValidWithParams_r(context, geometry, parameters) else { return nil }
    let shape = GEOSShape(context, owning: made)
    return shape.isValid ? shape : nil
  }

  /// The polygons of what lies between two meridians.
  func clipped(west: Double, east: Double) -> [[[LonLat]]] {
    let box = GEOSShape(
      context,
      [
        [
          [(west, -90.0), (east, -90), (east, 90), (west, 90), (west, -90)].map {
            LonLat(lonDegrees: $0, latDegrees: $1)
          }
        ]
      ])
    guard let cut = GEOSIntersection_r(context, geometry, box.geometry) else { return [] }
    return GEOSShape(context, owning: cut).polygons()
  }

  /// The polygons among its parts, with an area.
  func polygons() -> [[[LonLat]]] {
    var result: [[[LonLat]]] = []
    collect(geometry, into: &result)
    return result
  }

  private func collect(_ part: OpaquePointer, into result: inout [[[LonLat]]]) {
    let type = GEOSGeomTypeId_r(context, part)
    if type == Int32(GEOS_POLYGON.rawValue) {
      var area = 0.0
      GEOSArea_r(context, part, &area)
      guard area > 0, let shell = GEOSGetExteriorRing_r(context, part) else { return }
      let holes = (0..<GEOSGetNumInteriorRings_r(context, part)).compactMap {
        GEOSGetInteriorRingN_r(context, part, $0)
      }
      result.append(([shell] + holes).map(vertices))
    } else if type == Int32(GEOS_MULTIPOLYGON.rawValue) || type == Int32(GEOS_GEOMETRYCOLLECTION.rawValue) {
      for index in 0..<GEOSGetNumGeometries_r(context, part) {
        if let inner = GEOSGetGeometryN_r(context, part, index) { collect(inner, into: &result) }
      }
    }
  }

  private func vertices(_ ring: OpaquePointer) -> [LonLat] {
    let sequence = GEOSGeom_getCoordSeq_r(context, ring)
    var count: UInt32 = 0
    GEOSCoordSeq_getSize_r(context, sequence, &count)
    return (0..<count).map { index in
      var (x, y) = (0.0, 0.0)
      GEOSCoordSeq_getXY_r(context, sequence, index, &x, &y)
      return LonLat(lonDegrees: x, latDegrees: y)
    }
  }
}
