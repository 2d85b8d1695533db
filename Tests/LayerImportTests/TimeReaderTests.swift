// The times that utilities write, each as the moment that is meant.

import OutageModel
import Testing

@testable import LayerImport

@Suite struct TimeReaderTests {
  private func reader(_ zone: String? = "America/Los_Angeles", isDayFirst: Bool = false) throws -> TimeReader
  {
    try TimeReader(zoneName: zone, isDayFirst: isDayFirst, file: "f")
  }

  @Test(arguments: [
    "2026-11-24T18:30:00Z", "2026-11-24T10:30:00-08:00", "2026-11-24 10:30", "2026-11-24T10:30:00.000",
    "1795545000", "1795545000000", "11/24/2026 10:30 AM", "11/24/2026 10:30:00", "2026/11/24 10:30",
    "24-Nov-2026 10:30:00", "Nov 24, 2026 10:30 AM", "November 24, 2026 at 10:30 a.m.",
    "Tuesday, Nov 24, 2026 10:30 AM", "20261124T103000", "20261124103000", "20261124 1030",
    "11/24/2026 18:30 UTC",
    "11/24/2026 13:30 -0500",
  ])
  func `each way to write a moment is read`(text: String) throws {
    #expect(try reader().time(text: text).iso8601 == "2026-11-24T18:30:00Z")
  }

  @Test func `a date alone is its first moment in the zone`() throws {
    #expect(try reader().time(text: "11/24/2026").iso8601 == "2026-11-24T08:00:00Z")
    #expect(try reader().time(text: "20261124").iso8601 == "2026-11-24T08:00:00Z")
  }

  @Test func `midnight and noon are 12 AM and 12 PM`() throws {
    #expect(try reader("UTC").time(text: "11/24/2026 12:05 AM").iso8601 == "2026-11-24T00:05:00Z")
    #expect(try reader("UTC").time(text: "11/24/2026 12:05 PM").iso8601 == "2026-11-24T12:05:00Z")
  }

  @Test func `where clocks go back the earlier moment is meant, where they go forward the gap is added`()
    throws
  {
    // 1:30 came twice on 1 November 2026 in Los Angeles; 2:30 never on 8 March.
    #expect(try reader().time(text: "2026-11-01 01:30").iso8601 == "2026-11-01T08:30:00Z")
    #expect(try reader().time(text: "2026-03-08 02:30").iso8601 == "2026-03-08T10:30:00Z")
    #expect(try reader().time(text: "2026-11-01 03:00").iso8601 == "2026-11-01T11:00:00Z")
  }

  @Test func `the order of day and month is the profile's, and a date that contradicts it is an error`()
    throws
  {
    #expect(try reader("UTC").time(text: "03/04/2026").iso8601 == "2026-03-04T00:00:00Z")
    #expect(try reader("UTC", isDayFirst: true).time(text: "03/04/2026").iso8601 == "2026-04-03T00:00:00Z")
    #expect(throws: TimeFault.self) { try reader("UTC").time(text: "24/11/2026") }
    #expect(throws: TimeFault.self) { try reader("UTC", isDayFirst: true).time(text: "11/24/2026") }
  }

  @Test func `a wall clock without a zone is told apart from what is no time`() throws {
    let reader = try reader(nil)
    do {
      _ = try reader.time(text: "11/24/2026 6:30 PM")
      Issue.record("no error")
    } catch {
      guard case .noZone = error else {
        Issue.record("\(error)")
        return
      }
    }
    #expect(try reader.time(text: "2026-11-24T18:30:00Z").iso8601 == "2026-11-24T18:30:00Z")
  }

  @Test(arguments: [
    "soon", "25:00", "2026-13-01", "2026-02-30 10:00", "11/24/26", "7", "-1", "1e300", "nan", "10:30 PM",
  ])
  func `what is no time is refused`(text: String) throws {
    let reader = try reader()
    #expect(throws: TimeFault.self, "\(text)") { try reader.time(text: text) }
  }
}
