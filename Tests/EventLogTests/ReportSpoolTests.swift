// The spool: each report in one file, whole; the same file again after a kill; nothing lost where it cannot be written.

import Foundation
import LayerStore
import OutageModel
import Testing

@testable import EventLog

@Suite struct ReportSpoolTests {
  let directory = TemporaryDirectory()
  let target = TemporaryDirectory()
  static let start = Timestamp(year: 2026, month: 11, day: 24, hour: 18)

  func open() throws -> ReportJournal {
    try ReportJournal(directory: directory.path, settings: ReportSettings(), clock: { Self.start })
  }

  func add(_ journal: ReportJournal, _ numbers: ClosedRange<Int>) throws {
    for number in numbers {
      var draft = ReportDraft(kind: .partial, receivedAt: Self.start)
      draft.servicePointId = "SP-\(number)"
      draft.note = number == 2 ? "a,\"b\"\nc" : nil
      draft.position = LonLat(lonDegrees: -121.5, latDegrees: 38.25)
      _ = try journal.addAndWait(draft)
    }
  }

  func files() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: target.path).sorted()
  }

  @Test func `reports are written in batches, each once, as CSV`() throws {
    let journal = try open()
    try add(journal, 1...5)
    var settings = SpoolSettings(directory: target.path)
    settings.batchMax = 3
    let spool = ReportSpool(journal: journal, settings: settings)
    let expected = ["reports-000000000001-000000000003.csv", "reports-000000000004-000000000005.csv"]
    #expect(try spool.writeNew() == expected)
    #expect(try spool.writeNew() == [])
    #expect(try files() == expected)
    let text = try String(contentsOfFile: target.path + "/" + expected[0], encoding: .utf8)
    #expect(
      text == """
        sequence,kind,receivedAt,callId,servicePointId,accountId,lonDegrees,latDegrees,transformerId,feederId,critical,note,\
        layerVersion,knownOutageId,repeatOf\r
        1,partial,2026-11-24T18:00:00Z,,SP-1,,-121.5,38.25,,,false,,,,\r
        2,partial,2026-11-24T18:00:00Z,,SP-2,,-121.5,38.25,,,false,"a,""b""\nc",,,\r
        3,partial,2026-11-24T18:00:00Z,,SP-3,,-121.5,38.25,,,false,,,,\r

        """)
  }

  @Test func `JSON files are arrays of the reports`() throws {
    let journal = try open()
    try add(journal, 1...2)
    var settings = SpoolSettings(directory: target.path)
    settings.format = .json
    let names = try ReportSpool(journal: journal, settings: settings).writeNew()
    let data = try Data(contentsOf: URL(filePath: target.path + "/" + names[0]))
    let reports = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
    #expect(reports.map { $0["sequence"] as? Int } == [1, 2])
    #expect(reports[1]["note"] as? String == "a,\"b\"\nc")
  }

  @Test func `a batch that was begun before a kill is written as the same file, whatever has come since`()
    throws
  {
    do {
      let journal = try open()
      try add(journal, 1...2)
      let begun = Outcome<Int?>()
      journal.beginSpoolBatch(limit: 10) { outcome in
        begun.set((try? outcome.get()).flatMap { $0 }?.through)
      }
      #expect(begun.wait() == 2)
      try add(journal, 3...4)
      journal.stop()
    }
    let journal = try open()
    let names = try ReportSpool(journal: journal, settings: SpoolSettings(directory: target.path)).writeNew()
    #expect(names == ["reports-000000000001-000000000002.csv", "reports-000000000003-000000000004.csv"])
  }

  @Test func `where a file cannot be written, its reports are in the next one that can`() throws {
    let journal = try open()
    try add(journal, 1...2)
    let missing = ReportSpool(
      journal: journal, settings: SpoolSettings(directory: target.path + "/not-there"))
    #expect(throws: StoreError.self) { try missing.writeNew() }
    #expect(throws: StoreError.self) { try missing.writeNew() }
    let spool = ReportSpool(journal: journal, settings: SpoolSettings(directory: target.path))
    #expect(try spool.writeNew() == ["reports-000000000001-000000000002.csv"])
  }
}
