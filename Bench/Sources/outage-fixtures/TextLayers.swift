// Layers as text: GeoJSON, GeoJSON text sequences and CSV, a record at a time.

/// The text formats that the generator can stream.
enum TextFormat {
  case geoJSON
  /// RFC 8142 without the record separator: a feature a line (.geojsons).
  case textSequence
  case csvLonLat
  case csvWKT
  case csvWKBHex
}

/// Writes one layer as text.
final class TextLayer<Item> {
  private let file: TextFile
  private let format: TextFormat
  private let schema: RecordSchema<Item>
  private var isFirst = true

  /// - Parameter name: of the GeoJSON collection.
  init(_ path: String, _ format: TextFormat, _ schema: RecordSchema<Item>, name: String) throws(FixtureError)
  {
    file = try TextFile(path)
    self.format = format
    self.schema = schema
    switch format {
    case .geoJSON: try file.write("{\"type\":\"FeatureCollection\",\"name\":\"\(name)\",\"features\":[\n")
    case .textSequence: break
    case .csvLonLat: try file.write(schema.names.joined(separator: ",") + ",LON,LAT\n")
    case .csvWKT: try file.write(schema.names.joined(separator: ",") + ",WKT\n")
    case .csvWKBHex: try file.write(schema.names.joined(separator: ",") + ",WKB\n")
    }
  }

  func write(_ item: Item, _ geometry: FlatGeometry) throws(FixtureError) {
    let values = schema.values(item)
    switch format {
    case .geoJSON:
      try file.write((isFirst ? "" : ",\n") + feature(values, geometry))
    case .textSequence:
      try file.write(feature(values, geometry) + "\n")
    case .csvLonLat:
      guard case .point(let position) = geometry else {
        preconditionFailure("lon/lat columns are for points")
      }
      try file.write(values.map(\.csv).joined(separator: ",") + ",\(position.x),\(position.y)\n")
    case .csvWKT:
      try file.write(values.map(\.csv).joined(separator: ",") + ",\"\(geometry.wkt)\"\n")
    case .csvWKBHex:
      try file.write(values.map(\.csv).joined(separator: ",") + ",\(geometry.wkbHex)\n")
    }
    isFirst = false
  }

  func close() throws(FixtureError) {
    if format == .geoJSON { try file.write("\n]}\n") }
    try file.close()
  }

  /// Null properties are left out: RFC 7946 allows it, and it is shorter.
  private func feature(_ values: [FieldValue], _ geometry: FlatGeometry) -> String {
    let properties = zip(schema.names, values).filter { $1 != .null }.map { "\"\($0)\":\($1.json)" }
    return
      "{\"type\":\"Feature\",\"properties\":{\(properties.joined(separator: ","))},\"geometry\":\(geometry.geoJSON)}"
  }
}
