// GeoPackages (OGC 12-128) and SpatiaLite databases with every clock reading replaced by one fixed moment.

import Foundation

extension Table {
  /// What SpatiaLite stamps with the time of day; the fixtures have this instead.
  private static let stamp = "2026-11-24T18:00:00.000Z"

  /// Writes a GeoPackage with the layer as its only features table.
  func writeGeoPackage(_ path: String) throws {
    let database = try Database()
    try database.run("PRAGMA page_size = \(Self.pageSize(path))")
    try database.run("SELECT gpkgCreateBaseTables()")
    try database.run("PRAGMA application_id = 0x47504B47")
    try database.run("PRAGMA user_version = 10200")
    for epsg in Set([4326, system.epsg]).sorted() {
      let known = try database.run("SELECT srs_id FROM gpkg_spatial_ref_sys WHERE srs_id = \(epsg)")
      if known == nil { try database.run("SELECT gpkgInsertEpsgSRID(\(epsg))") }
    }
    try create(in: database, id: "fid", extra: "geom \(isOfPoints ? "POINT" : "MULTIPOLYGON")")
    let boxes = rows.map(\.geometry.bounds)
    try database.run(
      "INSERT INTO gpkg_contents VALUES (?, 'features', ?, '', ?, ?, ?, ?, ?, ?)",
      [
        .text(name), .text(name), .text(Self.stamp), .real(boxes.map(\.low.x).min() ?? 0),
        .real(boxes.map(\.low.y).min() ?? 0), .real(boxes.map(\.high.x).max() ?? 0),
        .real(boxes.map(\.high.y).max() ?? 0), .integer(system.epsg),
      ])
    try database.run(
      "INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', ?, ?, 0, 0)",
      [.text(name), .text(isOfPoints ? "POINT" : "MULTIPOLYGON"), .integer(system.epsg)])
    try insert(into: database, geometrySQL: "?") { .blob(geoPackageBlob($0)) }
    try save(database, path)
  }

  /// Writes an SQLite database with SpatiaLite's metadata and the layer as a spatial table.
  func writeSpatiaLite(_ path: String) throws {
    let database = try Database()
    try database.run("PRAGMA page_size = \(Self.pageSize(path))")
    try database.run("SELECT InitSpatialMetadata(1, 'EMPTY')")
    for epsg in Set([4326, system.epsg]).sorted() { try database.run("SELECT InsertEpsgSrid(\(epsg))") }
    try create(in: database, id: "id", extra: nil)
    try database.run(
      "SELECT AddGeometryColumn(?, 'geom', \(system.epsg), '\(isOfPoints ? "POINT" : "MULTIPOLYGON")', 'XY')",
      [.text(name)])
    try insert(into: database, geometrySQL: "GeomFromWKB(?, \(system.epsg))") { .blob($0.wkb(asMulti: true)) }
    try database.run("UPDATE spatialite_history SET timestamp = '\(Self.stamp)'")
    try database.run(
      "UPDATE geometry_columns_time SET last_insert = '\(Self.stamp)', last_update = '\(Self.stamp)', last_delete = '\(Self.stamp)'"
    )
    try save(database, path)
  }

  /// Small pages waste least; what is compressed anyway is so best in large ones.
  private static func pageSize(_ path: String) -> Int { path.hasSuffix(".gz") ? 16_384 : 1024 }

  private func create(in database: Database, id: String, extra: String?) throws {
    let fields = columns.enumerated().map { "\"\($1)\" \(isNumeric(column: $0) ? "INTEGER" : "TEXT")" }
    let all = ["\(id) INTEGER PRIMARY KEY"] + fields + (extra.map { [$0] } ?? [])
    try database.run("CREATE TABLE \"\(name)\" (\(all.joined(separator: ", ")))")
  }

  private func insert(
    into database: Database, geometrySQL: String, _ geometry: (FlatGeometry) -> Database.Value
  ) throws {
    let names = columns.map { "\"\($0)\"" }.joined(separator: ", ")
    let marks = String(repeating: "?, ", count: columns.count)
    let sql = "INSERT INTO \"\(name)\" (\(names), geom) VALUES (\(marks)\(geometrySQL))"
    try database.run("BEGIN")
    for row in rows { try database.run(sql, row.values.map(\.databaseValue) + [geometry(row.geometry)]) }
    try database.run("COMMIT")
  }

  /// Writes the database to a file, gzipped where the name ends so; `VACUUM` leaves no trace of how it came to be.
  private func save(_ database: Database, _ path: String) throws {
    let plain = path.hasSuffix(".gz") ? String(path.dropLast(3)) : path
    try? FileManager.default.removeItem(atPath: plain)
    try database.run("VACUUM INTO ?", [.text(plain)])
    guard plain != path else { return }
    let bytes = try Data(contentsOf: URL(fileURLWithPath: plain))
    try Self.write([UInt8](bytes), to: path)
    try FileManager.default.removeItem(atPath: plain)
  }

  /// GeoPackage binary: header (little-endian, with an envelope except for points) and WKB.
  private func geoPackageBlob(_ geometry: FlatGeometry) -> [UInt8] {
    var bytes: [UInt8] = [0x47, 0x50, 0, isOfPoints ? 0x01 : 0x03]
    bytes.appendLittleEndian(Int32(system.epsg))
    if !isOfPoints {
      let (low, high) = geometry.bounds
      for end in [low.x, high.x, low.y, high.y] { bytes.appendLittleEndian(end.bitPattern) }
    }
    return bytes + geometry.wkb(asMulti: true)
  }
}

extension FieldValue {
  fileprivate var databaseValue: Database.Value {
    switch self {
    case .null: .null
    case .integer(let value): .integer(value)
    case .flag(let value): .integer(value ? 1 : 0)
    case .text, .list: .text(plain)
    }
  }
}
