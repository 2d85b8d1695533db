// How a database file of the data directory is created and recognised, before SQLite may write to it.

import DiskPace
import GRDB
import Glibc

/// The first steps with a file of the data directory; the same for the store and for the journals beside it.
package enum StoreFile {
  package static func makeDirectory(_ path: String) throws(StoreError) {
    var information = stat()
    if stat(path, &information) == 0 {
      guard information.st_mode & S_IFMT == S_IFDIR else {
        throw .fileSystem(path: path, doing: "open the data directory", errorNumber: ENOTDIR)
      }
      return
    }
    if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
      try makeDirectory(String(path[..<slash]))
    }
    guard mkdir(path, 0o750) == 0 || errno == EEXIST else {
      throw .fileSystem(path: path, doing: "create the data directory", errorNumber: errno)
    }
  }

  /// Creates the file where it is missing, so that it, and with it SQLite's side files, never is readable for all.
  ///
  /// An existing file is not opened here: closing it would drop the locks that this process's SQLite holds on it.
  package static func make(_ file: String) throws(StoreError) {
    let descriptor = open(file, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o640)
    if descriptor >= 0 {
      close(descriptor)
      return
    }
    guard errno == EEXIST else {
      throw .fileSystem(path: file, doing: "create the store", errorNumber: errno)
    }
    var information = stat()
    guard stat(file, &information) == 0 else {
      throw .fileSystem(path: file, doing: "look at the store", errorNumber: errno)
    }
    guard information.st_mode & S_IFMT == S_IFREG else {
      throw .notAStore(file: file, found: "a directory or device", expected: "a file")
    }
    if information.st_mode & 0o007 != 0 { chmod(file, information.st_mode & 0o770) }
    // SQLite would take an emptied file for a new one and throw the log away, and with it the last publishes.
    var log = stat()
    if information.st_size == 0, stat(file + "-wal", &log) == 0, log.st_size > 0 {
      throw .damaged(
        SQLiteFault(
          file: file, doing: "open", code: 11, message: "0 bytes, beside a write-ahead log with content"))
    }
  }

  /// Makes sure that the file is new or ours, by a connection that changes nothing.
  /// - Throws: `notAStore`, `newerSchema`, `damaged`.
  package static func inspect(
    _ file: String, applicationId: Int, migrator: DatabaseMigrator, busyTimeoutSeconds: Double
  ) throws(StoreError) {
    func look(readonly: Bool) throws {
      var configuration = Configuration()
      configuration.readonly = readonly
      configuration.busyMode = .timeout(busyTimeoutSeconds)
      try DatabaseQueue(path: file, configuration: configuration).read { db in
        let found = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        let entries = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
        if entries == 0, found == 0 { return }
        guard found == applicationId else {
          throw StoreError.notAStore(
            file: file, found: "an SQLite file with application_id \(found) and \(entries) schema entries",
            expected: "application_id \(applicationId)")
        }
        if try migrator.hasBeenSuperseded(db) {
          let later = try migrator.appliedIdentifiers(db).subtracting(migrator.migrations)
          throw StoreError.newerSchema(
            file: file, found: "\"\(later.sorted().joined(separator: "\", \""))\"",
            expected: "\"\(migrator.migrations.last ?? "")\"")
        }
      }
    }
    do {
      do {
        try look(readonly: true)
      } catch DatabaseError.SQLITE_READONLY_ROLLBACK {
        // Its creation was killed in mid-write; SQLite has to roll that back before anybody can read it.
        try look(readonly: false)
      }
    } catch {
      throw StoreError(error, file: file, doing: "open")
    }
  }

  /// What brings the file's write-ahead log into it from now on.
  /// - Parameter pace: at which it does; `nil`: as fast as can be.
  package static func checkpointer(
    _ file: String, niceness: Int32 = 10, pace: WritingPace?
  ) throws(StoreError) -> Checkpointer {
    do {
      return try Checkpointer(file: file, niceness: niceness, pace: pace)
    } catch {
      throw StoreError(error, file: file, doing: "open")
    }
  }

  /// Says whose file it is, first of all, so that a kill before or between the migrations leaves one that is known as ours.
  package static func mark(_ db: Database, applicationId: Int) throws {
    if try Int.fetchOne(db, sql: "PRAGMA application_id") != applicationId {
      try db.execute(sql: "PRAGMA application_id = \(applicationId)")
    }
  }
}
