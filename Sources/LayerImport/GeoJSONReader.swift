// Reads GeoJSON feature collections (RFC 7946), single features, and text sequences (RFC 8142, or one feature a line).

final class GeoJSONReader: JSONRecordReader {
  override var format: String { isSequence ? "GeoJSON text sequence" : "GeoJSON" }
  override var recordNoun: String { "feature" }
  override var demandsWinding: Bool { true }
  private var isSequence = false
  private var geometryType: [UInt8] = []
  /// Whether some of a geometry's coordinates stand less deep than others: what they belong to cannot be told.
  private var isUneven = false
  /// The column that a feature's `id` member, outside its properties, is read as.
  static let idColumn = "feature.id"

  init(_ window: Window) throws(ImportError) { try super.init(window, crs: .wgs84) }

  override func readMemberBehind(_ cursor: inout JSONCursor) throws(JSONStop) {
    if isName("crs"), try cursor.peek() == UInt8(ascii: "{") {
      throw .refused(
        .missingCRS, found: "a crs member behind the features", expected: "it before them, or --crs")
    }
    try readOtherMember(&cursor)
  }

  /// ArcGIS says here that the features are only the first of many: as a member, or within `properties`.
  private func readOtherMember(_ cursor: inout JSONCursor) throws(JSONStop) {
    if isName("exceededTransferLimit") {
      try cursor.refuseIfPartOfLayer()
    } else if isName("properties"), try cursor.peek() == UInt8(ascii: "{") {
      var more = try cursor.opens(UInt8(ascii: "{"), UInt8(ascii: "}"), "an object")
      while more {
        try readName(&cursor)
        if isName("exceededTransferLimit") {
          try cursor.refuseIfPartOfLayer()
        } else {
          try cursor.skipValue()
        }
        more = try cursor.continues(until: UInt8(ascii: "}"))
      }
    } else {
      try cursor.skipValue()
    }
  }

  /// The outer object up to its features; a single feature is a sequence of one.
  override func head(_ cursor: inout JSONCursor) throws(JSONStop) -> Step {
    while try cursor.peek() == 0x1e { cursor.p += 1 }
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
      try readName(&cursor)
      if isName("features"), try cursor.peek() == UInt8(ascii: "[") {
        try openRecords(&cursor)
        return .moved
      } else if isName("geometry") {
        return asSequence()
      } else if isName("properties"), type == nil || type == "Feature" {
        return asSequence()
      } else if isName("type"), try cursor.peek() == UInt8(ascii: "\"") {
        name.removeAll(keepingCapacity: true)
        try cursor.string(into: &name)
        if isName("Feature") { return asSequence() }
        type = String(decoding: name, as: UTF8.self)
      } else if isName("crs"), try cursor.peek() == UInt8(ascii: "{") {
        try legacyCRS(&cursor)
      } else {
        try readOtherMember(&cursor)
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

  override func readRecord(_ cursor: inout JSONCursor, _ record: inout RawRecord) throws(JSONStop) {
    var more = try cursor.opens(UInt8(ascii: "{"), UInt8(ascii: "}"), "a feature")
    while more {
      try readName(&cursor)
      let byte = try cursor.peek()
      if isName("properties"), byte == UInt8(ascii: "{") {
        try readProperties(&cursor, prefix: "", &record)
      } else if isName("geometry"), byte == UInt8(ascii: "{") {
        try geometry(&cursor, &record.geometry)
      } else if isName("id") {
        name = Array(Self.idColumn.utf8)
        try readValue(&cursor, depth: 0, &record)
      } else if isName("features") {
        throw .refused(.notGeoJSON, found: "a collection within a sequence", expected: "features")
      } else {
        try cursor.skipValue()
      }
      more = try cursor.continues(until: UInt8(ascii: "}"))
    }
  }

  // MARK: Geometries

  private func geometry(_ cursor: inout JSONCursor, _ geometry: inout RawGeometry) throws(JSONStop) {
    var more = try cursor.opens(UInt8(ascii: "{"), UInt8(ascii: "}"), "a geometry")
    geometryType.removeAll(keepingCapacity: true)
    isUneven = false
    var levels = 0
    while more {
      try readName(&cursor)
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
    } else if isUneven {
      geometry.kind = .unreadable(found: "\(type) coordinates of which some are nested less deep than others")
    }
  }

  /// - Returns: how many levels of arrays there are: a position is 1, a ring 2, a polygon 3, a multipolygon 4.
  private func coordinates(
    _ cursor: inout JSONCursor, depth: Int, _ geometry: inout RawGeometry
  ) throws(JSONStop) -> Int {
    guard depth < 5 else { throw .bad(expected: "no more than four levels of arrays") }
    guard try cursor.opens(UInt8(ascii: "["), UInt8(ascii: "]"), "coordinates") else { return 0 }
    guard try cursor.peek() == UInt8(ascii: "[") else {
      try cursor.position(into: &geometry)
      return 1
    }
    var levels = 0
    repeat {
      cursor.skipSpace()
      let below = try coordinates(&cursor, depth: depth + 1, &geometry)
      // What is empty may be anything.
      if below > 0 {
        if levels > 0 && below + 1 != levels { isUneven = true }
        levels = max(levels, below + 1)
      }
    } while try cursor.continues(until: UInt8(ascii: "]"))
    if levels == 2 { geometry.endRing() }
    if levels == 3 { geometry.endPolygon() }
    return levels
  }
}
