// Reads the answer of an ArcGIS FeatureServer or MapServer query (`f=json`): attributes, and rings in one flat list.

/// Shells are clockwise and holes counter-clockwise (ArcGIS REST API, "Geometry objects"); which hole is whose is found out here.
final class ArcGISReader: JSONRecordReader {
  override var format: String { "ArcGIS JSON" }
  override var recordNoun: String { "feature" }
  /// Of the feature that is being read: x, y, x, y, ... and where each ring ends.
  private var flat = RawGeometry()
  /// By column: what a coded value stands for (`fields[].domain.codedValues`).
  private var codedValues: [[UInt8]: [String: String]] = [:]

  init(_ window: Window) throws(ImportError) {
    try super.init(window, crs: .unstated(allowsWGS84: true))
  }

  override func head(_ cursor: inout JSONCursor) throws(JSONStop) -> Step {
    crs = .unstated(allowsWGS84: true)
    let found = try findRecords(&cursor, where: { isName("features") }) { cursor throws(JSONStop) in
      if isName("spatialReference"), try cursor.peek() == UInt8(ascii: "{") {
        try spatialReference(&cursor)
      } else if isName("error"), try cursor.peek() == UInt8(ascii: "{") {
        let start = cursor.p
        try cursor.skipValue()
        let text = String(decoding: UnsafeBufferPointer(start: start, count: cursor.p - start), as: UTF8.self)
        throw JSONStop.refused(.serverError, found: quoted(text), expected: "features")
      } else if isName("exceededTransferLimit") {
        try cursor.refuseIfPartOfLayer()
      } else if isName("fields"), try cursor.peek() == UInt8(ascii: "[") {
        try fields(&cursor)
      } else {
        try cursor.skipValue()
      }
    }
    guard found else {
      throw .refused(.unknownFormat, found: "an object without features", expected: "an ArcGIS feature set")
    }
    return .moved
  }

  override func readMemberBehind(_ cursor: inout JSONCursor) throws(JSONStop) {
    if isName("spatialReference") {
      throw .refused(
        .missingCRS, found: "spatialReference behind the features", expected: "it before them, or --crs")
    }
    if isName("exceededTransferLimit") { try cursor.refuseIfPartOfLayer() } else { try cursor.skipValue() }
  }

  /// `{"wkid":102100,"latestWkid":3857}` or `{"wkt":"PROJCS[..."}`. Esri's own numbers begin where EPSG's end.
  private func spatialReference(_ cursor: inout JSONCursor) throws(JSONStop) {
    var numbers: [String: Int] = [:]
    var text: [UInt8] = []
    var more = try cursor.opens(UInt8(ascii: "{"), UInt8(ascii: "}"), "an object")
    while more {
      try readName(&cursor)
      if isName("wkt"), try cursor.peek() == UInt8(ascii: "\"") {
        try cursor.string(into: &text)
      } else if isName("wkid") || isName("latestWkid"), try cursor.peek() &- 48 < 10 {
        numbers[String(decoding: name, as: UTF8.self)] = Int(try cursor.number())
      } else {
        try cursor.skipValue()
      }
      more = try cursor.continues(until: UInt8(ascii: "}"))
    }
    if let number = numbers["latestWkid"] ?? numbers["wkid"], number > 0 {
      let identifier = number < 32_768 ? "EPSG:\(number)" : "ESRI:\(number)"
      crs = .definition(identifier, name: identifier)
    } else if !text.isEmpty {
      crs = .definition(String(decoding: text, as: UTF8.self), name: "the file's wkt")
    }
  }

  /// Takes in the coded values of the fields that have a domain.
  private func fields(_ cursor: inout JSONCursor) throws(JSONStop) {
    var more = try cursor.opens(UInt8(ascii: "["), UInt8(ascii: "]"), "an array")
    while more {
      let field = try RecordNode(parsing: &cursor, name: "field")
      var codes: [String: String] = [:]
      for value in field["domain"]?.children(named: "codedValues") ?? [] {
        if let code = value["code"]?.text, let name = value["name"]?.text { codes[code] = name }
      }
      if let name = field["name"]?.text, !codes.isEmpty { codedValues[Array(name.utf8)] = codes }
      more = try cursor.continues(until: UInt8(ascii: "]"))
    }
  }

  // MARK: Features

  override func readRecord(_ cursor: inout JSONCursor, _ record: inout RawRecord) throws(JSONStop) {
    var more = try cursor.opens(UInt8(ascii: "{"), UInt8(ascii: "}"), "a feature")
    while more {
      try readName(&cursor)
      if isName("attributes"), try cursor.peek() == UInt8(ascii: "{") {
        try readProperties(&cursor, prefix: "", &record)
      } else if isName("geometry"), try cursor.peek() == UInt8(ascii: "{") {
        try geometry(&cursor, &record.geometry)
      } else {
        try cursor.skipValue()
      }
      more = try cursor.continues(until: UInt8(ascii: "}"))
    }
    if !codedValues.isEmpty { decodeValues(&record) }
  }

  private func decodeValues(_ record: inout RawRecord) {
    for (column, values) in codedValues {
      guard let number = column.withUnsafeBufferPointer({ columnIndex.number(of: $0) }),
        number < record.values.count
      else { continue }
      switch record.values[number] {
      case .text(let range), .number(let range):
        guard let name = values[String(decoding: record.text[range], as: UTF8.self)] else { continue }
        let start = record.text.count
        record.text.append(contentsOf: name.utf8)
        record.values[number] = .text(start..<record.text.count)
      default: continue
      }
    }
  }

  private func geometry(_ cursor: inout JSONCursor, _ geometry: inout RawGeometry) throws(JSONStop) {
    var (x, y): (Double?, Double?) = (nil, nil)
    var more = try cursor.opens(UInt8(ascii: "{"), UInt8(ascii: "}"), "a geometry")
    while more {
      try readName(&cursor)
      if isName("rings"), try cursor.peek() == UInt8(ascii: "[") {
        flat.reset()
        try rings(&cursor)
        assemblePolygons(flat, into: &geometry)
      } else if isName("x") {
        x = try cursor.coordinate(&geometry.notANumber)
      } else if isName("y") {
        y = try cursor.coordinate(&geometry.notANumber)
      } else if isName("paths") || isName("points") || isName("curveRings") {
        geometry.kind = .other(String(decoding: name, as: UTF8.self))
        try cursor.skipValue()
      } else {
        try cursor.skipValue()
      }
      more = try cursor.continues(until: UInt8(ascii: "}"))
    }
    if let x, let y {
      geometry.coordinates = [x, y]
      geometry.kind = x.isNaN && y.isNaN ? .missing : .point
    }
  }

  private func rings(_ cursor: inout JSONCursor) throws(JSONStop) {
    var moreRings = try cursor.opens(UInt8(ascii: "["), UInt8(ascii: "]"), "rings")
    while moreRings {
      var morePositions = try cursor.opens(UInt8(ascii: "["), UInt8(ascii: "]"), "a ring")
      while morePositions {
        guard try cursor.opens(UInt8(ascii: "["), UInt8(ascii: "]"), "a position") else {
          throw .bad(expected: "two numbers")
        }
        try cursor.position(into: &flat)
        morePositions = try cursor.continues(until: UInt8(ascii: "]"))
      }
      flat.endRing()
      moreRings = try cursor.continues(until: UInt8(ascii: "]"))
    }
  }
}
