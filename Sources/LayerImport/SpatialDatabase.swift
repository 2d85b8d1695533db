// An SQLite connection with SpatiaLite's functions, and one statement of it.

import CSpatiaLite

/// Owns a read-only connection and SpatiaLite's memory for it.
final class SpatialDatabase {
  private(set) var handle: OpaquePointer?
  private let cache: UnsafeMutableRawPointer?
  let file: String

  /// - Parameters:
  ///   - path: `nil` is an empty database in memory.
  ///   - file: the name for errors.
  /// - Throws: `damagedDatabase`
  init(path: String?, file: String) throws(ImportError) {
    self.file = file
    let flags = path == nil ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY : SQLITE_OPEN_READONLY
    let code = sqlite3_open_v2(path ?? ":memory:", &handle, flags, nil)
    cache = spatialite_alloc_connection()
    guard code == SQLITE_OK else { throw failure() }
    spatialite_init_ex(handle, cache, 0)
  }

  deinit {
    sqlite3_close_v2(handle)
    spatialite_cleanup_ex(cache)
  }

  func prepare(_ sql: String) throws(ImportError) -> SpatialStatement {
    var statement: OpaquePointer?
    guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK, let statement else {
      throw failure()
    }
    return SpatialStatement(self, statement)
  }

  /// All rows of a query, as text.
  func rows(_ sql: String) throws(ImportError) -> [[String?]] {
    let statement = try prepare(sql)
    var rows: [[String?]] = []
    while try statement.step() { rows.append((0..<statement.columnCount).map(statement.text)) }
    return rows
  }

  func failure() -> ImportError {
    .refused(
      .damagedDatabase, file, found: handle.map { String(cString: sqlite3_errmsg($0)) } ?? "no memory",
      expected: "a whole SQLite database")
  }
}

/// Owns a prepared statement.
final class SpatialStatement {
  private let database: SpatialDatabase
  let handle: OpaquePointer

  fileprivate init(_ database: SpatialDatabase, _ handle: OpaquePointer) {
    (self.database, self.handle) = (database, handle)
  }

  deinit { sqlite3_finalize(handle) }

  var columnCount: Int32 { sqlite3_column_count(handle) }

  /// - Returns: whether there is a row.
  func step() throws(ImportError) -> Bool {
    switch sqlite3_step(handle) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    default: throw database.failure()
    }
  }

  func text(_ column: Int32) -> String? {
    sqlite3_column_text(handle, column).map { String(cString: $0) }
  }
}

/// A name as SQL quotes it.
func quotedName(_ name: String) -> String {
  "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
}
