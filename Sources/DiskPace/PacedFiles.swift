// SQLite's files, written at a pace: a layer on its access to the file system.

import GRDB
import GRDBSQLite
import Glibc

/// What SQLite writes goes to the disk when a transaction or a checkpoint ends, all at once. Of a connection that is paced, each part of its database file and of its
/// write-ahead log is brought there before the next one is written.
///
/// A shim over the system's own VFS (sqlite.org, *The SQLite OS Interface or "VFS"*): a file that may be written to is opened by that one, and then has methods of ours.
/// Its size stays the system's: PROJ, which has a shim of its own for its database, looks behind it for what it noted there, also where ours has become the default
/// in between.
public enum PacedFiles {
  /// What is noted of a file that is open.
  private struct Note {
    /// The system's methods, with ours in place of some; the file points here, and so to the note.
    var methods: sqlite3_io_methods
    let system: UnsafePointer<sqlite3_io_methods>
    var pace: WritingPace?
    /// What was written since the last part ended, and when that began.
    var byteCount = 0
    var start = ContinuousClock.now
  }

  /// Makes all connections that are opened from now on able to be paced.
  public static func install() { _ = isInstalled }

  /// Sets or ends the pace of what a connection writes.
  /// - Parameter connection: outside a transaction, so that its commit is paced, too; one that was opened before `install` is left alone.
  public static func set(_ pace: WritingPace?, of connection: OpaquePointer?) {
    for kind in [SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER] {
      guard let file = file(kind, of: connection), let methods = file.pointee.pMethods,
        unsafeBitCast(methods.pointee.xClose, to: Int.self) == unsafeBitCast(close, to: Int.self)
      else { continue }
      note(of: file).pointee.pace = pace
    }
  }

  /// Runs `body` in a transaction that is committed, what it writes and its commit at a pace.
  public static func transaction<Value>(
    _ db: Database, at pace: WritingPace?, _ body: () throws -> Value
  ) throws -> Value {
    set(pace, of: db.sqliteConnection)
    defer { set(nil, of: db.sqliteConnection) }
    var value: Value?
    try db.inTransaction(.immediate) {
      value = try body()
      return .commit
    }
    return value!
  }

  /// - Parameter kind: `SQLITE_FCNTL_FILE_POINTER` or `SQLITE_FCNTL_JOURNAL_POINTER`.
  static func file(_ kind: Int32, of connection: OpaquePointer?) -> UnsafeMutablePointer<sqlite3_file>? {
    guard let connection else { return nil }
    var file: UnsafeMutablePointer<sqlite3_file>?
    return sqlite3_file_control(connection, "main", kind, &file) == SQLITE_OK ? file : nil
  }

  nonisolated(unsafe) private static let system = sqlite3_vfs_find(nil)!

  /// - Precondition: the file has our methods.
  private static func note(of file: UnsafeMutablePointer<sqlite3_file>) -> UnsafeMutablePointer<Note> {
    UnsafeMutableRawPointer(mutating: file.pointee.pMethods!).assumingMemoryBound(to: Note.self)
  }

  private static let isInstalled: Void = {
    // SQLite keeps both for as long as the process lives.
    let paced = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
    paced.initialize(to: system.pointee)
    paced.pointee.pNext = nil
    paced.pointee.zName = UnsafePointer(strdup("paced"))
    paced.pointee.xOpen = { vfs, name, file, flags, flagsTaken in
      let code = system.pointee.xOpen(vfs, name, file, flags, flagsTaken)
      if code == SQLITE_OK, flags & SQLITE_OPEN_READWRITE != 0, let file, let methods = file.pointee.pMethods
      {
        take(file, methods)
      }
      return code
    }
    sqlite3_vfs_register(paced, 1)
  }()

  /// Puts our methods in place of the system's.
  private static func take(
    _ file: UnsafeMutablePointer<sqlite3_file>, _ system: UnsafePointer<sqlite3_io_methods>
  ) {
    var methods = system.pointee
    methods.xWrite = { file, bytes, count, offset in
      let note = PacedFiles.note(of: file!)
      let code = note.pointee.system.pointee.xWrite(file, bytes, count, offset)
      if code == SQLITE_OK, let pace = note.pointee.pace { PacedFiles.wrote(Int(count), file!, pace) }
      return code
    }
    methods.xClose = close
    let note = UnsafeMutablePointer<Note>.allocate(capacity: 1)
    note.initialize(to: Note(methods: methods, system: system))
    file.pointee.pMethods = UnsafeRawPointer(note).assumingMemoryBound(to: sqlite3_io_methods.self)
  }

  private static let close: @convention(c) (UnsafeMutablePointer<sqlite3_file>?) -> Int32 = { file in
    let note = PacedFiles.note(of: file!)
    let system = note.pointee.system
    note.deinitialize(count: 1)
    note.deallocate()
    file!.pointee.pMethods = system
    return system.pointee.xClose(file)
  }

  private static func wrote(
    _ byteCount: Int, _ file: UnsafeMutablePointer<sqlite3_file>, _ pace: WritingPace
  ) {
    let note = note(of: file)
    if note.pointee.byteCount == 0 { note.pointee.start = .now }
    note.pointee.byteCount += byteCount
    guard note.pointee.byteCount >= WritingPace.partBytes else { return }
    if pace.isKept {
      // A failure shows at the sync by which SQLite ends the transaction or the checkpoint, too.
      _ = note.pointee.system.pointee.xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY)
      pace.rest(byteCount: note.pointee.byteCount, since: note.pointee.start)
    }
    note.pointee.byteCount = 0
  }
}
