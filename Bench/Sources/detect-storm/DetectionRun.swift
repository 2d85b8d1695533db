// Replays a storm's reports and layers through the search, in simulated time, and scores what it suspects.

import OutageModel
import PointHull
import SuspectedOutages
import Territory

/// What the search made of one storm.
struct DetectionScore {
  var faults = 0
  /// With as many reporters, before the OMS knew, as are needed at least.
  var detectable = 0
  /// Suspected before the OMS knew.
  var detected = 0
  /// From the fault to the suspicion, of those detected.
  var delaysSeconds: [Double] = []
  /// From the report that made it detectable to the suspicion.
  var delaysFromReportSeconds: [Double] = []
  /// Of the service points that a fault took power from, how many its suspicions spoke for when the OMS's layer came.
  var servicePointsOut = 0
  var servicePointsTold = 0
  /// Suspicions raised, and those of them most of whose members had power.
  var raised = 0
  var falseAlarms = 0
  /// Members of what was raised, and those without power.
  var members = 0
  var membersOut = 0
  var evaluationSeconds: [Double] = []
}

struct DetectionRun {
  let table: ServicePointTable
  let storm: FaultStorm
  let hours: Double
  let settings: SuspicionSettings

  static let start = Timestamp(year: 2026, month: 11, day: 24, hour: 18)
  static let stepSeconds = 10.0

  func score() -> DetectionScore {
    var score = DetectionScore()
    score.faults = storm.faults.count
    var faultsOfRow: [Int: [Int]] = [:]
    for (number, fault) in storm.faults.enumerated() {
      for row in fault.rows { faultsOfRow[row, default: []].append(number) }
    }
    func isOut(_ row: Int, _ at: Double) -> Bool {
      (faultsOfRow[row] ?? []).contains { storm.isOut($0, at: at) }
    }
    let detectableAt = storm.faults.indices.map { detectableTime(of: $0) }
    score.detectable = detectableAt.count { $0 != nil }
    var tracker = SuspicionTracker(settings)
    let ids = (0..<table.rowCount).map { table.string(.servicePointId, row: $0) }
    let hull = PointHull(marginMetres: 25)
    let areas = storm.faults.map { hull.area(around: $0.rows.map { table.position(row: $0) }) }
    var territory = Territory(servicePoints: table, outages: OutageTable(layer: nil, outages: []))
    var known: Set<Int> = []
    var seen: Set<Int> = []
    var suspectedAt: [Int: Double] = [:]
    var told: [Int: Set<Int>] = [:]
    var next = 0
    var step = 0
    let clock = ContinuousClock()
    while Double(step) * Self.stepSeconds <= hours * 3600 {
      let at = Double(step) * Self.stepSeconds
      step += 1
      let live = Set(
        storm.faults.indices.filter { storm.faults[$0].known <= at && at < storm.faults[$0].ends })
      var hasNews = live != known
      if live != known {
        for fault in live.subtracting(known) {
          score.servicePointsOut += storm.faults[fault].rows.count
          score.servicePointsTold += told[fault]?.count ?? 0
        }
        known = live
        let outages = live.sorted().map { fault in
          var outage = Outage(outageId: "OMS-\(fault)", area: areas[fault])
          outage.startedAt = Self.start.adding(seconds: Int64(storm.faults[fault].begins))
          return outage
        }
        territory = Territory(
          servicePoints: table, outages: OutageTable(layer: nil, outages: outages), previous: territory)
      }
      while next < storm.reports.count, storm.reports[next].at <= at {
        let report = storm.reports[next]
        next += 1
        hasNews = true
        tracker.add(
          ReportSign(
            sequence: next, servicePointId: ids[report.row], position: table.position(row: report.row),
            kind: report.kind, at: Self.start.adding(seconds: Int64(report.at))))
      }
      // Without news, time alone changes it, and slowly.
      guard hasNews || step % 6 == 0 else { continue }
      var found: [SuspectedOutage] = []
      let took = clock.measure {
        found = tracker.evaluate(in: territory, at: Self.start.adding(seconds: Int64(at)))
      }
      if tracker.reportCount > 0 { score.evaluationSeconds.append(took / .seconds(1)) }
      for outage in found {
        let out = outage.memberRows.filter { isOut($0, at) }
        for row in outage.memberRows {
          for fault in faultsOfRow[row] ?? []
          where storm.isOut(fault, at: at) && storm.faults[fault].known > at {
            told[fault, default: []].insert(row)
            if suspectedAt[fault] == nil { suspectedAt[fault] = at }
          }
        }
        guard seen.insert(outage.number).inserted else { continue }
        score.raised += 1
        score.members += outage.memberRows.count
        score.membersOut += out.count
        if 2 * out.count < outage.memberRows.count { score.falseAlarms += 1 }
      }
    }
    for (fault, at) in suspectedAt.sorted(by: { $0.key < $1.key }) {
      guard let detectable = detectableAt[fault] else { continue }
      score.detected += 1
      score.delaysSeconds.append(at - storm.faults[fault].begins)
      score.delaysFromReportSeconds.append(at - detectable)
    }
    return score
  }

  /// When the fault's third report came, or as many as are needed at least; `nil` if the OMS knew before.
  private func detectableTime(of fault: Int) -> Double? {
    let times = storm.reports.filter { $0.fault == fault && $0.kind != .restored }.map(\.at)
    guard times.count >= settings.reportersMin else { return nil }
    let at = times[settings.reportersMin - 1]
    return at < storm.faults[fault].known ? at : nil
  }
}
