// The tables of the report journal, as migrations, and a report as a row of them.

import GRDB
import LayerStore
import OutageModel

enum ReportSchema {
  /// `OutR` in SQLite's header.
  static let applicationId = 0x4F75_7452

  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1 reports") { db in
      try db.execute(sql: tables)
      try db.execute(sql: ConsumerPositions.schema)
    }
    migrator.registerMigration("2 keys of reports") { db in try db.execute(sql: ReportKeys.migration) }
    return migrator
  }

  // AUTOINCREMENT: a number is not used again even if the newest reports are deleted. The first two indexes are gone with the next migration.
  private static let tables = """
    CREATE TABLE report (
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      kind TEXT NOT NULL,
      place TEXT NOT NULL,
      call_id TEXT,
      service_point_id TEXT,
      account_id TEXT,
      lon REAL,
      lat REAL,
      transformer_id TEXT,
      feeder_id TEXT,
      critical_customer INTEGER NOT NULL,
      note TEXT,
      received_at_ms INTEGER NOT NULL,
      layer_number INTEGER,
      known_outage_id TEXT,
      repeat_of INTEGER,
      match_outage_id TEXT,
      match_layer_number INTEGER,
      match_delay_ms INTEGER
    );
    CREATE UNIQUE INDEX report_identity ON report (place, kind, call_id);
    CREATE INDEX report_first ON report (place, kind, sequence) WHERE repeat_of IS NULL;
    CREATE INDEX report_unmatched ON report (sequence) WHERE match_outage_id IS NULL AND kind <> 'restored';

    -- The batch that the spool is writing: the same numbers again after a kill, so that the file is the same.
    CREATE TABLE spool (
      only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
      written_through INTEGER NOT NULL,
      writing_through INTEGER
    );
    INSERT INTO spool VALUES (1, 0, NULL);
    """
}

extension OutageReport {
  static let columns = """
    kind, place, call_id, service_point_id, account_id, lon, lat, transformer_id, feeder_id, critical_customer, note, \
    received_at_ms, layer_number, known_outage_id, repeat_of, match_outage_id, match_layer_number, match_delay_ms
    """

  static let insertSQL =
    "INSERT INTO report (\(columns)) VALUES (?" + String(repeating: ", ?", count: 17) + ")"

  /// To `insertSQL`: all but the sequence number, which the journal gives.
  func bind(to row: RowStatement) {
    row.bind(draft.kind.rawValue, at: 1)
    row.bind(draft.place, at: 2)
    row.bind(draft.callId, at: 3)
    row.bind(draft.servicePointId, at: 4)
    row.bind(draft.accountId, at: 5)
    row.bind(draft.position?.lonDegrees, at: 6)
    row.bind(draft.position?.latDegrees, at: 7)
    row.bind(draft.transformerId, at: 8)
    row.bind(draft.feederId, at: 9)
    row.bind(draft.isCriticalCustomer ? 1 as Int64 : 0, at: 10)
    row.bind(draft.note, at: 11)
    row.bind(draft.receivedAt, at: 12)
    row.bind(draft.layerNumber, at: 13)
    row.bind(draft.knownOutageId, at: 14)
    row.bind(repeatOf, at: 15)
    row.bind(match?.outageId, at: 16)
    row.bind(match?.layerNumber, at: 17)
    row.bind(match?.delayMilliseconds, at: 18)
  }

  /// From `SELECT sequence, columns`.
  init(row: RowStatement) throws {
    guard let kind = row.text(at: 1).flatMap(ReportKind.init(rawValue:)) else {
      throw DatabaseError(
        resultCode: .SQLITE_CORRUPT, message: "report \(row.int64(at: 0)): kind \(row.text(at: 1) ?? "null")")
    }
    var draft = ReportDraft(
      kind: kind, receivedAt: row.timestamp(at: 12) ?? Timestamp(millisecondsSinceEpoch: 0))
    draft.callId = row.text(at: 3)
    draft.servicePointId = row.text(at: 4)
    draft.accountId = row.text(at: 5)
    if let lon = row.optionalDouble(at: 6), let lat = row.optionalDouble(at: 7) {
      draft.position = LonLat(lonDegrees: lon, latDegrees: lat)
    }
    draft.transformerId = row.text(at: 8)
    draft.feederId = row.text(at: 9)
    draft.isCriticalCustomer = row.int64(at: 10) != 0
    draft.note = row.text(at: 11)
    draft.layerNumber = row.optionalInt(at: 13)
    draft.knownOutageId = row.text(at: 14)
    var match: ReportMatch?
    if let outageId = row.text(at: 16) {
      match = ReportMatch(
        outageId: outageId, layerNumber: Int(row.int64(at: 17)), delayMilliseconds: row.int64(at: 18))
    }
    self.init(
      sequence: Int(row.int64(at: 0)), draft: draft, repeatOf: row.optionalInt(at: 15), match: match)
  }

  /// The reports that `condition` selects, by ascending number.
  static func fetch(
    _ db: Database, where condition: String, _ bindings: [Int64], limit: Int = .max
  ) throws -> [OutageReport] {
    let select = try RowStatement(
      db, "SELECT sequence, \(columns) FROM report WHERE \(condition) ORDER BY sequence LIMIT ?")
    for (index, value) in bindings.enumerated() { select.bind(value, at: Int32(index) + 1) }
    select.bind(Int64(limit), at: Int32(bindings.count) + 1)
    defer { select.reset() }
    var reports: [OutageReport] = []
    while try select.next() { reports.append(try OutageReport(row: select)) }
    return reports
  }
}
