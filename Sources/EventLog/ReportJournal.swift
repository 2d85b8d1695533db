// The journal of callers' reports: on the disk before they are acknowledged, each stored once, read by those who act on them.

import DiskPace
import Foundation
import GRDB
import LayerStore
import OutageModel
import Synchronization

/// How the journal treats reports.
public struct ReportSettings: Sendable, Equatable {
  /// Reports are deleted after this time.
  public var keepDays = 30
  /// A report of the same place and kind within this time of the first one is a repetition: kept, and not counted.
  public var repeatSeconds = 3600
  /// For so long a report waits for a layer that covers its place.
  public var matchWithinSeconds = 86_400

  public init() {}
}

/// What has become of a report.
public struct ReportReceipt: Sendable, Equatable {
  public var report: OutageReport
  /// The same report (call, kind and place) was stored before: this is that one.
  public var isDuplicate: Bool
}

/// All reports of one data directory, in `reports.sqlite`.
///
///     let journal = try ReportJournal(directory: directory, settings: settings, clock: systemClock)
///     journal.add(draft) { outcome in ... }   // called when it is on the disk, or cannot be
///
/// Any thread may call it; one thread of its own writes.
public final class ReportJournal: Sendable {
  /// The database file.
  public let file: String
  private let pool: DatabasePool
  private let commit: GroupCommit
  private let settings: Mutex<ReportSettings>
  private let clock: @Sendable () -> Timestamp
  private let counts: Mutex<ReportCounts>
  private let observers = Mutex<[@Sendable ([OutageReport]) -> Void]>([])
  private let commitObservers = Mutex<[@Sendable () -> Void]>([])
  /// Of the group that is being told, for the observers.
  private let justStored = Mutex<[OutageReport]>([])
  /// Reports that no outage covers so far. Those of before the start, through `unreadThrough`, are read with the first layer: a start does not need them.
  private let unmatched = Mutex(WaitingReports(countMax: ReportJournal.unmatchedMax))
  private let unreadThrough: Mutex<Int>
  private let pruning = Mutex<Timestamp?>(nil)

  /// The least time between two commits under load.
  static let commitInterval = Duration.milliseconds(4)
  /// Old reports that are deleted, or matched, with one group.
  static let batchMax = 2000
  /// Reports that wait for a layer, at most: the newest of them.
  static let unmatchedMax = 200_000

  /// Opens the journal of a directory, and creates it where it is missing.
  /// - Parameter pace: at which its file is written, but never the log that those who report wait for. `nil`: as fast as can be.
  public convenience init(
    directory: String, settings: ReportSettings, pace: WritingPace? = nil, niceness: Int32 = 5,
    clock: @escaping @Sendable () -> Timestamp
  ) throws(StoreError) {
    try self.init(
      directory: directory, settings: settings, pace: pace, niceness: niceness,
      recentMax: ReportKeys.recentMax, clock: clock)
  }

  init(
    directory: String, settings: ReportSettings, pace: WritingPace? = nil, niceness: Int32 = 5,
    recentMax: Int, clock: @escaping @Sendable () -> Timestamp
  ) throws(StoreError) {
    let file = directory + "/reports.sqlite"
    self.file = file
    self.settings = Mutex(settings)
    self.clock = clock
    let pool = try JournalFile.open(
      directory: directory, name: "reports.sqlite", applicationId: ReportSchema.applicationId,
      migrator: ReportSchema.migrator)
    self.pool = pool
    do {
      try pool.writeWithoutTransaction(ReportKeys.prepare)
      let counts = try pool.read { db in
        var counts = ReportCounts()
        counts.lastSequence = try ReportRows.lastSequence(db)
        for consumer in try ConsumerPositions.all(db) { counts.consumers[consumer.name] = consumer.sequence }
        return counts
      }
      unreadThrough = Mutex(counts.lastSequence)
      self.counts = Mutex(counts)
    } catch {
      throw StoreError(error, file: file, doing: "read the reports")
    }
    commit = try GroupCommit(
      pool: pool, file: file, doing: "store a report", pace: pace, interval: Self.commitInterval,
      niceness: niceness,
      frame: TransactionFrame(
        begin: ReportKeys.catchUp, end: { db in try ReportKeys.moveOn(recentMax: recentMax, db) }))
    commit.afterEachGroup { [weak self] in self?.groupEnded() }
  }

  /// Takes other settings, from the next report on.
  public func reconfigure(_ settings: ReportSettings) { self.settings.withLock { $0 = settings } }

  /// Writes what waits, and closes. What comes later is refused.
  public func stop() { commit.stop() }

  /// What was counted since the journal was opened; `lastSequence` since ever.
  public var statistics: ReportCounts {
    var counts = counts.withLock { $0 }
    counts.unmatched = unmatched.withLock(\.count)
    (counts.commits, counts.commitSeconds) = commit.figures
    return counts
  }
}

/// What the journal has counted.
public struct ReportCounts: Sendable, Equatable {
  public var stored = 0
  /// Sent again with the same call id.
  public var duplicates = 0
  /// Of `stored`: repetitions of an earlier report.
  public var repeats = 0
  /// Refused with an error, because they could not be written.
  public var failed = 0
  public var wiresDown = 0
  public var matched = 0
  /// Waiting for a layer that covers them.
  public var unmatched = 0
  public var lastSequence = 0
  /// Of the last match.
  public var lastMatchDelayMilliseconds: Int64 = 0
  /// How far each consumer has got.
  public var consumers: [String: Int] = [:]
  /// Transactions, and the time that they took.
  public var commits = 0
  public var commitSeconds = 0.0

  public init() {}
}

// MARK: - Adding

extension ReportJournal {
  /// Stores a report, unless it is there already.
  /// - Parameter done: on the journal's thread, once the report is on the disk (`fsync` has returned), or with the error that kept it
  ///   from getting there; must be quick.
  public func add(
    _ draft: ReportDraft, _ done: @escaping @Sendable (Result<ReportReceipt, StoreError>) -> Void
  ) {
    let settings = settings.withLock { $0 }
    commit.submit({ db in try ReportRows.add(draft, repeatSeconds: settings.repeatSeconds, db) }) { [self] in
      done($0)
      if case .success(let receipt) = $0 { note(receipt) } else { counts.withLock { $0.failed += 1 } }
    }
    pruneIfDue()
  }

  /// Has `body` called after each commit, when those who wait for it have been told: on the journal's thread, so that what they have
  /// gathered goes on its way together.
  public func afterEachCommit(_ body: @escaping @Sendable () -> Void) {
    commitObservers.withLock { $0.append(body) }
  }

  /// Has `observer` told of the reports that a commit has stored, after they were acknowledged: on the journal's thread, in order, so that
  /// it should only hand them on. After a restart, `recent(since:)` tells what was told before.
  public func observe(_ observer: @escaping @Sendable ([OutageReport]) -> Void) {
    observers.withLock { $0.append(observer) }
  }

  private func note(_ receipt: ReportReceipt) {
    let report = receipt.report
    counts.withLock { counts in
      if receipt.isDuplicate {
        counts.duplicates += 1
        return
      }
      counts.stored += 1
      counts.lastSequence = max(counts.lastSequence, report.sequence)
      if report.repeatOf != nil { counts.repeats += 1 }
      if report.draft.kind == .wireDown { counts.wiresDown += 1 }
    }
    if receipt.isDuplicate { return }
    if report.match == nil, report.draft.kind != .restored {
      unmatched.withLock { $0.append(report.sequence, report.draft) }
    }
    justStored.withLock { $0.append(report) }
  }

  private func groupEnded() {
    for body in commitObservers.withLock({ $0 }) { body() }
    let reports = justStored.withLock { reports in
      defer { reports = [] }
      return reports
    }
    guard !reports.isEmpty else { return }
    for observer in observers.withLock({ $0 }) { observer(reports) }
  }

  private func pruneIfDue() {
    let now = clock()
    let isDue = pruning.withLock { next in
      guard now >= next ?? now else { return false }
      next = now.adding(seconds: 60)
      return true
    }
    guard isDue else { return }
    let earliest = now.adding(seconds: -86_400 * Int64(settings.withLock(\.keepDays)))
    commit.submit({ db in
      try ReportRows.prune(before: earliest, limit: Self.batchMax, db)
    }) { [self] outcome in
      // There may be more.
      if case .success(Self.batchMax) = outcome { pruning.withLock { $0 = nil } }
    }
  }
}

// MARK: - Reading

extension ReportJournal {
  /// The reports from `sequence` on that are kept, by ascending number.
  public func reports(from sequence: Int, limit: Int) throws(StoreError) -> [OutageReport] {
    try read("read the reports") { db in
      try OutageReport.fetch(db, where: "sequence >= ?", [Int64(sequence)], limit: limit)
    }
  }

  /// The reports that came at `moment` or later, by ascending number.
  public func recent(since moment: Timestamp) throws(StoreError) -> [OutageReport] {
    try read("read the recent reports") { db in
      try OutageReport.fetch(
        db, where: "sequence > ? AND received_at_ms >= ?",
        [Int64(try ReportRows.lastSequence(before: moment, db)), moment.millisecondsSinceEpoch])
    }
  }

  /// The `wireDown` reports behind `sequence`, by ascending number.
  public func wiresDown(after sequence: Int) throws(StoreError) -> [OutageReport] {
    try read("read the reports of wires down") { db in
      try OutageReport.fetch(db, where: "sequence > ? AND kind = 'wireDown'", [Int64(sequence)])
    }
  }

  /// The last number that the consumer has acknowledged; 0 if it never has.
  public func position(of consumer: String) throws(StoreError) -> Int {
    try read("read a consumer's position") { db in try ConsumerPositions.sequence(of: consumer, db) }
  }

  public func consumers() throws(StoreError) -> [ConsumerPosition] {
    try read("read the consumers") { db in try ConsumerPositions.all(db) }
  }

  /// Moves a consumer forward; an earlier number changes nothing.
  /// - Parameter done: once that is on the disk, with the consumer's position; `nil` if no report has that number yet.
  public func acknowledge(
    _ consumer: String, through sequence: Int,
    _ done: @escaping @Sendable (Result<Int?, StoreError>) -> Void
  ) {
    let now = clock()
    commit.submit({ db -> Int? in
      guard sequence <= (try ReportRows.lastSequence(db)) else { return nil }
      return try ConsumerPositions.acknowledge(consumer, through: sequence, at: now, db)
    }) { [self] (outcome: Result<Int?, StoreError>) in
      if case .success(let position?) = outcome { counts.withLock { $0.consumers[consumer] = position } }
      done(outcome)
    }
  }

  private func read<Value>(_ doing: String, _ body: (Database) throws -> Value) throws(StoreError) -> Value {
    do {
      return try pool.read(body)
    } catch {
      throw StoreError(error, file: file, doing: doing)
    }
  }
}

// MARK: - Matching

extension ReportJournal {
  /// Looks for the waiting reports in a layer, and marks those that it covers.
  /// - Parameters:
  ///   - layer: the layer that is served now.
  ///   - outageId: of the outage in force that covers the report's place. Called on this thread.
  ///   - done: how many were marked, once that is on the disk.
  public func match(
    layer: LayerVersion, _ outageId: (ReportDraft) -> String?,
    _ done: @escaping @Sendable (Result<Int, StoreError>) -> Void = { _ in }
  ) {
    let earliest = clock().adding(seconds: -Int64(settings.withLock(\.matchWithinSeconds)))
    do throws(StoreError) {
      try readEarlier(since: earliest)
    } catch {
      return done(.failure(error))
    }
    let waiting = unmatched.withLock { waiting in
      waiting.removeAll(before: earliest)
      return waiting
    }
    var matches: [(sequence: Int, match: ReportMatch)] = []
    waiting.forEach { sequence, draft in
      guard let id = outageId(draft) else { return }
      let delay = layer.publishedAt.millisecondsSinceEpoch - draft.receivedAt.millisecondsSinceEpoch
      matches.append(
        (sequence, ReportMatch(outageId: id, layerNumber: layer.number, delayMilliseconds: max(0, delay))))
    }
    mark(matches[...], marked: 0, done)
  }

  /// Adds the waiting reports of before the start, once.
  private func readEarlier(since earliest: Timestamp) throws(StoreError) {
    try unreadThrough.withLock { through throws(StoreError) in
      guard through > 0 else { return }
      let earlier = try read("read the reports that wait for a layer") { db in
        try OutageReport.fetch(
          db, where: "sequence > ? AND sequence <= ? AND match_outage_id IS NULL AND kind <> 'restored'",
          [Int64(try ReportRows.lastSequence(before: earliest, db)), Int64(through)])
      }
      unmatched.withLock { waiting in
        let later = waiting
        waiting = WaitingReports(countMax: Self.unmatchedMax)
        for report in earlier { waiting.append(report.sequence, report.draft) }
        later.forEach { waiting.append($0, $1) }
      }
      through = 0
    }
  }

  /// One group after another, so that reports which come meanwhile need not wait for all of them.
  private func mark(
    _ matches: ArraySlice<(sequence: Int, match: ReportMatch)>, marked: Int,
    _ done: @escaping @Sendable (Result<Int, StoreError>) -> Void
  ) {
    guard !matches.isEmpty else { return done(.success(marked)) }
    let batch = matches.prefix(Self.batchMax)
    commit.submit({ db in try ReportRows.mark(batch, db) }) { [self] outcome in
      guard case .success(let count) = outcome else { return done(outcome) }
      unmatched.withLock { waiting in for (sequence, _) in batch { waiting.remove(sequence) } }
      counts.withLock {
        $0.matched += count
        $0.lastMatchDelayMilliseconds = batch.last?.match.delayMilliseconds ?? 0
      }
      mark(matches.dropFirst(batch.count), marked: marked + count, done)
    }
  }
}

// MARK: - The spool's place

extension ReportJournal {
  /// Up to where batches are written, and what is still to be written.
  struct SpoolBatch: Sendable {
    var reports: [OutageReport]
    /// The number of the last report of the batch.
    var through: Int
  }

  /// The batch that is to be written next: the one that was begun, or at most `limit` new reports, which are then the begun one.
  func beginSpoolBatch(limit: Int, _ done: @escaping @Sendable (Result<SpoolBatch?, StoreError>) -> Void) {
    commit.submit(
      { db in
        let row = try Row.fetchOne(db, sql: "SELECT written_through, writing_through FROM spool")!
        let from: Int = row["written_through"] + 1
        if let through: Int = row["writing_through"] {
          let reports = try OutageReport.fetch(
            db, where: "sequence >= ? AND sequence <= ?", [Int64(from), Int64(through)])
          return SpoolBatch(reports: reports, through: through)
        }
        let reports = try OutageReport.fetch(db, where: "sequence >= ?", [Int64(from)], limit: limit)
        guard let last = reports.last else { return nil }
        try db.execute(sql: "UPDATE spool SET writing_through = ?", arguments: [last.sequence])
        return SpoolBatch(reports: reports, through: last.sequence)
      }, done)
  }

  /// The begun batch is written.
  func endSpoolBatch(through: Int, _ done: @escaping @Sendable (Result<Void, StoreError>) -> Void) {
    commit.submit(
      { db in
        try db.execute(
          sql: "UPDATE spool SET written_through = ?, writing_through = NULL WHERE writing_through = ?",
          arguments: [through, through])
      }, done)
  }
}
