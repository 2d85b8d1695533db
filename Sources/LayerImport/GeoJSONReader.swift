// Reads GeoJSON feature collections (RFC 7946), single features, and text sequences (RFC 8142, or one feature a line).

/// Streams features; memory is bounded by the largest one.
final class GeoJSONReader: RecordReader {
  private enum State { case beginning, elements, afterFeatures, sequence, done }
  private enum Step { case moved, record, end, refuse(ImportReason, found: String, expected: String) }

  var format: String { isSequence ? "GeoJSON text sequence" : "GeoJSON" }
  let recordNoun = "feature"
  var layers: [String] { layer.map { [$0] } ?? [] }
  let layer: String? = nil
  private(set) var crs = SourceCRS.wgs84
  var columns: [String] { columnIndex.names }
  let columnsAreFixed = false
  let hasGeometry = true
  let demandsWinding = true
  let encoding: String? = nil
  var bytesRead: Int { window.source.bytesRead }
  var bytesTotal: Int { window.source.bytesTotal }

  private let window: Window
  private var state = State.beginning
  private var isSequence = false
  private var columnIndex = ColumnIndex()
  private var recordsRead = 0
  private var name: [UInt8] = []
  private var geometryType: [UInt8] = []
  /// The column that a feature's `id` member, outside its properties, is read as.
  static let idColumn = "feature.id"

  /// Reads up to the first feature.
  init(_ window: Window) throws(ImportError) {
    self.window = window
    var none = RawRecord()
    while state == .beginning { _ = try advance(&none) }
  }

  func next(_ record: inout RawRecord) throws(ImportError) -> Bool {
    while state != .done {
      if try advance(&record) { return true }
    }
    return false
  }

  func sha256() throws(ImportError) -> String {
    try window.drain()
    return window.source.sha256()
  }

  /// One step of the file's grammar; nothing is kept of a step that the window's end cut short.
  /// - Returns: whether it gave a record.
  private func advance(_ record: inout RawRecord) throws(ImportError) -> Bool {
    while true {
      let start = UnsafePointer(window.base + window.start)
      var cursor = JSONCursor(p: start, end: window.base + window.end)
      do throws(JSONStop) {
        let step = try self.step(&cursor, &record)
        window.start += start.distance(to: cursor.p)
        switch step {
        case .moved: return false
        case .end:
          state = .done
          return false
        case .record:
          recordsRead += 1
          return true
        case .refuse(let reason, let found, let expected):
          throw JSONStop.refused(reason, found: found, expected: expected)
        }
      } catch {
        try handle(error, cursor)
        if state == .done { return false }
      }
    }
  }

  /// Brings more bytes, or throws.
  private func handle(_ stop: JSONStop, _ cursor: JSONCursor) throws(ImportError) {
    let record = recordsRead > 0 || state != .beginning ? recordsRead + 1 : nil
    switch stop {
    case .needsMore:
      if try window.refill(record: recordsRead + 1) { return }
      let isBlank = window.bytes.allSatisfy { $0 <= 0x20 }
      if isBlank, state == .sequence {
        state = .done
      } else {
        throw .refused(
          .truncated, window.source.fileName, record: record, found: "the file's end",
          expected: "the rest of the features")
      }
    case .bad(let expected):
      let place = cursor.p
      let rest = UnsafeBufferPointer(
        start: place, count: min(24, UnsafePointer(window.base + window.end) - place))
      throw .refused(
        .notJSON, window.source.fileName, record: record,
        found: quoted(String(decoding: rest, as: UTF8.self)),
        expected: "\(expected)")
    case .refused(let reason, let found, let expected):
      throw .refused(reason, window.source.fileName, record: record, found: found, expected: expected)
    }
  }

  private func step(_ cursor: inout JSONCursor, _ record: inout RawRecord) throws(JSONStop) -> Step {
    switch state {
    case .beginning: return try topLevel(&cursor)
    case .elements:
      guard try cursor.peek() == UInt8(ascii: "{") else { throw .bad(expected: "a feature") }
      try feature(&cursor, &record)
      if try !cursor.continues(until: UInt8(ascii: "]")) { state = .afterFeatures }
      return .record
    case .afterFeatures:
      while try cursor.continues(until: UInt8(ascii: "}")) {
        name.removeAll(keepingCapacity: true)
        try cursor.string(into: &name)
        try cursor.expect(UInt8(ascii: ":"), "a colon")
        if isName("crs"), try cursor.peek() == UInt8(ascii: "{") {
          return .refuse(
            .missingCRS, found: "a crs member behind the features", expected: "it before them, or --crs")
        }
        try cursor.skipValue()
      }
      return .end
    case .sequence:
      while true {
        let byte = try cursor.peek()
        guard byte == 0x1e else { break }
        cursor.p += 1
      }
      try feature(&cursor, &record)
      return .record
    case .done: return .end
    }
  }

  private func isName(_ text: StaticString) -> Bool {
    text.withUTF8Buffer { name.elementsEqual($0) }
  }

  /// The outer object up to its features; a single feature is a sequence of one.
  private func topLevel(_ cursor: inout JSONCursor) throws(JSONStop) -> Step {
    while true {
      let byte = try cursor.peek()
      guard byte == 0x1e else { break }
      cursor.p += 1
    }
    let object = cursor.p
    func asSequence() -> Step {
      cursor.p = object
      isSequence = true
      state = .sequence
      return .moved
    }
    guard cursor.p.pointee == UInt8(ascii: "{") else {
      return .refuse(.notGeoJSON, found: "a JSON array", expected: "a FeatureCollection or features")
    }
    var more = try cursor.opens(UInt8(ascii: "{"), UInt8(ascii: "}"), "an object")
    var type: String?
    while more {
      name.removeAll(keepingCapacity: true)
      try cursor.string(into: &name)
      try cursor.expect(UInt8(ascii: ":"), "a colon")
      if isName("features"), try cursor.peek() == UInt8(ascii: "[") {
        state =
          try cursor.opens(UInt8(ascii: "["), UInt8(ascii: "]"), "an array") ? .elements : .afterFeatures
        return .moved
      } else if isName("geometry") || isName("properties") {
        return asSequence()
      } else if isName("type"), try cursor.peek() == UInt8(ascii: "\"") {
        name.removeAll(keepingCapacity: true)
        try cursor.string(into: &name)
        if isName("Feature") { return asSequence() }
        type = String(decoding: name, as: UTF8.self)
      } else if isName("crs"), try cursor.peek() == UInt8(ascii: "{") {
        try legacyCRS(&cursor)
      } else {
        try cursor.skipValue()
      }
      more = try cursor.continues(until: UInt8(ascii: "}"))
    }
    return .refuse(
      .notGeoJSON, found: type.map { "type \(quoted($0))" } ?? "an object without features",
      expected: "a FeatureCollection or features")
  }

  /// GeoJSON 2008: `{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::2227"}}`.
  private func legacyCRS(_ cursor: inout JSONCursor) throws(JSONStop) {
    let start = cursor.p
    try cursor.skipValue()
    var inner = JSONCursor(p: start, end: cursor.p)
    // Its only string that names something is behind the last "name":.
    while inner.p < inner.end {
      guard inner.p.pointee == UInt8(ascii: "\"") else {
        inner.p += 1
        continue
      }
      name.removeAll(keepingCapacity: true)
      try inner.string(into: &name)
      let text = String(decoding: name, as: UTF8.self)
      if text.contains(":") {
        let isWGS84 = text.hasSuffix("CRS84") || text.hasSuffix("CRS:84")
        crs = isWGS84 ? .wgs84 : .definition(text, name: text)
      }
    }
  }

  // MARK: Features

  private func feature(_ cursor: inout JSONCursor, _ record: inout RawRecord) throws(JSONStop) {
    record.reset(number: recordsRead + 1, columnCount: columnIndex.names.count)
    columnIndex.startRecord()
    var more = try cursor.opens(UInt8(ascii: "{"), UInt8(ascii: "}"), "a feature")
    while more {
      name.removeAll(keepingCapacity: true)
      try cursor.string(into: &name)
      try cursor.expect(UInt8(ascii: ":"), "a colon")
      let byte = try cursor.peek()
      if isName("properties"), byte == UInt8(ascii: "{") {
        try properties(&cursor, prefix: "", &record)
      } else if isName("geometry"), byte == UInt8(ascii: "{") {
        try geometry(&cursor, &record.geometry)
      } else if isName("id") {
        name = Array(Self.idColumn.utf8)
        try value(&cursor, depth: 0, &record)
      } else if isName("features") {
        throw .refused(.notGeoJSON, found: "a collection within a sequence", expected: "features")
      } else {
        try cursor.skipValue()
      }
      more = try cursor.continues(until: UInt8(ascii: "}"))
    }
  }

  /// Nested objects become columns `outer.inner`.
  private func properties(
    _ cursor: inout JSONCursor, prefix: String, depth: Int = 0, _ record: inout RawRecord
  ) throws(JSONStop) {
    guard depth < JSONCursor.depthMax else { throw .bad(expected: "no more than 64 levels") }
    var more = try cursor.opens(UInt8(ascii: "{"), UInt8(ascii: "}"), "an object")
    while more {
      name.removeAll(keepingCapacity: true)
      if !prefix.isEmpty { name.append(contentsOf: prefix.utf8) }
      try cursor.string(into: &name)
      try cursor.expect(UInt8(ascii: ":"), "a colon")
      try value(&cursor, depth: depth, &record)
      more = try cursor.continues(until: UInt8(ascii: "}"))
    }
  }

  /// The value of the column called `name`.
  private func value(_ cursor: inout JSONCursor, depth: Int, _ record: inout RawRecord) throws(JSONStop) {
    let byte = try cursor.peek()
    if byte == UInt8(ascii: "{") {
      return try properties(
        &cursor, prefix: String(decoding: name, as: UTF8.self) + ".", depth: depth + 1, &record)
    }
    guard let column = name.withUnsafeBufferPointer({ columnIndex.number(of: $0) }) else {
      return try cursor.skipValue()
    }
    if column == record.values.count { record.values.append(.null) }
    let start = record.text.count
    switch byte {
    case UInt8(ascii: "\""):
      try cursor.string(into: &record.text)
      record.values[column] = .text(start..<record.text.count)
    case UInt8(ascii: "["):
      try list(&cursor, into: &record.text)
      record.values[column] = .text(start..<record.text.count)
    default:
      let word = try cursor.word()
      switch word[0] {
      case UInt8(ascii: "t"): record.values[column] = .bool(true)
      case UInt8(ascii: "f"): record.values[column] = .bool(false)
      case UInt8(ascii: "n"), UInt8(ascii: "N"): record.values[column] = .null
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
        record.text.append(contentsOf: word)
        record.values[column] = .number(start..<record.text.count)
      default: throw .bad(expected: "a value")
      }
    }
  }

  /// An array of plain values becomes `a;b;c`.
  private func list(_ cursor: inout JSONCursor, into text: inout [UInt8]) throws(JSONStop) {
    var more = try cursor.opens(UInt8(ascii: "["), UInt8(ascii: "]"), "an array")
    var isFirst = true
    while more {
      if !isFirst { text.append(UInt8(ascii: ";")) }
      isFirst = false
      switch try cursor.peek() {
      case UInt8(ascii: "\""): try cursor.string(into: &text)
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        let start = cursor.p
        try cursor.skipValue()
        text.append(contentsOf: UnsafeBufferPointer(start: start, count: cursor.p - start))
      default: text.append(contentsOf: try cursor.word())
      }
      more = try cursor.continues(until: UInt8(ascii: "]"))
    }
  }

  // MARK: Geometries

  private func geometry(_ cursor: inout JSONCursor, _ geometry: inout RawGeometry) throws(JSONStop) {
    var more = try cursor.opens(UInt8(ascii: "{"), UInt8(ascii: "}"), "a geometry")
    geometryType.removeAll(keepingCapacity: true)
    var levels = 0
    while more {
      name.removeAll(keepingCapacity: true)
      try cursor.string(into: &name)
      try cursor.expect(UInt8(ascii: ":"), "a colon")
      if isName("type"), try cursor.peek() == UInt8(ascii: "\"") {
        geometryType.removeAll(keepingCapacity: true)
        try cursor.string(into: &geometryType)
      } else if isName("coordinates"), try cursor.peek() == UInt8(ascii: "[") {
        levels = try coordinates(&cursor, depth: 0, &geometry)
      } else {
        try cursor.skipValue()
      }
      more = try cursor.continues(until: UInt8(ascii: "}"))
    }
    let type = String(decoding: geometryType, as: UTF8.self)
    let expectedLevels: Int
    switch type {
    case "Point": (geometry.kind, expectedLevels) = (.point, 1)
    case "Polygon":
      (geometry.kind, expectedLevels) = (.polygonal, 3)
    case "MultiPolygon": (geometry.kind, expectedLevels) = (.polygonal, 4)
    case "MultiPoint", "LineString", "MultiLineString", "GeometryCollection":
      geometry.kind = .other(type)
      return
    default:
      geometry.kind = .unreadable(found: "a geometry of type \(quoted(type))")
      return
    }
    if geometry.coordinates.isEmpty {
      geometry.kind = .missing
    } else if levels != expectedLevels {
      geometry.kind = .unreadable(found: "\(type) coordinates nested \(levels) deep, not \(expectedLevels)")
    }
  }

  /// - Returns: how many levels of arrays there are: a position is 1, a ring 2, a polygon 3, a multipolygon 4.
  private func coordinates(
    _ cursor: inout JSONCursor, depth: Int, _ geometry: inout RawGeometry
  ) throws(JSONStop) -> Int {
    guard depth < 5 else { throw .bad(expected: "no more than four levels of arrays") }
    guard try cursor.opens(UInt8(ascii: "["), UInt8(ascii: "]"), "coordinates") else { return 0 }
    guard try cursor.peek() == UInt8(ascii: "[") else {
      try position(&cursor, &geometry)
      return 1
    }
    var levels = 0
    repeat {
      cursor.skipSpace()
      levels = max(levels, try coordinates(&cursor, depth: depth + 1, &geometry) + 1)
    } while try cursor.continues(until: UInt8(ascii: "]"))
    if levels == 2 { geometry.endRing() }
    if levels == 3 { geometry.endPolygon() }
    return levels
  }

  /// Two numbers, and heights or measures that are passed over.
  @inline(__always)
  private func position(_ cursor: inout JSONCursor, _ geometry: inout RawGeometry) throws(JSONStop) {
    var count = 0
    repeat {
      let value = try coordinate(&cursor)
      if count < 2 { geometry.coordinates.append(value) } else { geometry.hasExtraDimensions = true }
      count += 1
    } while try cursor.continues(until: UInt8(ascii: "]"))
    if count == 1 { geometry.coordinates.append(.nan) }
  }

  @inline(__always)
  private func coordinate(_ cursor: inout JSONCursor) throws(JSONStop) -> Double {
    let byte = try cursor.peek()
    if byte == UInt8(ascii: "-") || byte &- 48 < 10 { return try cursor.number() }
    // NaN, null and "12.5" are written by tools that should not: found out as not a number where they are not one.
    if byte == UInt8(ascii: "\"") {
      var text: [UInt8] = []
      try cursor.string(into: &text)
      return text.withUnsafeBufferPointer { decimal(of: $0) } ?? .nan
    }
    return decimal(of: try cursor.word()) ?? .nan
  }
}

/// A text as a fault shows it: in quotes, on one line, not too long.
func quoted(_ text: String) -> String {
  let short = text.count > 60 ? String(text.prefix(57)) + "..." : text
  return "\"" + String(short.map { $0.isNewline ? " " : $0 }) + "\""
}
