// The command line: how soon suspected outages are found in seeded storms, and how often wrongly.

import ArgumentParser
import OutageModel
import StormGeneration
import SuspectedOutages
import Territory

@main
struct DetectStorm: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detect-storm",
    abstract: "Replay seeded storms of reports through the search for suspected outages, and score it.")

  @Option(help: "Service points of the territory.")
  var servicePoints = 100_000

  @Option(help: "Storms to replay for each row, with seeds one after another.")
  var storms = 3

  @Option(help: "Where all randomness comes from.")
  var seed: UInt64 = 2026

  @Option(help: "Only the rows whose name contains this.")
  var only: String?

  func run() throws {
    let plan = TerritoryPlan(servicePointCount: servicePoints, seed: seed)
    var builder = ServicePointTableBuilder()
    for number in 0..<servicePoints { builder.append(plan.servicePoint(number)) }
    let table = builder.build(addressVersion: 1)
    let network = Self.network(table)
    print(
      "\(servicePoints) service points, \(network.count) feeders, seeds \(seed)...\(seed + UInt64(storms) - 1)\n"
    )

    var rows: [(String, StormShape, SuspicionSettings)] = []
    let shape = StormShape()
    let settings = SuspicionSettings()
    rows.append(("the defaults", shape, settings))
    for least in [2, 4, 5] {
      rows.append(("`reportersMin` \(least)", shape, settings.with { $0.reportersMin = least }))
    }
    for metres in [75.0, 300] {
      rows.append(("`neighbourMetres` \(Int(metres))", shape, settings.with { $0.neighbourMetres = metres }))
    }
    for share in [0.25, 0.75] {
      rows.append(("`feederShare` \(share)", shape, settings.with { $0.feederShare = share }))
    }
    for seconds in [600, 3600] {
      rows.append(("`windowSeconds` \(seconds)", shape, settings.with { $0.windowSeconds = seconds }))
    }
    for share in [0.05, 0.3] {
      var other = shape
      other.reportShare = share
      rows.append(("\(Int(share * 100)) % of those without power report", other, settings))
    }
    for factor in [5.0, 20] {
      var other = shape
      other.backgroundReportsPerThousandPerDay *= factor
      rows.append(("\(Int(factor)) × as many lone reports as the settings say", other, settings))
    }
    var calm = shape
    (calm.faultCount, calm.hours) = (0, 24 * 7)
    rows.append(("no fault at all, for \(storms) weeks", calm, settings))

    print(
      "| storm and settings | faults | detectable | detected | delay from the fault, median / 90 % | after the deciding report, median / 90 % | customers told before the OMS | suspicions | false | members without power |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    var times: [Double] = []
    for (name, shape, settings) in rows where only.map(name.contains) ?? true {
      let scores = (0..<UInt64(storms)).map { offset in
        let storm = FaultStorm(
          shape, transformersOfFeeder: network, rowCount: table.rowCount, seed: seed + offset)
        return DetectionRun(table: table, storm: storm, hours: shape.hours, settings: settings).score()
      }
      times += scores.flatMap(\.evaluationSeconds)
      print(Self.line(name, scores))
    }
    print(
      "\nOne look at the reports took \(Self.milliseconds(Self.quantile(0.5, times))) ms in the median, \(Self.milliseconds(Self.quantile(0.99, times))) ms at the 99th percentile."
    )
  }

  private static func line(_ name: String, _ scores: [DetectionScore]) -> String {
    func sum(_ count: (DetectionScore) -> Int) -> Int { scores.reduce(0) { $0 + count($1) } }
    func minutes(_ delays: [Double]) -> String {
      delays.isEmpty
        ? "–" : "\(tenths(quantile(0.5, delays) / 60)) / \(tenths(quantile(0.9, delays) / 60)) min"
    }
    func seconds(_ delays: [Double]) -> String {
      delays.isEmpty ? "–" : "\(Int(quantile(0.5, delays))) / \(Int(quantile(0.9, delays))) s"
    }
    let cells = [
      name, "\(sum { $0.faults })", "\(sum { $0.detectable })", "\(sum { $0.detected })",
      minutes(scores.flatMap(\.delaysSeconds)), seconds(scores.flatMap(\.delaysFromReportSeconds)),
      share(sum { $0.servicePointsTold }, sum { $0.servicePointsOut }), "\(sum { $0.raised })",
      "\(sum { $0.falseAlarms })", share(sum { $0.membersOut }, sum { $0.members }),
    ]
    return "| " + cells.joined(separator: " | ") + " |"
  }

  private static func share(_ part: Int, _ whole: Int) -> String {
    whole == 0 ? "–" : "\(tenths(100 * Double(part) / Double(whole))) %"
  }

  private static func tenths(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
  private static func milliseconds(_ seconds: Double) -> String { "\((seconds * 1e5).rounded() / 100)" }

  private static func quantile(_ share: Double, _ values: [Double]) -> Double {
    guard !values.isEmpty else { return 0 }
    return values.sorted()[min(values.count - 1, Int(share * Double(values.count)))]
  }

  /// Feeders with their transformers; both in the order of their names, which is the order along the streets.
  private static func network(_ table: ServicePointTable) -> [(feeder: String, transformers: [[Int]])] {
    var feeders: [String: [String: [Int]]] = [:]
    for row in 0..<table.rowCount {
      feeders[table.string(.feederId, row: row), default: [:]][
        table.string(.transformerId, row: row), default: []
      ].append(row)
    }
    return feeders.sorted { $0.key < $1.key }.map { feeder, transformers in
      (feeder, transformers.sorted { $0.key < $1.key }.map(\.value))
    }
  }
}

extension SuspicionSettings {
  fileprivate func with(_ change: (inout SuspicionSettings) -> Void) -> SuspicionSettings {
    var settings = self
    change(&settings)
    return settings
  }
}
