// The log of changes: numbers, filters, pages, consumers, what was told, retention.

import ByteBuffers
import Foundation
import LayerStore
import OutageModel
import Testing

@testable import EventLog

@Suite struct ChangeLogTests {
  let directory = TemporaryDirectory()
  static let start = Timestamp(year: 2026, month: 11, day: 24, hour: 18)

  struct Event: Decodable, Equatable {
    var sequence: Int
    var kind: String
    var servicePointId, accountId, feederId: String?
    var critical: Bool?
  }

  /// Adds one event for each number, in batches of at most `batch`: every tenth is critical, feeders go round by five.
  func add(
    _ log: ChangeLog, _ kind: ChangeKind, _ numbers: Range<Int>, batch: Int = ChangeMembers.countMax,
    at moment: Timestamp = start
  ) throws {
    try log.append(progress: log.progress, keepFrom: .earliest) { writer in
      var next = numbers.lowerBound
      while next < numbers.upperBound {
        var members = ChangeMembers()
        let end = min(numbers.upperBound, next + batch)
        for feeder in 0..<5 { _ = members.add(feeder: "F-\(feeder)") }
        for number in next..<end {
          var (id, account) = ("SP-\(number)", number.isMultiple(of: 2) ? "A\"\(number)" : "")
          id.withUTF8 { id in
            account.withUTF8 { account in
              members.append(
                servicePointId: UnsafeRawBufferPointer(id), accountId: UnsafeRawBufferPointer(account),
                feeder: 1 + number % 5, isCriticalCustomer: number.isMultiple(of: 10))
            }
          }
        }
        try writer.append(kind: kind, at: moment, body: "\"kind\":\"\(kind.rawValue)\"", members)
        next = end
      }
    }
  }

  func read(
    _ log: ChangeLog, from: Int, count: Int = .max, _ filter: ChangeFilter = ChangeFilter(),
    bytesMax: Int = .max
  ) throws -> (events: [Event], next: Int) {
    let page = try log.read(from: from, count: count, filter: filter, bytesMax: bytesMax)
    var events: [Event] = []
    for index in page.ends.indices {
      events.append(try JSONDecoder().decode(Event.self, from: Data(page.text(index))))
    }
    #expect(events.map(\.sequence) == page.sequences)
    return (events, page.next)
  }

  @Test func `events are numbered without a gap and come back in pages of any size`() throws {
    let log = try ChangeLog(directory: directory.path)
    try add(log, .outageStarted, 0..<25, batch: 7)
    try add(log, .ertChanged, 0..<10, batch: 4)
    let (all, next) = try read(log, from: 0)
    #expect(all.map(\.sequence) == Array(1...35))
    #expect(next == 36)
    #expect(
      all[10]
        == Event(
          sequence: 11, kind: "outageStarted", servicePointId: "SP-10", accountId: "A\"10", feederId: "F-0",
          critical: true))
    #expect(all[11].accountId == nil)
    for size in [1, 3, 8, 34, 36] {
      var (from, events) = (1, [Event]())
      while true {
        let page = try read(log, from: from, count: size)
        events += page.events
        if page.next == from { break }
        #expect(page.events.count <= size)
        from = page.next
      }
      #expect(events == all, "pages of \(size)")
    }
    let short = try read(log, from: 1, bytesMax: 120)
    #expect(short.events.count == 2 && short.next == 3)
  }

  @Test func `filters leave out what is not wanted, and still move on behind it`() throws {
    let log = try ChangeLog(directory: directory.path)
    try add(log, .outageStarted, 0..<40, batch: 16)
    try add(log, .crewChanged, 0..<40, batch: 16)
    let (all, _) = try read(log, from: 1)
    var filter = ChangeFilter()
    func expect(_ isWanted: (Event) -> Bool) throws {
      let expected = all.filter(isWanted)
      #expect(try read(log, from: 1, filter).events == expected)
      #expect(try read(log, from: 1, filter).next == 81)
      var (from, events) = (1, [Event]())
      while from < 81 {
        let page = try read(log, from: from, count: 3, filter)
        events += page.events
        try #require(page.next > from)
        from = page.next
      }
      #expect(events == expected)
    }
    filter.kinds = [.crewChanged, .wireDown]
    try expect { $0.kind == "crewChanged" }
    filter.criticalOnly = true
    try expect { $0.kind == "crewChanged" && $0.critical == true }
    filter.kinds = []
    filter.feederId = "F-0"
    try expect { $0.critical == true && $0.feederId == "F-0" }
    filter.criticalOnly = false
    filter.feederId = "F-9"
    try expect { _ in false }
  }

  @Test func `numbers, consumers, progress and what was told outlive a restart`() throws {
    do {
      let log = try ChangeLog(directory: directory.path)
      try log.append(progress: ChangeProgress(layerNumber: 7, reportSequence: 3), keepFrom: .earliest) {
        writer in
        let told = ToldOutage(
          outageId: "O-1", estimatedRestorationAt: Self.start, ertToldAt: .earliest, crewStatus: "assigned")
        var ids = PackedIds()
        for var id in ["SP-1", "SP-22"] { id.withUTF8 { ids.append(UnsafeRawBufferPointer($0)) } }
        try writer.keep(group: 4, told, servicePoints: ids)
        try writer.keep(group: 5, told, servicePoints: ids)
        try writer.drop(group: 5)
      }
      try add(log, .outageStarted, 0..<5)
      #expect(try log.acknowledge("notifier", through: 4, at: Self.start) == 4)
      #expect(try log.acknowledge("notifier", through: 2, at: Self.start) == 4)
      #expect(try log.acknowledge("notifier", through: 6, at: Self.start) == nil)
    }
    let log = try ChangeLog(directory: directory.path)
    #expect(log.nextSequence == 6)
    #expect(log.progress == ChangeProgress(layerNumber: 7, reportSequence: 3))
    #expect(try log.position(of: "notifier") == 4)
    #expect(try log.position(of: "nobody") == 0)
    var told: [String: ToldOutage] = [:]
    try log.forEachTold { told[String(decoding: $0, as: UTF8.self)] = $1 }
    #expect(Set(told.keys) == ["SP-1", "SP-22"])
    #expect(
      told["SP-22"]
        == ToldOutage(
          outageId: "O-1", estimatedRestorationAt: Self.start, ertToldAt: .earliest, crewStatus: "assigned"))
  }

  @Test func `old changes go in whole batches, and their numbers are not used again`() throws {
    let log = try ChangeLog(directory: directory.path)
    try add(log, .outageStarted, 0..<10)
    try add(log, .crewChanged, 0..<10, at: Self.start.adding(seconds: 3600))
    try log.append(progress: log.progress, keepFrom: Self.start.adding(seconds: 60)) { _ in }
    #expect(log.oldestSequence == 11)
    #expect(try read(log, from: 1).events.map(\.sequence) == Array(11...20))
    try log.append(progress: log.progress, keepFrom: .latest) { _ in }
    #expect(log.oldestSequence == 21 && log.nextSequence == 21)
    #expect(try read(log, from: 1).next == 21)
    let reopened = try ChangeLog(directory: directory.path)
    try add(reopened, .restored, 0..<1)
    #expect(try read(reopened, from: 1).events.map(\.sequence) == [21])
  }

  @Test func `a transaction that fails leaves numbers and events as they were`() throws {
    struct Failure: Error {}
    let log = try ChangeLog(directory: directory.path)
    try add(log, .outageStarted, 0..<10)
    #expect(throws: StoreError.self) {
      try log.append(progress: ChangeProgress(layerNumber: 9), keepFrom: .latest) { writer in
        var members = ChangeMembers()
        members.append(
          servicePointId: UnsafeRawBufferPointer(start: nil, count: 0),
          accountId: UnsafeRawBufferPointer(start: nil, count: 0), feeder: 0, isCriticalCustomer: false)
        try writer.append(kind: .restored, at: Self.start, body: "\"kind\":\"restored\"", members)
        throw Failure()
      }
    }
    #expect(log.nextSequence == 11 && log.progress.layerNumber == nil)
    #expect(try read(log, from: 1).events.count == 10)
  }
}
