// The journal of reports: stored once, counted once, in order, matched once.

import Foundation
import OutageModel
import Synchronization
import Testing

@testable import EventLog

/// A clock that tests move by hand.
final class TestClock: Sendable {
  private let moment = Mutex(Timestamp(year: 2026, month: 11, day: 24, hour: 18))

  var now: Timestamp {
    get { moment.withLock { $0 } }
    set { moment.withLock { $0 = newValue } }
  }
}

final class TemporaryDirectory: Sendable {
  let path: String

  init() {
    var template = Array((NSTemporaryDirectory() + "/outaged-events-XXXXXX").utf8CString)
    path = String(cString: mkdtemp(&template)!)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

extension ReportJournal {
  func addAndWait(_ draft: ReportDraft) throws -> ReportReceipt {
    let outcome = Outcome<Result<ReportReceipt, any Error>>()
    add(draft) { outcome.set($0.mapError { $0 }) }
    return try outcome.wait().get()
  }
}

@Suite struct ReportJournalTests {
  let directory = TemporaryDirectory()
  let clock = TestClock()

  func open(_ settings: ReportSettings = ReportSettings()) throws -> ReportJournal {
    try ReportJournal(directory: directory.path, settings: settings, clock: { [clock] in clock.now })
  }

  func draft(_ kind: ReportKind = .out, servicePoint: String = "SP-1", call: String? = nil) -> ReportDraft {
    var draft = ReportDraft(kind: kind, receivedAt: clock.now)
    draft.servicePointId = servicePoint
    draft.accountId = "A-1"
    draft.position = LonLat(lonDegrees: -121.74, latDegrees: 38.54)
    draft.callId = call
    return draft
  }

  @Test func `a report comes back value for value, also after the journal is opened again`() throws {
    var full = draft(.wireDown, call: "C-1")
    full.transformerId = "T-9"
    full.feederId = "F-2"
    full.isCriticalCustomer = true
    full.note = "sparks \"by\" the école"
    full.layerNumber = 7
    full.knownOutageId = "OMS-1"
    var bare = ReportDraft(kind: .flickering, receivedAt: clock.now)
    bare.position = LonLat(lonDegrees: 1.25, latDegrees: -3.5)
    do {
      let journal = try open()
      #expect(try journal.addAndWait(full).report.sequence == 1)
      #expect(try journal.addAndWait(bare).report.sequence == 2)
      journal.stop()
    }
    let reports = try open().reports(from: 1, limit: 10)
    #expect(reports.map(\.draft) == [full, bare])
    #expect(reports.map(\.sequence) == [1, 2])
    #expect(reports[0].match == ReportMatch(outageId: "OMS-1", layerNumber: 7, delayMilliseconds: 0))
    #expect(reports[1].match == nil)
  }

  @Test func `the same call, kind and place is stored once; another kind of the same call is not lost`()
    throws
  {
    let journal = try open()
    let first = try journal.addAndWait(draft(call: "C-1"))
    clock.now = clock.now.adding(seconds: 5)
    let again = try journal.addAndWait(draft(call: "C-1"))
    #expect(!first.isDuplicate)
    #expect(again.isDuplicate)
    #expect(again.report == first.report)
    #expect(try journal.addAndWait(draft(.wireDown, call: "C-1")).isDuplicate == false)
    #expect(try journal.reports(from: 0, limit: 10).map(\.draft.kind) == [.out, .wireDown])
    #expect(journal.statistics.duplicates == 1)
  }

  @Test func `a repetition counts once until its time is over or the opposite was reported`() throws {
    let journal = try open()
    func repeatOf(_ kind: ReportKind, after seconds: Int64) throws -> Int? {
      clock.now = clock.now.adding(seconds: seconds)
      return try journal.addAndWait(draft(kind)).report.repeatOf
    }
    #expect(try repeatOf(.out, after: 0) == nil)
    #expect(try repeatOf(.out, after: 3000) == 1)
    #expect(try repeatOf(.partial, after: 1) == nil)
    #expect(try repeatOf(.out, after: 598) == 1)
    #expect(try repeatOf(.out, after: 1) == nil, "an hour after the first")
    #expect(try repeatOf(.restored, after: 1) == nil)
    #expect(try repeatOf(.restored, after: 1) == 6)
    #expect(try repeatOf(.out, after: 1) == nil)
    #expect(try repeatOf(.restored, after: 1) == nil)
    #expect(journal.statistics.repeats == 3)
  }

  @Test func `consumers go forward, each on its own, and not beyond the last report`() throws {
    let journal = try open()
    for number in 1...3 { _ = try journal.addAndWait(draft(servicePoint: "SP-\(number)")) }
    func acknowledge(_ consumer: String, _ sequence: Int) throws -> Int? {
      let outcome = Outcome<Result<Int?, any Error>>()
      journal.acknowledge(consumer, through: sequence) { outcome.set($0.mapError { $0 }) }
      return try outcome.wait().get()
    }
    #expect(try acknowledge("oms", 2) == 2)
    #expect(try acknowledge("oms", 1) == 2)
    #expect(try acknowledge("wall", 3) == 3)
    #expect(try acknowledge("oms", 4) == nil)
    journal.stop()
    let reopened = try open()
    #expect(try reopened.position(of: "oms") == 2)
    #expect(try reopened.position(of: "nobody") == 0)
    #expect(try reopened.consumers().map(\.name) == ["oms", "wall"])
  }

  @Test func `the next layer that covers a report matches it once, with its delay`() throws {
    let journal = try open()
    _ = try journal.addAndWait(draft(servicePoint: "SP-1"))
    _ = try journal.addAndWait(draft(servicePoint: "SP-2"))
    _ = try journal.addAndWait(draft(.restored, servicePoint: "SP-3"))
    journal.stop()
    let reopened = try open()
    func match(_ number: Int, after seconds: Int64, _ covered: Set<String>) throws -> Int {
      let layer = LayerVersion(
        kind: .outages, number: number, publishedAt: clock.now.adding(seconds: seconds), source: "",
        sha256: "",
        recordCount: 0, vertexCount: 0)
      let outcome = Outcome<Result<Int, any Error>>()
      reopened.match(layer: layer, { covered.contains($0.servicePointId ?? "") ? "OMS-\(number)" : nil }) {
        outcome.set($0.mapError { $0 })
      }
      return try outcome.wait().get()
    }
    // What waited before the restart waits on, beside what has come since.
    _ = try reopened.addAndWait(draft(servicePoint: "SP-4"))
    #expect(try match(8, after: 60, ["SP-1", "SP-3"]) == 1)
    #expect(reopened.statistics.unmatched == 2)
    #expect(try match(9, after: 120, ["SP-1", "SP-2"]) == 1)
    #expect(try match(10, after: 180, ["SP-1", "SP-2"]) == 0)
    #expect(
      try reopened.reports(from: 1, limit: 9).map(\.match) == [
        ReportMatch(outageId: "OMS-8", layerNumber: 8, delayMilliseconds: 60_000),
        ReportMatch(outageId: "OMS-9", layerNumber: 9, delayMilliseconds: 120_000), nil, nil,
      ])
  }

  @Test func `observers are told of each stored report once, in order`() throws {
    let journal = try open()
    let told = Mutex<[Int]>([])
    let all = DispatchSemaphore(value: 0)
    journal.observe { reports in
      told.withLock { $0 += reports.map(\.sequence) }
      if told.withLock({ $0.count }) == 200 { all.signal() }
    }
    for number in 0..<200 {
      journal.add(draft(servicePoint: "SP-\(number)", call: "C-\(number)")) { _ in }
      journal.add(draft(servicePoint: "SP-\(number)", call: "C-\(number)")) { _ in }
    }
    all.wait()
    #expect(told.withLock { $0 } == Array(1...200))
    #expect(try journal.recent(since: clock.now).count == 200)
  }

  @Test func `all receipts of a commit come first, then those who gather them, then the observers`() throws {
    enum Event: Equatable {
      case receipt(Int)
      case committed
      case observed([Int])
    }
    let journal = try open()
    let events = Mutex<[Event]>([])
    let all = DispatchSemaphore(value: 0)
    journal.afterEachCommit { events.withLock { $0.append(.committed) } }
    journal.observe { reports in
      let numbers = reports.map(\.sequence)
      events.withLock { $0.append(.observed(numbers)) }
      if numbers.last == 200 { all.signal() }
    }
    for number in 1...200 {
      journal.add(draft(servicePoint: "SP-\(number)")) { outcome in
        if case .success(let receipt) = outcome {
          events.withLock { $0.append(.receipt(receipt.report.sequence)) }
        }
      }
    }
    all.wait()
    let found = events.withLock { $0 }
    let commits = found.split(separator: .committed, omittingEmptySubsequences: false)
    #expect(commits.count > 1)
    for (before, after) in zip(commits, commits.dropFirst()) {
      let receipts = before.compactMap { if case .receipt(let number) = $0 { number } else { nil } }
      #expect(after.first == .observed(receipts))
    }
  }

  @Test func `what is older than it is kept for goes, and its numbers are not used again`() throws {
    var settings = ReportSettings()
    settings.keepDays = 1
    let journal = try open(settings)
    for number in 1...3 { _ = try journal.addAndWait(draft(servicePoint: "SP-\(number)")) }
    clock.now = clock.now.adding(seconds: 2 * 86_400)
    _ = try journal.addAndWait(draft())
    // The deletion follows the report.
    _ = try journal.addAndWait(draft(.partial))
    #expect(try journal.reports(from: 0, limit: 10).map(\.sequence) == [4, 5])
  }
}
