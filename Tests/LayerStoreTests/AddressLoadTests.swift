// A load is nobody's until it is committed, its ids are unique, and only one runs at a time.

import Foundation
import GRDB
import OutageModel
import TestSupport
import Testing

@testable import LayerStore

@Suite struct AddressLoadTests {
  let directory = TemporaryDirectory()

  func open() throws -> LayerStore {
    try LayerStore(directory: directory.path, limits: StoreLimits(batchRows: 50))
  }

  func begin(_ store: LayerStore) throws -> AddressLoad {
    try store.beginAddressLoad(source: "addresses.csv", sha256: Fixture.sha256, at: Fixture.moment)
  }

  func rowCount(_ store: LayerStore) throws -> Int? {
    try store.read("count") { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM service_point") }
  }

  @Test func `the last upsert of an id wins, in the place of the first`() throws {
    let store = try open()
    let points = Fixture.servicePoints(400)
    var random = SeededGenerator(seed: 7)
    var expected = points
    let load = try begin(store)
    for (index, point) in points.enumerated() {
      try load.append(point)
      // Some ids again: written ones, pending ones, and the last.
      let again = Int.random(in: 0...index, using: &random)
      var change = expected[again]
      change.city = "Again \(index)"
      change.position.latDegrees += 0.25
      expected[again] = change
      try load.append(change)
    }
    #expect(try load.commit().recordCount == 400)
    #expect(try store.servicePoints() == expected)
  }

  @Test func `ids are compared byte by byte`() throws {
    let store = try open()
    // Equal for Unicode, different for a database of meters.
    let points = ["e\u{301}", "\u{e9}"].map {
      ServicePoint(servicePointId: $0, position: LonLat(lonDegrees: 0, latDegrees: 0))
    }
    #expect(try store.load(points).recordCount == 2)
  }

  @Test func `readers see the old load until the commit, and go on reading it after`() throws {
    let store = try open()
    let old = Fixture.servicePoints(300, prefix: "OLD-")
    let new = Fixture.servicePoints(200, prefix: "NEW-")
    try store.load(old)
    let load = try begin(store)
    for point in new { try load.append(point) }
    #expect(try store.servicePoints() == old)
    var seen: [ServicePoint] = []
    try store.forEachServicePoint { point in
      seen.append(point)
      if seen.count == 10 { try load.commit() }
    }
    #expect(seen == old)
    #expect(try store.servicePoints() == new)
    #expect(try rowCount(store) == 200)
  }

  @Test func `an abandoned load leaves nothing`() throws {
    let store = try open()
    let old = Fixture.servicePoints(120, prefix: "OLD-")
    try store.load(old)
    let load = try begin(store)
    for point in Fixture.servicePoints(170) { try load.append(point) }
    #expect(try rowCount(store) == 270)
    load.abandon()
    #expect(try rowCount(store) == 120)
    #expect(throws: StoreError.loadIsOver(file: store.file)) { try load.append(old[0]) }
    #expect(throws: StoreError.loadIsOver(file: store.file)) { try load.commit() }
    #expect(try store.servicePoints() == old)
    // So does one that is let go of.
    for point in old { try begin(store).append(point) }
    #expect(try store.load([]).number == 2)
    #expect(try rowCount(store) == 0)
  }

  @Test func `one load runs at a time, and opening the store does not disturb it`() throws {
    let store = try open()
    let load = try begin(store)
    let points = Fixture.servicePoints(130)
    for point in points { try load.append(point) }
    let other = try open()
    #expect(throws: StoreError.loadRunning(lockFile: directory.path + "/outaged.lock")) { try begin(other) }
    #expect(try rowCount(other) == 100)
    try load.commit()
    #expect(try other.servicePoints() == points)
    try begin(other).abandon()
  }

  @Test func `a load that is over keeps nobody waiting, though a forked process has its lock`() throws {
    let store = try open()
    let load = try begin(store)
    // As a fork does it, between which and the new program another thread may go on here.
    let copies = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap(Int32.init)
      .filter {
        let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
        return path?.hasSuffix(directory.path + "/outaged.lock") == true
      }.map(dup)
    defer { for copy in copies { close(copy) } }
    #expect(copies.count == 1)
    load.abandon()
    try begin(store).abandon()
  }

  @Test func `a service point that cannot be kept is named, and the load goes on`() throws {
    let store = try open()
    let load = try begin(store)
    var point = Fixture.servicePoints(1)[0]
    point.position.lonDegrees = .nan
    let error = try #require(throws: StoreError.self) { try load.append(point) }
    #expect(
      error.description.hasSuffix(
        "record SP-0: position: found nan \(point.position.latDegrees), expected finite degrees"))
    point.position.lonDegrees = 0
    for phone in ["", "+", "530 555", "+1 530", "+1530555x"] {
      point.phones = ["+15305550100", phone]
      #expect(throws: StoreError.self) { try load.append(point) }
    }
    point.phones = ["+15305550100", "+15305550101"]
    try load.append(point)
    try load.commit()
    #expect(try store.servicePoints() == [point])
  }

  @Test func `errors of the body of forEachServicePoint come through`() throws {
    struct Stop: Error {}
    let store = try open()
    try store.load(Fixture.servicePoints(5))
    #expect(throws: Stop.self) { try store.forEachServicePoint { _ in throw Stop() } }
    #expect(try store.servicePoints().count == 5)
  }
}
