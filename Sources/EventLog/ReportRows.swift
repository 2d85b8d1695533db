// What the journal does to its rows, each within somebody else's transaction.

import GRDB
import LayerStore
import OutageModel

enum ReportRows {
  /// The highest number that was ever given; 0 before the first.
  static func lastSequence(_ db: Database) throws -> Int {
    try Int.fetchOne(db.cachedStatement(sql: "SELECT seq FROM sqlite_sequence WHERE name = 'report'")) ?? 0
  }

  /// The number of the last report that came before `moment`; 0 if none did. Looks at the reports since then only.
  static func lastSequence(before moment: Timestamp, _ db: Database) throws -> Int {
    try Int.fetchOne(
      db, sql: "SELECT sequence FROM report WHERE received_at_ms < ? ORDER BY sequence DESC LIMIT 1",
      arguments: [moment.millisecondsSinceEpoch]) ?? 0
  }

  /// Inserts a report, or finds it where it was sent before.
  static func add(_ draft: ReportDraft, repeatSeconds: Int, _ db: Database) throws -> ReportReceipt {
    let place = draft.place
    if let earlier = try sameReport(as: draft, at: place, db) {
      return ReportReceipt(report: earlier, isDuplicate: true)
    }
    var report = OutageReport(sequence: 0, draft: draft)
    report.repeatOf = try first(of: draft, at: place, repeatSeconds: repeatSeconds, db)
    if let outageId = draft.knownOutageId, let layerNumber = draft.layerNumber, draft.kind != .restored {
      report.match = ReportMatch(outageId: outageId, layerNumber: layerNumber, delayMilliseconds: 0)
    }
    let insert = try RowStatement(db, OutageReport.insertSQL)
    report.bind(to: insert)
    try insert.run()
    report.sequence = Int(db.lastInsertedRowID)
    try ReportKeys.add(report, place: place, db)
    return ReportReceipt(report: report, isDuplicate: false)
  }

  private static func sameReport(as draft: ReportDraft, at place: String, _ db: Database) throws
    -> OutageReport?
  {
    guard let callId = draft.callId, !callId.isEmpty,
      let (sequence, _) = try ReportKeys.find(place: place, kind: draft.kind, call: callId, db)
    else { return nil }
    // Another process may have deleted it since.
    return try OutageReport.fetch(db, where: "sequence = ?", [Int64(sequence)]).first
  }

  /// The report that this one repeats: the first of its place and kind, not too long ago, and not answered by the opposite since.
  private static func first(
    of draft: ReportDraft, at place: String, repeatSeconds: Int, _ db: Database
  ) throws -> Int? {
    guard let (sequence, receivedAt) = try ReportKeys.find(place: place, kind: draft.kind, db),
      let receivedAt,
      draft.receivedAt.seconds(since: receivedAt) < Double(repeatSeconds)
    else { return nil }
    let opposites = ReportKind.allCases.filter {
      draft.kind == .restored ? $0 != .restored : $0 == .restored
    }
    for kind in opposites {
      if let later = try ReportKeys.find(place: place, kind: kind, db), later.sequence > sequence {
        return nil
      }
    }
    return sequence
  }

  /// Deletes those of the oldest `limit` reports that came before `earliest`.
  /// - Returns: how many.
  static func prune(before earliest: Timestamp, limit: Int, _ db: Database) throws -> Int {
    let condition =
      "sequence IN (SELECT sequence FROM report ORDER BY sequence LIMIT :limit) AND received_at_ms < :earliest"
    let arguments: StatementArguments = ["limit": limit, "earliest": earliest.millisecondsSinceEpoch]
    try ReportKeys.remove(where: condition, arguments, db)
    try db.execute(sql: "DELETE FROM report WHERE \(condition)", arguments: arguments)
    return db.changesCount
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
