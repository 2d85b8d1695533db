// What goes into the store comes out of it, versions count up, and old ones fall off the end.

import Foundation
import GRDB
import OutageModel
import Testing

@testable import LayerStore

@Suite struct LayerStoreTests {
  let directory = TemporaryDirectory()

  @Test func `a new store has no versions and no addresses`() throws {
    let store = try LayerStore(directory: directory.path)
    for kind in LayerKind.allCases {
      #expect(try store.currentVersion(of: kind) == nil)
      #expect(try store.versions(of: kind) == [])
    }
    #expect(try store.servicePoints() == [])
  }

  @Test(arguments: [0, 1, 60, 2_000])
  func `outages come back value for value, also after reopening`(count: Int) throws {
    let outages = Fixture.outages(count)
    let version = try LayerStore(directory: directory.path).publish(outages)
    #expect(
      version
        == LayerVersion(
          kind: .outages, number: 1, publishedAt: Fixture.moment, source: "storm.geojson",
          sha256: Fixture.sha256, recordCount: count,
          vertexCount: outages.reduce(0) { $0 + $1.area.vertexCount }))
    let reopened = try LayerStore(directory: directory.path)
    #expect(try reopened.currentVersion(of: .outages) == version)
    #expect(try reopened.outages(ofVersion: 1) == outages)
  }

  @Test(arguments: [0, 1, 51, 52, 40_000])
  func `service points come back value for value, also after reopening`(count: Int) throws {
    let points = Fixture.servicePoints(count)
    let version = try LayerStore(directory: directory.path).load(points)
    #expect(version.recordCount == count)
    #expect(version.number == 1)
    let reopened = try LayerStore(directory: directory.path)
    #expect(try reopened.servicePoints() == points)
    #expect(try reopened.versions(of: .addresses) == [version])
    try reopened.checkIntegrity()
  }

  @Test func `the log can be brought into the file while the store is open, unless somebody reads`() throws {
    let store = try LayerStore(directory: directory.path)
    func logByteCount() throws -> Int? {
      try FileManager.default.attributesOfItem(atPath: directory.file + "-wal")[.size] as? Int
    }
    try store.publish(Fixture.outages(500))
    try store.read("hold the log") { db in
      try db.inTransaction(.deferred) {
        let rowCount = try Int.fetchOne(db, sql: "SELECT count(*) FROM outage")
        store.bringLogIn()
        let heldByteCount = try logByteCount()
        #expect(rowCount == 500)
        #expect(heldByteCount ?? 0 > 0)
        return .commit
      }
    }
    store.bringLogIn()
    #expect(try logByteCount() == 0)
    try store.publish(Fixture.outages(600))
    #expect(try store.currentOutages() == Fixture.outages(600))
    #expect(try LayerStore(directory: directory.path).currentOutages() == Fixture.outages(600))
  }

  @Test func `unknown codes are kept as the feed's text`() throws {
    let store = try LayerStore(directory: directory.path)
    var outage = Fixture.outages(1)[0]
    outage.crewStatus = .other("ON SITE?")
    outage.causeKind = .other("")
    outage.kind = .known(.publicSafetyShutoff)
    try store.publish([outage])
    #expect(try store.currentOutages() == [outage])
  }

  @Test func `coordinates come back bit for bit`() throws {
    let odd = [-0.0, .leastNonzeroMagnitude, 0.1 + 0.2, -179.99999999999997, 1.7976931348623157e308]
    var area = OutageArea()
    area.append(polygon: [odd.map { LonLat(lonDegrees: $0, latDegrees: -$0) }])
    let store = try LayerStore(directory: directory.path)
    try store.publish([Outage(outageId: "A", area: area)])
    let back = try store.currentOutages()[0].area.coordinates
    #expect(back.map(\.bitPattern) == area.coordinates.map(\.bitPattern))
  }

  @Test func `each kind counts its versions on its own, newest first`() throws {
    let store = try LayerStore(directory: directory.path)
    try store.load(Fixture.servicePoints(3))
    for count in 1...3 { try store.publish(Fixture.outages(count), source: "step \(count)") }
    try store.load(Fixture.servicePoints(2), source: "again.csv")
    #expect(try store.versions(of: .outages).map(\.number) == [3, 2, 1])
    #expect(try store.versions(of: .outages).map(\.source) == ["step 3", "step 2", "step 1"])
    #expect(try store.versions(of: .addresses).map(\.number) == [2, 1])
    #expect(try store.versions(of: .addresses).map(\.recordCount) == [2, 3])
    #expect(try store.servicePoints() == Fixture.servicePoints(2))
  }

  @Test func `a roll-back publishes the old content under a new number`() throws {
    let store = try LayerStore(directory: directory.path)
    let first = try store.publish(Fixture.outages(7, seed: 1), source: "first")
    try store.publish(Fixture.outages(9, seed: 2), source: "second")
    let later = Fixture.moment.adding(seconds: 60)
    let back = try store.rollBack(to: 1, at: later)
    #expect(back.number == 3)
    #expect(back.source == "rollback of 1")
    #expect(back.publishedAt == later)
    #expect(back.sha256 == first.sha256)
    #expect(back.recordCount == 7 && back.vertexCount == first.vertexCount)
    #expect(try store.currentVersion(of: .outages) == back)
    #expect(try store.outages(ofVersion: 3) == Fixture.outages(7, seed: 1))
    #expect(try store.outages(ofVersion: 2) == Fixture.outages(9, seed: 2))
  }

  @Test func `layers beyond those to keep are dropped, and cannot be read or rolled back to`() throws {
    let store = try LayerStore(directory: directory.path, keepLayers: 3)
    for count in 1...5 { try store.publish(Fixture.outages(count)) }
    #expect(try store.versions(of: .outages).map(\.number) == [5, 4, 3])
    #expect(try store.outages(ofVersion: 3) == Fixture.outages(3))
    let gone = StoreError.noSuchVersion(file: store.file, kind: .outages, number: 2, kept: [5, 4, 3])
    #expect(throws: gone) { try store.outages(ofVersion: 2) }
    #expect(throws: gone) { try store.rollBack(to: 2, at: Fixture.moment) }
    #expect(gone.description.hasSuffix("no version 2 of outages: kept are 5, 4, 3"))
    try store.clearDroppedLayers()
    let rows = try store.read("count") { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM outage") }
    #expect(rows == 12)
    // The one to roll back to may be the one that falls off the end.
    try store.rollBack(to: 3, at: Fixture.moment)
    #expect(try store.outages(ofVersion: 6) == Fixture.outages(3))
    #expect(try store.versions(of: .outages).map(\.number) == [6, 5, 4])
  }

  @Test func `an outage that cannot be kept is named, and the layer before stays`() throws {
    let store = try LayerStore(directory: directory.path)
    let good = Fixture.outages(4)
    try store.publish(good)
    var infinite = OutageArea()
    infinite.append(polygon: [[LonLat(lonDegrees: .infinity, latDegrees: 0)]])
    let bad: [(Outage, String, String)] = [
      (good[0], "outageId", "it twice in one layer"),
      (Outage(outageId: "EMPTY", area: OutageArea()), "area", "no polygon"),
      (Outage(outageId: "INFINITE", area: infinite), "area", "the coordinate inf"),
    ]
    for (outage, field, found) in bad {
      let error = try #require(throws: StoreError.self) { try store.publish(good + [outage]) }
      guard case .notStorable(store.file, outage.outageId, field, found, _) = error else {
        Issue.record("unexpected: \(error)")
        continue
      }
    }
    #expect(try store.currentOutages() == good)
    #expect(try store.versions(of: .outages).count == 1)
  }

  @Test func `the files are not for everybody`() throws {
    let path = directory.path + "/new/data"
    let store = try LayerStore(directory: path)
    try store.publish(Fixture.outages(2))
    func mode(_ path: String) throws -> Int {
      try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }
    #expect(try mode(path) & 0o027 == 0)
    for file in ["outaged.sqlite", "outaged.sqlite-wal", "outaged.sqlite-shm", "outaged.lock"] {
      #expect(try mode(path + "/" + file) & 0o137 == 0, "\(file)")
    }
    try FileManager.default.setAttributes([.posixPermissions: 0o664], ofItemAtPath: store.file)
    _ = try LayerStore(directory: path)
    #expect(try mode(store.file) == 0o660)
  }

  @Test func `a backup is a store`() throws {
    let store = try LayerStore(directory: directory.path)
    try store.load(Fixture.servicePoints(500))
    try store.publish(Fixture.outages(20))
    let other = TemporaryDirectory()
    try store.backUp(to: other.file)
    #expect(throws: StoreError.self) { try store.backUp(to: other.file) }
    let copy = try LayerStore(directory: other.path)
    try copy.checkIntegrity()
    #expect(try copy.servicePoints() == Fixture.servicePoints(500))
    #expect(try copy.currentOutages() == Fixture.outages(20))
    #expect(try copy.publish([]).number == 2)
  }
}
