// Shapefiles (Esri, "ESRI Shapefile Technical Description", 1998) with dBASE III tables, byte for byte the same on every run.

import OutageModel

extension Table {
  /// How the .dbf's text is encoded, and what the .cpg says.
  enum TextEncoding: String {
    case utf8 = "UTF-8"
    case latin1 = "ISO-8859-1"

    func bytes(_ text: String) -> [UInt8] {
      self == .utf8 ? Array(text.utf8) : text.unicodeScalars.map { $0.value < 256 ? UInt8($0.value) : 0x3F }
    }
  }

  /// Writes `path` + .shp, .shx, .dbf and, unless left out, .prj and .cpg.
  /// - Parameter declaredEncoding: what the .cpg says, where it is not the truth.
  func writeShapefile(
    _ path: String, encoding: TextEncoding = .utf8, declaredEncoding: TextEncoding? = nil,
    withProjection: Bool = true
  ) throws(FixtureError) {
    var (shapes, index) = ([UInt8](), [UInt8]())
    for (number, row) in rows.enumerated() {
      let content = Self.shape(row.geometry)
      index.appendBigEndian(Int32((100 + shapes.count) / 2))
      index.appendBigEndian(Int32(content.count / 2))
      shapes.appendBigEndian(Int32(number + 1))
      shapes.appendBigEndian(Int32(content.count / 2))
      shapes += content
    }
    try Self.write(header(byteCount: 100 + shapes.count) + shapes, to: path + ".shp")
    try Self.write(header(byteCount: 100 + index.count) + index, to: path + ".shx")
    try Self.write(dbf(encoding), to: path + ".dbf")
    try Self.write(Array((declaredEncoding ?? encoding).rawValue.utf8), to: path + ".cpg")
    if withProjection { try Self.write(Array(system.esriWKT.utf8), to: path + ".prj") }
  }

  static func write(_ bytes: [UInt8], to path: String) throws(FixtureError) {
    let file = try TextFile(path)
    try file.write(bytes)
    try file.close()
  }

  private func header(byteCount: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendBigEndian(Int32(9994))
    bytes += [UInt8](repeating: 0, count: 20)
    bytes.appendBigEndian(Int32(byteCount / 2))
    bytes.appendLittleEndian(Int32(1000))
    bytes.appendLittleEndian(Int32(isOfPoints ? 1 : 5))
    let boxes = rows.map(\.geometry.bounds)
    let ends: [Double] = [
      boxes.map(\.low.x).min() ?? 0, boxes.map(\.low.y).min() ?? 0, boxes.map(\.high.x).max() ?? 0,
      boxes.map(\.high.y).max() ?? 0, 0, 0, 0, 0,
    ]
    for end in ends { bytes.appendLittleEndian(end.bitPattern) }
    return bytes
  }

  private static func shape(_ geometry: FlatGeometry) -> [UInt8] {
    var bytes: [UInt8] = []
    switch geometry {
    case .point(let position):
      bytes.appendLittleEndian(Int32(1))
      bytes.appendLittleEndian(position.x.bitPattern)
      bytes.appendLittleEndian(position.y.bitPattern)
    case .polygons(let polygons):
      // A Shapefile's shells run clockwise and its holes counter-clockwise: the other way round than here.
      let rings = polygons.flatMap { $0.map { Array($0.reversed()) } }
      let (low, high) = geometry.bounds
      bytes.appendLittleEndian(Int32(5))
      for end in [low.x, low.y, high.x, high.y] { bytes.appendLittleEndian(end.bitPattern) }
      bytes.appendLittleEndian(Int32(rings.count))
      bytes.appendLittleEndian(Int32(rings.reduce(0) { $0 + $1.count }))
      var start = 0
      for ring in rings {
        bytes.appendLittleEndian(Int32(start))
        start += ring.count
      }
      for position in rings.joined() {
        bytes.appendLittleEndian(position.x.bitPattern)
        bytes.appendLittleEndian(position.y.bitPattern)
      }
    }
    return bytes
  }

  private func dbf(_ encoding: TextEncoding) -> [UInt8] {
    let texts = rows.map { $0.values.map { encoding.bytes($0.plain) } }
    let widths = columns.indices.map { column in
      min(254, max(1, texts.map { $0[column].count }.max() ?? 1))
    }
    let headerSize = 32 + 32 * columns.count + 1
    // dBASE III, last changed on the day of the fixtures' default moment.
    var bytes: [UInt8] = [0x03, 126, 11, 24]
    bytes.appendLittleEndian(UInt32(rows.count))
    bytes.appendLittleEndian(UInt16(headerSize))
    bytes.appendLittleEndian(UInt16(1 + widths.reduce(0, +)))
    bytes += [UInt8](repeating: 0, count: 20)
    for (column, name) in columns.enumerated() {
      precondition(name.utf8.count <= 10, "a DBF column's name has ten characters at most: \(name)")
      bytes += Array(name.utf8) + [UInt8](repeating: 0, count: 11 - name.utf8.count)
      bytes.append(UInt8(ascii: isNumeric(column: column) ? "N" : "C"))
      bytes += [0, 0, 0, 0, UInt8(widths[column]), 0]
      bytes += [UInt8](repeating: 0, count: 14)
    }
    bytes.append(0x0D)
    for row in texts {
      bytes.append(0x20)
      for (column, text) in row.enumerated() {
        let padding = [UInt8](repeating: 0x20, count: widths[column] - min(text.count, widths[column]))
        bytes += isNumeric(column: column) ? padding + text : text.prefix(widths[column]) + padding
      }
    }
    bytes.append(0x1A)
    return bytes
  }
}
