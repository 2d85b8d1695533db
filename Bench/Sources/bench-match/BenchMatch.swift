// `bench-match`: point location against what an engineer would otherwise pick, on the same data, in one process, in turns.

import ArgumentParser
import Foundation
import MatchWorkload
import PointLocation

@main
struct BenchMatch: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench-match",
    abstract:
      "Measures point location against GEOS, S2, Boost.Geometry and a linear scan; fails if an answer differs."
  )

  @Option(parsing: .upToNextOption, help: "Workloads to run: W1, W2, W3.")
  var workload: [String] = ["W1", "W2", "W3"]

  @Option(help: "The seed of the workloads.")
  var seed: UInt64 = 1

  @Option(help: "Rounds, in each of which every engine has its turn.")
  var rounds = 5

  @Option(help: "Points of each comparison with GEOS; the adversarial ones come on top.")
  var randomPoints = 10_000_000

  @Option(help: "Adversarial points of the comparison with GEOS.")
  var adversarialPoints = 1_000_000

  @Option(help: "Divides the numbers of points and polygons, for a quick look.")
  var divisor = 1

  @Option(help: "A folder that receives BENCHMARKS.md and its chart.")
  var out: String?

  @Flag(help: "Measures only our own engine, for a profiler.")
  var oursOnly = false

  mutating func run() throws {
    print("\(MachineDescription.text), seed \(seed), \(rounds) rounds")
    var reports: [WorkloadReport] = []
    var differences = 0
    for name in workload {
      let workload = make(name)
      var run = WorkloadRun(workload, rounds: rounds, oursOnly: oursOnly)
      let report = run.measure()
      report.print()
      reports.append(report)
      differences += report.differences
      if !oursOnly && name != "W3" {
        let share = name == "W1" ? 1.0 : 0.1
        let checked = run.compareWithGEOS(
          randomCount: Int(Double(randomPoints / divisor) * share),
          adversarialCount: adversarialPoints / divisor, seed: seed)
        reports[reports.count - 1].checked = checked
        differences += checked.differences
        print("   compared with GEOS: \(checked.text)")
      }
    }
    if let out {
      try BenchmarkReport(reports: reports, seed: seed, rounds: rounds).write(to: out)
    }
    if differences > 0 {
      print("\(differences) answers differ from GEOS")
      throw ExitCode.failure
    }
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
}
