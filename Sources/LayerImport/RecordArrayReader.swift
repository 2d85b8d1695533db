// Reads a plain JSON array of records whose members are columns, as public feeds give it; the geometry is in a column too.

/// The array is the whole file, or a member of an object such as `{"outages": [...]}`. A column called `polygon` may hold WKT, hexadecimal
/// WKB, or a list of numbers: `[lon, lat, lon, lat, ...]`.
final class RecordArrayReader: JSONRecordReader {
  override var format: String { "JSON records" }
  /// Members that hold the records, where the file is an object.
  static let containers = ["outages", "incidents", "results", "records"]

  init(_ window: Window) throws(ImportError) {
    try super.init(window, crs: .unstated(allowsWGS84: true))
  }

  override func head(_ cursor: inout JSONCursor) throws(JSONStop) -> Step {
    if try cursor.peek() == UInt8(ascii: "[") {
      try openRecords(&cursor, isWholeFile: true)
      return .moved
    }
    let found = try findRecords(
      &cursor, where: { Self.containers.contains(String(decoding: name, as: UTF8.self).lowercased()) }
    ) { cursor throws(JSONStop) in try cursor.skipValue() }
    guard found else {
      throw .refused(
        .unknownFormat, found: "an object without records",
        expected: "an array of records, or one in \(Self.containers.joined(separator: ", "))")
    }
    return .moved
  }

  override func readRecord(_ cursor: inout JSONCursor, _ record: inout RawRecord) throws(JSONStop) {
    try readProperties(&cursor, prefix: "", &record)
  }
}
