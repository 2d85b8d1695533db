// Tells a file's format by its first bytes, and opens the reader for it.

import Foundation

enum FormatDetector {
  /// - Throws: what the readers throw, and `unknownFormat`.
  static func reader(for path: String, settings: ImportSettings) throws(ImportError) -> any RecordReader {
    let source = try ByteSource(path: path)
    let window = Window(source)
    _ = try window.refill(record: 1)
    while window.bytes.count < 128, try window.refill(record: 1) {}
    let file = source.fileName
    let bytes = window.bytes
    let name = file.lowercased().hasSuffix(".gz") ? String(file.lowercased().dropLast(3)) : file.lowercased()
    let ending = (name as NSString).pathExtension
    if bytes.isEmpty { throw .refused(.emptyFile, file, found: "0 bytes", expected: "a layer") }
    if starts(bytes, Array("SQLite format 3\0".utf8))
      || ["gpkg", "sqlite", "sqlite3", "db", "spatialite"].contains(ending)
    {
      return try database(path, window, settings)
    }
    if starts(bytes, [0, 0, 0x27, 0x0a]) || ending == "shp" {
      guard !source.isGzip else {
        throw .refused(
          .unknownFormat, file, found: "a gzipped .shp", expected: "a .shp with its .shx and .dbf beside it")
      }
      return try ShapefileLayer.reader(path: path, settings: settings)
    }
    if starts(bytes, [0xff, 0xfe]) || starts(bytes, [0xfe, 0xff]) {
      throw .refused(.wrongEncoding, file, found: "UTF-16", expected: "UTF-8")
    }
    if starts(bytes, [0xef, 0xbb, 0xbf]) { window.start += 3 }
    guard let first = window.bytes.first(where: { $0 > 0x20 || $0 == 0x1e }) else {
      throw .refused(.emptyFile, file, found: "white space only", expected: "a layer")
    }
    switch first {
    case UInt8(ascii: "{"), UInt8(ascii: "["), 0x1e: return try json(window)
    default: break
    }
    if ["geojson", "json", "geojsons", "geojsonl", "ndjson", "jsonl"].contains(ending) {
      let head = String(decoding: window.bytes.prefix(24), as: UTF8.self)
      throw .refused(.notJSON, file, found: quoted(head), expected: "JSON")
    }
    if first == UInt8(ascii: "<") { return try xml(window) }
    if window.bytes.prefix(128).contains(0) {
      let head = String(decoding: window.bytes.prefix(24).map { $0 < 0x20 ? 0x2e : $0 }, as: UTF8.self)
      throw .refused(
        .unknownFormat, file, found: quoted(head),
        expected: formats)
    }
    return try CSVReader(window, encoding: settings.encoding)
  }

  private static let formats =
    "GeoJSON, ArcGIS JSON, StormCenter JSON, CIM XML or JSON, JSON records, KML, CSV, a Shapefile's .shp, GeoPackage or SpatiaLite"

  private static func json(_ window: Window) throws(ImportError) -> any RecordReader {
    switch try JSONShape.of(window) {
    case .geoJSON: try GeoJSONReader(window)
    case .arcGIS: try ArcGISReader(window)
    case .kubra: try KubraReader(window)
    case .cim: try CIMReader(CIMJSONOutages(window), format: "CIM JSON")
    case .records: try RecordArrayReader(window)
    }
  }

  /// By the root element: KML says what it is, and CIM's messages have as many roots as there are profiles.
  private static func xml(_ window: Window) throws(ImportError) -> any RecordReader {
    let xml = try XMLRecords(window)
    if xml.rootName == "kml" { return KMLReader(xml) }
    let root = xml.rootName.lowercased()
    guard xml.rootNamespace.contains("TC57") || root.contains("outage") || root.contains("message") else {
      throw .refused(
        .unknownFormat, window.source.fileName, found: "an XML file whose root is \(quoted(xml.rootName))",
        expected: "KML, or an outage message of CIM")
    }
    return try CIMReader(CIMXMLOutages(xml), format: "CIM XML")
  }

  /// A gzipped database is unpacked to a temporary file first, since SQLite needs to seek.
  private static func database(
    _ path: String, _ window: Window, _ settings: ImportSettings
  ) throws(ImportError) -> any RecordReader {
    guard window.source.isGzip else {
      return try DatabaseLayers.reader(path: path, temporaryFile: nil, settings: settings)
    }
    let copy = FileManager.default.temporaryDirectory.appendingPathComponent(
      "outaged-\(UUID().uuidString).db"
    ).path
    _ = FileManager.default.createFile(atPath: copy, contents: nil, attributes: [.posixPermissions: 0o600])
    do {
      guard let handle = FileHandle(forWritingAtPath: copy) else { throw CocoaError(.fileWriteUnknown) }
      repeat {
        try handle.write(contentsOf: Data(window.bytes))
        window.start = window.end
      } while try window.refill(record: 1)
      try handle.close()
      return try DatabaseLayers.reader(path: path, temporaryFile: copy, settings: settings)
    } catch {
      try? FileManager.default.removeItem(atPath: copy)
      if let error = error as? ImportError { throw error }
      throw .refused(
        .unreadableFile, window.source.fileName, found: "\(error)", expected: "room for the unpacked database"
      )
    }
  }

  private static func starts(_ bytes: UnsafeBufferPointer<UInt8>, _ magic: [UInt8]) -> Bool {
    bytes.starts(with: magic)
  }
}
