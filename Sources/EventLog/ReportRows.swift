// What the journal does to its rows, each within somebody else's transaction.

import GRDB
import LayerStore
import OutageModel

enum ReportRows {
  /// The highest number that was ever given; 0 before the first.
  static func lastSequence(_ db: Database) throws -> Int {
    try Int.fetchOne(db.cachedStatement(sql: "SELECT seq FROM sqlite_sequence WHERE name = 'report'")) ?? 0
  }

  /// Inserts a report, or finds it where it was sent before.
  static func add(_ draft: ReportDraft, repeatSeconds: Int, _ db: Database) throws -> ReportReceipt {
    if let earlier = try sameReport(as: draft, db) {
      return ReportReceipt(report: earlier, isDuplicate: true)
    }
    var report = OutageReport(sequence: 0, draft: draft)
    report.repeatOf = try first(of: draft, repeatSeconds: repeatSeconds, db)
    if let outageId = draft.knownOutageId, let layerNumber = draft.layerNumber, draft.kind != .restored {
      report.match = ReportMatch(outageId: outageId, layerNumber: layerNumber, delayMilliseconds: 0)
    }
    let insert = try RowStatement(db, OutageReport.insertSQL)
    report.bind(to: insert)
    try insert.run()
    report.sequence = Int(db.lastInsertedRowID)
    return ReportReceipt(report: report, isDuplicate: false)
  }

  private static func sameReport(as draft: ReportDraft, _ db: Database) throws -> OutageReport? {
    guard let callId = draft.callId else { return nil }
    let select = try RowStatement(
      db,
      "SELECT sequence, \(OutageReport.columns) FROM report WHERE place = ? AND kind = ? AND call_id = ?")
    select.bind(draft.place, at: 1)
    select.bind(draft.kind.rawValue, at: 2)
    select.bind(callId, at: 3)
    defer { select.reset() }
    return try select.next() ? OutageReport(row: select) : nil
  }

  /// The report that this one repeats: the first of its place and kind, not too long ago, and not answered by the opposite since.
  private static func first(of draft: ReportDraft, repeatSeconds: Int, _ db: Database) throws -> Int? {
    guard let (sequence, receivedAt) = try lastFirst(draft.place, draft.kind, db) else { return nil }
    guard draft.receivedAt.seconds(since: receivedAt) < Double(repeatSeconds) else { return nil }
    let opposites = ReportKind.allCases.filter {
      draft.kind == .restored ? $0 != .restored : $0 == .restored
    }
    for kind in opposites {
      if let (later, _) = try lastFirst(draft.place, kind, db), later > sequence { return nil }
    }
    return sequence
  }

  private static func lastFirst(
    _ place: String, _ kind: ReportKind, _ db: Database
  ) throws -> (sequence: Int, receivedAt: Timestamp)? {
    let select = try RowStatement(
      db,
      """
      SELECT sequence, received_at_ms FROM report WHERE place = ? AND kind = ? AND repeat_of IS NULL
        ORDER BY sequence DESC LIMIT 1
      """)
    select.bind(place, at: 1)
    select.bind(kind.rawValue, at: 2)
    defer { select.reset() }
    guard try select.next(), let receivedAt = select.timestamp(at: 1) else { return nil }
    return (Int(select.int64(at: 0)), receivedAt)
  }

  /// Marks reports as matched.
  /// - Returns: how many were still unmatched.
  static func mark(_ matches: ArraySlice<(sequence: Int, match: ReportMatch)>, _ db: Database) throws -> Int {
    let update = try RowStatement(
      db,
      """
      UPDATE report SET match_outage_id = ?, match_layer_number = ?, match_delay_ms = ?
        WHERE sequence = ? AND match_outage_id IS NULL
      """)
    var count = 0
    for (sequence, match) in matches {
      update.bind(match.outageId, at: 1)
      update.bind(match.layerNumber, at: 2)
      update.bind(match.delayMilliseconds, at: 3)
      update.bind(sequence, at: 4)
      try update.run()
      count += db.changesCount
    }
    return count
  }
}
