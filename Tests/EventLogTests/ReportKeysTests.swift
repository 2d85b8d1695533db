// What was reported before is found wherever its key is: in memory, on the disk, or in between.

import Foundation
import GRDB
import LayerStore
import OutageModel
import TestSupport
import Testing

@testable import EventLog

@Suite struct ReportKeysTests {
  let directory = TemporaryDirectory()
  let clock = TestClock()

  /// Few reports' keys in memory, so that they move all the time.
  func open(recentMax: Int) throws -> ReportJournal {
    var settings = ReportSettings()
    settings.keepDays = 1
    settings.repeatSeconds = 600
    return try ReportJournal(
      directory: directory.path, settings: settings, recentMax: recentMax, clock: { [clock] in clock.now })
  }

  /// What a journal has to answer, by looking through all that it holds.
  struct Model {
    var reports: [OutageReport] = []

    mutating func add(_ draft: ReportDraft, sequence: Int) -> ReportReceipt {
      let ofPlace = reports.filter { $0.draft.place == draft.place }
      if let callId = draft.callId,
        let same = ofPlace.first(where: { $0.draft.callId == callId && $0.draft.kind == draft.kind })
      {
        return ReportReceipt(report: same, isDuplicate: true)
      }
      var report = OutageReport(sequence: sequence, draft: draft)
      let firsts = ofPlace.filter { $0.repeatOf == nil }
      let opposite = firsts.last { ($0.draft.kind == .restored) != (draft.kind == .restored) }
      if let first = firsts.last(where: { $0.draft.kind == draft.kind }),
        draft.receivedAt.seconds(since: first.draft.receivedAt) < 600,
        opposite?.sequence ?? 0 < first.sequence
      {
        report.repeatOf = first.sequence
      }
      reports.append(report)
      return ReportReceipt(report: report, isDuplicate: false)
    }
  }

  func draft(using random: inout SeededGenerator) -> ReportDraft {
    let kinds: [ReportKind] = [.out, .out, .out, .wireDown, .restored]
    var draft = ReportDraft(kind: kinds.randomElement(using: &random)!, receivedAt: clock.now)
    draft.servicePointId = "SP-\(Int.random(in: 0..<60, using: &random))"
    if Int.random(in: 0..<4, using: &random) > 0 {
      draft.callId = "C-\(Int.random(in: 0..<12, using: &random))"
    }
    return draft
  }

  @Test(arguments: [0, 5, 100, 100_000])
  func `receipts are those of a search through all reports, also by two processes and after restarts`(
    recentMax: Int
  ) throws {
    var random = SeededGenerator(seed: UInt64(recentMax) + 1)
    var model = Model()
    var journals = [try open(recentMax: recentMax), try open(recentMax: recentMax)]
    var (duplicates, repeats) = (0, 0)
    for step in 0..<1500 {
      clock.now = clock.now.adding(seconds: Int64.random(in: 0..<20, using: &random))
      let draft = draft(using: &random)
      let expected = model.add(draft, sequence: (model.reports.last?.sequence ?? 0) + 1)
      let journal = journals.randomElement(using: &random)!
      let receipt = try journal.addAndWait(draft)
      try #require(receipt == expected, "step \(step)")
      duplicates += receipt.isDuplicate ? 1 : 0
      repeats += receipt.report.repeatOf == nil ? 0 : 1
      if step % 200 == 199 {
        journals[step / 200 % 2].stop()
        journals[step / 200 % 2] = try open(recentMax: recentMax)
      }
    }
    #expect(duplicates > 100 && repeats > 100 && model.reports.count > 500)
    // A report that was deleted is forgotten, and what is left of its place is not.
    journals[1].stop()
    let journal = journals[0]
    clock.now = clock.now.adding(seconds: 86_390)
    for kind in [ReportKind.flickering, .partial] {
      _ = try journal.addAndWait(ReportDraft(kind: kind, receivedAt: clock.now))
    }
    let first = model.reports[0].draft
    model.reports = try journal.reports(from: 0, limit: .max)
    #expect(model.reports.count < 20)
    #expect(Set(try keys()).isSubset(of: model.reports.map(\.draft.place)), "keys of reports that are gone")
    for draft in [first, model.reports[0].draft] {
      var draft = draft
      draft.receivedAt = clock.now
      #expect(try journal.addAndWait(draft) == model.add(draft, sequence: model.reports.last!.sequence + 1))
    }
    journal.stop()
  }

  @Test func `what another process has deleted is no duplicate`() throws {
    let (one, other) = (try open(recentMax: 100), try open(recentMax: 100))
    var draft = ReportDraft(kind: .out, receivedAt: clock.now)
    draft.callId = "C-1"
    #expect(try one.addAndWait(draft).isDuplicate == false)
    #expect(try other.addAndWait(draft).isDuplicate)
    clock.now = clock.now.adding(seconds: 2 * 86_400)
    for kind in [ReportKind.flickering, .partial] {
      _ = try one.addAndWait(ReportDraft(kind: kind, receivedAt: clock.now))
    }
    draft.receivedAt = clock.now
    #expect(try other.addAndWait(draft).isDuplicate == false)
    [one, other].forEach { $0.stop() }
  }

  /// The places of the keys on the disk.
  func keys() throws -> [String] {
    try DatabaseQueue(path: directory.path + "/reports.sqlite").read { db in
      try String.fetchAll(db, sql: "SELECT place FROM report_key")
    }
  }

  @Test func `keys get to the disk in rounds, and few are read again after a restart`() throws {
    let journal = try open(recentMax: 50)
    for number in 0..<1000 {
      var draft = ReportDraft(kind: .out, receivedAt: clock.now)
      draft.servicePointId = "SP-\(number * 7919 % 1000)"
      draft.callId = "C-\(number)"
      _ = try journal.addAndWait(draft)
    }
    journal.stop()
    let (completeThrough, missing) = try DatabaseQueue(path: directory.path + "/reports.sqlite").read { db in
      let complete = try Int.fetchOne(db, sql: "SELECT complete_through FROM report_key_progress")!
      let missing = try Int.fetchOne(
        db,
        sql: """
          SELECT count(*) FROM report WHERE sequence <= ? AND 2 <>
            (SELECT count(*) FROM report_key AS key WHERE key.place = report.place AND key.sequence = report.sequence)
          """, arguments: [complete])
      return (complete, missing)
    }
    #expect(completeThrough > 850)
    #expect(missing == 0)
  }

  @Test func `a journal of before, with its indexes, goes on where it was`() throws {
    do {
      let pool = try JournalFile.open(
        directory: directory.path, name: "reports.sqlite", applicationId: ReportSchema.applicationId,
        migrator: DatabaseMigrator())
      try ReportSchema.migrator.migrate(pool, upTo: "1 reports")
      try pool.write { db in
        for (number, call) in [(1, "C-1"), (2, nil), (3, "C-3")] {
          var draft = ReportDraft(kind: .out, receivedAt: clock.now.adding(seconds: Int64(number)))
          draft.servicePointId = "SP-1"
          draft.callId = call
          var report = OutageReport(sequence: 0, draft: draft)
          report.repeatOf = number == 2 ? 1 : nil
          let insert = try RowStatement(db, OutageReport.insertSQL)
          report.bind(to: insert)
          try insert.run()
        }
      }
    }
    let journal = try open(recentMax: 10)
    var draft = ReportDraft(kind: .out, receivedAt: clock.now.adding(seconds: 10))
    draft.servicePointId = "SP-1"
    for (call, sequence) in [("C-1", 1), ("C-3", 3)] {
      draft.callId = call
      let receipt = try journal.addAndWait(draft)
      #expect(receipt.isDuplicate && receipt.report.sequence == sequence)
    }
    draft.callId = "C-4"
    #expect(try journal.addAndWait(draft).report.repeatOf == 3)
    journal.stop()
  }
}
