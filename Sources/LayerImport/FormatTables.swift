// What an import recognises, as text: the tables that Docs/FORMATS.md ends with.

/// The tables of column names, spellings and reasons, from the data and the code that an import itself uses.
public enum FormatTables {
  /// A section for each table; `outaged formats` prints it.
  public static var markdown: String {
    let tables = ImportTables.shipped
    var sections: [String] = []
    for (title, group, fields) in [
      ("Columns of service points", "servicePoint", ImportField.ofServicePoint),
      ("Columns of outages", "outage", ImportField.ofOutage),
      ("Columns of positions and areas", "geometry", ImportField.ofServicePoint),
    ] {
      let rows = fields.compactMap { field in
        tables.columns[group]?[field.rawValue].map { ["`\(field.rawValue)`", code($0)] }
      }
      sections.append(section(title, ["field", "columns, the best first"], rows))
    }
    let ignored = (tables.columns["ignored"] ?? [:]).sorted { $0.key < $1.key }.flatMap(\.value)
    sections.append("### Columns that are passed over\nWhat GIS tools add of themselves: \(code(ignored)).\n")
    let spellings = ImportTables.shippedSpellings
    let spellingRows = ImportTables.codes.keys.sorted().flatMap { field in
      (ImportTables.codes[field] ?? []).map { [field, $0, code(spellings[field]?[$0] ?? [])] }
    }
    sections.append(
      section("Spellings", ["field", "code", "spellings, besides the code itself"], spellingRows))
    let causeRows = ImportTables.shippedCauseRules.map { rule in
      [rule.causeKind, code(rule.words), code(rule.unless ?? [])]
    }
    sections.append(
      section(
        "Causes from the utility's words", ["cause kind", "if one of these words is in the text", "unless"],
        causeRows))
    for effect in ImportReason.Effect.allCases {
      let rows = ImportReason.allCases.filter { $0.effect == effect }.map {
        ["`\($0.rawValue)`", $0.meaning]
      }
      sections.append(section("Reasons: \(effect.rawValue)", ["reason", "meaning"], rows))
    }
    return sections.joined(separator: "\n")
  }

  private static func section(_ title: String, _ heads: [String], _ rows: [[String]]) -> String {
    let lines = [heads, heads.map { _ in "---" }] + rows
    return "### \(title)\n\n" + lines.map { "| \($0.joined(separator: " | ")) |\n" }.joined()
  }

  private static func code(_ words: [String]) -> String {
    words.isEmpty ? "" : "`\(words.joined(separator: ", "))`"
  }
}
