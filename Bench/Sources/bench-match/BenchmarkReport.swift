// Writes the results to a Markdown file, and draws them as a chart.

import Foundation

struct BenchmarkReport {
  let reports: [WorkloadReport]
  let seed: UInt64
  let rounds: Int

  func write(to folder: String) throws {
    try text.write(toFile: folder + "/BENCHMARKS.md", atomically: true, encoding: .utf8)
    try chart.write(toFile: folder + "/bench-match.svg", atomically: true, encoding: .utf8)
  }

  private var text: String {
    var lines = [
      "# Benchmarks", "",
      "Point location against what an engineer would otherwise pick: which polygons cover this point? `make bench-match` repeats it.",
      "",
      "![Nanoseconds a query](bench-match.svg)", "",
      "Measured on \(MachineDescription.text). Seed \(seed), median of \(rounds) rounds, in each of which every engine has its turn; one thread unless said otherwise. ",
      "GEOS is asked through its C API, from C++, with a prepared geometry for each candidate of an STRtree. S2's edges are geodesics, so that its hits differ a little. ",
      "Boost.Geometry and the linear scan are asked about a sample of the points. MB is all that the heap holds for the engine, the polygons included.",
      "",
      "- W1: a storm over towns; polygons of 12 to 400 vertices, heavy overlap, 5 % with a hole; half of the points are inside.",
      "- W2: polygons of 5,000 to 100,000 vertices.",
      "- W3: the storm with ten times the polygons, on ten times the land.", "",
    ]
    for report in reports {
      lines += ["## \(report.name): \(report.summary)", ""]
      lines += report.lines
      if let checked = report.checked { lines += ["", "Compared with GEOS: \(checked.text)."] }
      lines.append("")
    }
    lines += targets
    return lines.joined(separator: "\n") + "\n"
  }

  private func report(_ name: String) -> WorkloadReport? { reports.first { $0.name == name } }

  /// The ratios that the project asks of itself.
  private var targets: [String] {
    var rows: [(what: String, target: Double, measured: Double)] = []
    func query(_ name: String, _ kind: Engine.Kind, _ target: Double) {
      guard let report = report(name), let ours = report.engine(.ours), let other = report.engine(kind) else {
        return
      }
      rows.append(
        ("covering query, \(name), of \(kind.rawValue)", target, ours.single.median / other.single.median))
    }
    query("W1", .geos, 0.10)
    query("W1", .s2, 0.15)
    query("W2", .geos, 0.02)
    query("W2", .s2, 0.25)
    if let w1 = report("W1"), let ours = w1.engine(.ours), let geos = w1.engine(.geos), let join = w1.join {
      if let w3 = report("W3")?.engine(.ours) {
        rows.append(("covering query, W3, of W1", 2, w3.single.median / ours.single.median))
      }
      rows.append(("memory, W1, MB", 100, Double(ours.byteCount) / 1e6))
      rows.append(("build, W1, of GEOS", 0.5, ours.buildSeconds / geos.buildSeconds))
      rows.append(("join, W1, of GEOS", 0.10, join.join.median / join.geosSeconds))
      rows.append(
        ("join after a change of 1 %, W1, of the join", 0.05, join.update.median / join.join.median))
    }
    if let w2 = report("W2"), let ours = w2.engine(.ours), let geos = w2.engine(.geos) {
      rows.append(("memory, W2, of GEOS", 1, Double(ours.byteCount) / Double(geos.byteCount)))
    }
    return ["## Targets", "", "| what | at most | measured | met |", "| --- | ---: | ---: | --- |"]
      + rows.map {
        "| \($0.what) | \(WorkloadReport.number($0.target, 2)) | \(WorkloadReport.number($0.measured, 3)) | \($0.measured <= $0.target ? "yes" : "no") |"
      }
  }

  /// Bars on a logarithmic scale: a decade is 150 units wide.
  private var chart: String {
    var body: [String] = []
    var y = 34.0
    let left = 200.0
    for report in reports {
      body.append("<text x=\"8\" y=\"\(y)\" class=\"h\">\(report.name): ns a query, one thread</text>")
      y += 10
      for line in report.engines {
        let width = max(2, log10(max(line.single.median, 10) / 10) * 110)
        body.append("<text x=\"\(left - 8)\" y=\"\(y + 13)\" class=\"e\">\(line.kind.rawValue)</text>")
        body.append(
          "<rect x=\"\(left)\" y=\"\(y)\" width=\"\(WorkloadReport.number(width, 1))\" height=\"17\" fill=\"\(line.kind == .ours ? "#0a7d4f" : "#9aa5b1")\"/>"
        )
        body.append(
          "<text x=\"\(WorkloadReport.number(left + width + 6, 1))\" y=\"\(y + 13)\">\(WorkloadReport.number(line.single.median))</text>"
        )
        y += 22
      }
      y += 24
    }
    return """
      <svg xmlns="http://www.w3.org/2000/svg" width="860" height="\(Int(y))" viewBox="0 0 860 \(Int(y))">
      <title>Nanoseconds a covering query, logarithmic scale from 10 ns</title>
      <style>text { font: 13px sans-serif; fill: #24292f } .h { font-weight: bold } .e { text-anchor: end }</style>
      <rect width="860" height="\(Int(y))" fill="white"/>
      \(body.joined(separator: "\n"))
      </svg>

      """
  }
}

/// The machine, as /proc/cpuinfo describes it.
enum MachineDescription {
  static var text: String {
    let info = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let model = info.split(separator: "\n").first { $0.hasPrefix("model name") }
    let name = model.flatMap { $0.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } }
    return
      "\(name ?? "an unknown processor"), \(ProcessInfo.processInfo.processorCount) cores, \(ProcessInfo.processInfo.operatingSystemVersionString)"
  }
}
