// What can go wrong with the store: which file, what was being done, what was found, what was expected, and SQLite's code.

import GRDB
import Glibc
import OutageModel

/// An error of the layer store. `description` is one line for an operator, with what would mend it where that is known.
public enum StoreError: Error, Equatable, Sendable {
  /// The disk (or the quota, or SQLite's page limit) is full. What was published before stays as it was.
  case diskFull(SQLiteFault)
  /// Another process held the write lock for longer than the busy time-out.
  case busy(SQLiteFault)
  /// The file or its directory may not be written or opened.
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

/// A call into SQLite that failed.
public struct SQLiteFault: Hashable, Sendable {
  public var file: String
  /// Such as `publish outages`.
  public var doing: String
  /// SQLite's extended result code, such as 13 (SQLITE_FULL).
  public var code: Int32
  public var message: String

  package init(file: String, doing: String, code: Int32, message: String) {
    self.file = file
    self.doing = doing
    self.code = code
    self.message = message
  }
}

extension StoreError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .diskFull(let fault):
      "\(fault): the disk is full. What was published before is unharmed; make room and try again."
    case .busy(let fault):
      "\(fault): another process kept the store locked. Try again when it has finished."
    case .readOnly(let fault):
      "\(fault): the file and its directory must be writable for the user that runs outaged."
    case .damaged(let fault):
      "\(fault): the store is damaged. Nothing was overwritten; put a backup in its place, or move it away and import again."
    case .sqlite(let fault): fault.description
    case .fileSystem(let path, let doing, let errorNumber):
      "\(path): \(doing): \(String(cString: strerror(errorNumber))) (errno \(errorNumber))"
    case .notAStore(let file, let found, let expected):
      "\(file): not a store of outaged: found \(found), expected \(expected). It was left as it is."
    case .newerSchema(let file, let found, let expected):
      "\(file): written by a later release of outaged: found schema \(found), expected at most \(expected)."
    case .loadRunning(let lockFile):
      "\(lockFile): another address import is running; wait for it to end, or stop it."
    case .loadIsOver(let file):
      "\(file): this address load has been committed, abandoned, or ended by an error before."
    case .noSuchVersion(let file, let kind, let number, let kept):
      "\(file): no version \(number) of \(kind.rawValue): kept are \(kept.isEmpty ? "none" : kept.map(String.init).joined(separator: ", "))"
    case .notStorable(let file, let record, let field, let found, let expected):
      "\(file): record \(record): \(field): found \(found), expected \(expected)"
    }
  }
}

extension SQLiteFault: CustomStringConvertible {
  public var description: String { "\(file): \(doing): \(message) (SQLite \(code))" }
}

extension StoreError {
  /// Sorts an error of GRDB or SQLite into the case that says what to do about it.
  package init(_ error: any Error, file: String, doing: String) {
    if let error = error as? StoreError {
      self = error
      return
    }
    guard let error = error as? DatabaseError else {
      self = .sqlite(SQLiteFault(file: file, doing: doing, code: 1, message: "\(error)"))
      return
    }
    let fault = SQLiteFault(
      file: file, doing: doing, code: error.extendedResultCode.rawValue,
      message: error.message ?? error.resultCode.description)
    switch error.extendedResultCode {
    // Growing the shared-memory file of the write-ahead log fails this way when the disk is full.
    case .SQLITE_IOERR_SHMSIZE: self = .diskFull(fault)
    default:
      switch error.resultCode {
      case .SQLITE_FULL: self = .diskFull(fault)
      case .SQLITE_BUSY, .SQLITE_LOCKED: self = .busy(fault)
      case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH: self = .readOnly(fault)
      case .SQLITE_CORRUPT: self = .damaged(fault)
      case .SQLITE_NOTADB:
        self = .notAStore(
          file: file, found: "bytes that are no SQLite database", expected: "an outaged store")
      default: self = .sqlite(fault)
      }
    }
  }
}
