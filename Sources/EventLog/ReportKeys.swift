// Finds the earlier reports of a place: an index whose newest part is in memory.

import GRDB
import LayerStore
import OutageModel

/// Keys of reports by place, kind and call: what is sent twice, and what repeats an earlier report.
///
/// Reports come from anywhere in the territory, so that an index on the disk in the order of places would change a page for nearly each of
/// them. Here the newest keys stand in memory, and each transaction moves some of them to the disk, in their order, so that those of one page
/// go there together: the rolling merge of O'Neil et al., *The Log-Structured Merge-Tree (LSM-Tree)* (Acta Informatica 33, 1996). The
/// memory is a temporary table, which a transaction that fails puts back with the rest; after a restart it is made again from the reports.
///
/// All functions are called within a transaction of the connection that `prepare` was called with.
enum ReportKeys {
  /// The keys of about so many reports, and of twice as many at most, are in memory only, and read again after a restart.
  static let recentMax = 65_536

  /// The part on the disk, from the reports there are, in the place of the indexes that did this before. `call_id` is empty in the key of the last
  /// report of a place and kind that repeats none; its time is kept too.
  static let migration = """
    CREATE TABLE report_key (
      place TEXT NOT NULL,
      kind TEXT NOT NULL,
      call_id TEXT NOT NULL,
      sequence INTEGER NOT NULL,
      received_at_ms INTEGER,
      PRIMARY KEY (place, kind, call_id)
    ) WITHOUT ROWID;
    -- The keys of all reports up to this one are on the disk.
    CREATE TABLE report_key_progress (
      only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
      complete_through INTEGER NOT NULL
    );
    INSERT INTO report_key SELECT place, kind, call_id, sequence, NULL FROM report WHERE call_id <> '' ORDER BY place, kind, call_id;
    INSERT INTO report_key SELECT place, kind, '', max(sequence), received_at_ms FROM report WHERE repeat_of IS NULL GROUP BY place, kind;
    INSERT INTO report_key_progress SELECT 1, ifnull(max(sequence), 0) FROM report;
    DROP INDEX report_identity;
    DROP INDEX report_first;
    """

  /// Makes the part in memory, with nothing in it; `catchUp` fills it.
  static func prepare(_ db: Database) throws {
    try db.execute(
      sql: """
        PRAGMA temp_store = MEMORY;
        CREATE TEMP TABLE recent_key (
          place TEXT NOT NULL,
          kind TEXT NOT NULL,
          call_id TEXT NOT NULL,
          sequence INTEGER NOT NULL,
          received_at_ms INTEGER,
          PRIMARY KEY (place, kind, call_id)
        ) WITHOUT ROWID;
        -- Reports up to `known_through` are in either part. The round that is being moved has got to the key, and all up to `round_through` are on the disk
        -- when it ends.
        CREATE TEMP TABLE key_state AS
          SELECT complete_through AS known_through, complete_through, complete_through AS round_through,
            '' AS moved_place, '' AS moved_kind, '' AS moved_call_id
          FROM report_key_progress;
        """)
  }

  /// Takes the reports that somebody else has stored: an earlier process, or one that is about to hand over.
  static func catchUp(_ db: Database) throws {
    let known = try Int.fetchOne(db.cachedStatement(sql: "SELECT known_through FROM key_state"))!
    let last = try ReportRows.lastSequence(db)
    guard known < last else { return }
    try db.execute(
      sql: """
        INSERT OR IGNORE INTO recent_key
          SELECT place, kind, call_id, sequence, NULL FROM report WHERE sequence > :known AND call_id <> '';
        INSERT OR REPLACE INTO recent_key
          SELECT place, kind, '', sequence, received_at_ms FROM report WHERE sequence > :known AND repeat_of IS NULL ORDER BY sequence;
        UPDATE key_state SET known_through = :last, round_through = iif(moved_kind = '', :last, round_through);
        """, arguments: ["known": known, "last": last])
  }

  /// The number of the report of this place, kind and call; with no call, of the last one that repeats none, and when it came.
  static func find(
    place: String, kind: ReportKind, call callId: String = "", _ db: Database
  ) throws -> (sequence: Int, receivedAt: Timestamp?)? {
    let select = try RowStatement(
      db,
      """
      SELECT sequence, received_at_ms FROM recent_key WHERE place = ?1 AND kind = ?2 AND call_id = ?3
        UNION ALL
      SELECT sequence, received_at_ms FROM report_key WHERE place = ?1 AND kind = ?2 AND call_id = ?3
        LIMIT 1
      """)
    select.bind(place, at: 1)
    select.bind(kind.rawValue, at: 2)
    select.bind(callId, at: 3)
    defer { select.reset() }
    return try select.next() ? (Int(select.int64(at: 0)), select.timestamp(at: 1)) : nil
  }

  /// Takes a report that was stored just now.
  static func add(_ report: OutageReport, place: String, _ db: Database) throws {
    if let callId = report.draft.callId, !callId.isEmpty {
      try insert(report, place: place, call: callId, at: nil, db)
    }
    if report.repeatOf == nil { try insert(report, place: place, call: "", at: report.draft.receivedAt, db) }
  }

  private static func insert(
    _ report: OutageReport, place: String, call callId: String, at receivedAt: Timestamp?, _ db: Database
  ) throws {
    let insert = try RowStatement(db, "INSERT OR REPLACE INTO recent_key VALUES (?, ?, ?, ?, ?)")
    insert.bind(place, at: 1)
    insert.bind(report.draft.kind.rawValue, at: 2)
    insert.bind(callId, at: 3)
    insert.bind(report.sequence, at: 4)
    insert.bind(receivedAt, at: 5)
    try insert.run()
  }

  /// Moves keys to the disk, while those of more than `recentMax` reports may be in memory only: three for each report since the last time, which has
  /// brought two at most, so that the rounds come to their ends.
  static func moveOn(recentMax: Int, _ db: Database) throws {
    var state = try State(db)
    let last = try ReportRows.lastSequence(db)
    guard state.knownThrough < last else { return }
    if last - state.completeThrough > recentMax {
      try state.move(count: 3 * (last - state.knownThrough), lastSequence: last, db)
    }
    state.knownThrough = last
    try state.store(db)
  }

  /// Forgets the keys of the reports for which `condition` holds, before they are deleted.
  static func remove(where condition: String, _ arguments: StatementArguments, _ db: Database) throws {
    for table in ["report_key", "recent_key"] {
      try db.execute(
        sql: """
          DELETE FROM \(table) WHERE sequence IN (SELECT sequence FROM report WHERE \(condition))
            AND (place, kind) IN (SELECT place, kind FROM report WHERE \(condition))
          """, arguments: arguments)
    }
  }
}

/// How far the keys have got; a row of `key_state`.
private struct State {
  var knownThrough: Int
  var completeThrough: Int
  var roundThrough: Int
  /// The last key that was moved; empty at the beginning of a round.
  var moved: Key

  struct Key {
    var place = ""
    var kind = ""
    var callId = ""
  }

  init(_ db: Database) throws {
    let select = try RowStatement(
      db,
      """
      SELECT known_through, complete_through, round_through, moved_place, moved_kind, moved_call_id FROM key_state
      """)
    defer { select.reset() }
    _ = try select.next()
    knownThrough = Int(select.int64(at: 0))
    completeThrough = Int(select.int64(at: 1))
    roundThrough = Int(select.int64(at: 2))
    moved = Key(
      place: select.text(at: 3) ?? "", kind: select.text(at: 4) ?? "", callId: select.text(at: 5) ?? "")
  }

  func store(_ db: Database) throws {
    let update = try RowStatement(
      db,
      """
      UPDATE key_state SET known_through = ?4, complete_through = ?5, round_through = ?6,
        moved_place = ?1, moved_kind = ?2, moved_call_id = ?3
      """)
    bindKey(moved, to: update)
    update.bind(knownThrough, at: 4)
    update.bind(completeThrough, at: 5)
    update.bind(roundThrough, at: 6)
    try update.run()
  }

  /// Moves the next `count` keys, or those that are left of the round.
  mutating func move(count: Int, lastSequence: Int, _ db: Database) throws {
    let end = try key(behind: count, db)
    let range =
      "FROM recent_key WHERE (place, kind, call_id) > (?1, ?2, ?3)"
      + (end == nil ? "" : " AND (place, kind, call_id) <= (?4, ?5, ?6)")
    for action in ["INSERT OR REPLACE INTO report_key SELECT *", "DELETE"] {
      let statement = try RowStatement(db, "\(action) \(range)")
      bindKey(moved, to: statement)
      if let end { bindKey(end, to: statement, from: 4) }
      try statement.run()
    }
    moved = end ?? Key()
    guard end == nil else { return }
    let complete = try RowStatement(db, "UPDATE report_key_progress SET complete_through = ?")
    complete.bind(roundThrough, at: 1)
    try complete.run()
    completeThrough = roundThrough
    roundThrough = lastSequence
  }

  /// The `count`th key from here on, if there are more.
  private func key(behind count: Int, _ db: Database) throws -> Key? {
    let select = try RowStatement(
      db,
      """
      SELECT place, kind, call_id FROM recent_key WHERE (place, kind, call_id) > (?1, ?2, ?3)
        ORDER BY place, kind, call_id LIMIT 1 OFFSET ?4
      """)
    bindKey(moved, to: select)
    select.bind(count - 1, at: 4)
    defer { select.reset() }
    guard try select.next() else { return nil }
    return Key(
      place: select.text(at: 0) ?? "", kind: select.text(at: 1) ?? "", callId: select.text(at: 2) ?? "")
  }

  private func bindKey(_ key: Key, to statement: RowStatement, from index: Int32 = 1) {
    statement.bind(key.place, at: index)
    statement.bind(key.kind, at: index + 1)
    statement.bind(key.callId, at: index + 2)
  }
}
