// Writes the results to a section of a Markdown file, and draws them as a chart.

import Foundation

struct BenchmarkReport {
  let reports: [WorkloadReport]
  let accounts: AccountReport?
  let seed: UInt64
  let rounds: Int
  let load: String
  let minutes: Double

  private static let start = "<!-- matching: written by make bench-match -->"
  private static let end = "<!-- end of matching -->"

  /// Replaces the section of BENCHMARKS.md between its marks; what stands around them is kept.
  func write(to folder: String) throws {
    let file = folder + "/BENCHMARKS.md"
    let old = (try? String(contentsOfFile: file, encoding: .utf8)) ?? "# Benchmarks\n\n"
    let section = Self.start + "\n" + text + "\n" + Self.end
    let new: String
    if let from = old.range(of: Self.start), let to = old.range(of: Self.end) {
      new = old.replacingCharacters(in: from.lowerBound..<to.upperBound, with: section)
    } else {
      new = old + section + "\n"
    }
    try new.write(toFile: file, atomically: true, encoding: .utf8)
    try chart.write(toFile: folder + "/bench-match.svg", atomically: true, encoding: .utf8)
  }

  private var text: String {
    var lines = [
      "## Matching", "",
      "Which polygons cover this point? Our engine against what an engineer would otherwise pick. `make bench-match` repeats it in "
        + "\(WorkloadReport.number(minutes, 0)) minutes; it fails if an answer differs from GEOS's.", "",
      "![Nanoseconds a query](bench-match.svg)", "",
      "\(MachineDescription.text), \(load). Seed \(seed), median (least to greatest) of \(rounds) rounds, in each of which every engine has its turn. "
        + "Figures of one thread are its processor time, which is the wall time where nothing else runs; two threads are wall time over all points. "
        + "Builds are wall time: ours is on all processors, and the rivals, whose libraries have no other way, on one.",
      "",
      "GEOS is asked through its C API from C++, with a prepared geometry for each candidate of an STRtree; its build is the tree and each "
        + "geometry's preparation on first use. S2's edges are geodesics, so that its hits differ a little; that is told and does not fail. "
        + "Boost.Geometry, the linear scan and, on heavy polygons, GEOS are asked about a sample of the points. MB is what the heap holds for "
        + "the engine, polygons included.", "",
      "- W1: a storm over 60 towns; 10,000 polygons of 12 to 400 vertices, heavy overlap, 5 % with a hole; half of the points are inside.",
      "- W2: 400 polygons of 5,000 to 100,000 vertices.",
      "- W3: the storm with ten times the polygons on ten times the land.", "",
    ]
    lines += targets + [""]
    for report in reports {
      lines += ["### \(report.name): \(report.summary)", ""]
      lines += report.lines
      if let checked = report.checked { lines += ["", "Compared with GEOS: \(checked.text)."] }
      lines.append("")
    }
    if let accounts { lines += ["### Account lookup in process", ""] + accounts.lines + [""] }
    return lines.joined(separator: "\n")
  }

  private func report(_ name: String) -> WorkloadReport? { reports.first { $0.name == name } }

  /// The ratios that the project asks of itself.
  var targets: [String] {
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
      rows.append(("memory with the polygons, W1, MB", 100, Double(ours.byteCount) / 1e6))
      rows.append(("build, W1, of GEOS", 0.5, ours.build.median / geos.build.median))
      rows.append(("join, W1, of GEOS", 0.10, join.join.median / join.geos.median))
      rows.append(
        ("join after a change of 1 %, W1, of the full join", 0.05, join.update.median / join.join.median))
    }
    if let w2 = report("W2"), let ours = w2.engine(.ours), let geos = w2.engine(.geos) {
      rows.append(
        ("memory with the polygons, W2, of GEOS", 1, Double(ours.byteCount) / Double(geos.byteCount)))
    }
    if let accounts {
      rows.append(("account lookup, ns", 150, accounts.lookupNanoseconds.median))
      rows.append(("bytes a service point", 120, accounts.bytesPerServicePoint))
    }
    let checked = reports.compactMap(\.checked)
    if !checked.isEmpty {
      rows.append(("answers that differ from GEOS", 0, Double(checked.reduce(0) { $0 + $1.differences })))
    }
    return ["| target | at most | measured | met |", "| --- | ---: | ---: | --- |"]
      + rows.map {
        "| \($0.what) | \(WorkloadReport.number($0.target, 2)) | \(WorkloadReport.number($0.measured, 3)) | \($0.measured <= $0.target ? "yes" : "no") |"
      }
  }

  /// Bars on a logarithmic scale: a decade is 110 units wide.
  private var chart: String {
    var body: [String] = []
    var y = 34.0
    let left = 200.0
    for report in reports {
      let title = "\(report.name): ns a query, one thread, logarithmic scale"
      body.append("<text x=\"8\" y=\"\(y)\" class=\"h\">\(title)</text>")
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

/// The machine, as /proc describes it.
enum MachineDescription {
  static var text: String {
    let info = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let model = info.split(separator: "\n").first { $0.hasPrefix("model name") }
    let name = model.flatMap { $0.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } }
    return
      "\(name ?? "an unknown processor"), \(ProcessInfo.processInfo.processorCount) cores, \(ProcessInfo.processInfo.operatingSystemVersionString)"
  }

  /// How busy the machine was before the run.
  static var load: String {
    let loads = (try? String(contentsOfFile: "/proc/loadavg", encoding: .utf8)) ?? "?"
    return "load average \(loads.split(separator: " ").first ?? "?") at the start"
  }
}
