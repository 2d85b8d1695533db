// A journal's database file: opened like the store, written by one thread, on the disk when a transaction returns.

import DiskPace
import GRDB
import LayerStore

/// The files that hold what happens, beside the store that holds what is.
enum JournalFile {
  /// How long a writer waits for another process.
  static let busyTimeoutSeconds = 10.0
  /// When the write-ahead log has so many pages, `Checkpointer` was in vain so far, and who commits has to wait.
  static let walPagesMax = 4 * Checkpointer.walPages
  /// It is cut back to this size.
  static let walBytesMax = 32 << 20

  /// Opens the file, and creates or migrates it where that is due.
  /// - Throws: `notAStore`, `newerSchema`, `damaged` before anything is written; `fileSystem`, `readOnly`, `diskFull`, `busy`.
  static func open(
    directory: String, name: String, applicationId: Int, migrator: DatabaseMigrator
  ) throws(StoreError) -> DatabasePool {
    PacedFiles.install()
    try StoreFile.makeDirectory(directory)
    let file = directory + "/" + name
    try StoreFile.make(file)
    try StoreFile.inspect(
      file, applicationId: applicationId, migrator: migrator, busyTimeoutSeconds: busyTimeoutSeconds)
    var configuration = Configuration()
    configuration.label = name
    configuration.busyMode = .timeout(busyTimeoutSeconds)
    configuration.maximumReaderCount = 2
    configuration.prepareDatabase { db in
      try db.execute(
        sql: """
          PRAGMA synchronous = FULL;
          PRAGMA secure_delete = FAST;
          PRAGMA wal_autocheckpoint = \(walPagesMax);
          PRAGMA journal_size_limit = \(walBytesMax);
          """)
    }
    do {
      let pool = try DatabasePool(path: file, configuration: configuration)
      try pool.writeWithoutTransaction { db in try StoreFile.mark(db, applicationId: applicationId) }
      try migrator.migrate(pool)
      return pool
    } catch {
      throw StoreError(error, file: file, doing: "open")
    }
  }
}
