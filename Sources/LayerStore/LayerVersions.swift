// The record of what was published: versions, their numbers, and what falls off the end.

import GRDB
import OutageModel

extension LayerStore {
  /// The version that is served: the highest of its kind; `nil` if there is none yet.
  public func currentVersion(of kind: LayerKind) throws(StoreError) -> LayerVersion? {
    try read("read the current version") { db in try LayerVersion.current(of: kind, db) }
  }

  /// All versions on record, newest first.
  ///
  /// Of outages these are the ones that can be rolled back to. Of addresses only the newest still has its rows.
  public func versions(of kind: LayerKind) throws(StoreError) -> [LayerVersion] {
    try read("read the versions") { db in try LayerVersion.all(of: kind, db) }
  }
}

extension LayerVersion {
  static func all(of kind: LayerKind, _ db: Database) throws -> [LayerVersion] {
    try Row.fetchAll(
      db, sql: "SELECT * FROM layer_version WHERE kind = ? ORDER BY number DESC", arguments: [kind.rawValue]
    ).map { row in
      LayerVersion(
        kind: kind, number: row["number"],
        publishedAt: Timestamp(millisecondsSinceEpoch: row["published_at_ms"]), source: row["source"],
        sha256: row["sha256"], recordCount: row["record_count"], vertexCount: row["vertex_count"])
    }
  }

  static func current(of kind: LayerKind, _ db: Database) throws -> LayerVersion? {
    try all(of: kind, db).first
  }

  static func nextNumber(of kind: LayerKind, _ db: Database) throws -> Int {
    (try current(of: kind, db)?.number ?? 0) + 1
  }

  /// Makes this version the current one, and forgets those beyond the newest `keep`.
  func record(_ db: Database, keep: Int) throws {
    try db.execute(
      sql: """
        INSERT INTO layer_version
          (kind, number, published_at_ms, source, sha256, record_count, vertex_count)
          VALUES (?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        kind.rawValue, number, publishedAt.millisecondsSinceEpoch, source, sha256, recordCount, vertexCount,
      ])
    try db.execute(
      sql: """
        DELETE FROM layer_version WHERE kind = ?1 AND number NOT IN
          (SELECT number FROM layer_version WHERE kind = ?1 ORDER BY number DESC LIMIT ?2)
        """, arguments: [kind.rawValue, keep])
  }
}
