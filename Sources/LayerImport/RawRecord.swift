// One record as a reader gives it: column values as text, and the geometry as flat coordinates in the file's own system.

/// A column's value. Ranges are of `RawRecord.text`.
enum RawValue {
  case null
  case text(Range<Int>)
  /// Digits as the file writes them, so that nothing is lost of an id.
  case number(Range<Int>)
  case double(Double)
  case bool(Bool)
}

struct RawRecord {
  /// Counts from 1.
  var number = 0
  /// The values' bytes, in the file's encoding.
  var text: [UInt8] = []
  /// By column.
  var values: [RawValue] = []
  var geometry = RawGeometry()
  /// What the record is known by in the next layer, where it is to be remembered.
  var hash: ContentHash?
  /// Its columns, where it is to be remembered and was not known.
  var columns: KnownColumns?
  /// The record was known by its bytes: nothing else is set but `number` and `hash`.
  var known: KnownRecord?
  /// What came of its area, where that was looked at ahead.
  var area: AreaAhead?
  /// What makes the record as a whole unusable.
  var fault: (reason: ImportReason, found: String, expected: String)?

  /// Empties the record and keeps its memory.
  mutating func reset(number: Int, columnCount: Int) {
    self.number = number
    text.removeAll(keepingCapacity: true)
    values.removeAll(keepingCapacity: true)
    values.append(contentsOf: repeatElement(.null, count: columnCount))
    geometry.reset()
    hash = nil
    columns = nil
    known = nil
    area = nil
    fault = nil
  }

  /// Of the values and the geometry.
  var byteCount: Int { text.count + geometry.coordinates.count * MemoryLayout<Double>.stride }
}

/// Rings and polygons as in `OutageArea`, unchecked.
struct RawGeometry {
  enum Kind {
    /// The record has none.
    case missing
    case point, polygonal
    /// Another OGC type, such as `LineString`.
    case other(String)
    case unreadable(found: String)
  }

  var kind = Kind.missing
  /// x, y, x, y, ...
  var coordinates: [Double] = []
  var ringStarts: [Int] = [0]
  var polygonStarts: [Int] = [0]
  var hasExtraDimensions = false
  /// What the file has in place of its first coordinate that is no number; the coordinate is NaN.
  var notANumber: String?

  mutating func reset() {
    kind = .missing
    coordinates.removeAll(keepingCapacity: true)
    ringStarts.removeAll(keepingCapacity: true)
    ringStarts.append(0)
    polygonStarts.removeAll(keepingCapacity: true)
    polygonStarts.append(0)
    hasExtraDimensions = false
    notANumber = nil
  }

  mutating func endRing() { ringStarts.append(coordinates.count / 2) }
  mutating func endPolygon() { polygonStarts.append(ringStarts.count - 1) }
}

/// The coordinate system that a file states.
enum SourceCRS: Equatable, Sendable {
  case wgs84
  /// Anything that PROJ creates a CRS from: `EPSG:2227`, WKT, a PROJ string. `name` is what to call it.
  case definition(String, name: String)
  /// Not stated. WGS 84 is assumed where the coordinates' range, if it is known, allows that.
  case unstated(allowsWGS84: Bool)
}

/// What a format's reader gives. Columns may grow while records come, but never change their number.
protocol RecordReader: AnyObject {
  var format: String { get }
  /// `feature`, `row` or `record`: as the people of that format say.
  var recordNoun: String { get }
  var layers: [String] { get }
  var layer: String? { get }
  var crs: SourceCRS { get }
  var columns: [String] { get }
  /// All columns are known before the first record.
  var columnsAreFixed: Bool { get }
  /// The file has geometries of its own, apart from its columns.
  var hasGeometry: Bool { get }
  /// RFC 7946 demands shells counter-clockwise; elsewhere either way is right.
  var demandsWinding: Bool { get }
  /// Of the values' text; `nil` is UTF-8.
  var encoding: String? { get }
  var bytesRead: Int { get }
  var bytesTotal: Int { get }

  /// - Returns: false after the last record.
  func next(_ record: inout RawRecord) throws(ImportError) -> Bool
  /// Reads what is left and hashes the file; called once, after the last record.
  func sha256() throws(ImportError) -> String
}
