// The recorder of changes where a write fails.

import EventLog
import Foundation
import GRDB
import LayerStore
import OutageModel
import Territory
import Testing

@testable import OutageDaemon

@Suite struct ChangeRecorderTests {
  let small: SmallTerritory
  let log: ChangeLog
  let settings = ChangeSettings(damping: .none)

  init() throws {
    small = try SmallTerritory()
    log = try ChangeLog(directory: small.directory)
  }

  func recorder() throws -> ChangeRecorder {
    try ChangeRecorder(log: log, servicePoints: small.publisher.territory.servicePoints, settings: settings)
  }

  /// What the log has from an event on: its kind, its outage and its service point.
  func events(from sequence: Int) throws -> [String] {
    struct Event: Decodable {
      var kind: String
      var outageId, servicePointId: String?
    }
    let page = try log.read(from: sequence, count: 1000, filter: ChangeFilter(), bytesMax: 1 << 20)
    return try page.ends.indices.map { index in
      let event = try JSONDecoder().decode(Event.self, from: Data(page.text(index)))
      return "\(event.kind) \(event.outageId ?? "-") \(event.servicePointId ?? "-")"
    }
  }

  @Test func `what could not be written is told by the next call, also of service points that have gone`()
    throws
  {
    let recorder = try recorder()
    try small.publish(
      "a.geojson", [SquareOutage(id: "A", around: [1, 2]), SquareOutage(id: "B", around: [3])])
    _ = try recorder.advance(to: small.publisher.territory, at: moment)
    #expect(
      try Set(events(from: 1)) == [
        "outageStarted A SP-1", "outageStarted A SP-2", "outageStarted B SP-3",
      ])
    let other = try DatabaseQueue(path: log.file)
    // Of what is written, the last thing fails: all that was told before it is taken back.
    try other.write { db in
      try db.execute(
        sql: "CREATE TRIGGER full BEFORE INSERT ON told BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
    }
    // SP-3 goes with the next address load, while its outage goes on.
    try small.loadAddresses(count: 2)
    _ = try small.publisher.reloadAddresses()
    try small.publish("b.geojson", [SquareOutage(id: "C", around: [2]), SquareOutage(id: "B", around: [3])])
    for _ in 0..<2 {
      #expect(throws: StoreError.self) {
        try recorder.advance(to: small.publisher.territory, at: moment)
      }
      #expect(try events(from: 4).isEmpty)
    }
    try other.write { try $0.execute(sql: "DROP TRIGGER full") }
    _ = try recorder.advance(to: small.publisher.territory, at: moment)
    #expect(
      try Set(events(from: 4)) == [
        "restored B SP-3", "restored A SP-1", "outageReplaced C SP-2",
      ])
    // All is told, by this recorder as by one that begins with what the log has.
    let next = log.nextSequence
    _ = try recorder.advance(to: small.publisher.territory, at: moment)
    _ = try self.recorder().advance(to: small.publisher.territory, at: moment)
    #expect(log.nextSequence == next)
  }
}
