// Brings a file's coordinates to WGS 84 longitude and latitude, by PROJ.

import CPROJ

/// Owns a PROJ context and operation. Axis order is normalised: x is the easting or the longitude, whatever the authority says.
final class CoordinateTransform {
  /// What reports call the file's system.
  let name: String
  /// WGS 84 already: coordinates are left as they are, to the bit.
  let isIdentity: Bool
  private let context: OpaquePointer?
  private var operation: OpaquePointer?

  /// WGS 84.
  init(named name: String = "WGS 84 (EPSG:4326)") {
    self.name = name
    isIdentity = true
    context = nil
  }

  /// - Parameter definition: `EPSG:2227`, `urn:ogc:def:crs:EPSG::2227`, WKT 1 or 2 (also ESRI's), or a PROJ string.
  /// - Throws: `unknownCRS`
  init(definition: String, name: String, file: String) throws(ImportError) {
    // Grids are not fetched over the network: the same file gives the same coordinates everywhere.
    let context = proj_context_create()
    proj_context_set_enable_network(context, 0)
    proj_log_level(context, PJ_LOG_NONE)
    self.context = context
    let source = proj_create(context, definition)
    // Not OGC:CRS84: PROJ's database has its datum transformations by EPSG's codes.
    let target = proj_create(context, "EPSG:4326")
    defer {
      proj_destroy(source)
      proj_destroy(target)
    }
    guard let source, proj_is_crs(source) != 0 else {
      self.name = name
      isIdentity = false
      throw Self.unknown(name, file)
    }
    let title = proj_get_name(source).map { String(cString: $0) } ?? name
    let code = proj_get_id_auth_name(source, 0).flatMap { authority in
      proj_get_id_code(source, 0).map { "\(String(cString: authority)):\(String(cString: $0))" }
    }
    self.name = code.map { "\(title) (\($0))" } ?? title
    isIdentity =
      proj_is_equivalent_to_with_ctx(context, source, target, PJ_COMP_EQUIVALENT_EXCEPT_AXIS_ORDER_GEOGCRS)
      != 0
    if isIdentity { return }
    guard let raw = proj_create_crs_to_crs_from_pj(context, source, target, nil, nil) else {
      throw Self.unknown(name, file)
    }
    operation = proj_normalize_for_visualization(context, raw)
    proj_destroy(raw)
    if operation == nil { throw Self.unknown(name, file) }
  }

  private static func unknown(_ name: String, _ file: String) -> ImportError {
    .refused(
      .unknownCRS, file, field: "crs", found: quoted(name),
      expected: "a coordinate system that PROJ knows, such as EPSG:2227 (--crs)")
  }

  deinit {
    proj_destroy(operation)
    if let context { proj_context_destroy(context) }
  }

  /// In place, x, y, x, y, ...; what cannot be transformed becomes infinite.
  func transform(_ coordinates: inout [Double]) {
    guard let operation else { return }
    let count = coordinates.count / 2
    coordinates.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      let stride = 2 * MemoryLayout<Double>.size
      proj_trans_generic(
        operation, PJ_FWD, base, stride, count, base + 1, stride, count, nil, 0, 0, nil, 0, 0)
    }
  }
}
