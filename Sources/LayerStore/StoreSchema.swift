// The tables of the store, as migrations: each is run once, in order, in a transaction of its own, and never edited afterwards.

import GRDB
import OutageModel

enum StoreSchema {
  /// `Outg` in SQLite's header (`PRAGMA application_id`): this file is ours.
  static let applicationId = 0x4F75_7467

  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1 layers and addresses") { db in
      try spatialMetadata(db)
      try db.execute(sql: layers)
      try register(db, table: "service_point", geometryClass: 1)
      try register(db, table: "outage", geometryClass: 6)
    }
    migrator.registerMigration("2 outages stand in several layers") { db in try db.execute(sql: spans) }
    return migrator
  }

  /// SpatiaLite's own tables. Its defaults bring 6,000 coordinate systems; `WGS84` brings those that can occur here.
  private static func spatialMetadata(_ db: Database) throws {
    guard try Int.fetchOne(db, sql: "SELECT InitSpatialMetaData(0, 'WGS84')") == 1 else {
      throw DatabaseError(message: "SpatiaLite could not lay its metadata tables")
    }
  }

  /// Tells SpatiaLite of `TABLE.geom` and of the view `current_TABLE` over it.
  ///
  /// Not by `AddGeometryColumn`: its triggers check what the codec guarantees, and note the time of each change,
  /// at several times the cost of the row itself.
  private static func register(_ db: Database, table: String, geometryClass: Int) throws {
    try db.execute(
      sql: """
        INSERT INTO geometry_columns
          (f_table_name, f_geometry_column, geometry_type, coord_dimension, srid, spatial_index_enabled)
          VALUES (?, 'geom', ?, 2, ?, 0)
        """, arguments: [table, geometryClass, GeometryBlob.srid])
    try db.execute(
      sql: """
        INSERT INTO views_geometry_columns
          (view_name, view_geometry, view_rowid, f_table_name, f_geometry_column, read_only)
          VALUES (?, 'geom', 'fid', ?, 'geom', 1)
        """, arguments: ["current_" + table, table])
  }

  /// Tells maps how many rows the view `current_TABLE` has and where they are; `nil`: they have to look for themselves.
  static func setExtent(_ db: Database, table: String, rowCount: Int, _ bounds: Bounds?) throws {
    let view = "current_" + table
    try db.execute(
      sql: "DELETE FROM views_geometry_columns_statistics WHERE view_name = ?", arguments: [view])
    guard let bounds, rowCount > 0 else { return }
    try db.execute(
      sql: """
        INSERT INTO views_geometry_columns_statistics
          (view_name, view_geometry, last_verified, row_count, extent_min_x, extent_min_y, extent_max_x, extent_max_y)
          VALUES (?, 'geom', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), ?, ?, ?, ?, ?)
        """, arguments: [view, rowCount, bounds.west, bounds.south, bounds.east, bounds.north])
  }

  // A row's `fid` is its version's number times 2^32 plus its place in that version, from 1 (see `VersionRows`). So the
  // rows of a version lie side by side, an import appends, a version is read and deleted as one range, and no other
  // index is needed. A version is visible when `layer_version` names it, and current when its number is the highest.
  // (Of outages that was so until migration 2.)
  private static let layers = """
    CREATE TABLE layer_version (
      kind TEXT NOT NULL CHECK (kind IN ('outages', 'addresses')),
      number INTEGER NOT NULL CHECK (number > 0),
      published_at_ms INTEGER NOT NULL,
      source TEXT NOT NULL,
      sha256 TEXT NOT NULL,
      record_count INTEGER NOT NULL,
      vertex_count INTEGER NOT NULL,
      PRIMARY KEY (kind, number)
    ) WITHOUT ROWID;

    CREATE TABLE service_point (
      fid INTEGER PRIMARY KEY,
      service_point_id TEXT NOT NULL,
      account_id TEXT,
      meter_id TEXT,
      phones TEXT,
      address_line TEXT,
      unit TEXT,
      city TEXT,
      postal_code TEXT,
      transformer_id TEXT,
      feeder_id TEXT,
      critical_customer INTEGER NOT NULL,
      geom POINT NOT NULL
    );

    CREATE TABLE outage (
      fid INTEGER PRIMARY KEY,
      outage_id TEXT NOT NULL,
      kind TEXT NOT NULL,
      status TEXT NOT NULL,
      cause TEXT,
      cause_kind TEXT,
      started_at_ms INTEGER,
      estimated_restoration_at_ms INTEGER,
      ert_confidence TEXT,
      ert_source TEXT,
      crew_status TEXT,
      feeder_id TEXT,
      customers_affected INTEGER,
      customers_restored INTEGER,
      community_descriptor TEXT,
      message TEXT,
      updated_at_ms INTEGER,
      geom MULTIPOLYGON NOT NULL
    );

    CREATE VIEW current_service_point AS
      SELECT fid, service_point_id, account_id, meter_id, phones, address_line, unit, city, postal_code,
        transformer_id, feeder_id, critical_customer, geom
      FROM service_point
      WHERE fid >= (SELECT max(number) FROM layer_version WHERE kind = 'addresses') << 32
        AND fid < (SELECT max(number) + 1 FROM layer_version WHERE kind = 'addresses') << 32;

    CREATE VIEW current_outage AS
      SELECT fid, outage_id, kind, status, cause, cause_kind,
        strftime('%Y-%m-%dT%H:%M:%SZ', started_at_ms / 1000, 'unixepoch') AS started_at,
        strftime('%Y-%m-%dT%H:%M:%SZ', estimated_restoration_at_ms / 1000, 'unixepoch')
          AS estimated_restoration_at,
        ert_confidence, ert_source, crew_status, feeder_id, customers_affected, customers_restored,
        community_descriptor, message,
        strftime('%Y-%m-%dT%H:%M:%SZ', updated_at_ms / 1000, 'unixepoch') AS updated_at,
        geom
      FROM outage
      WHERE fid >= (SELECT max(number) FROM layer_version WHERE kind = 'outages') << 32
        AND fid < (SELECT max(number) + 1 FROM layer_version WHERE kind = 'outages') << 32;

    CREATE VIRTUAL TABLE idx_service_point_geom USING rtree(pkid, xmin, xmax, ymin, ymax);
    """

  // A row of `outage` is written once and stands in all layers from the first to the last of its spans, so that a layer costs what has
  // changed since the one before. Its `fid` is that of the layer that brought it. A span without a last layer is of the current one.
  private static let spans = """
    CREATE TABLE outage_span (
      fid INTEGER NOT NULL,
      outage_id TEXT NOT NULL,
      first_number INTEGER NOT NULL,
      last_number INTEGER,
      PRIMARY KEY (fid, first_number)
    ) WITHOUT ROWID;

    INSERT INTO outage_span (fid, outage_id, first_number, last_number)
      SELECT fid, outage_id, fid >> 32,
        nullif(fid >> 32, (SELECT max(number) FROM layer_version WHERE kind = 'outages'))
      FROM outage;

    CREATE UNIQUE INDEX outage_span_current ON outage_span (outage_id) WHERE last_number IS NULL;
    CREATE INDEX outage_span_ended ON outage_span (last_number) WHERE last_number IS NOT NULL;

    CREATE VIEW layer_outage AS
      SELECT layer_version.number, outage.*
      FROM layer_version
        JOIN outage_span ON first_number <= number AND (last_number IS NULL OR last_number >= number)
        JOIN outage USING (fid)
      WHERE layer_version.kind = 'outages';

    DROP VIEW current_outage;
    CREATE VIEW current_outage AS
      SELECT outage.fid AS fid, outage.outage_id AS outage_id, kind, status, cause, cause_kind,
        strftime('%Y-%m-%dT%H:%M:%SZ', started_at_ms / 1000, 'unixepoch') AS started_at,
        strftime('%Y-%m-%dT%H:%M:%SZ', estimated_restoration_at_ms / 1000, 'unixepoch')
          AS estimated_restoration_at,
        ert_confidence, ert_source, crew_status, feeder_id, customers_affected, customers_restored,
        community_descriptor, message,
        strftime('%Y-%m-%dT%H:%M:%SZ', updated_at_ms / 1000, 'unixepoch') AS updated_at,
        geom
      FROM outage_span JOIN outage ON outage.fid = outage_span.fid
      WHERE last_number IS NULL;
    """
}

/// The `fid`s of the rows that one version has brought: its number in the upper 32 bits, the row's place, from 1, in the lower.
struct VersionRows {
  let number: Int

  var fids: Range<Int64> { Int64(number) << 32..<Int64(number + 1) << 32 }

  func fid(place: Int) -> Int64 {
    precondition((1...Int(UInt32.max)).contains(place), "a version holds at most 2^32 - 1 rows")
    return Int64(number) << 32 | Int64(place)
  }

  static func place(of fid: Int64) -> Int { Int(fid & 0xFFFF_FFFF) }
}
