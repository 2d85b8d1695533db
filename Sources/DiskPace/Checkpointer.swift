// Brings a database's write-ahead log into its file, beside the thread that commits.

import Foundation
import GRDB
import GRDBSQLite
import Synchronization
import SystemThreads

/// Checkpoints by a connection and a thread of its own, while commits go on: one that the committing thread makes itself keeps all who wait for their
/// commits until the file is on the disk, for a tenth of a second and more.
///
/// A log that is written to all the time is never wholly in the file when such a checkpoint ends. So when little is left, and the file is on the disk, the committing
/// thread is asked to bring in the rest, after which the log begins anew (sqlite.org, *Write-Ahead Logging*, section 2.2).
public final class Checkpointer: Sendable {
  private struct State: Sendable {
    var isNearlyDone = false
    var isStopping = false
  }

  private let connection: DatabaseQueue
  private let pace: WritingPace?
  private let state = Mutex(State())
  private let wake = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)

  /// A log of so many pages (16 MiB) is to begin anew.
  public static let walPages = 4096

  /// - Parameters:
  ///   - file: a database in WAL mode.
  ///   - niceness: of its thread.
  ///   - pace: at which the file is written; `nil`: as fast as can be.
  public init(file: String, niceness: Int32, pace: WritingPace?) throws {
    PacedFiles.install()
    var configuration = Configuration()
    configuration.label = "checkpoint"
    connection = try DatabaseQueue(path: file, configuration: configuration)
    self.pace = pace
    let thread = Thread { [self] in
      nameThread("checkpoint")
      giveWay(niceness: niceness)
      run()
      ended.signal()
    }
    thread.start()
  }

  /// Begins a checkpoint, and returns at once.
  public func begin() { wake.signal() }

  /// Whether the committing thread should now checkpoint what is left; asked once, it is `false` until the next checkpoint.
  public var isNearlyDone: Bool {
    state.withLock { state in
      defer { state.isNearlyDone = false }
      return state.isNearlyDone
    }
  }

  /// Ends the thread and closes the connection.
  public func stop() {
    state.withLock { $0.isStopping = true }
    wake.signal()
    ended.wait()
    ended.signal()
    try? connection.close()
  }

  private func run() {
    while true {
      wake.wait()
      if state.withLock(\.isStopping) { return }
      // A failure, such as a full disk, shows at the next commit as well, and is told there.
      guard let frameCount = checkpoint(), frameCount >= Self.walPages else { continue }
      // What came meanwhile; what comes while that is brought in is little.
      _ = checkpoint()
      syncFile()
      state.withLock { $0.isNearlyDone = true }
    }
  }

  /// Brings the file's own pages to the disk. A checkpoint leaves that to the one that ends with the log, the committing thread's, which would wait for all pages
  /// that were brought in since the log began. Not by another descriptor: to close it would drop all locks that this process has on the file
  /// (sqlite.org, *How To Corrupt An SQLite Database File*, section 2.2).
  private func syncFile() {
    connection.writeWithoutTransaction { db in
      guard let file = PacedFiles.file(SQLITE_FCNTL_FILE_POINTER, of: db.sqliteConnection),
        let sync = file.pointee.pMethods?.pointee.xSync
      else { return }
      // A failure shows at the committing thread's own sync, too: Linux tells a failed write to each open file once (fsync(2)), and the log is kept.
      _ = sync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY)
    }
  }

  /// - Returns: how many frames the log has.
  private func checkpoint() -> Int? {
    try? connection.writeWithoutTransaction { db in
      PacedFiles.set(pace, of: db.sqliteConnection)
      return try db.checkpoint(.passive).walFrameCount
    }
  }
}
