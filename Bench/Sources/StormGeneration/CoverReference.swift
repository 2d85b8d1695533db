// The truth about which areas cover a position: GEOS, over an STRtree of prepared geometries.

import CGeoLibraries
import OutageModel

/// Areas that GEOS is asked about. Not for use from two threads at once.
public final class CoverReference {
  private let context: GEOSContext
  private let tree: OpaquePointer
  private var geometries: [OpaquePointer?] = []
  private var prepared: [OpaquePointer?] = []

  public init(_ areas: [OutageArea]) {
    context = GEOSContext()
    tree = GEOSSTRtree_create_r(context.handle, 10)
    for (number, area) in areas.enumerated() {
      let geometry = context.geometry(of: area)
      geometries.append(geometry)
      prepared.append(GEOSPrepare_r(context.handle, geometry))
      GEOSSTRtree_insert_r(context.handle, tree, geometry, UnsafeMutableRawPointer(bitPattern: number + 1))
    }
  }

  deinit {
    GEOSSTRtree_destroy_r(context.handle, tree)
    for geometry in prepared { GEOSPreparedGeom_destroy_r(context.handle, geometry) }
    for geometry in geometries { GEOSGeom_destroy_r(context.handle, geometry) }
  }

  /// The numbers of the areas that cover a position (their boundaries count), ascending.
  public func covering(_ position: LonLat) -> [UInt32] {
    let point = GEOSGeom_createPointFromXY_r(context.handle, position.lonDegrees, position.latDegrees)
    defer { GEOSGeom_destroy_r(context.handle, point) }
    var candidates: [Int] = []
    withUnsafeMutablePointer(to: &candidates) { list in
      GEOSSTRtree_query_r(
        context.handle, tree, point,
        { item, list in
          list!.assumingMemoryBound(to: [Int].self).pointee.append(Int(bitPattern: item) - 1)
        }, list)
    }
    return candidates.filter { GEOSPreparedCovers_r(context.handle, prepared[$0], point) == 1 }.sorted()
      .map(UInt32.init)
  }
}
