// What can go wrong with the store: which file, what was being done, what was found, what was expected, and SQLite's code.

import OutageModel

/// An error of the layer store. `description` is one line for an operator.
public enum StoreError: Error, Equatable, Sendable {
  /// The disk (or the quota, or SQLite's page limit) is full. What was published before stays as it was.
  case diskFull(SQLiteFault)
  /// Another process held the write lock for longer than the busy time-out.
  case busy(SQLiteFault)
  /// The file or its directory may not be written.
  case readOnly(SQLiteFault)
  /// The file does not hold together: truncated, overwritten, or hit by a bad disk. It is never overwritten.
  case damaged(SQLiteFault)
  /// Anything else that SQLite reports.
  case sqlite(SQLiteFault)
  /// The operating system refused (`errorNumber` is errno).
  case fileSystem(path: String, doing: String, errorNumber: Int32)
  /// A file that Outaged did not make stands where the store belongs. It is never overwritten.
  case notAStore(file: String, found: String, expected: String)
  /// A later release of Outaged wrote the file.
  case newerSchema(file: String, found: String, expected: String)
  /// Another address load is running, in this or another process (it holds the lock file).
  case loadRunning(lockFile: String)
  /// `append` or `commit` on an address load that was committed, abandoned, or ended by an error.
  case loadIsOver(file: String)
  /// The version is not in the store: never published, or pruned. `kept` are those that are, newest first.
  case noSuchVersion(file: String, kind: LayerKind, number: Int, kept: [Int])
  /// A value that the store cannot keep as it is.
  case notStorable(file: String, record: String, field: String, found: String, expected: String)
}

/// A failed call into SQLite.
public struct SQLiteFault: Hashable, Sendable {
  public var file: String
  /// Such as `publish outages`.
  public var doing: String
  /// SQLite's extended result code, such as 13 (SQLITE_FULL).
  public var code: Int32
  public var message: String
}

extension StoreError: CustomStringConvertible {
  public var description: String { "TODO" }
}
