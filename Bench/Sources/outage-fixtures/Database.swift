// A SpatiaLite connection of the generator's own.

import CGeoLibraries

/// An SQLite database with SpatiaLite's functions. Closes with its last reference.
final class Database {
  private var handle: OpaquePointer?
  private let cache: UnsafeMutableRawPointer

  init(_ path: String = ":memory:") throws(FixtureError) {
    guard sqlite3_open(path, &handle) == SQLITE_OK else { throw .cannotWrite(path: path) }
    cache = spatialite_alloc_connection()
    spatialite_init_ex(handle, cache, 0)
  }

  deinit {
    sqlite3_close(handle)
    spatialite_cleanup_ex(cache)
  }

  /// A value bound to a statement or read from it.
  enum Value {
    case null
    case integer(Int)
    case real(Double)
    case text(String)
    case blob([UInt8])
  }

  /// Runs one statement and gives the first row, if there is one.
  @discardableResult
  func run(_ sql: String, _ values: [Value] = []) throws(FixtureError) -> [Value]? {
    var statement: OpaquePointer?
    guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK else { throw failure(sql) }
    defer { sqlite3_finalize(statement) }
    let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    for (index, value) in values.enumerated() {
      let place = Int32(index + 1)
      switch value {
      case .null: sqlite3_bind_null(statement, place)
      case .integer(let value): sqlite3_bind_int64(statement, place, Int64(value))
      case .real(let value): sqlite3_bind_double(statement, place, value)
      case .text(let text): sqlite3_bind_text(statement, place, text, -1, transient)
      case .blob(let bytes): sqlite3_bind_blob(statement, place, bytes, Int32(bytes.count), transient)
      }
    }
    var row: [Value]?
    while true {
      switch sqlite3_step(statement) {
      case SQLITE_ROW: if row == nil { row = columns(of: statement) }
      case SQLITE_DONE: return row
      default: throw failure(sql)
      }
    }
  }

  private func columns(of statement: OpaquePointer?) -> [Value] {
    (0..<sqlite3_column_count(statement)).map { column in
      switch sqlite3_column_type(statement, column) {
      case SQLITE_INTEGER: .integer(Int(sqlite3_column_int64(statement, column)))
      case SQLITE_FLOAT: .real(sqlite3_column_double(statement, column))
      case SQLITE_TEXT: .text(String(cString: sqlite3_column_text(statement, column)))
      default: .null
      }
    }
  }

  private func failure(_ sql: String) -> FixtureError {
    .database(message: String(cString: sqlite3_errmsg(handle)), statement: sql)
  }
}
