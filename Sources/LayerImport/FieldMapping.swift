// Which columns of a file give which field of the model.

/// The mapping of one file. Of several columns of a field, the first that has a value in the record is taken; all are for `phones`.
struct FieldMapping {
  private let content: ImportContent
  /// Folded column name, to field and rank; the lower rank goes first.
  private var known: [String: (field: ImportField, rank: Int)] = [:]
  /// 10-character forms of DBF; names that fit several fields are left out.
  private var truncated: [String: (field: ImportField, rank: Int)] = [:]
  /// Field to wanted columns, folded.
  private let wanted: [ImportField: [String]]
  private let wantedNames: [String: String]
  private(set) var fieldOfColumn: [ImportField?] = []
  private(set) var columnNames: [String] = []
  private var rankOfColumn: [Int] = []
  /// Row numbers and measures that GIS tools add, folded.
  private let ignored: Set<String>
  private var columnsOfField = [[Int]](repeating: [], count: ImportField.allCases.count)

  private static let dbfNameLength = 10
  private static let truncatedRank = 10_000

  /// - Parameters:
  ///   - wanted: field to columns, from the options and the profile; they go in place of the recognised ones.
  /// - Throws: `badOption` for a field that does not exist, or a column that two fields want.
  init(
    content: ImportContent, tables: ImportTables, wanted: [String: [String]], file: String
  ) throws(ImportError) {
    self.content = content
    ignored = Set((tables.columns["ignored"] ?? [:]).values.joined().map(folded))
    var wantedFields: [ImportField: [String]] = [:]
    var names: [String: String] = [:]
    for (name, columns) in wanted {
      guard let field = ImportField.allCases.first(where: { folded($0.rawValue) == folded(name) }) else {
        throw .refused(.badOption, file, field: "map", found: quoted(name), expected: fieldNames)
      }
      wantedFields[field] = columns.map(folded)
      for column in columns where content.fields.contains(field) {
        guard names.updateValue(column, forKey: folded(column)) == nil else {
          throw .refused(
            .badOption, file, field: "map", found: "column \(quoted(column)) for two fields",
            expected: "for one")
        }
      }
    }
    self.wanted = wantedFields
    wantedNames = names
    var ambiguous: Set<String> = []
    for field in content.fields where wantedFields[field] == nil {
      let group = field.isOfGeometry ? "geometry" : content == .addresses ? "servicePoint" : "outage"
      let aliases = [field.rawValue] + (tables.columns[group]?[field.rawValue] ?? [])
      for (rank, alias) in aliases.enumerated() {
        let key = folded(alias)
        if known[key].map({ $0.rank > rank }) ?? true { known[key] = (field, rank) }
        for short in [
          folded(String(alias.prefix(Self.dbfNameLength))), String(key.prefix(Self.dbfNameLength)),
        ]
        where short != key {
          if let other = truncated[short], other.field != field { ambiguous.insert(short) }
          if truncated[short] == nil { truncated[short] = (field, rank + Self.truncatedRank) }
        }
      }
    }
    for short in ambiguous { truncated[short] = nil }
  }

  /// Takes in columns that came up since the last call.
  mutating func add(columns: [String]) {
    for name in columns.dropFirst(columnNames.count) {
      let column = columnNames.count
      columnNames.append(name)
      let match = match(name)
      fieldOfColumn.append(match?.field)
      rankOfColumn.append(match?.rank ?? 0)
      guard let match else { continue }
      columnsOfField[match.field.index].append(column)
      let ranks = rankOfColumn
      columnsOfField[match.field.index].sort { (ranks[$0], $0) < (ranks[$1], $1) }
    }
  }

  private func match(_ name: String) -> (field: ImportField, rank: Int)? {
    let key = folded(name)
    for (field, columns) in wanted where content.fields.contains(field) {
      if let rank = columns.firstIndex(of: key) { return (field, rank) }
    }
    if let match = known[key] { return match }
    return name.count >= 8 && name.count <= Self.dbfNameLength ? truncated[key] : nil
  }

  func columns(ofIndex field: Int) -> [Int] { columnsOfField[field] }
  /// The columns of a field, the best first.
  func columns(of field: ImportField) -> [Int] { columnsOfField[field.index] }
  func has(_ field: ImportField) -> Bool { !columnsOfField[field.index].isEmpty }

  /// Columns that were asked for and that the file does not have.
  var missingColumns: [(field: ImportField, column: String)] {
    let present = Set(columnNames.map(folded))
    return wanted.sorted { $0.key.rawValue < $1.key.rawValue }.compactMap { field, columns in
      guard content.fields.contains(field), !columns.contains(where: present.contains) else { return nil }
      return (field, columns.map { wantedNames[$0] ?? $0 }.joined(separator: " or "))
    }
  }

  /// Without those that GIS tools add.
  var unmappedColumns: [String] {
    zip(columnNames, fieldOfColumn).filter { $0.1 == nil && !ignored.contains(folded($0.0)) }.map(\.0)
  }
}

extension ImportField {
  var index: Int { Self.indices[self] ?? 0 }
  private static let indices = Dictionary(uniqueKeysWithValues: allCases.enumerated().map { ($1, $0) })
}
