// How far each consumer of a journal has got: a table of names and sequence numbers that only grow.

import GRDB
import OutageModel

/// The `consumer` table of a journal.
enum ConsumerPositions {
  static let schema = """
    CREATE TABLE consumer (
      name TEXT PRIMARY KEY,
      sequence INTEGER NOT NULL,
      acknowledged_at_ms INTEGER NOT NULL
    ) WITHOUT ROWID;
    """

  /// The last sequence number that the consumer has acknowledged; 0 for one that is not known.
  static func sequence(of consumer: String, _ db: Database) throws -> Int {
    try Int.fetchOne(
      db.cachedStatement(sql: "SELECT sequence FROM consumer WHERE name = ?"), arguments: [consumer]) ?? 0
  }

  /// Moves the consumer forward to `sequence`; an earlier number changes nothing.
  /// - Returns: where it is now.
  static func acknowledge(
    _ consumer: String, through sequence: Int, at moment: Timestamp, _ db: Database
  ) throws -> Int {
    let known = try self.sequence(of: consumer, db)
    guard sequence > known else { return known }
    try db.execute(
      sql: """
        INSERT INTO consumer (name, sequence, acknowledged_at_ms) VALUES (?, ?, ?)
          ON CONFLICT (name) DO UPDATE SET sequence = excluded.sequence, acknowledged_at_ms = excluded.acknowledged_at_ms
        """, arguments: [consumer, sequence, moment.millisecondsSinceEpoch])
    return sequence
  }

  /// All consumers with their positions, by name.
  static func all(_ db: Database) throws -> [ConsumerPosition] {
    try Row.fetchAll(db, sql: "SELECT name, sequence, acknowledged_at_ms FROM consumer ORDER BY name").map {
      ConsumerPosition(
        name: $0["name"], sequence: $0["sequence"],
        acknowledgedAt: Timestamp(millisecondsSinceEpoch: $0["acknowledged_at_ms"]))
    }
  }
}

/// A consumer and the last sequence number that it has acknowledged.
public struct ConsumerPosition: Hashable, Sendable {
  public var name: String
  public var sequence: Int
  public var acknowledgedAt: Timestamp
}
