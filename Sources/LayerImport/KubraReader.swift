// Reads the files of a KUBRA StormCenter outage map: one tile's outages, with areas as Google's encoded polylines.

final class KubraReader: JSONRecordReader {
  override var format: String { "KUBRA StormCenter" }
  override var recordNoun: String { "outage" }
  private var polyline: [UInt8] = []

  init(_ window: Window) throws(ImportError) { try super.init(window, crs: .wgs84) }

  override func head(_ cursor: inout JSONCursor) throws(JSONStop) -> Step {
    if try cursor.peek() == UInt8(ascii: "[") {
      try openRecords(&cursor, isWholeFile: true)
      return .moved
    }
    let found = try findRecords(&cursor, where: { isName("file_data") }) { cursor throws(JSONStop) in
      try cursor.skipValue()
    }
    guard found else {
      throw .refused(.unknownFormat, found: "an object without file_data", expected: "a StormCenter file")
    }
    return .moved
  }

  override func readRecord(_ cursor: inout JSONCursor, _ record: inout RawRecord) throws(JSONStop) {
    var more = try cursor.opens(UInt8(ascii: "{"), UInt8(ascii: "}"), "an outage")
    while more {
      try readName(&cursor)
      if isName("geom"), try cursor.peek() == UInt8(ascii: "{") {
        try geometry(&cursor, &record.geometry)
      } else if isName("title") {
        // What the map's pop-up is headed with.
        try cursor.skipValue()
      } else {
        try readValue(&cursor, depth: 0, &record)
      }
      more = try cursor.continues(until: UInt8(ascii: "}"))
    }
    markMaskedCount(&record)
    if case .bool(true) = value("desc.cluster", record) {
      let count = text("desc.n_out", record).map { "a cluster of \($0) outages" } ?? "a cluster of outages"
      record.fault = (.cluster, found: count, expected: "single outages, as a tile of a deeper zoom has them")
    }
  }

  /// `{"EN-US": "...", "ES-US": "..."}` is one value: the English one, or else the first.
  override func readObject(
    _ cursor: inout JSONCursor, depth: Int, _ record: inout RawRecord
  ) throws(JSONStop) {
    let (object, column) = (cursor.p, name)
    guard try cursor.opens(UInt8(ascii: "{"), UInt8(ascii: "}"), "an object") else { return }
    try readName(&cursor)
    guard isLanguageTag else {
      (cursor.p, name) = (object, column)
      return try super.readObject(&cursor, depth: depth, &record)
    }
    var chosen: [UInt8]?
    var more = true
    while more {
      let isEnglish = (name[0] | 32, name[1] | 32) == (UInt8(ascii: "e"), UInt8(ascii: "n"))
      var text: [UInt8] = []
      if try cursor.peek() == UInt8(ascii: "\"") {
        try cursor.string(into: &text)
      } else {
        try cursor.skipValue()
      }
      if chosen == nil || isEnglish { chosen = text }
      more = try cursor.continues(until: UInt8(ascii: "}"))
      if more { try readName(&cursor) }
      // What is no language after all still has two letters to look at.
      if name.count < 2 { throw .bad(expected: "language tags") }
    }
    guard let chosen, let number = column.withUnsafeBufferPointer({ columnIndex.number(of: $0) }) else {
      return
    }
    if number == record.values.count { record.values.append(.null) }
    let start = record.text.count
    record.text += chosen
    record.values[number] = .text(start..<record.text.count)
  }

  /// `EN-US`, `es`
  private var isLanguageTag: Bool {
    func isLetter(_ byte: UInt8) -> Bool { (byte | 32) &- 97 < 26 }
    guard name.count == 2 || name.count == 5 && name[2] == UInt8(ascii: "-") else { return false }
    return name.enumerated().allSatisfy { $0 == 2 || isLetter($1) }
  }

  /// A masked count stands for fewer than it says: `<5`.
  private func markMaskedCount(_ record: inout RawRecord) {
    guard case .bool(true) = value("desc.cust_a.masked", record),
      let count = text("desc.cust_a.val", record), let column = column("desc.cust_a.val")
    else { return }
    let start = record.text.count
    record.text += "<\(count)".utf8
    record.values[column] = .text(start..<record.text.count)
  }

  private func column(_ name: String) -> Int? { columnIndex.names.firstIndex(of: name) }

  private func value(_ name: String, _ record: RawRecord) -> RawValue {
    guard let column = column(name), column < record.values.count else { return .null }
    return record.values[column]
  }

  private func text(_ name: String, _ record: RawRecord) -> String? {
    switch value(name, record) {
    case .text(let range), .number(let range): String(decoding: record.text[range], as: UTF8.self)
    default: nil
    }
  }

  // MARK: Geometry

  /// `a` has encoded rings, each a polygon of its own: the format knows no holes. `p` has a point.
  private func geometry(_ cursor: inout JSONCursor, _ geometry: inout RawGeometry) throws(JSONStop) {
    var point: [UInt8] = []
    var more = try cursor.opens(UInt8(ascii: "{"), UInt8(ascii: "}"), "a geometry")
    while more {
      try readName(&cursor)
      let isArea = isName("a")
      if isArea || isName("p"), try cursor.peek() == UInt8(ascii: "[") {
        var moreLines = try cursor.opens(UInt8(ascii: "["), UInt8(ascii: "]"), "encoded polylines")
        while moreLines {
          if try cursor.peek() == UInt8(ascii: "\"") {
            polyline.removeAll(keepingCapacity: true)
            try cursor.string(into: &polyline)
            if isArea { appendRing(&geometry) } else if point.isEmpty { point = polyline }
          } else {
            try cursor.skipValue()
          }
          moreLines = try cursor.continues(until: UInt8(ascii: "]"))
        }
      } else {
        try cursor.skipValue()
      }
      more = try cursor.continues(until: UInt8(ascii: "}"))
    }
    if case .missing = geometry.kind, !point.isEmpty {
      geometry.kind = .point
      if !appendPolyline(point, to: &geometry.coordinates) {
        geometry.kind = .unreadable(
          found: "an encoded point \(quoted(String(decoding: point, as: UTF8.self)))")
      }
    }
  }

  private func appendRing(_ geometry: inout RawGeometry) {
    guard !polyline.isEmpty else { return }
    if case .missing = geometry.kind { geometry.kind = .polygonal }
    if !appendPolyline(polyline, to: &geometry.coordinates) {
      geometry.kind = .unreadable(
        found: "an encoded ring \(quoted(String(decoding: polyline.prefix(60), as: UTF8.self)))")
    }
    geometry.endRing()
    geometry.endPolygon()
  }
}

/// Decodes Google's encoded polyline ("Encoded Polyline Algorithm Format"): differences in 1e-5 degrees, latitude first, zigzag, in
/// groups of five bits. Appends longitude, latitude, ...
/// - Returns: false if the text ends within a number or has a character that is none of the code.
func appendPolyline(_ text: [UInt8], to coordinates: inout [Double]) -> Bool {
  var (latitude, longitude) = (0, 0)
  var index = 0
  func number() -> Int? {
    var (value, shift) = (0, 0)
    while index < text.count {
      let digit = Int(text[index]) - 63
      guard (0..<64).contains(digit), shift < 60 else { return nil }
      index += 1
      value |= (digit & 31) << shift
      shift += 5
      if digit < 32 { return value & 1 == 0 ? value >> 1 : ~(value >> 1) }
    }
    return nil
  }
  while index < text.count {
    guard let north = number(), let east = number() else { return false }
    latitude += north
    longitude += east
    coordinates.append(Double(longitude) / 1e5)
    coordinates.append(Double(latitude) / 1e5)
  }
  return true
}
