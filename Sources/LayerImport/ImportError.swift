// The one error of this module: where the fault lies, what was found and what was expected.

/// What ends an import. Nothing of the file is to be published.
public enum ImportError: Error, CustomStringConvertible {
  /// The file as a whole cannot be used.
  case refused(ImportFault)
  /// More than `ImportOptions.maxRejectedFraction` of the records were rejected.
  case tooManyRejected(ImportReport)

  public var reason: ImportReason? {
    if case .refused(let fault) = self { fault.reason } else { nil }
  }

  public var description: String {
    switch self {
    case .refused(let fault): return fault.description
    case .tooManyRejected(let report):
      let reasons = report.rejected.map { "\($0.count) \($0.reason.rawValue)" }.joined(separator: ", ")
      let first = report.rejected.first?.first.first.map { "; the first: \($0.text(in: report))" } ?? ""
      return
        "\(report.file): \(report.rejectedCount) of \(report.read) records rejected (\(reasons)), expected"
        + " no more than \(percent(report.maxRejectedFraction))\(first)"
    }
  }
}

/// A fault and its place.
public struct ImportFault: Hashable, Sendable, CustomStringConvertible {
  public var reason: ImportReason
  /// The file's name, without its folder.
  public var file: String
  public var layer: String?
  /// Counts from 1.
  public var record: Int?
  public var id: String?
  public var field: String?
  public var found: String
  public var expected: String

  /// `storm.csv: record 17, field header: wrongEncoding (the text is not ...): found the byte 0xf1 ..., expected ...`
  public var description: String {
    var place = file
    if let layer { place += ", layer \(layer)" }
    if let record { place += (layer == nil ? ": " : ", ") + "record \(record)" }
    if let id { place += " (\(id))" }
    if let field { place += (record == nil ? ": " : ", ") + "field \(field)" }
    return "\(place): \(reason.rawValue) (\(reason.meaning)): found \(found), expected \(expected)"
  }
}

func percent(_ fraction: Double) -> String {
  let hundredths = (fraction * 10_000).rounded() / 100
  return hundredths == hundredths.rounded() ? "\(Int(hundredths)) %" : "\(hundredths) %"
}
