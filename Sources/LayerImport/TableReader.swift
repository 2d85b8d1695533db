// Reads the rows of an SQL table with a geometry column, or without one: GeoPackage, SpatiaLite, plain SQLite, Shapefile.

import CSpatiaLite
import Foundation

/// Streams rows; the database's cache bounds the memory.
final class TableReader: RecordReader {
  /// How the query gives geometries.
  enum GeometryForm {
    case none
    /// SpatiaLite's `AsBinary`.
    case wkb
    /// A header of eight bytes and an envelope, then WKB (GeoPackage 1.3, 2.1.3).
    case geoPackage
  }

  let format: String
  let recordNoun: String
  let layers: [String]
  let layer: String?
  let crs: SourceCRS
  let columns: [String]
  let columnsAreFixed = true
  let hasGeometry: Bool
  let demandsWinding = false
  let encoding: String?
  private let database: SpatialDatabase
  private let statement: SpatialStatement
  private let form: GeometryForm
  /// What is hashed, and measured for the progress.
  private let parts: [String]
  /// A decompressed copy, deleted with the reader.
  private let temporaryFile: String?
  private let rowCount: Int
  private var recordsRead = 0
  /// Latin-1 text from SQL is brought back to the bytes of the file.
  private let isLatin1ToBytes: Bool
  let bytesTotal: Int
  var bytesRead: Int {
    rowCount == 0 ? bytesTotal : Int(Double(bytesTotal) * min(1, Double(recordsRead) / Double(rowCount)))
  }

  init(
    database: SpatialDatabase, description: TableDescription, parts: [String], temporaryFile: String? = nil
  ) throws(ImportError) {
    self.database = database
    format = description.format
    recordNoun = description.recordNoun
    layers = description.layers
    layer = description.layer
    crs = description.crs
    columns = description.columns
    form = description.form
    if case .none = description.form { hasGeometry = false } else { hasGeometry = true }
    encoding = description.encoding
    isLatin1ToBytes = description.encoding != nil
    self.parts = parts
    self.temporaryFile = temporaryFile
    bytesTotal = parts.reduce(0) { sum, path in
      sum + ((try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0)
    }
    let table = quotedName(description.table)
    rowCount =
      try database.rows("SELECT count(*) FROM \(table)").first?.first.flatMap { $0 }.flatMap { Int($0) } ?? 0
    let names = description.columns.map(quotedName)
    let geometry =
      switch description.form {
      case .none: "NULL"
      case .wkb: "AsBinary(\(quotedName(description.geometryColumn)))"
      case .geoPackage: quotedName(description.geometryColumn)
      }
    statement = try database.prepare("SELECT \((names + [geometry]).joined(separator: ", ")) FROM \(table)")
  }

  deinit { if let temporaryFile { try? FileManager.default.removeItem(atPath: temporaryFile) } }

  func next(_ record: inout RawRecord) throws(ImportError) -> Bool {
    guard try statement.step() else { return false }
    recordsRead += 1
    record.reset(number: recordsRead, columnCount: columns.count)
    for column in columns.indices {
      let index = Int32(column)
      switch sqlite3_column_type(statement.handle, index) {
      case SQLITE_NULL: continue
      case SQLITE_FLOAT: record.values[column] = .double(sqlite3_column_double(statement.handle, index))
      case SQLITE_INTEGER: record.values[column] = .number(appendText(index, &record.text))
      default: record.values[column] = .text(appendText(index, &record.text))
      }
    }
    readGeometry(Int32(columns.count), &record.geometry)
    return true
  }

  private func appendText(_ column: Int32, _ text: inout [UInt8]) -> Range<Int> {
    let start = text.count
    guard let bytes = sqlite3_column_text(statement.handle, column) else { return start..<start }
    let buffer = UnsafeBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(statement.handle, column)))
    if isLatin1ToBytes {
      for scalar in String(decoding: buffer, as: UTF8.self).unicodeScalars {
        text.append(UInt8(truncatingIfNeeded: scalar.value))
      }
    } else {
      text.append(contentsOf: buffer)
    }
    return start..<text.count
  }

  private func readGeometry(_ column: Int32, _ geometry: inout RawGeometry) {
    let type = sqlite3_column_type(statement.handle, column)
    guard type != SQLITE_NULL else { return }
    guard type == SQLITE_BLOB, let blob = sqlite3_column_blob(statement.handle, column) else {
      geometry.kind = .unreadable(found: "a geometry column that holds no blob")
      return
    }
    var bytes = UnsafeRawBufferPointer(
      start: blob, count: Int(sqlite3_column_bytes(statement.handle, column)))
    if form == .geoPackage {
      guard bytes.count > 8, bytes[0] == UInt8(ascii: "G"), bytes[1] == UInt8(ascii: "P") else {
        geometry.kind = .unreadable(found: "a blob without GeoPackage's header")
        return
      }
      let envelopes = [0, 32, 48, 48, 64]
      let code = Int(bytes[3] >> 1 & 7)
      guard code < envelopes.count, bytes.count > 8 + envelopes[code] else {
        geometry.kind = .unreadable(found: "a GeoPackage header of flags \(bytes[3])")
        return
      }
      bytes = UnsafeRawBufferPointer(rebasing: bytes[(8 + envelopes[code])...])
    }
    readWellKnownBinary(bytes, into: &geometry)
  }

  func sha256() throws(ImportError) -> String { try FileHash.sha256(ofFiles: parts) }
}

/// What a `TableReader` reads, and what it says of it.
struct TableDescription {
  var format: String
  var recordNoun = "row"
  var layers: [String]
  var layer: String?
  var table: String
  var columns: [String]
  var geometryColumn = ""
  var form: TableReader.GeometryForm
  var crs: SourceCRS
  /// Of the bytes behind Latin-1 text; `nil` where SQL gives UTF-8.
  var encoding: String?
}

extension FileHash {
  /// Of several files after one another.
  static func sha256(ofFiles paths: [String]) throws(ImportError) -> String {
    let hash = FileHash()
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { buffer.deallocate() }
    for path in paths {
      let descriptor = open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else {
        throw .refused(
          .unreadableFile, (path as NSString).lastPathComponent, found: String(cString: strerror(errno)),
          expected: "a file that can be read")
      }
      defer { close(descriptor) }
      while true {
        let count = read(descriptor, buffer.baseAddress, buffer.count)
        if count <= 0 { break }
        hash.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      }
    }
    return hash.hexadecimal()
  }
}
