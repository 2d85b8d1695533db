// `bench-match`: point location against what an engineer would otherwise pick, on the same data, in one process, in turns.

import ArgumentParser
import Foundation
import LayerImport
import MatchWorkload
import OutageModel
import PointLocation

@main
struct BenchMatch: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench-match",
    abstract:
      "Measures point location against GEOS, S2, Boost.Geometry and a linear scan; fails if an answer differs."
  )

  @Option(parsing: .upToNextOption, help: "What to run: W1, W2, W3, accounts.")
  var workload: [String] = ["W1", "W2", "W3", "accounts"]

  @Option(help: "A file of polygons (any format that `outaged publish` reads) to measure instead.")
  var real: String?

  @Option(help: "The coordinate system of that file, where it does not say.")
  var crs: String?

  @Option(help: "The seed of the workloads.")
  var seed: UInt64 = 1

  @Option(help: "Rounds, in each of which every engine has its turn.")
  var rounds = 5

  @Option(
    help:
      "Points of the comparison with GEOS on W1, and a twentieth of that on W2; the adversarial ones come on top."
  )
  var randomPoints = 10_000_000

  @Option(help: "Adversarial points of the comparison on W1, and a twentieth of that on W2.")
  var adversarialPoints = 1_000_000

  @Option(help: "Divides the numbers of points and polygons, for a quick look.")
  var divisor = 1

  @Option(help: "A folder whose BENCHMARKS.md receives the results, with a chart beside it.")
  var out: String?

  @Flag(help: "Measures only our own engine, for a profiler.")
  var oursOnly = false

  mutating func run() throws {
    let began = WallTime()
    let load = MachineDescription.load
    print("\(MachineDescription.text), \(load), seed \(seed), \(rounds) rounds")
    var reports: [WorkloadReport] = []
    var accounts: AccountReport?
    var differences = 0
    for workload in try workloads() {
      var run = WorkloadRun(workload, rounds: rounds, oursOnly: oursOnly)
      var report = run.measure()
      report.print()
      differences += report.differences
      if !oursOnly && workload.name != "W3" {
        // On heavy polygons GEOS takes long.
        let share = workload.name == "W2" ? 0.05 : 1
        let checked = run.compareWithGEOS(
          randomCount: Int(Double(randomPoints / divisor) * share),
          adversarialCount: Int(Double(adversarialPoints / divisor) * share), seed: seed)
        report.checked = checked
        differences += checked.differences
        print("\nCompared with GEOS: \(checked.text)")
      }
      reports.append(report)
      // Into a pipe, too: a run takes minutes.
      fflush(nil)
    }
    if real == nil && workload.contains("accounts") {
      let run = AccountRun(servicePointCount: 5_000_000 / divisor, seed: seed, rounds: rounds)
      accounts = run.measure()
      print(accounts!.lines.joined(separator: "\n"))
      differences += accounts!.wrong
    }
    let report = BenchmarkReport(
      reports: reports, accounts: accounts, seed: seed, rounds: rounds, load: load,
      minutes: began.seconds / 60)
    print("\n" + report.targets.joined(separator: "\n"))
    if let out { try report.write(to: out) }
    if differences > 0 {
      print("\(differences) answers differ from GEOS")
      throw ExitCode.failure
    }
  }

  /// One after another, so that only one is in memory.
  private func workloads() throws -> some Sequence<Workload> {
    let real = try real.map { try Self.read($0, crs: crs, divisor: divisor, seed: seed) }
    let names = real == nil ? workload.filter { $0 != "accounts" } : ["real"]
    return names.lazy.map { real ?? make($0) }
  }

  private func make(_ name: String) -> Workload {
    switch name {
    case "W2":
      .coasts(polygonCount: max(4, 400 / divisor), pointCount: 1_000_000 / divisor, seed: seed)
    case "W3":
      .storm(
        name: "W3", polygonCount: 100_000 / divisor, pointCount: 5_000_000 / divisor, seed: seed)
    default:
      .storm(name: "W1", polygonCount: 10_000 / divisor, pointCount: 1_000_000 / divisor, seed: seed)
    }
  }

  /// A layer from elsewhere; each part of a multipolygon is a polygon of its own here, as the rivals take it.
  private static func read(_ path: String, crs: String?, divisor: Int, seed: UInt64) throws -> Workload {
    var options = ImportOptions()
    options.crs = crs
    options.maxRejectedFraction = 1
    let (outages, report) = try LayerImporter.readOutages(path, options: options) { _ in }
    print(report.text)
    var builder = PolygonSetBuilder()
    for outage in outages {
      let area = outage.area
      for part in 0..<area.polygonCount {
        let starts = area.ringStarts[Int(area.polygonStarts[part])...Int(area.polygonStarts[part + 1])]
        let first = starts.first!
        builder.append(
          coordinates: area.withCoordinates { Array($0[2 * Int(first)..<2 * Int(starts.last!)]) },
          ringStarts: starts.map { $0 - first })
      }
    }
    let polygons = builder.build()
    guard polygons.vertexCount > 0 else { throw ValidationError("\(path) holds no polygon") }
    return .over(
      name: (path as NSString).lastPathComponent, polygons: polygons, pointCount: 1_000_000 / divisor,
      seed: seed)
  }
}
