// A database that is written at a pace is the same database, and takes its time.

import Foundation
import GRDB
import GRDBSQLite
import Synchronization
import Testing

@testable import DiskPace

@Suite struct PacedFilesTests {
  private let file: String
  private let queue: DatabaseQueue

  init() throws {
    PacedFiles.install()
    file = NSTemporaryDirectory() + "/outaged-paced-\(UUID().uuidString).sqlite"
    queue = try DatabaseQueue(path: file)
    try queue.writeWithoutTransaction { db in
      try db.execute(sql: "PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER PRIMARY KEY, b BLOB)")
    }
  }

  private static func blob(_ number: Int) -> Data {
    Data(repeating: UInt8(truncatingIfNeeded: number), count: 4000)
  }

  private func removeFiles() { for suffix in ["", "-wal", "-shm"] { unlink(file + suffix) } }

  private func write(_ numbers: Range<Int>, at pace: WritingPace?) throws -> Duration {
    try ContinuousClock().measure {
      try queue.writeWithoutTransaction { db in
        PacedFiles.set(pace, of: db.sqliteConnection)
        defer { PacedFiles.set(nil, of: db.sqliteConnection) }
        try db.inTransaction {
          for number in numbers {
            try db.execute(
              sql: "INSERT INTO t VALUES (?, ?)", arguments: [number, Self.blob(number)])
          }
          return .commit
        }
      }
    }
  }

  private func expectWhole(_ count: Int) throws {
    let other = try DatabaseQueue(path: file)
    try other.read { db in
      #expect(try String.fetchAll(db, sql: "PRAGMA integrity_check") == ["ok"])
      let blobs = try Data.fetchAll(db, sql: "SELECT b FROM t ORDER BY n")
      #expect(blobs.count == count)
      #expect(blobs.enumerated().allSatisfy { $1 == Self.blob($0) })
    }
  }

  /// 2 MiB at 8 MiB a second: the pauses alone are a fifth of a second, however fast the disk.
  @Test func `a paced transaction takes its time and is whole, and the next one is not paced`() throws {
    defer { removeFiles() }
    let asked = Atomic(0)
    let pace = WritingPace(mebibytesPerSecond: 8) {
      asked.add(1, ordering: .relaxed)
      return false
    }
    #expect(try write(0..<500, at: pace) > .milliseconds(200))
    let parts = asked.load(ordering: .relaxed)
    #expect(parts >= 7)
    _ = try write(500..<1000, at: nil)
    #expect(asked.load(ordering: .relaxed) == parts)
    try expectWhole(1000)
  }

  @Test func `who disturbs nobody or is in a hurry is not held up`() throws {
    defer { removeFiles() }
    // A part would take four minutes.
    let slow = 0.001
    #expect(try write(0..<500, at: WritingPace(mebibytesPerSecond: slow) { true }) < .seconds(60))
    let hurried = WritingPace(mebibytesPerSecond: slow, isHurried: true)
    #expect(try write(500..<1000, at: hurried) < .seconds(60))
    try expectWhole(1000)
  }

  /// PROJ opens its database by whatever VFS is the default, and looks behind the size of a file of the one that is when it closes it.
  @Test func `the default's files are as large as the system's, and those that are only read are its own`()
    throws
  {
    let system = try #require(sqlite3_vfs_find("unix"))
    #expect(sqlite3_vfs_find(nil) != system)
    #expect(sqlite3_vfs_find(nil).pointee.szOsFile == system.pointee.szOsFile)
    _ = try write(0..<1, at: nil)
    var configuration = Configuration()
    configuration.readonly = true
    let reader = try DatabaseQueue(path: file, configuration: configuration)
    func close(_ queue: DatabaseQueue) -> Int {
      queue.inDatabase { db in
        let file = PacedFiles.file(SQLITE_FCNTL_FILE_POINTER, of: db.sqliteConnection)
        return unsafeBitCast(file?.pointee.pMethods.pointee.xClose, to: Int.self)
      }
    }
    var before: OpaquePointer?
    #expect(sqlite3_open_v2(file, &before, SQLITE_OPEN_READONLY, "unix") == SQLITE_OK)
    defer { sqlite3_close(before) }
    #expect(sqlite3_exec(before, "SELECT count(*) FROM t", nil, nil, nil) == SQLITE_OK)
    let systems = PacedFiles.file(SQLITE_FCNTL_FILE_POINTER, of: before)?.pointee.pMethods.pointee.xClose
    #expect(try reader.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM t") } == 1)
    #expect(close(reader) == unsafeBitCast(systems, to: Int.self))
    #expect(close(queue) != unsafeBitCast(systems, to: Int.self))
    try reader.close()
    try queue.close()
    removeFiles()
  }

  @Test func `a connection of before the layer is left alone`() throws {
    defer { removeFiles() }
    let memory = try DatabaseQueue()
    try memory.write { db in
      PacedFiles.set(WritingPace(), of: db.sqliteConnection)
      try db.execute(sql: "CREATE TABLE t (n)")
    }
    PacedFiles.set(nil, of: nil)
  }

  @Test func `a checkpoint beside the writer brings the log in, and it begins anew`() throws {
    defer { removeFiles() }
    let checkpointer = try Checkpointer(
      file: file, niceness: 0, pace: WritingPace(mebibytesPerSecond: 64))
    defer { checkpointer.stop() }
    let pages = Checkpointer.walPages + 1000
    try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA wal_autocheckpoint = 0") }
    _ = try write(0..<pages, at: nil)
    checkpointer.begin()
    let deadline = ContinuousClock.now + .seconds(60)
    while !checkpointer.isNearlyDone {
      try #require(ContinuousClock.now < deadline)
      usleep(10_000)
    }
    #expect(!checkpointer.isNearlyDone)
    let size = try #require(try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int)
    #expect(size > pages * 4000)
    let logSize = try FileManager.default.attributesOfItem(atPath: file + "-wal")[.size] as? Int
    _ = try write(pages..<pages + 500, at: nil)
    #expect(try FileManager.default.attributesOfItem(atPath: file + "-wal")[.size] as? Int == logSize)
    try expectWhole(pages + 500)
  }
}
