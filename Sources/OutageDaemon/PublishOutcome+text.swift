// A publish as a person reads it, and as JSON for programs.

import Foundation
import LayerImport
import OutageModel
import Territory

extension PublishOutcome {
  /// What changes, for a person; the report of the file is not part of it.
  public func text(withTimings: Bool) -> String {
    let d = difference
    let was = previousNumber.map { "version \($0)" } ?? "an empty layer"
    let heading =
      if let version {
        "Published outage layer \(version.number) (\(version.source)) in place of \(was)."
      } else {
        "Dry run: nothing is published. Against \(was), this layer would change:"
      }
    var lines = [
      heading,
      "  outages         \(d.outagesAdded.count) added, \(d.outagesChanged.count) changed, "
        + "\(d.outagesCleared.count) cleared, \(d.outagesUnchanged) as before",
      "  service points  \(d.servicePointsNewlyOut) newly out, \(d.servicePointsRestored) restored, "
        + "\(d.servicePointsWithChangedERT) with a changed ERT, \(d.servicePointsOut) out in all",
    ]
    for (name, ids) in [
      ("added", d.outagesAdded), ("changed", d.outagesChanged), ("cleared", d.outagesCleared),
    ]
    where !ids.isEmpty {
      let shown = ids.prefix(8).joined(separator: ", ")
      lines.append("  \(name): \(shown)\(ids.count > 8 ? ", and \(ids.count - 8) more" : "")")
    }
    if withTimings {
      for timing in timings { lines.append("  \(timing.phase): \(timing.milliseconds) ms") }
    }
    return lines.joined(separator: "\n")
  }

  /// One JSON object: `published`, `version`, `difference`, `report`, `timings`, and `text` for a person.
  public func json() -> String {
    let content = Content(
      published: version != nil, version: version.map(VersionContent.init), previousVersion: previousNumber,
      difference: DifferenceContent(difference), timings: timings, text: text(withTimings: false),
      timingsText: text(withTimings: true), reportText: report?.text)
    let object = encodeJSON(content)
    guard let report else { return object }
    // The report encodes itself.
    return String(object.dropLast()) + ",\"report\":" + report.json() + "}"
  }

  private struct Content: Encodable {
    var published: Bool
    var version: VersionContent?
    var previousVersion: Int?
    var difference: DifferenceContent
    var timings: [PhaseTiming]
    var text: String
    var timingsText: String
    var reportText: String?
  }

  private struct DifferenceContent: Encodable {
    var outagesAdded, outagesChanged, outagesCleared: [String]
    var outagesUnchanged, servicePointsNewlyOut, servicePointsRestored, servicePointsWithChangedERT: Int
    var servicePointsOut: Int

    init(_ d: TerritoryDifference) {
      (outagesAdded, outagesChanged, outagesCleared) = (d.outagesAdded, d.outagesChanged, d.outagesCleared)
      outagesUnchanged = d.outagesUnchanged
      servicePointsNewlyOut = d.servicePointsNewlyOut
      servicePointsRestored = d.servicePointsRestored
      servicePointsWithChangedERT = d.servicePointsWithChangedERT
      servicePointsOut = d.servicePointsOut
    }
  }
}

/// A layer version as JSON gives it.
struct VersionContent: Encodable {
  var number: Int
  var publishedAt, source, sha256: String
  var recordCount, vertexCount: Int

  init(_ version: LayerVersion) {
    number = version.number
    publishedAt = version.publishedAt.iso8601
    source = version.source
    sha256 = version.sha256
    recordCount = version.recordCount
    vertexCount = version.vertexCount
  }
}

func encodeJSON(_ value: some Encodable) -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  // Encoding numbers and texts into memory cannot fail.
  return String(decoding: try! encoder.encode(value), as: UTF8.self)
}
