// What was measured, as values and as lines of text.

import CRivals
import Foundation

struct EngineReport {
  let kind: Engine.Kind
  let single: Spread
  let double: Spread
  let build: Spread
  let answer: RivalAnswer
  let byteCount: Int
  var pointCount = 0
  var agrees = false
  var hitDifference = 0

  init(_ engine: Engine, _ single: Spread, _ double: Spread, _ build: Spread, _ answer: RivalAnswer) {
    kind = engine.kind
    self.single = single
    self.double = double
    self.build = build
    self.answer = answer
    byteCount = engine.byteCount
  }
}

/// Seconds of each round.
struct JoinTimes {
  private(set) var join: [Double] = []
  private(set) var geos: [Double] = []
  private(set) var indexUpdate: [Double] = []
  private(set) var update: [Double] = []

  mutating func append(join: Double, geos: Double, indexUpdate: Double, update: Double) {
    self.join.append(join)
    self.geos.append(geos)
    self.indexUpdate.append(indexUpdate)
    self.update.append(update)
  }
}

struct JoinReport {
  let pointCount: Int
  let changedCount: Int
  let join: Spread
  /// Of all points, reckoned from those that GEOS was asked about.
  let geos: Spread
  let indexUpdate: Spread
  let update: Spread
  var geosCount = 0
  var byteCount = 0
  var setCount = 0
  var differences = 0

  init(_ times: JoinTimes, pointCount: Int, changedCount: Int) {
    self.pointCount = pointCount
    self.changedCount = changedCount
    join = Spread(times.join)
    geos = Spread(times.geos)
    indexUpdate = Spread(times.indexUpdate)
    update = Spread(times.update)
  }

  var lines: [String] {
    func ratio(_ a: Spread, _ b: Spread) -> String { WorkloadReport.number(a.median / b.median, 4) }
    return [
      "| join of \(pointCount) points, one thread | ms | ratio |", "| --- | ---: | --- |",
      "| GEOS prepared + STRtree, the points in the same order | \(geos.text(1e3)) | |",
      "| ours, in full | \(join.text(1e3, 1)) | \(ratio(join, geos)) of GEOS |",
      "| ours, after a change of \(changedCount) polygons | \(update.text(1e3, 2)) | \(ratio(update, join)) of the full join, \(ratio(update, geos)) of GEOS |",
      "| the index after that change | \(indexUpdate.text(1e3, 2)) | |", "",
      "The coverage takes \(WorkloadReport.number(Double(byteCount) / 1e6, 1)) MB: \(setCount) sets.",
    ]
  }
}

struct ComparisonReport {
  var randomCount = 0
  var adversarialCount = 0
  var differences = 0

  var text: String {
    "\(differences) differences in \(randomCount) random and \(adversarialCount) adversarial points"
  }
}

struct WorkloadReport {
  let name: String
  let summary: String
  var engines: [EngineReport] = []
  var coordinateBytes = 0
  var indexBytes = 0
  var join: JoinReport?
  var batches: [BatchReport] = []
  var checked: ComparisonReport?
  var differences = 0

  init(name: String, summary: String) {
    self.name = name
    self.summary = summary
  }

  func engine(_ kind: Engine.Kind) -> EngineReport? { engines.first { $0.kind == kind } }

  func print() {
    Swift.print(lines.joined(separator: "\n"))
  }

  /// The table of engines and the lines below it, in Markdown.
  var lines: [String] {
    var lines = [
      "| engine | ns a query | spread | 2 threads | against ours | build s | MB | hits a point | same as GEOS |",
      "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for line in engines {
      let ratio = line.single.median / engines[0].single.median
      let same =
        line.agrees
        ? "yes" : "\(line.hitDifference > 0 ? "+" : "")\(line.hitDifference) hits of \(line.answer.hits)"
      lines.append(
        [
          line.kind.rawValue, Self.number(line.single.median),
          "\(Self.number(line.single.least)) to \(Self.number(line.single.greatest))",
          Self.number(line.double.median), Self.number(ratio, 1) + " x", Self.number(line.build.median, 3),
          Self.number(Double(line.byteCount) / 1e6, 1),
          Self.number(Double(line.answer.hits) / Double(line.pointCount), 2), same,
        ].joined(separator: " | ").wrapped)
    }
    lines.append("")
    lines.append(
      "Our index takes \(Self.number(Double(indexBytes) / 1e6, 1)) MB beside the coordinates (\(Self.number(Double(coordinateBytes) / 1e6, 1)) MB)."
    )
    if let join { lines += [""] + join.lines }
    if !batches.isEmpty {
      lines += [
        "", "| positions in a batch | ns each, one by one | found together | sorted first, one by one |",
        "| ---: | ---: | ---: | ---: |",
      ]
      lines += batches.map {
        "| \($0.batchCount) | \($0.asGiven.text()) | \($0.together.text()) | \($0.sorted.text()) |"
      }
    }
    return lines
  }

  static func number(_ value: Double, _ digits: Int = 0) -> String {
    value.isFinite ? String(format: "%.\(digits)f", value) : "–"
  }
}

extension String {
  fileprivate var wrapped: String { "| \(self) |" }
}
