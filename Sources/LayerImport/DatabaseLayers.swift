// Finds the layers of a GeoPackage, a SpatiaLite database or a plain SQLite file.

import Foundation

enum DatabaseLayers {
  /// - Parameter path: of the database; a gzipped one was decompressed to `temporaryFile` before.
  /// - Throws: `damagedDatabase`, `unknownLayer`.
  static func reader(
    path: String, temporaryFile: String?, settings: ImportSettings
  ) throws(ImportError) -> TableReader {
    let file = (path as NSString).lastPathComponent
    let databasePath = temporaryFile ?? path
    try checkSize(databasePath, file)
    let database = try SpatialDatabase(path: databasePath, file: file)
    let tables = Set(
      try database.rows("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").compactMap { $0[0] }
    )
    let candidates: [Candidate]
    let format: String
    if tables.contains("gpkg_contents") {
      format = "GeoPackage"
      candidates = try geoPackageLayers(database)
    } else if tables.contains("geometry_columns"), tables.contains("spatial_ref_sys") {
      format = "SpatiaLite"
      candidates = try spatiaLiteLayers(database)
    } else {
      format = "SQLite"
      candidates = tables.filter { !$0.hasPrefix("sqlite_") }.sorted().map {
        Candidate(table: $0, form: .none, crs: .unstated(allowsWGS84: true))
      }
    }
    let names = candidates.map(\.table).sorted()
    let chosen = try choose(candidates, settings.layerName, tables, file)
    let columns = try database.rows("PRAGMA table_info(\(quotedName(chosen.table)))").compactMap { $0[1] }
      .filter { $0.lowercased() != chosen.geometryColumn.lowercased() }
    let description = TableDescription(
      format: format, layers: names, layer: chosen.table, table: chosen.table, columns: columns,
      geometryColumn: chosen.geometryColumn, form: chosen.form, crs: chosen.crs)
    return try TableReader(
      database: database, description: description, parts: [path], temporaryFile: temporaryFile)
  }

  private struct Candidate {
    var table: String
    var geometryColumn = ""
    var form: TableReader.GeometryForm
    var crs: SourceCRS
  }

  private static func choose(
    _ candidates: [Candidate], _ wanted: String?, _ tables: Set<String>, _ file: String
  ) throws(ImportError) -> Candidate {
    let names = candidates.map(\.table).sorted().joined(separator: ", ")
    if let wanted {
      if let chosen = candidates.first(where: { $0.table.lowercased() == wanted.lowercased() }) {
        return chosen
      }
      // A table without a registered geometry: longitude and latitude may be columns.
      if let table = tables.first(where: { $0.lowercased() == wanted.lowercased() }) {
        return Candidate(table: table, form: .none, crs: .unstated(allowsWGS84: true))
      }
      throw .refused(
        .unknownLayer, file, layer: wanted, found: "no such table",
        expected: names.isEmpty ? "a layer" : names)
    }
    guard candidates.count == 1 else {
      throw .refused(
        .unknownLayer, file, found: candidates.isEmpty ? "no layer" : "the layers \(names)",
        expected: candidates.isEmpty ? "a table of features" : "one of them with --layer")
    }
    return candidates[0]
  }

  private static func geoPackageLayers(_ database: SpatialDatabase) throws(ImportError) -> [Candidate] {
    let rows = try database.rows(
      """
      SELECT g.table_name, g.column_name, s.organization, s.organization_coordsys_id, s.definition, s.srs_name
      FROM gpkg_geometry_columns g LEFT JOIN gpkg_spatial_ref_sys s ON s.srs_id = g.srs_id ORDER BY g.table_name
      """)
    return rows.compactMap { row in
      guard let table = row[0], let column = row[1] else { return nil }
      return Candidate(
        table: table, geometryColumn: column, form: .geoPackage,
        crs: crs(authority: row[2], code: row[3], definition: row[4], name: row[5]))
    }
  }

  private static func spatiaLiteLayers(_ database: SpatialDatabase) throws(ImportError) -> [Candidate] {
    let rows = try database.rows(
      """
      SELECT g.f_table_name, g.f_geometry_column, s.auth_name, s.auth_srid, s.srtext, s.ref_sys_name
      FROM geometry_columns g LEFT JOIN spatial_ref_sys s ON s.srid = g.srid ORDER BY g.f_table_name
      """)
    var candidates: [Candidate] = []
    for row in rows {
      guard let table = row[0], let column = row[1] else { continue }
      // The catalogue writes names in lower case.
      let names = try database.rows("PRAGMA table_info(\(quotedName(table)))").compactMap { $0[1] }
      let spelt = names.first { $0.lowercased() == column.lowercased() } ?? column
      candidates.append(
        Candidate(
          table: table, geometryColumn: spelt, form: .wkb,
          crs: crs(authority: row[2], code: row[3], definition: row[4], name: row[5])))
    }
    return candidates
  }

  private static func crs(authority: String?, code: String?, definition: String?, name: String?) -> SourceCRS
  {
    // -1 and 0 stand for undefined systems in both catalogues.
    guard let code, let number = Int(code), number > 0 else { return .unstated(allowsWGS84: true) }
    if let authority, !authority.isEmpty, authority.uppercased() != "NONE" {
      let identifier = "\(authority.uppercased()):\(number)"
      return .definition(identifier, name: identifier)
    }
    guard let definition, !definition.isEmpty, definition.lowercased() != "undefined" else {
      return .unstated(allowsWGS84: true)
    }
    return .definition(definition, name: name ?? "\(number)")
  }

  /// SQLite reads a file that lacks its end without complaint, until it comes to a missing page.
  private static func checkSize(_ path: String, _ file: String) throws(ImportError) {
    guard let handle = FileHandle(forReadingAtPath: path), let header = try? handle.read(upToCount: 100),
      header.count == 100, header.starts(with: Array("SQLite format 3\0".utf8))
    else {
      throw .refused(
        .damagedDatabase, file, found: "no SQLite header", expected: "a whole SQLite database")
    }
    func number(_ offset: Int, _ count: Int) -> Int {
      header[offset..<offset + count].reduce(0) { $0 << 8 | Int($1) }
    }
    let pageSize = number(16, 2) == 1 ? 65_536 : number(16, 2)
    let pages = number(28, 4)
    let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
    if number(24, 4) == number(92, 4), pages > 0, size < pages * pageSize {
      throw .refused(
        .damagedDatabase, file, found: "\(size) bytes",
        expected: "\(pages * pageSize) bytes, as its header says")
    }
  }
}
