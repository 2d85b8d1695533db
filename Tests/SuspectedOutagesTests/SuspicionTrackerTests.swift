// Reports that agree are suspected, and reports that do not are not.

import OutageModel
import TestSupport
import Testing
import Territory

@testable import SuspectedOutages

@Suite struct SuspicionTrackerTests {
  /// Eight customers on one transformer, and 400 others a kilometre and more away.
  private static func village() -> Street {
    var street = Street()
    street.add("A", count: 8, eastMetres: 0, transformer: "T1", feeder: "F1")
    street.add("Z", count: 400, eastMetres: 1000, transformer: nil, feeder: "F1")
    return street
  }

  @Test func `five of eight on one transformer within ten minutes are suspected`() throws {
    var street = Self.village()
    let reports = (0..<5).map { street.report("A-\($0)", minute: Double($0) * 2) }
    var tracker = SuspicionTracker(reports)
    let territory = street.territory()
    let found = tracker.evaluate(in: territory, minute: 10)
    try #require(found.count == 1)
    #expect(found[0].basis == .transformer("T1"))
    #expect(found[0].outageId == "SUSPECTED-1")
    #expect(found[0].feederId == "F1")
    #expect(found[0].reportCount == 5)
    #expect(found[0].restoredCount == 0)
    #expect(found[0].confidence == 6.0 / 7)
    #expect(found[0].firstReportAt == Street.noon)
    #expect(found[0].lastReportAt == Street.noon.adding(seconds: 480))
    let members = found[0].memberRows.map { territory.servicePoints.string(.servicePointId, row: $0) }
    #expect(members.sorted() == (0..<8).map { "A-\($0)" })
  }

  @Test func `two are not enough`() {
    var street = Self.village()
    var tracker = SuspicionTracker((0..<2).map { street.report("A-\($0)", minute: 0) })
    #expect(tracker.evaluate(in: street.territory(), minute: 1).isEmpty)
  }

  @Test func `scattered reports are not suspected`() {
    var street = Street()
    for index in 0..<40 {
      street.add(
        "S\(index)", count: 8, eastMetres: Double(index) * 400, transformer: "T\(index)",
        feeder: "F\(index / 8)")
    }
    // One of each fourth transformer: 2 of the 8 transformers of each feeder, 1.6 km apart.
    let reports = stride(from: 0, to: 40, by: 4).map { street.report("S\($0)-3", minute: Double($0) / 4) }
    var tracker = SuspicionTracker(reports)
    #expect(tracker.evaluate(in: street.territory(), minute: 20).isEmpty)
  }

  @Test func `one service point counts once, however often it reports`() {
    var street = Self.village()
    var tracker = SuspicionTracker((0..<6).map { street.report("A-0", minute: Double($0)) })
    #expect(tracker.evaluate(in: street.territory(), minute: 10).isEmpty)
  }

  @Test(arguments: [(ReportKind.wireDown, true), (.partial, true), (.stillOut, true), (.restored, false)])
  func `a kind of report counts as it should`(kind: ReportKind, isSuspected: Bool) {
    var street = Self.village()
    var tracker = SuspicionTracker(
      [
        street.report("A-0", minute: 0), street.report("A-1", minute: 0),
        street.report("A-2", minute: 1, kind),
      ])
    #expect(tracker.evaluate(in: street.territory(), minute: 2).isEmpty != isSuspected)
  }

  @Test func `flickering lights and reports that the OMS knew of say nothing`() {
    var draft = ReportDraft(kind: .flickering, receivedAt: Street.noon)
    draft.position = LonLat(lonDegrees: 0, latDegrees: 0)
    #expect(ReportSign(OutageReport(sequence: 1, draft: draft)) == nil)
    draft.kind = .out
    #expect(ReportSign(OutageReport(sequence: 1, draft: draft)) != nil)
    draft.knownOutageId = "OMS-7"
    #expect(ReportSign(OutageReport(sequence: 1, draft: draft)) == nil)
  }

  @Test func `reports of power that is back count against it`() {
    var street = Self.village()
    var reports = (0..<5).map { street.report("A-\($0)", minute: 0) }
    reports.append(street.report("A-5", minute: 5, .restored))
    let territory = street.territory()
    var tracker = SuspicionTracker(reports)
    let one = tracker.evaluate(in: territory, minute: 6)
    #expect(one.map(\.reportCount) == [5])
    #expect(one.map(\.restoredCount) == [1])
    #expect(one.map(\.confidence) == [6.0 / 8])
    for id in 6...7 { tracker.add(street.report("A-\(id)", minute: 7, .restored)) }
    #expect(tracker.evaluate(in: territory, minute: 8).isEmpty)
  }

  @Test func `who has reported power back is no reporter any more, and is one again when it goes`() {
    var street = Self.village()
    let territory = street.territory()
    var tracker = SuspicionTracker((0..<4).map { street.report("A-\($0)", minute: 0) })
    tracker.add(street.report("A-3", minute: 3, .restored))
    // Three out and one back.
    #expect(tracker.evaluate(in: territory, minute: 4).isEmpty)
    tracker.add(street.report("A-3", minute: 5, .stillOut))
    #expect(tracker.evaluate(in: territory, minute: 6).map(\.reportCount) == [4])
  }

  @Test func `reports too far apart in time do not agree`() {
    var street = Self.village()
    let reports = (0..<3).map { street.report("A-\($0)", minute: 16 * Double($0)) }
    var tracker = SuspicionTracker(reports)
    #expect(tracker.evaluate(in: street.territory(), minute: 33).isEmpty)
    tracker.add(street.report("A-3", minute: 29))
    #expect(tracker.evaluate(in: street.territory(), minute: 33).map(\.reportCount) == [4])
  }

  @Test func `it fades when reports stop`() {
    var street = Self.village()
    let territory = street.territory()
    var tracker = SuspicionTracker((0..<3).map { street.report("A-\($0)", minute: Double($0)) })
    #expect(tracker.evaluate(in: territory, minute: 59.9).count == 1)
    #expect(tracker.nextFade == Street.noon.adding(seconds: 3600))
    #expect(tracker.evaluate(in: territory, minute: 60).isEmpty)
    #expect(tracker.evaluate(in: territory, minute: 62).isEmpty)
    #expect(tracker.nextFade == nil)
  }

  @Test func `it yields to an outage in force that covers its reporters, for good`() {
    var street = Self.village()
    let known = Outage(outageId: "OMS-1", area: Street.box(west: -5, east: 75))
    var tracker = SuspicionTracker((0..<5).map { street.report("A-\($0)", minute: 0) })
    #expect(tracker.evaluate(in: street.territory(), minute: 1).count == 1)
    #expect(tracker.evaluate(in: street.territory([known]), minute: 2).isEmpty)
    #expect(tracker.reportCount == 0)
    // The OMS has cleared it: what was reported before says nothing of what is now.
    #expect(tracker.evaluate(in: street.territory(), minute: 3).isEmpty)
    for id in 0..<3 { tracker.add(street.report("A-\(id)", minute: 4, .stillOut)) }
    #expect(tracker.evaluate(in: street.territory(), minute: 5).map(\.reportCount) == [3])
  }

  @Test func `it stays beside an outage that covers too few of its reporters, and one that is not in force`()
  {
    var street = Self.village()
    var tracker = SuspicionTracker((0..<5).map { street.report("A-\($0)", minute: 0) })
    var planned = Outage(outageId: "OMS-2", area: Street.box(west: -5, east: 75))
    planned.kind = .known(.planned)
    planned.startedAt = Street.noon.adding(seconds: 86_400)
    #expect(tracker.evaluate(in: street.territory([planned]), minute: 1).map(\.reportCount) == [5])
    let part = Outage(outageId: "OMS-3", area: Street.box(west: -5, east: 15))
    #expect(tracker.evaluate(in: street.territory([part]), minute: 1).map(\.reportCount) == [3])
  }

  @Test func `a feeder is suspected when half its transformers report, and not when one is loud`() throws {
    var street = Street()
    for index in 0..<10 {
      street.add(
        "F\(index)", count: 6, eastMetres: 0, northMetres: Double(index) * 400, transformer: "T\(index)",
        feeder: "F1")
    }
    let territory = street.territory()
    var tracker = SuspicionTracker((0..<6).map { street.report("F0-\($0)", minute: 0) })
    #expect(tracker.evaluate(in: territory, minute: 1).map(\.basis) == [.transformer("T0")])
    for transformer in 1...3 { tracker.add(street.report("F\(transformer)-0", minute: 2)) }
    #expect(tracker.evaluate(in: territory, minute: 3).map(\.basis) == [.transformer("T0")])
    tracker.add(street.report("F9-0", minute: 3))
    let found = tracker.evaluate(in: territory, minute: 4)
    try #require(found.map(\.basis) == [.feeder("F1")])
    #expect(found[0].outageId == "SUSPECTED-1")
    #expect(found[0].reportCount == 10)
    #expect(found[0].memberRows == Array(0..<60))
  }

  @Test func `neighbours without a device in common are suspected`() throws {
    var street = Street()
    street.add("N", count: 30, eastMetres: 0)
    var tracker = SuspicionTracker([0, 10, 20].map { street.report("N-\($0)", minute: Double($0) / 10) })
    // 100 m from one to the next: a chain in which only the middle one has the other two within 150 m.
    let found = tracker.evaluate(in: street.territory(), minute: 5)
    try #require(found.map(\.basis) == [.neighbourhood])
    #expect(found[0].reportCount == 3)
    #expect(found[0].memberRows.count == 3)
  }

  @Test func `neighbours on different feeders do not support one another`() {
    var street = Street()
    street.add("N", count: 2, eastMetres: 0, feeder: "F1")
    street.add("M", count: 2, eastMetres: 30, feeder: "F2")
    var tracker = SuspicionTracker(
      ["N-0", "N-1", "M-0", "M-1"].map { street.report($0, minute: 0) })
    #expect(tracker.evaluate(in: street.territory(), minute: 1).isEmpty)
  }

  @Test func `bare positions count as places of their own`() {
    var street = Self.village()
    let signs = (0..<3).map {
      ReportSign(
        sequence: $0 + 1, servicePointId: nil,
        position: Street.position(eastMetres: 5000, northMetres: 10 * Double($0)), kind: .wireDown,
        at: Street.noon)
    }
    var tracker = SuspicionTracker(signs)
    let found = tracker.evaluate(in: street.territory(), minute: 1)
    #expect(found.map(\.basis) == [.neighbourhood])
    #expect(found.map(\.reportedPositions.count) == [3])
    #expect(found.map(\.memberRows) == [[]])
    _ = street.report("A-0", minute: 0)
  }

  @Test func `after a restart the same is suspected, whatever the order of the reports`() {
    var street = Street()
    for index in 0..<6 {
      street.add(
        "S\(index)", count: 8, eastMetres: Double(index) * 600, transformer: "T\(index)", feeder: "F\(index)")
    }
    let reports = (0..<6).flatMap { index in
      (0..<4).map { street.report("S\(index)-\($0)", minute: Double($0 * 3 + index)) }
    }
    let territory = street.territory()
    var tracker = SuspicionTracker(reports)
    let found = tracker.evaluate(in: territory, minute: 20)
    #expect(found.map(\.number) == [1, 5, 9, 13, 17, 21])
    var random = SeededGenerator(seed: 7)
    var other = SuspicionTracker(reports.shuffled(using: &random))
    #expect(other.evaluate(in: territory, minute: 20) == found)
  }

  @Test func `it keeps its number when the reporter that it began with has power again`() {
    var street = Self.village()
    let territory = street.territory()
    var tracker = SuspicionTracker((0..<6).map { street.report("A-\($0)", minute: 0) })
    #expect(tracker.evaluate(in: territory, minute: 1).map(\.outageId) == ["SUSPECTED-1"])
    tracker.add(street.report("A-0", minute: 2, .restored))
    let found = tracker.evaluate(in: territory, minute: 3)
    #expect(found.map(\.outageId) == ["SUSPECTED-1"])
    #expect(found.map(\.reportCount) == [5])
  }
}
