// What was measured, as values and as lines of text.

import CRivals
import Foundation

struct EngineReport {
  let kind: Engine.Kind
  let single: Spread
  let double: Spread
  let answer: RivalAnswer
  let buildSeconds: Double
  let byteCount: Int
  var pointCount = 0
  var agrees = false
  var hitDifference = 0

  init(_ engine: Engine, _ single: Spread, _ double: Spread, _ answer: RivalAnswer) {
    kind = engine.kind
    self.single = single
    self.double = double
    self.answer = answer
    buildSeconds = engine.buildSeconds
    byteCount = engine.byteCount
  }
}

struct JoinReport {
  let pointCount: Int
  let join: Spread
  let update: Spread
  var geosSeconds = Double.nan
  var changedCount = 0
  var byteCount = 0
  var setCount = 0
  var differences = 0
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
          Self.number(line.double.median), Self.number(ratio, 1) + " x", Self.number(line.buildSeconds, 3),
          Self.number(Double(line.byteCount) / 1e6, 1),
          Self.number(Double(line.answer.hits) / Double(line.pointCount), 2), same,
        ].joined(separator: " | ").wrapped)
    }
    lines.append("")
    lines.append(
      "Our index takes \(Self.number(Double(indexBytes) / 1e6, 1)) MB beside the coordinates (\(Self.number(Double(coordinateBytes) / 1e6, 1)) MB)."
    )
    if let join {
      lines.append(
        "Join of \(join.pointCount) points: \(Self.number(join.join.median * 1e3, 1)) ms (\(Self.number(join.join.least * 1e3, 1)) to \(Self.number(join.join.greatest * 1e3, 1))), GEOS \(Self.number(join.geosSeconds * 1e3, 1)) ms: \(Self.number(join.join.median / join.geosSeconds, 4)) of it. "
          + "A change of \(join.changedCount) polygons: \(Self.number(join.update.median * 1e3, 2)) ms (\(Self.number(join.update.least * 1e3, 2)) to \(Self.number(join.update.greatest * 1e3, 2))), \(Self.number(join.update.median / join.join.median, 4)) of the join. "
          + "The coverage takes \(Self.number(Double(join.byteCount) / 1e6, 1)) MB, \(join.setCount) sets.")
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
