// A whole layer in memory, as the formats that are not streams need it.

/// Column names, values and geometries of one layer in one coordinate system.
struct Table {
  var name: String
  var columns: [String]
  var rows: [(values: [FieldValue], geometry: FlatGeometry)]
  var system: CoordinateSystem

  init<Item>(
    _ name: String, _ schema: RecordSchema<Item>, _ items: [(Item, FlatGeometry)], in system: CoordinateSystem
  ) {
    self.name = name
    columns = schema.names
    rows = items.map { (schema.values($0), $1) }
    self.system = system
  }

  var isOfPoints: Bool {
    if case .point? = rows.first?.geometry { true } else { false }
  }

  func isNumeric(column: Int) -> Bool {
    rows.contains { if case .integer = $0.values[column] { true } else { false } }
  }
}
