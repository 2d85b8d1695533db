// The parts of a feed that decide: guards, the directory watch, the pace, fields that come and go.

import OutageModel
import Testing

@testable import Feeds

@Suite("Feed guards")
struct FeedGuardTests {
  static let start = Timestamp(year: 2026, month: 11, day: 24)

  static func measure(_ outages: Int, _ customers: Int, at seconds: Int64) -> LayerMeasure {
    LayerMeasure(outages: outages, customers: customers, confirmedAt: start.adding(seconds: seconds))
  }

  static func verdict(
    _ layer: (outages: Int, customers: Int), after before: [LayerMeasure], at seconds: Int64
  ) -> FeedHold? {
    var guards = FeedGuard(FeedGuardSettings())
    for measure in before { guards.accept(measure) }
    let now = start.adding(seconds: seconds)
    return guards.verdict(on: measure(layer.outages, layer.customers, at: seconds), at: now)?.hold
  }

  @Test("no outage is held where there were many, however long ago, and believed where there were few")
  func emptied() {
    #expect(Self.verdict((0, 0), after: [Self.measure(4000, 90_000, at: 0)], at: 60) == .emptied)
    #expect(Self.verdict((0, 0), after: [Self.measure(4000, 90_000, at: 0)], at: 86_400) == .emptied)
    #expect(Self.verdict((0, 0), after: [Self.measure(19, 900, at: 0)], at: 60) == nil)
    #expect(Self.verdict((0, 0), after: [], at: 60) == nil)
  }

  @Test("a drop of customers or outages by more than the share is held within the window only")
  func dropped() {
    let before = [Self.measure(100, 10_000, at: 0)]
    #expect(Self.verdict((100, 5999), after: before, at: 60) == .dropped)
    #expect(Self.verdict((100, 6000), after: before, at: 60) == nil)
    #expect(Self.verdict((59, 10_000), after: before, at: 600) == .dropped)
    #expect(Self.verdict((60, 10_000), after: before, at: 600) == nil)
    #expect(Self.verdict((10, 10), after: before, at: 601) == nil)
  }

  @Test("many small drops within the window add up")
  func slowDrop() {
    let before = [100, 80, 65].enumerated().map { Self.measure($1, $1 * 10, at: Int64($0) * 60) }
    #expect(Self.verdict((59, 590), after: before, at: 180) == .dropped)
    #expect(Self.verdict((59, 590), after: before, at: 601) == nil)
  }

  @Test("a layer that is confirmed counts as of then")
  func confirmed() {
    var guards = FeedGuard(FeedGuardSettings(), last: Self.measure(100, 1000, at: 0))
    let late = Self.start.adding(seconds: 5000)
    #expect(guards.verdict(on: Self.measure(30, 300, at: 5000), at: late) == nil)
    guards.confirm(at: Self.start.adding(seconds: 4900))
    #expect(guards.verdict(on: Self.measure(30, 300, at: 5000), at: late)?.hold == .dropped)
  }
}

@Suite("Directory watch")
struct DirectoryWatchTests {
  static func entry(_ name: String, _ size: Int = 100, modified: Int64 = 1, came: Int64 = 1) -> DirectoryEntry
  {
    DirectoryEntry(name: name, sizeBytes: size, modifiedNanoseconds: modified, changedNanoseconds: came)
  }

  @Test("a file that is renamed into place is read once, when it has settled")
  func rename() {
    var watch = DirectoryWatch(settleSeconds: 1)
    let file = [Self.entry("a.json")]
    #expect(watch.look([], at: 0) == nil)
    #expect(watch.look(file, at: 1) == nil)
    #expect(watch.look(file, at: 1.9) == nil)
    #expect(watch.look(file, at: 2)?.name == "a.json")
    #expect(watch.look(file, at: 3) == nil)
    // The same name again.
    let again = [Self.entry("a.json", came: 2)]
    #expect(watch.look(again, at: 4) == nil)
    #expect(watch.look(again, at: 5)?.name == "a.json")
  }

  @Test("a file that is copied slowly is not read before its last byte, and what was ready meanwhile is")
  func slowCopy() {
    var watch = DirectoryWatch(settleSeconds: 1)
    let ready = Self.entry("a.json")
    for step in 0..<10 {
      let growing = Self.entry("b.json", step * 10, modified: Int64(step), came: Int64(100 + step))
      let file = watch.look([ready, growing], at: Double(step) * 0.5)
      #expect(file?.name == (step == 2 ? "a.json" : nil), "step \(step)")
    }
    let whole = Self.entry("b.json", 90, modified: 9, came: 109)
    #expect(watch.look([ready, whole], at: 5.4) == nil)
    #expect(watch.look([ready, whole], at: 5.6)?.name == "b.json")
  }

  @Test("of several files that are ready the one that came last is read, and the others are overtaken")
  func overtaken() {
    var watch = DirectoryWatch(settleSeconds: 0)
    let files = [Self.entry("c.json", came: 5), Self.entry("a.json", came: 9), Self.entry("b.json", came: 7)]
    #expect(watch.look(files, at: 0)?.name == "a.json")
    #expect(watch.look(files, at: 1) == nil)
    #expect(watch.look(files + [Self.entry("d.json", came: 10)], at: 2)?.name == "d.json")
  }

  @Test("temporary, hidden and foreign files are passed over, and a Shapefile is ready with its last part")
  func names() {
    var watch = DirectoryWatch(settleSeconds: 1) { !$0.hasSuffix(".txt") }
    let others = ["x.json.part", ".x.json", "x.json~", "note.txt"].map { Self.entry($0) }
    let shape = [Self.entry("s.shp"), Self.entry("s.shx")]
    #expect(watch.look(others + shape, at: 0) == nil)
    #expect(watch.look(others + shape + [Self.entry("s.dbf", 10)], at: 0.9) == nil)
    #expect(watch.look(others + shape + [Self.entry("s.dbf", 20)], at: 1.5) == nil)
    #expect(watch.look(others + shape + [Self.entry("s.dbf", 20)], at: 2.5)?.name == "s.shp")
    #expect(watch.look(others + shape + [Self.entry("s.dbf", 20)], at: 9) == nil)
  }
}

@Suite("Feed pace")
struct FeedPaceTests {
  @Test("waits double with each failure up to a bound, with jitter, and a directory keeps its interval")
  func waits() {
    var feed = FeedConfiguration(name: "f", source: .url("http://127.0.0.1/"))
    feed.intervalSeconds = 10
    #expect(FeedPace.wait(for: feed, failures: 0, random: 0.5) == 10)
    #expect(FeedPace.wait(for: feed, failures: 2, random: 0.5) == 40)
    #expect(FeedPace.wait(for: feed, failures: 2, random: 0) == 30)
    #expect(FeedPace.wait(for: feed, failures: 2, random: 1) == 50)
    #expect(FeedPace.wait(for: feed, failures: 1_000_000, random: 0.5) == FeedPace.waitSecondsMax)
    feed.intervalSeconds = 3600
    #expect(FeedPace.wait(for: feed, failures: 9, random: 0.5) == 3600)
    feed.source = .directory(path: "/", pattern: nil)
    feed.intervalSeconds = 0.2
    #expect(FeedPace.wait(for: feed, failures: 9, random: 0.9) == 0.2)
  }

  @Test("a field that comes or goes is told once")
  func fields() {
    var fields = KnownFields()
    func compare(_ columns: [String]) -> [String] {
      let change = fields.compare(columns)
      return change.appeared.map { "+" + $0 } + change.disappeared.map { "-" + $0 }
    }
    #expect(compare(["a", "b"]) == [])
    #expect(compare([]) == [])
    #expect(compare(["a", "b", "c"]) == ["+c"])
    #expect(compare(["a", "c"]) == ["-b"])
    #expect(compare(["a", "c"]) == [])
    #expect(compare(["a", "b", "c"]) == [])
    #expect(compare(["a", "c"]) == [])
  }
}
