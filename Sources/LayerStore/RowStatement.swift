// Rows in and out of SQLite without a box per value: GRDB prepares and keeps the statement, the values go straight through C.

import CSpatiaLite
import GRDB
import OutageModel

/// A prepared statement whose values are bound and read by position.
///
/// It holds the statement's pointer, so it must not outlive the `Database` access that it was made in.
package struct RowStatement {
  private let statement: Statement
  private let handle: OpaquePointer
  private let db: Database

  package init(_ db: Database, _ sql: String) throws {
    self.db = db
    statement = try db.cachedStatement(sql: sql)
    handle = statement.sqliteStatement
    sqlite3_reset(handle)
    sqlite3_clear_bindings(handle)
  }

  /// Runs a statement without results, and makes it ready for the next row.
  package func run() throws {
    let code = sqlite3_step(handle)
    sqlite3_reset(handle)
    if code != SQLITE_DONE { throw failure(code) }
  }

  /// - Returns: whether there is another row, to be read by the methods below before the next call.
  package func next() throws -> Bool {
    let code = sqlite3_step(handle)
    if code == SQLITE_ROW { return true }
    sqlite3_reset(handle)
    if code != SQLITE_DONE { throw failure(code) }
    return false
  }

  /// Ends reading before the last row.
  package func reset() {
    sqlite3_reset(handle)
  }

  private func failure(_ code: Int32) -> DatabaseError {
    DatabaseError(
      resultCode: ResultCode(rawValue: code),
      message: String(cString: sqlite3_errmsg(db.sqliteConnection)), sql: statement.sql)
  }
}

// MARK: - Binding, from 1

extension RowStatement {
  /// Tells SQLite to copy the bytes before the call returns.
  private static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

  package func bind(_ value: Int64?, at index: Int32) {
    if let value { sqlite3_bind_int64(handle, index, value) } else { sqlite3_bind_null(handle, index) }
  }

  package func bind(_ value: Int?, at index: Int32) {
    bind(value.map(Int64.init), at: index)
  }

  package func bind(_ value: Double?, at index: Int32) {
    if let value { sqlite3_bind_double(handle, index, value) } else { sqlite3_bind_null(handle, index) }
  }

  package func bind(_ value: Timestamp?, at index: Int32) {
    bind(value?.millisecondsSinceEpoch, at: index)
  }

  package func bind(_ value: String?, at index: Int32) {
    guard var value else {
      sqlite3_bind_null(handle, index)
      return
    }
    value.withUTF8 { text in
      // The empty string may have no address, which SQLite would take for null.
      text.withMemoryRebound(to: CChar.self) { characters in
        _ = sqlite3_bind_text(
          handle, index, characters.baseAddress ?? Self.empty, Int32(characters.count), Self.copied)
      }
    }
  }

  package func bind(_ bytes: UnsafeRawBufferPointer, at index: Int32) {
    sqlite3_bind_blob(handle, index, bytes.baseAddress, Int32(bytes.count), Self.copied)
  }

  private nonisolated(unsafe) static let empty: UnsafePointer<CChar> = {
    let pointer = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
    pointer.initialize(to: 0)
    return UnsafePointer(pointer)
  }()
}

// MARK: - Reading, from 0

extension RowStatement {
  package func int64(at index: Int32) -> Int64 {
    sqlite3_column_int64(handle, index)
  }

  package func optionalInt(at index: Int32) -> Int? {
    isNull(at: index) ? nil : Int(int64(at: index))
  }

  package func optionalDouble(at index: Int32) -> Double? {
    isNull(at: index) ? nil : sqlite3_column_double(handle, index)
  }

  package func timestamp(at index: Int32) -> Timestamp? {
    isNull(at: index) ? nil : Timestamp(millisecondsSinceEpoch: int64(at: index))
  }

  package func text(at index: Int32) -> String? {
    guard let bytes = sqlite3_column_text(handle, index) else { return nil }
    let count = Int(sqlite3_column_bytes(handle, index))
    return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
  }

  /// The bytes are SQLite's, and valid in `body` only.
  package func withBlob<Value>(at index: Int32, _ body: (UnsafeRawBufferPointer) throws -> Value) rethrows
    -> Value
  {
    let bytes = sqlite3_column_blob(handle, index)
    return try body(
      UnsafeRawBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(handle, index))))
  }

  private func isNull(at index: Int32) -> Bool {
    sqlite3_column_type(handle, index) == SQLITE_NULL
  }
}
