// Moments and their ISO 8601 text.

import OutageModel
import Testing

@Suite struct TimestampTests {
  @Test(arguments: [
    ("1970-01-01T00:00:00Z", 0 as Int64),
    ("2026-11-24T18:02:11Z", 1_795_543_331_000),
    ("2026-11-24T10:02:11-08:00", 1_795_543_331_000),
    ("2026-11-24T23:32:11+0530", 1_795_543_331_000),
    ("2026-11-24 18:02:11.250Z", 1_795_543_331_250),
    ("2026-11-24T18:02Z", 1_795_543_320_000),
    ("1969-12-31T23:59:59.999Z", -1),
    ("2000-02-29T00:00:00Z", 951_782_400_000),
    ("0000-03-01T00:00:00Z", -62_162_035_200_000),
    ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
  ])
  func `an ISO 8601 text with an offset is one moment`(text: String, milliseconds: Int64) {
    #expect(Timestamp(iso8601: text)?.millisecondsSinceEpoch == milliseconds)
  }

  @Test(arguments: [
    "", "soon", "2026-11-24", "2026-11-24T18:02:11", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-11-24T24:00:00Z", "2026-11-24T18:60:00Z",
    "2026-11-24T18:02:11Zx", "2026-11-24T18:02:11.Z", "2026-11-24T18:02:11+25:00", "26-11-24T18:02:11Z",
  ])
  func `what is not a moment is refused`(text: String) {
    #expect(Timestamp(iso8601: text) == nil)
  }

  @Test func `the text of a moment reads back as the same moment`() {
    var state: UInt64 = 20_261_124
    for _ in 0..<20_000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let span = UInt64(Timestamp.latest.millisecondsSinceEpoch - Timestamp.earliest.millisecondsSinceEpoch)
      let moment = Timestamp(
        millisecondsSinceEpoch: Timestamp.earliest.millisecondsSinceEpoch + Int64((state >> 1) % span))
      #expect(Timestamp(iso8601: moment.iso8601) == moment, "\(moment.millisecondsSinceEpoch)")
    }
  }

  @Test func `a date without an offset is a wall clock and waits for its zone`() throws {
    let wallClock = try #require(WallClock("2026-11-24 18:30"))
    #expect(wallClock.offsetMinutes == nil)
    #expect(wallClock.timestamp(offsetMinutes: -480).iso8601 == "2026-11-25T02:30:00Z")
  }
}
