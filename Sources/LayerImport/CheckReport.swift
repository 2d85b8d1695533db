// What a dry run tells of a file: how it would be read, and what is wrong with it.

import Foundation

/// How one column of a file is read.
public struct CheckedColumn: Hashable, Sendable, Encodable {
  public var column: String
  /// The field of the model, `geometry`, `longitude`, `latitude`; `nil` if the column is not used.
  public var field: String?
}

/// The outcome of `LayerImporter.check`.
public struct CheckReport: Sendable, Encodable {
  public var format = ""
  /// The layers that the file has; the one that was read is `report.layer`.
  public var layers: [String] = []
  public var columns: [CheckedColumn] = []
  public var crs = ""
  /// `addresses` or `outages`.
  public var content = ""
  /// Whether an import with the same options would take the file.
  public var wouldImport = false
  public var report = ImportReport()

  /// One JSON object, keys sorted.
  public func json() -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }

  /// For a person.
  public var text: String {
    var lines = ["\(report.file): \(format), \(content), \(crs)"]
    if layers.count > 1 { lines.append("  layers    \(layers.joined(separator: ", "))") }
    let width = columns.map(\.column.count).max() ?? 0
    lines.append("  columns")
    for column in columns {
      let name = column.column + String(repeating: " ", count: width - column.column.count)
      lines.append("    \(name)  \(column.field ?? "-")")
    }
    lines.append(report.text)
    lines.append(wouldImport ? "An import would take this file." : "An import would refuse this file.")
    return lines.joined(separator: "\n")
  }
}
