// One thread that writes: all that waits goes into one transaction, so that one fsync serves them all.

import DiskPace
import Foundation
import GRDB
import LayerStore
import Synchronization
import SystemThreads

/// What each transaction does besides its work; like it, it changes nothing but the database.
struct TransactionFrame: Sendable {
  var begin: @Sendable (Database) throws -> Void
  var end: @Sendable (Database) throws -> Void
}

/// Commits work in groups. Each piece of work is told whether it is on the disk, after the commit and never before.
///
/// Group commit as of DeWitt et al., *Implementation Techniques for Main Memory Database Systems* (1984): while one group is being
/// written, the next one gathers.
final class GroupCommit: Sendable {
  /// One piece of work: what it does within the transaction, and who is told of the outcome.
  struct Work: Sendable {
    /// May run twice, the second time alone, if another one of its group has failed: it changes nothing but the database.
    var write: @Sendable (Database) throws -> any Sendable
    /// On the committing thread; must be quick.
    var done: @Sendable (Result<any Sendable, StoreError>) -> Void
  }

  private struct State: Sendable {
    var waiting: [Work] = []
    var isStopping = false
  }

  private let pool: DatabasePool
  private let checkpointer: Checkpointer
  private let file: String
  private let doing: String
  private let interval: Duration
  private let frame: TransactionFrame
  private let state = Mutex(State())
  private let spent = Mutex((commits: 0, seconds: 0.0))
  private let groupObservers = Mutex<[@Sendable () -> Void]>([])
  private let wake = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)

  /// Work in one transaction, at most: bounds how long a group waits for its commit.
  static let groupMax = 4096
  /// Groups between two checkpoints.
  static let groupsBetween = 64

  /// - Parameters:
  ///   - pace: at which the file is written when the log is brought into it; nobody waits for that. `nil`: as fast as can be.
  ///   - interval: the least time from the start of one group to the start of the next: under load it makes groups larger
  ///     and leaves the processor to others; without load, nobody waits.
  /// - Throws: where the database cannot be opened once more.
  init(
    pool: DatabasePool, file: String, doing: String, pace: WritingPace?, interval: Duration, niceness: Int32,
    frame: TransactionFrame
  ) throws(StoreError) {
    self.pool = pool
    checkpointer = try StoreFile.checkpointer(file, niceness: niceness, pace: pace)
    self.file = file
    self.doing = doing
    self.interval = interval
    self.frame = frame
    let thread = Thread { [self] in
      nameThread("journal")
      lowerPriority(niceness: niceness)
      run()
      ended.signal()
    }
    thread.stackSize = 8 << 20
    thread.start()
  }

  /// Writes `write` with the next group. After `stop`, `done` gets an error at once.
  func submit<Value: Sendable>(
    _ write: @escaping @Sendable (Database) throws -> Value,
    _ done: @escaping @Sendable (Result<Value, StoreError>) -> Void
  ) {
    let work = Work(write: write) { outcome in done(outcome.map { $0 as! Value }) }
    let (isFirst, isStopping) = state.withLock { state in
      if !state.isStopping { state.waiting.append(work) }
      return (state.waiting.count == 1, state.isStopping)
    }
    if isStopping {
      done(
        .failure(.sqlite(SQLiteFault(file: file, doing: doing, code: 9, message: "the journal is closed"))))
      groupEnded()
    } else if isFirst {
      wake.signal()
    }
  }

  /// Has `body` called on the committing thread after each group, when all of its work has been told of the outcome.
  func afterEachGroup(_ body: @escaping @Sendable () -> Void) { groupObservers.withLock { $0.append(body) } }

  private func groupEnded() { for body in groupObservers.withLock({ $0 }) { body() } }

  /// Transactions that were committed, and the time that they took, `fsync` included.
  var figures: (commits: Int, seconds: Double) { spent.withLock { $0 } }

  /// Writes what waits and ends the thread; returns when it has ended.
  func stop() {
    state.withLock { $0.isStopping = true }
    wake.signal()
    ended.wait()
    ended.signal()
    checkpointer.stop()
  }

  private func run() {
    var lastStart = ContinuousClock.now - interval
    var groups = 0
    while true {
      wake.wait()
      let pause = interval - (ContinuousClock.now - lastStart)
      if pause > .zero { usleep(UInt32(pause / .microseconds(1))) }
      lastStart = .now
      let (group, isLast) = state.withLock { state in
        let group = Array(state.waiting.prefix(Self.groupMax))
        state.waiting.removeFirst(group.count)
        // Only the first to wait wakes this thread.
        if !state.waiting.isEmpty { wake.signal() }
        return (group, state.isStopping && state.waiting.isEmpty)
      }
      if !group.isEmpty {
        commit(group)
        groupEnded()
        groups += 1
        if groups.isMultiple(of: Self.groupsBetween) { checkpointer.begin() }
        if checkpointer.isNearlyDone { _ = try? pool.writeWithoutTransaction { try $0.checkpoint(.passive) } }
      }
      if isLast { return }
    }
  }

  private func commit(_ group: [Work]) {
    do {
      let values = try transaction(group)
      for (work, value) in zip(group, values) { work.done(.success(value)) }
    } catch {
      // One that cannot be written must not take the others with it.
      guard group.count > 1, case .sqlite = error else {
        for work in group { work.done(.failure(error)) }
        return
      }
      for work in group { commit([work]) }
    }
  }

  private func transaction(_ group: [Work]) throws(StoreError) -> [any Sendable] {
    let start = ContinuousClock.now
    do {
      let values = try pool.writeWithoutTransaction { db in
        var values: [any Sendable] = []
        try db.inTransaction(.immediate) {
          try frame.begin(db)
          values = try group.map { try $0.write(db) }
          try frame.end(db)
          return .commit
        }
        return values
      }
      spent.withLock { $0 = ($0.commits + 1, $0.seconds + (ContinuousClock.now - start) / .seconds(1)) }
      return values
    } catch {
      throw StoreError(error, file: file, doing: doing)
    }
  }
}
