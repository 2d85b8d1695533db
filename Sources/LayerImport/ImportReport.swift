// What an import tells when it is done: counts by reason, and the first records of each.

import Foundation

/// One record that was rejected, repaired or remarked on.
public struct ImportFinding: Hashable, Sendable, Encodable {
  /// Counts from 1; `nil` for what concerns a column or the whole file.
  public var record: Int?
  public var id: String?
  public var field: String?
  public var found: String?
  public var expected: String?
  /// Where on the ground, `lon lat` in degrees, or in the file's own coordinates where they could not be transformed.
  public var place: String?

  /// As an error tells it: `storm.geojson: feature 17 (outageId OMS-4411), field startedAt: found ..., expected ...`.
  public func text(in report: ImportReport) -> String {
    "\(report.file): \(text(in: report, withFile: false))"
  }

  func text(in report: ImportReport, withFile: Bool) -> String {
    var text = record.map { "\(report.recordNoun) \($0)" } ?? "the file"
    if let id { text += " (\(report.idField) \(id))" }
    if let field { text += record == nil ? ", column \(field)" : ", field \(field)" }
    var facts: [String] = []
    if let found { facts.append("found \(found)") }
    if let expected { facts.append("expected \(expected)") }
    if let place { facts.append("at \(place)") }
    return facts.isEmpty ? text : text + ": " + facts.joined(separator: ", ")
  }
}

/// How often one reason came up, and where first.
public struct ImportTally: Hashable, Sendable, Encodable {
  public var reason: ImportReason
  public var count: Int
  /// The first 20.
  public var first: [ImportFinding]
}

/// The outcome of reading one file. `read` is `accepted` + `rejectedCount` + superseded duplicates.
public struct ImportReport: Sendable, Encodable {
  /// The file's name, without its folder.
  public var file = ""
  public var format = ""
  public var layer: String?
  /// `addresses` or `outages`.
  public var content = ""
  public var crs = ""
  /// Of the file's bytes as they are (of a Shapefile's .shp, .dbf, .prj and .cpg after one another), lower-case hexadecimal.
  public var sha256 = ""
  public var read = 0
  /// Distinct records that were handed on.
  public var accepted = 0
  public var repairedCount = 0
  public var rejectedCount = 0
  /// Records that another one with the same id superseded.
  public var duplicateCount = 0
  public var maxRejectedFraction = 0.01
  public var repaired: [ImportTally] = []
  public var rejected: [ImportTally] = []
  public var warnings: [ImportTally] = []
  /// `feature`, `row` or `record`.
  var recordNoun = "record"
  var idField = "id"

  static let findingsKept = 20

  public var hasTooManyRejected: Bool { Double(rejectedCount) > maxRejectedFraction * Double(read) }

  /// One JSON object, keys sorted.
  public func json() -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }

  /// For a person.
  public var text: String {
    var lines = ["\(file): \(format)\(layer.map { ", layer \($0)" } ?? ""), \(crs)", "  sha256    \(sha256)"]
    lines.append("  read      \(read) \(content)")
    lines.append("  accepted  \(accepted)")
    if duplicateCount > 0 { lines.append("  duplicate \(duplicateCount)") }
    for (name, count, tallies) in [
      ("repaired", repairedCount, repaired), ("rejected", rejectedCount, rejected),
      ("warnings", warnings.reduce(0) { $0 + $1.count }, warnings),
    ] where name != "warnings" || !tallies.isEmpty {
      let limit =
        name == "rejected" && count > 0 ? " (at most \(percent(maxRejectedFraction)) is let pass)" : ""
      lines.append("  \(name)  \(count)\(limit)")
      for tally in tallies {
        lines.append("    \(tally.count) \(tally.reason.rawValue): \(tally.reason.meaning)")
        for finding in tally.first { lines.append("      " + finding.text(in: self, withFile: false)) }
        if tally.count > tally.first.count {
          lines.append("      and \(tally.count - tally.first.count) more")
        }
      }
    }
    return lines.joined(separator: "\n")
  }

  private enum CodingKeys: String, CodingKey {
    case file, format, layer, content, crs, sha256, read, accepted, repairedCount, rejectedCount,
      duplicateCount
    case maxRejectedFraction, repaired, rejected, warnings
  }
}

extension ImportReport {
  mutating func add(
    _ reason: ImportReason, _ finding: ImportFinding, to tallies: WritableKeyPath<ImportReport, [ImportTally]>
  ) {
    if let index = self[keyPath: tallies].firstIndex(where: { $0.reason == reason }) {
      self[keyPath: tallies][index].count += 1
      if self[keyPath: tallies][index].first.count < Self.findingsKept {
        self[keyPath: tallies][index].first.append(finding)
      }
    } else {
      self[keyPath: tallies].append(ImportTally(reason: reason, count: 1, first: [finding]))
    }
  }
}
