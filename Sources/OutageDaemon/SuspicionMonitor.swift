// Watches the reports that come, and has suspected outages served, changed and withdrawn.

import EventLog
import Foundation
import LayerStore
import Logging
import OutageModel
import PointHull
import SuspectedOutages
import Synchronization
import Territory

/// What is suspected now, and what has been since the daemon began.
struct SuspicionSummary: Sendable, Equatable {
  var outages = 0
  /// Recent reports that no outage of the OMS explains.
  var unexplainedReports = 0
  var raised = 0
  var withdrawn = 0
}

/// Looks for suspected outages on a thread of its own, so that a publish never waits for it. What it is given may come from any thread.
final class SuspicionMonitor: @unchecked Sendable {
  private let summary = Mutex(SuspicionSummary())
  private let thread = ControlThread(name: "suspicion", niceness: 10)
  private let clock: @Sendable () -> Timestamp
  private let log: Logger
  private let serve: @Sendable ([Outage], @escaping @Sendable (Duration) -> Void) -> Void
  private let arrived = Mutex<[ReportSign]>([])

  // What follows is used on the thread only.
  private var configuration: SuspectedConfiguration
  private var tracker: SuspicionTracker
  private var hull: PointHull
  private var territory: Territory?
  private var known: [Int: Known] = [:]
  /// Rows have other numbers than those of `known`, or areas another margin.
  private var isNewTable = true
  private var lastLook: Timestamp?
  private var lastServingSeconds = 0.0

  /// Serving what is suspected may take this share of the control thread's time, at most.
  private static let servingShareMax = 0.1

  private struct Known {
    var outage: SuspectedOutage
    var area: OutageArea
  }

  /// - Parameter serve: called on the monitor's thread with all outages that are suspected, when they are others than before; it tells how long it
  ///   took to have them served.
  init(
    configuration: SuspectedConfiguration, clock: @escaping @Sendable () -> Timestamp, log: Logger,
    serve: @escaping @Sendable ([Outage], @escaping @Sendable (Duration) -> Void) -> Void
  ) {
    self.configuration = configuration
    self.clock = clock
    self.log = log
    self.serve = serve
    tracker = SuspicionTracker(configuration.search)
    hull = PointHull(marginMetres: configuration.marginMetres)
  }

  /// Takes reports that were stored.
  func take(_ reports: [OutageReport]) {
    let signs = reports.compactMap { ReportSign($0) }
    guard !signs.isEmpty else { return }
    let isFirst = arrived.withLock { waiting in
      waiting.append(contentsOf: signs)
      return waiting.count == signs.count
    }
    if isFirst { thread.submit { [self] in lookSoon() } }
  }

  /// Takes the Territory that is served now, with the OMS's outages only.
  func take(_ territory: Territory) {
    thread.submit { [self] in
      let before = self.territory
      self.territory = territory
      if before?.servicePoints !== territory.servicePoints { isNewTable = true }
      // The clock alone may change what is in force; a new layer is looked at without delay.
      if before === territory { lookSoon() } else { look() }
    }
  }

  /// Begins anew, with these settings and the recent reports of the journal.
  func restart(_ configuration: SuspectedConfiguration, journal: ReportJournal) {
    thread.submit { [self] in
      self.configuration = configuration
      tracker = SuspicionTracker(configuration.search)
      hull = PointHull(marginMetres: configuration.marginMetres)
      isNewTable = true
      do {
        let fade = Int64(configuration.search.fadeAfterSeconds)
        take(try journal.recent(since: clock().adding(seconds: -fade)))
      } catch {
        log.error(
          "recent reports not read: outages are suspected from later ones only",
          metadata: ["error": "\(error)"])
      }
      look()
    }
  }

  func stop() { thread.stop() }

  /// From any thread.
  var figures: SuspicionSummary { summary.withLock { $0 } }

  // MARK: On the thread

  /// Looks now, or when the last look is long enough ago.
  private func lookSoon() {
    let wait = lastLook.map { Double(configuration.refreshSeconds) - clock().seconds(since: $0) } ?? 0
    // A clock that was set back must not make it wait for longer.
    thread.schedule(afterSeconds: min(max(0, wait), Double(configuration.refreshSeconds))) { [self] in look()
    }
  }

  private func look() {
    guard let territory else { return }
    guard configuration.isEnabled else { return take([], territory) }
    let now = clock()
    lastLook = now
    let signs = arrived.withLock { waiting in
      defer { waiting = [] }
      return waiting
    }
    for sign in signs { tracker.add(sign) }
    let found = tracker.evaluate(in: territory, at: now)
    take(found, territory)
    if let fade = tracker.nextFade {
      // The moment itself has passed when the timer rings.
      thread.schedule(afterSeconds: max(0.001, fade.seconds(since: now))) { [self] in look() }
    }
  }

  private func take(_ found: [SuspectedOutage], _ territory: Territory) {
    var next: [Int: Known] = [:]
    for outage in found {
      let before = known[outage.number]
      let isSamePlace =
        !isNewTable && before?.outage.memberRows == outage.memberRows
        && before?.outage.reportedPositions == outage.reportedPositions
      next[outage.number] = Known(
        outage: outage,
        area: isSamePlace ? before!.area : hull.area(around: Self.points(of: outage, territory)))
    }
    let raised = next.keys.filter { known[$0] == nil }
    let withdrawn = known.keys.filter { next[$0] == nil }
    for number in raised.sorted() { tell("outage suspected", next[number]!.outage) }
    for number in withdrawn.sorted() { tell("suspicion withdrawn", known[number]!.outage) }
    let isChanged = known.mapValues(\.outage) != next.mapValues(\.outage)
    known = next
    isNewTable = false
    let unexplained = tracker.reportCount
    summary.withLock {
      $0.outages = next.count
      $0.unexplainedReports = unexplained
      $0.raised += raised.count
      $0.withdrawn += withdrawn.count
    }
    guard isChanged else { return }
    serve(found.map { $0.outage(area: next[$0.number]!.area) }) { [self] duration in
      thread.submit { [self] in lastServingSeconds = duration / .seconds(1) }
    }
  }

  private func tell(_ what: Logger.Message, _ outage: SuspectedOutage) {
    log.info(
      what,
      metadata: [
        "id": "\(outage.outageId)", "basis": "\(outage.basis)", "reports": "\(outage.reportCount)",
        "servicePoints": "\(outage.memberRows.count)",
      ])
  }

  private static func points(of outage: SuspectedOutage, _ territory: Territory) -> [LonLat] {
    outage.memberRows.map { territory.servicePoints.position(row: $0) } + outage.reportedPositions
  }
}

extension SuspectedOutage {
  /// As an outage that is served beside those of the OMS: unplanned, predicted, its end not known.
  func outage(area: OutageArea) -> Outage {
    var outage = Outage(outageId: outageId, area: area)
    outage.status = .known(.predicted)
    outage.startedAt = firstReportAt
    outage.updatedAt = lastReportAt
    outage.feederId = feederId
    outage.suspicion = Suspicion(confidence: confidence, reportCount: reportCount)
    return outage
  }
}
