// Files that are not ours, not whole, or not for us: each has its named error, and none is written to.

import Foundation
import GRDB
import OutageModel
import Testing

@testable import LayerStore

@Suite struct StoreFaultTests {
  let directory = TemporaryDirectory()

  /// Opens the store, which must fail and leave the file as it is.
  func openingError() throws -> StoreError {
    let before = try Data(contentsOf: URL(filePath: directory.file))
    let error = try #require(throws: StoreError.self) { try LayerStore(directory: directory.path) }
    #expect(try Data(contentsOf: URL(filePath: directory.file)) == before)
    #expect(error.description.hasPrefix(directory.file))
    return error
  }

  func sqlite(_ sql: String) throws {
    let queue = try DatabaseQueue(path: directory.file)
    try queue.inDatabase { db in try db.execute(sql: sql) }
    try queue.close()
  }

  @Test func `an SQLite file of somebody else's is refused and left alone`() throws {
    try sqlite("CREATE TABLE customers (name TEXT); PRAGMA application_id = 7")
    let error = try openingError()
    #expect(
      error
        == .notAStore(
          file: directory.file, found: "an SQLite file with application_id 7 and 1 schema entries",
          expected: "application_id \(StoreSchema.applicationId)"))
  }

  @Test func `a file that is no database is refused and left alone`() throws {
    try Data(String(repeating: "account,lon,lat\n", count: 500).utf8).write(to: URL(filePath: directory.file))
    guard case .notAStore = try openingError() else {
      Issue.record("expected notAStore")
      return
    }
  }

  @Test func `a store of a later release is refused and left alone`() throws {
    do {
      let store = try LayerStore(directory: directory.path)
      try store.publish([])
    }
    try sqlite("INSERT INTO grdb_migrations VALUES ('99 from the future')")
    #expect(
      try openingError()
        == .newerSchema(
          file: directory.file, found: "\"99 from the future\"",
          expected: "\"\(try #require(StoreSchema.migrator.migrations.last))\""))
  }

  @Test(arguments: [0.9, 0.5, 0.1])
  func `a truncated store is damaged, by name`(part: Double) throws {
    do {
      let store = try LayerStore(directory: directory.path)
      try store.load(Fixture.servicePoints(2_000))
    }
    try sqlite("PRAGMA wal_checkpoint(TRUNCATE)")
    let file = try FileHandle(forWritingTo: URL(filePath: directory.file))
    let size = try file.seekToEnd()
    try file.truncate(atOffset: UInt64(Double(size) * part))
    try file.close()
    guard case .damaged(let fault) = try openingError() else {
      Issue.record("expected damaged")
      return
    }
    #expect(fault.code & 0xFF == 11)
  }

  @Test func `an emptied store beside its log is damaged, not new`() throws {
    try Data().write(to: URL(filePath: directory.file))
    try Data([1, 2, 3]).write(to: URL(filePath: directory.file + "-wal"))
    guard case .damaged = try openingError() else {
      Issue.record("expected damaged")
      return
    }
    #expect(try Data(contentsOf: URL(filePath: directory.file + "-wal")) == Data([1, 2, 3]))
  }

  @Test func `overwritten rows are damaged when they are read`() throws {
    let store = try LayerStore(directory: directory.path)
    try store.load(Fixture.servicePoints(10))
    try store.publish(Fixture.outages(3))
    try store.batch("break it") { db in
      try db.execute(sql: "UPDATE outage SET geom = substr(geom, 1, length(geom) - 9) WHERE fid % 2 = 0")
      try db.execute(sql: "UPDATE service_point SET geom = x'00' WHERE service_point_id = 'SP-4'")
    }
    let layer = try #require(throws: StoreError.self) { try store.outages(ofVersion: 1) }
    guard case .damaged(let fault) = layer else { throw layer }
    #expect(fault.message.hasSuffix("its geom is no MULTIPOLYGON of EPSG:4326"))
    #expect(throws: StoreError.self) { try store.servicePoints() }
    try store.batch("break it more") { db in try db.execute(sql: "DELETE FROM outage WHERE fid % 2 = 0") }
    let short = try #require(throws: StoreError.self) { try store.outages(ofVersion: 1) }
    guard case .damaged(let fault) = short else { throw short }
    #expect(fault.message == "layer 1 has 2 outages, expected 3")
  }

  @Test func `a directory that cannot be is named`() throws {
    try Data().write(to: URL(filePath: directory.path + "/file"))
    let path = directory.path + "/file/data"
    #expect(
      throws: StoreError.fileSystem(
        path: directory.path + "/file", doing: "open the data directory", errorNumber: ENOTDIR)
    ) { try LayerStore(directory: path) }
  }

  @Test func `a directory in the store's place is named`() throws {
    try FileManager.default.createDirectory(atPath: directory.file, withIntermediateDirectories: false)
    #expect(
      throws: StoreError.notAStore(file: directory.file, found: "a directory or device", expected: "a file")
    ) { try LayerStore(directory: directory.path) }
  }

  @Test(.enabled(if: geteuid() != 0, "permissions do not bind root"))
  func `a read-only directory is named`() throws {
    _ = try LayerStore(directory: directory.path)
    try FileManager.default.setAttributes([.posixPermissions: 0o500], ofItemAtPath: directory.path)
    defer { try? FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: directory.path) }
    #expect(throws: StoreError.self) { try LayerStore(directory: directory.path).publish([]) }
  }

  @Test func `SQLite's own page limit is a full disk, and the layer before stays`() throws {
    let store = try LayerStore(directory: directory.path)
    let old = Fixture.outages(5)
    try store.publish(old)
    try store.batch("limit") { db in
      let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
      _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = \(pages + 2)")
    }
    let error = try #require(throws: StoreError.self) { try store.publish(Fixture.outages(500)) }
    guard case .diskFull(let fault) = error else { throw error }
    #expect(fault.code == 13 && fault.doing == "publish outages")
    #expect(try store.currentOutages() == old)
    let load = try #require(throws: StoreError.self) { try store.load(Fixture.servicePoints(20_000)) }
    guard case .diskFull = load else { throw load }
    #expect(try store.currentVersion(of: .addresses) == nil)
  }
}
