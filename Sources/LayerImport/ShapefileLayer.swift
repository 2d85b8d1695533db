// Opens a Shapefile and its parts through SpatiaLite's VirtualShape.

import Foundation

enum ShapefileLayer {
  /// Shape types with polygons or points: plain, Z and M.
  private static let headerLength = 100

  /// - Parameter path: of the .shp; the other parts lie beside it.
  /// - Throws: `missingPart`, `truncated`, `missingCRS`, `unknownCRS`, `damagedDatabase`.
  static func reader(path: String, settings: ImportSettings) throws(ImportError) -> TableReader {
    let file = (path as NSString).lastPathComponent
    let stem = (path as NSString).deletingPathExtension
    let bounds = try checkHeader(path, file)
    var parts = [path]
    for ending in ["dbf", "shx"] {
      guard let part = existing(stem, ending) else {
        throw .refused(
          .missingPart, file, found: "no \((stem as NSString).lastPathComponent).\(ending)",
          expected: "a .shp with its .shx and .dbf beside it")
      }
      if ending == "dbf" { parts.append(part) }
    }
    var crs = SourceCRS.unstated(allowsWGS84: bounds.map { $0.magnitude }.max() ?? 0 <= 180)
    if let part = existing(stem, "prj"), let text = text(part) {
      parts.append(part)
      let name = text.split(separator: "\"", maxSplits: 2).dropFirst().first.map(String.init) ?? text
      crs = .definition(text, name: name)
    }
    var encoding = settings.encoding
    if let part = existing(stem, "cpg") {
      parts.append(part)
      if encoding == nil { encoding = text(part)?.trimmed }
    }
    let database = try SpatialDatabase(path: nil, file: file)
    // The bytes come as Latin-1, one character each, and are decoded here: VirtualShape itself stops at a text that is
    // not in its encoding, without saying where.
    let quotedStem = stem.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''")
    _ = try database.rows(
      "CREATE VIRTUAL TABLE shapefile USING VirtualShape('\(quotedStem)', 'ISO-8859-1', -1, 1)")
    let columns = try database.rows("PRAGMA table_info(shapefile)").compactMap { $0[1] }
      .filter { !["pkuid", "geometry"].contains($0.lowercased()) }
    let description = TableDescription(
      format: "Shapefile", recordNoun: "record", layers: [], layer: nil, table: "shapefile", columns: columns,
      geometryColumn: "Geometry", form: .wkb, crs: crs, encoding: encoding ?? dbfEncoding(stem) ?? "UTF-8")
    return try TableReader(database: database, description: description, parts: parts)
  }

  private static func existing(_ stem: String, _ ending: String) -> String? {
    [ending, ending.uppercased()].map { "\(stem).\($0)" }.first { FileManager.default.fileExists(atPath: $0) }
  }

  private static func text(_ path: String) -> String? {
    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
  }

  /// - Returns: the bounding box of the header.
  private static func checkHeader(_ path: String, _ file: String) throws(ImportError) -> [Double] {
    let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
    guard let handle = FileHandle(forReadingAtPath: path),
      let header = try? handle.read(upToCount: headerLength),
      header.count == headerLength
    else {
      throw .refused(.truncated, file, found: "\(size) bytes", expected: "a header of 100 bytes and records")
    }
    let length = header[24..<28].reduce(0) { $0 << 8 | Int($1) } * 2
    if size < length {
      throw .refused(
        .truncated, file, found: "\(size) bytes", expected: "\(length) bytes, as its header says")
    }
    return stride(from: 36, to: 68, by: 8).map { offset in
      Double(
        bitPattern: header[offset..<offset + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }
  }

  /// The language driver of the DBF's header, where there is no .cpg.
  private static func dbfEncoding(_ stem: String) -> String? {
    guard let path = existing(stem, "dbf"), let handle = FileHandle(forReadingAtPath: path),
      let header = try? handle.read(upToCount: 32), header.count == 32
    else { return nil }
    let drivers: [UInt8: String] = [
      0x01: "CP437", 0x02: "CP850", 0x03: "CP1252", 0x57: "CP1252", 0x64: "CP852", 0xc8: "CP1250",
      0xc9: "CP1251",
    ]
    return drivers[header[29]]
  }
}
