// The log of changes: numbered events, what has been told of each service point, and how far each consumer has got; one transaction for each publish.

import ByteBuffers
import DiskPace
import GRDB
import LayerStore
import OutageModel

/// The changes of one data directory, in `changes.sqlite`.
///
/// An event's number is given once: it is on the disk before anybody can read it, and in the same transaction as what has been told, so
/// that a kill at any moment neither loses a change nor tells it under two numbers. Used on one thread at a time.
public final class ChangeLog {
  /// The database file.
  public let file: String
  private let pool: DatabasePool
  private let pace: WritingPace?
  private let checkpointer: Checkpointer
  /// Packed bytes that were written since the last checkpoint was begun.
  private var byteCount = 0
  /// The number that the next event gets.
  public private(set) var nextSequence = 1
  /// The number of the oldest event that is kept; `nextSequence` if none is.
  public private(set) var oldestSequence = 1
  /// Up to where the log has taken in what happened.
  public private(set) var progress = ChangeProgress()

  /// Opens the log of a directory, and creates it where it is missing.
  /// - Parameter pace: of what is written; `nil`: as fast as can be.
  public init(directory: String, pace: WritingPace? = nil) throws(StoreError) {
    self.pace = pace
    file = directory + "/changes.sqlite"
    pool = try JournalFile.open(
      directory: directory, name: "changes.sqlite", applicationId: ChangeSchema.applicationId,
      migrator: ChangeSchema.migrator)
    checkpointer = try StoreFile.checkpointer(file, pace: pace)
    try loadState()
  }

  deinit { checkpointer.stop() }

  private func loadState() throws(StoreError) {
    (nextSequence, oldestSequence, progress) = try read("read where the changes stand") { db in
      let row = try Row.fetchOne(db, sql: "SELECT * FROM progress")!
      let next: Int = row["next_sequence"]
      let oldest = try Int.fetchOne(db, sql: "SELECT min(first_sequence) FROM change_batch")
      return (
        next, oldest ?? next,
        ChangeProgress(layerNumber: row["layer_number"], reportSequence: row["report_sequence"])
      )
    }
  }
}

/// Up to where a log of changes has taken in what happened.
public struct ChangeProgress: Sendable, Equatable {
  /// The outage layer that was compared last; `nil` if none ever was.
  public var layerNumber: Int?
  /// The last report of a wire down that is among the changes.
  public var reportSequence = 0

  public init(layerNumber: Int? = nil, reportSequence: Int = 0) {
    self.layerNumber = layerNumber
    self.reportSequence = reportSequence
  }
}

enum ChangeSchema {
  /// `OutC` in SQLite's header.
  static let applicationId = 0x4F75_7443

  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1 changes") { db in
      try db.execute(sql: tables)
      try db.execute(sql: ConsumerPositions.schema)
    }
    return migrator
  }

  // A batch's events have the numbers first_sequence, first_sequence + 1, ... `body` is the part of their JSON text that they share.
  // `told` is what the consumers know of those who are out: who has been told the same is one row.
  private static let tables = """
    CREATE TABLE change_batch (
      first_sequence INTEGER PRIMARY KEY,
      event_count INTEGER NOT NULL,
      kind TEXT NOT NULL,
      at_ms INTEGER NOT NULL,
      critical_count INTEGER NOT NULL,
      feeders TEXT NOT NULL,
      body TEXT NOT NULL,
      members BLOB NOT NULL
    );

    CREATE TABLE told (
      group_number INTEGER PRIMARY KEY,
      outage_id TEXT NOT NULL,
      ert_ms INTEGER,
      ert_told_at_ms INTEGER NOT NULL,
      crew_status TEXT,
      service_points BLOB NOT NULL
    );

    CREATE TABLE progress (
      only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
      next_sequence INTEGER NOT NULL,
      layer_number INTEGER,
      report_sequence INTEGER NOT NULL
    );
    INSERT INTO progress VALUES (1, 1, NULL, 0);
    """
}

// MARK: - Writing

/// One transaction's worth of changes, while it is being written.
public struct ChangeWriter {
  fileprivate let db: Database
  fileprivate var nextSequence: Int
  fileprivate var batchCount = 0
  fileprivate var byteCount = 0

  /// Adds an event for each member, in their order.
  /// - Parameter body: what the events' JSON objects share: fields without braces, such as `"kind":"restored","layerVersion":7`.
  public mutating func append(
    kind: ChangeKind, at moment: Timestamp, body: String, _ members: borrowing ChangeMembers
  ) throws {
    guard members.count > 0 else { return }
    let insert = try RowStatement(
      db,
      """
      INSERT INTO change_batch (first_sequence, event_count, kind, at_ms, critical_count, feeders, body, members)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      """)
    insert.bind(nextSequence, at: 1)
    insert.bind(members.count, at: 2)
    insert.bind(kind.rawValue, at: 3)
    insert.bind(moment, at: 4)
    insert.bind(members.criticalCount, at: 5)
    insert.bind(members.feeders.joined(separator: "\n"), at: 6)
    insert.bind(body, at: 7)
    insert.bind(members.bytes.bytes, at: 8)
    try insert.run()
    nextSequence += members.count
    batchCount += 1
    byteCount += body.utf8.count + members.bytes.count
  }

  /// Notes what the service points of a group have been told; in place of what stood under its number.
  public func keep(group: Int, _ told: ToldOutage, servicePoints: borrowing PackedIds) throws {
    let replace = try RowStatement(
      db,
      """
      INSERT OR REPLACE INTO told (group_number, outage_id, ert_ms, ert_told_at_ms, crew_status, service_points)
        VALUES (?, ?, ?, ?, ?, ?)
      """)
    replace.bind(group, at: 1)
    replace.bind(told.outageId, at: 2)
    replace.bind(told.estimatedRestorationAt, at: 3)
    replace.bind(told.ertToldAt, at: 4)
    replace.bind(told.crewStatus, at: 5)
    replace.bind(servicePoints.bytes.bytes, at: 6)
    try replace.run()
  }

  /// Nobody is left in a group.
  public func drop(group: Int) throws {
    let delete = try RowStatement(db, "DELETE FROM told WHERE group_number = ?")
    delete.bind(group, at: 1)
    try delete.run()
  }

  /// Forgets what anybody was told.
  public func dropAllGroups() throws { try db.execute(sql: "DELETE FROM told") }
}

/// Ids of service points one behind the other: each with its length before it, or as a 0 and the difference to the one before (`IdRun`).
public struct PackedIds: ~Copyable {
  private(set) var bytes = ByteBuffer()
  private var run = IdRun()

  public init() {}

  /// - Parameter id: not empty.
  public mutating func append(_ id: UnsafeRawBufferPointer) {
    guard let difference = run.difference(to: id) else { return bytes.append(packed: id) }
    bytes.append(0)
    bytes.append(difference: difference)
  }

  static func forEach(_ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) {
    var packed = PackedReader(bytes)
    var run = IdRun()
    while let text = packed.text() {
      if !text.isEmpty {
        run.take(text)
        body(text)
      } else {
        guard let difference = packed.difference(), let id = run.id(after: difference) else { return }
        body(id)
      }
    }
  }
}

extension ChangeLog {
  /// Batches that are deleted with one transaction, at most, and twice as many as it adds.
  private static var pruneMax: Int { 256 }
  /// After so many packed bytes, the write-ahead log is brought into the file.
  private static var checkpointBytes: Int { 8 << 20 }

  /// Writes changes, what was told by them, and how far the log has got, in one transaction that is on the disk when this returns.
  /// - Parameter keepFrom: older changes are deleted.
  /// - Returns: the numbers of the new events.
  @discardableResult
  public func append(
    progress newProgress: ChangeProgress, keepFrom: Timestamp, _ body: (inout ChangeWriter) throws -> Void
  ) throws(StoreError) -> Range<Int> {
    let (first, next, oldest, bytes) = try write("store changes") { db in
      // From the file: a process that hands over to this one may have written last.
      let first = try Int.fetchOne(db, sql: "SELECT next_sequence FROM progress")!
      var writer = ChangeWriter(db: db, nextSequence: first)
      try body(&writer)
      try db.execute(
        sql: "UPDATE progress SET next_sequence = ?, layer_number = ?, report_sequence = ?",
        arguments: [writer.nextSequence, newProgress.layerNumber, newProgress.reportSequence])
      try db.execute(
        sql: """
          DELETE FROM change_batch WHERE at_ms < ? AND first_sequence IN
            (SELECT first_sequence FROM change_batch ORDER BY first_sequence LIMIT \(Self.pruneMax + 2 * writer.batchCount))
          """, arguments: [keepFrom.millisecondsSinceEpoch])
      let oldest = try Int.fetchOne(db, sql: "SELECT min(first_sequence) FROM change_batch")
      return (first, writer.nextSequence, oldest ?? writer.nextSequence, writer.byteCount)
    }
    byteCount += bytes
    if byteCount >= Self.checkpointBytes {
      checkpointer.begin()
      byteCount = 0
    }
    (nextSequence, oldestSequence, progress) = (next, oldest, newProgress)
    return first..<next
  }

  /// Moves a consumer forward; an earlier number changes nothing.
  /// - Returns: where it is now, which is on the disk; `nil` if no event has that number yet.
  public func acknowledge(
    _ consumer: String, through sequence: Int, at moment: Timestamp
  ) throws(StoreError) -> Int? {
    guard sequence < nextSequence else { return nil }
    return try write("store a consumer's position") { db in
      try ConsumerPositions.acknowledge(consumer, through: sequence, at: moment, db)
    }
  }

  private func write<Value>(_ doing: String, _ body: (Database) throws -> Value) throws(StoreError) -> Value {
    do {
      return try pool.writeWithoutTransaction { db in
        try PacedFiles.transaction(db, at: pace) { try body(db) }
      }
    } catch {
      throw StoreError(error, file: file, doing: doing)
    }
  }
}

// MARK: - Reading

/// Events that were read, as JSON texts.
public struct ChangePage: ~Copyable {
  /// One behind the other.
  public var bytes = ByteBuffer()
  /// Where each text ends in `bytes`.
  public var ends: [Int] = []
  public var sequences: [Int] = []
  /// The number to go on from: behind the last event that was looked at, whether the filter wanted it or not.
  public var next: Int

  init(next: Int) { self.next = next }

  public func text(_ index: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes.bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]])
  }
}

extension ChangeLog {
  /// Reads events from a number on, by ascending number.
  /// - Parameters:
  ///   - count: events, at most.
  ///   - bytesMax: from here on no further event is added.
  public func read(
    from sequence: Int, count: Int, filter: ChangeFilter, bytesMax: Int
  ) throws(StoreError) -> ChangePage {
    let from = max(sequence, oldestSequence)
    // What is not committed yet is not looked at, whoever reads.
    let end = nextSequence
    var page = ChangePage(next: min(from, end))
    guard from < end, count > 0 else { return page }
    let feeder = filter.feederId.map(escaped)
    do {
      try pool.read { db in
        let select = try RowStatement(
          db,
          """
          SELECT first_sequence, event_count, kind, critical_count, feeders, body, members FROM change_batch
            WHERE first_sequence >= coalesce((SELECT max(first_sequence) FROM change_batch WHERE first_sequence <= ?), 0)
              AND first_sequence < ?
            ORDER BY first_sequence
          """)
        select.bind(from, at: 1)
        select.bind(end, at: 2)
        defer { select.reset() }
        while try select.next() {
          guard page.ends.count < count, page.bytes.count < bytesMax else { return }
          let first = Int(select.int64(at: 0))
          let behind = first + Int(select.int64(at: 1))
          let feeders = (select.text(at: 4) ?? "").split(separator: "\n").map(String.init)
          let feederNumber = feeder.map { (feeders.firstIndex(of: $0) ?? -2) + 1 }
          let isWanted =
            behind > from
            && (filter.kinds.isEmpty || filter.kinds.contains { $0.rawValue == select.text(at: 2) })
            && (!filter.criticalOnly || select.int64(at: 3) > 0) && feederNumber != -1
          if isWanted {
            let isWhole = select.withBlob(at: 6) {
              Self.add(
                $0, first: first, from: from, count: count, bytesMax: bytesMax,
                body: select.text(at: 5) ?? "",
                feeders: feeders, filter.criticalOnly, feederNumber, to: &page)
            }
            if !isWhole { return }
          }
          page.next = max(page.next, behind)
        }
      }
    } catch {
      throw StoreError(error, file: file, doing: "read changes")
    }
    return page
  }

  /// Adds the events of one batch that are wanted.
  /// - Returns: whether all of them were looked at.
  private static func add(
    _ members: UnsafeRawBufferPointer, first: Int, from: Int, count: Int, bytesMax: Int, body: String,
    feeders: [String], _ criticalOnly: Bool, _ feederNumber: Int?, to page: inout ChangePage
  ) -> Bool {
    var reader = ChangeMemberReader(members)
    var sequence = first
    while let member = reader.next() {
      defer { sequence += 1 }
      if sequence < from || criticalOnly && !member.isCritical { continue }
      if let feederNumber, member.feeder != feederNumber { continue }
      guard page.ends.count < count, page.bytes.count < bytesMax else {
        page.next = sequence
        return false
      }
      page.bytes.append("{\"sequence\":")
      page.bytes.append(decimal: sequence)
      page.bytes.append(UInt8(ascii: ","))
      page.bytes.append(utf8Of: body)
      if !member.servicePointId.isEmpty {
        page.bytes.append(",\"servicePointId\":\"")
        page.bytes.append(member.servicePointId)
        page.bytes.append(UInt8(ascii: "\""))
      }
      if !member.accountId.isEmpty {
        page.bytes.append(",\"accountId\":\"")
        page.bytes.append(member.accountId)
        page.bytes.append(UInt8(ascii: "\""))
      }
      if member.feeder > 0, member.feeder <= feeders.count {
        page.bytes.append(",\"feederId\":\"")
        page.bytes.append(utf8Of: feeders[member.feeder - 1])
        page.bytes.append(UInt8(ascii: "\""))
      }
      if member.isCritical { page.bytes.append(",\"critical\":true") }
      page.bytes.append(UInt8(ascii: "}"))
      page.ends.append(page.bytes.count)
      page.sequences.append(sequence)
    }
    return true
  }

  /// What was told of those who are out, for each service point, by its id.
  public func forEachTold(_ body: (UnsafeBufferPointer<UInt8>, ToldOutage) -> Void) throws(StoreError) {
    try read("read what was told") { db in
      let select = try RowStatement(
        db, "SELECT outage_id, ert_ms, ert_told_at_ms, crew_status, service_points FROM told")
      defer { select.reset() }
      while try select.next() {
        let told = ToldOutage(
          outageId: select.text(at: 0) ?? "", estimatedRestorationAt: select.timestamp(at: 1),
          ertToldAt: select.timestamp(at: 2) ?? .earliest, crewStatus: select.text(at: 3))
        select.withBlob(at: 4) { bytes in
          PackedIds.forEach(bytes) { body($0.assumingMemoryBound(to: UInt8.self), told) }
        }
      }
    }
  }

  /// The last number that the consumer has acknowledged; 0 if it never has.
  public func position(of consumer: String) throws(StoreError) -> Int {
    try read("read a consumer's position") { db in try ConsumerPositions.sequence(of: consumer, db) }
  }

  public func consumers() throws(StoreError) -> [ConsumerPosition] {
    try read("read the consumers") { db in try ConsumerPositions.all(db) }
  }

  private func read<Value>(_ doing: String, _ body: (Database) throws -> Value) throws(StoreError) -> Value {
    do {
      return try pool.read(body)
    } catch {
      throw StoreError(error, file: file, doing: doing)
    }
  }
}
