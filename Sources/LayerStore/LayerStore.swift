// The store of one data directory: opening it safely, and the way in for everything that reads or writes it.

import DiskPace
import GRDB
import Glibc
import OutageModel

/// The embedded SpatiaLite database of a data directory: the current addresses, the current and previous outage layers,
/// and the record of their versions.
///
///     let store = try LayerStore(directory: "/var/lib/outaged")
///     let load = try store.beginAddressLoad(source: "addresses.csv", sha256: digest, at: now)
///     for point in points { try load.append(point) }
///     try load.commit()
///     try store.publishOutages(outages, source: "storm.geojson", sha256: digest, at: now)
///
/// A kill at any moment leaves the old or the new version, never a mix. Any number of processes may read and write the
/// same directory; writes take turns, readers never wait. `outaged.sqlite` opens in QGIS as it is: the layers
/// `current_service_point` and `current_outage`.
public final class LayerStore: Sendable {
  /// The database file.
  public let file: String
  /// Outage layers that are kept, the current one included; and records of address loads.
  public let keepLayers: Int

  let lockFile: String
  let limits: StoreLimits
  private let pool: DatabasePool
  private let pace: WritingPace?
  private let checkpointer: Checkpointer?

  /// Opens the store of a directory; creates both where they are missing (0750 and 0640: it holds personal data).
  ///
  /// What a killed import has left behind is cleared away, unless an import is running. The quick check covers the
  /// file's size, schema and versions; `checkIntegrity()` covers everything.
  /// - Parameter pace: of what a publish writes, and of the write-ahead log when a thread of the store's own brings it into the file after each. `nil`: as fast as
  ///   can be, and the log with the publish that finds it large.
  /// - Throws: `notAStore`, `newerSchema`, `damaged`, before anything is written; `fileSystem`, `readOnly`, `diskFull`, `busy`.
  public convenience init(
    directory: String, keepLayers: Int = 20, pace: WritingPace? = nil
  ) throws(StoreError) {
    try self.init(directory: directory, keepLayers: keepLayers, pace: pace, limits: StoreLimits())
  }

  /// With other limits, for tests.
  init(
    directory: String, keepLayers: Int = 20, pace: WritingPace? = nil, limits: StoreLimits
  ) throws(StoreError) {
    precondition(keepLayers >= 1)
    PacedFiles.install()
    self.pace = pace
    self.keepLayers = keepLayers
    self.limits = limits
    try StoreFile.makeDirectory(directory)
    let file = directory + "/outaged.sqlite"
    let lockFile = directory + "/outaged.lock"
    self.file = file
    self.lockFile = lockFile
    pool = try StoreLock.with(.opening, file: lockFile) { () throws(StoreError) in
      try StoreFile.make(file)
      try StoreFile.inspect(
        file, applicationId: StoreSchema.applicationId, migrator: StoreSchema.migrator,
        busyTimeoutSeconds: limits.busyTimeoutSeconds)
      do {
        let pool = try DatabasePool(
          path: file,
          configuration: Self.configuration(
            limits, walPages: pace == nil ? limits.walPages : limits.walPagesMax))
        try pool.writeWithoutTransaction { db in
          try StoreFile.mark(db, applicationId: StoreSchema.applicationId)
        }
        try StoreSchema.migrator.migrate(pool)
        try pool.read { db in try Self.quickCheck(db) }
        return pool
      } catch {
        throw StoreError(error, file: file, doing: "open")
      }
    }
    checkpointer = if let pace { try StoreFile.checkpointer(file, pace: pace) } else { nil }
    try clearRemains()
  }

  deinit { checkpointer?.stop() }

  /// Checks every page, row and index of the file (SQLite's `integrity_check`): seconds for a million addresses.
  public func checkIntegrity() throws(StoreError) {
    try read("check integrity") { db in
      let found = try String.fetchAll(db, sql: "PRAGMA integrity_check(10)")
      if found != ["ok"] { throw Self.damage(found) }
    }
  }

  /// Writes a whole, compact copy of the store, while others read and write it (SQLite's `VACUUM INTO`).
  ///
  /// The copy is a store: put into an empty data directory as `outaged.sqlite`, it opens.
  /// - Parameter path: must not exist.
  public func backUp(to path: String) throws(StoreError) {
    let descriptor = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o640)
    guard descriptor >= 0 else {
      throw .fileSystem(path: path, doing: "create the backup", errorNumber: errno)
    }
    Glibc.close(descriptor)
    do {
      // By a connection of its own, so that this process goes on publishing.
      try DatabaseQueue(
        path: file, configuration: Self.configuration(limits, walPages: limits.walPages)
      ).inDatabase { db in
        try db.execute(sql: "VACUUM INTO ?", arguments: [path])
      }
    } catch {
      unlink(path)
      throw StoreError(error, file: file, doing: "back up to \(path)")
    }
  }
}

extension LayerStore {
  /// Brings the write-ahead log into the file and empties it, so that the next to open the store need not read it through. What
  /// others are using at the moment stays for the next time; nobody is kept waiting.
  public func bringLogIn() {
    // By a connection of its own, so that this process goes on publishing.
    var configuration = Configuration()
    configuration.label = "LayerStore log"
    try? DatabaseQueue(path: file, configuration: configuration).writeWithoutTransaction { db in
      PacedFiles.set(pace, of: db.sqliteConnection)
      // The long part first, beside which others write; the log is only emptied where that has left nothing to do.
      let result = try db.checkpoint(.passive)
      if result.walFrameCount == result.checkpointedFrameCount { _ = try db.checkpoint(.truncate) }
    }
  }
}

extension LayerStore {
  /// Gives back the pages that the connections have kept of what they read and wrote.
  public func releaseMemory() { pool.releaseMemory() }
}

/// How much the store takes at a time.
struct StoreLimits: Sendable {
  /// Rows in one transaction of an import, of clearing up after it, or of indexing it: long enough to pay for its
  /// commit, short enough (0.1 s) for a publish to wait for.
  var batchRows = 16_384
  /// The same of outages, which have areas.
  var batchOutages = 1_024
  /// How long a writer waits for another process.
  var busyTimeoutSeconds = 10.0
  /// Page cache of one connection; there are at most four.
  var cacheKiB = 4 * 1024
  /// The write-ahead log is brought into the file when it has so many pages (32 MiB) ...
  var walPages = 8192
  /// ... by a publish, where a thread of its own has not done it before, when it has so many ...
  var walPagesMax = 32_768
  /// ... and cut back to this size.
  var walSizeBytesMax = 64 << 20
}

// MARK: - The ways in

extension LayerStore {
  /// Reads one snapshot: writers do not wait for it, nor it for them.
  func read<Value>(_ doing: String, _ body: (Database) throws -> Value) throws(StoreError) -> Value {
    do {
      return try pool.unsafeReentrantRead(body)
    } catch {
      throw StoreError(error, file: file, doing: doing)
    }
  }

  /// Reads what was written last, even from within a longer `read`; other writers of this process wait.
  func readLatest<Value>(_ doing: String, _ body: (Database) throws -> Value) throws(StoreError) -> Value {
    try writeOutsideTransaction(doing, body)
  }

  /// Reads one snapshot, and lets the errors of `body` through as they are.
  func readThrough(_ doing: String, _ body: (Database) throws -> Void) throws {
    do {
      try pool.unsafeReentrantRead(body)
    } catch let error as DatabaseError {
      throw StoreError(error, file: file, doing: doing)
    }
  }

  /// One transaction that is on the disk when this returns; it goes before the batches of an import.
  func publish<Value>(_ doing: String, _ body: (Database) throws -> Value) throws(StoreError) -> Value {
    try StoreLock.with(.publish, file: lockFile) { () throws(StoreError) in
      let value = try transaction(doing, synchronous: "FULL", body)
      checkpointer?.begin()
      return value
    }
  }

  /// One transaction among many of an import: whole, but on the disk only with the next publish or checkpoint.
  func batch<Value>(_ doing: String, _ body: (Database) throws -> Value) throws(StoreError) -> Value {
    // Whoever wants to publish comes first.
    try StoreLock.with(.publish, file: lockFile) { () throws(StoreError) in }
    return try transaction(doing, synchronous: "NORMAL", body)
  }

  private func transaction<Value>(
    _ doing: String, synchronous: String, _ body: (Database) throws -> Value
  ) throws(StoreError) -> Value {
    try writeOutsideTransaction(doing) { db in
      try db.execute(sql: "PRAGMA synchronous = \(synchronous)")
      return try PacedFiles.transaction(db, at: pace) { try body(db) }
    }
  }

  private func writeOutsideTransaction<Value>(_ doing: String, _ body: (Database) throws -> Value)
    throws(StoreError) -> Value
  {
    do {
      return try pool.writeWithoutTransaction(body)
    } catch {
      throw StoreError(error, file: file, doing: doing)
    }
  }
}

// MARK: - Opening

extension LayerStore {
  private static func configuration(_ limits: StoreLimits, walPages: Int) -> Configuration {
    let spatiaLite = SpatiaLiteConnections()
    var configuration = Configuration()
    configuration.label = "LayerStore"
    configuration.busyMode = .timeout(limits.busyTimeoutSeconds)
    configuration.maximumReaderCount = 3
    configuration.prepareDatabase { db in
      try spatiaLite.prepare(db)
      try db.execute(
        sql: """
          PRAGMA cache_size = -\(limits.cacheKiB);
          PRAGMA wal_autocheckpoint = \(walPages);
          PRAGMA journal_size_limit = \(limits.walSizeBytesMax);
          PRAGMA synchronous = FULL;
          PRAGMA secure_delete = FAST;
          """)
    }
    return configuration
  }

  /// Takes no longer for a large store: SQLite itself compares the file's size with its header, and the table that all
  /// hangs on is read through here. Reading a version checks its rows.
  private static func quickCheck(_ db: Database) throws {
    for table in ["layer_version", "geometry_columns"] {
      let found = try String.fetchAll(db, sql: "PRAGMA quick_check(\(table))")
      if found != ["ok"] { throw damage(found) }
    }
  }

  static func damage(_ found: [String]) -> DatabaseError {
    DatabaseError(resultCode: .SQLITE_CORRUPT, message: found.joined(separator: "; "))
  }
}
