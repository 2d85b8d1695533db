// Outage layers in the store: publishing one in one transaction, reading it back, rolling back to an earlier one.

import GRDB
import OutageModel

/// In what a layer differs from one before.
public struct OutageChanges: Sendable {
  /// The number of the layer before.
  public var since: Int
  /// Ids of the layer before that this one does not have, or not with the same content.
  public var ended: [String]
  /// Places in this layer of outages that the one before does not have, or not with the same content.
  public var written: [Int]

  public init(since: Int, ended: [String], written: [Int]) {
    (self.since, self.ended, self.written) = (since, ended, written)
  }
}

extension LayerStore {
  /// Makes these outages the current layer, in one transaction that is on the disk when this returns.
  ///
  /// Layers beyond the newest `keepLayers` are dropped in the same transaction; `clearDroppedLayers` gives their room back.
  /// - Parameter changes: in what they differ from the current layer: the rest is not written again. `nil` writes all; so do changes since
  ///   another layer than the current one.
  /// - Throws: `notStorable` for an id that occurs twice, an empty area, or a coordinate that is not finite; `diskFull`,
  ///   `busy` and the others of SQLite. The layer before stays current then.
  @discardableResult
  public func publishOutages(
    _ outages: [Outage], changes: OutageChanges? = nil, source: String, sha256: String, at moment: Timestamp
  ) throws(StoreError) -> LayerVersion {
    try check(outages, written: changes?.written ?? Array(outages.indices))
    return try publish("publish outages") { db in
      let version = LayerVersion(
        kind: .outages, number: try LayerVersion.nextNumber(of: .outages, db), publishedAt: moment,
        source: source, sha256: sha256, recordCount: outages.count,
        vertexCount: outages.indices.reduce(0) { $0 + outages[$1].area.vertexCount })
      // Another process may have published since.
      if let changes, changes.since == version.number - 1 {
        try end(changes.ended, before: version, db)
        try write(changes.written.map { outages[$0] }, version, db)
      } else {
        try db.execute(
          sql: "UPDATE outage_span SET last_number = ? WHERE last_number IS NULL",
          arguments: [version.number - 1])
        try write(outages, version, db)
      }
      let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM outage_span WHERE last_number IS NULL")
      guard count == outages.count else {
        throw Self.damage(["the new layer would have \(count ?? 0) outages, expected \(outages.count)"])
      }
      var bounds = Bounds()
      for place in outages.indices { bounds.add(Bounds(outages[place].area)) }
      try makeCurrent(version, bounds, db)
      return version
    }
  }

  /// These are not of the current layer any more.
  private func end(_ outageIds: [String], before version: LayerVersion, _ db: Database) throws {
    let end = try RowStatement(
      db, "UPDATE outage_span SET last_number = ? WHERE outage_id = ? AND last_number IS NULL")
    for id in outageIds {
      end.bind(version.number - 1, at: 1)
      end.bind(id, at: 2)
      try end.run()
    }
  }

  private func write(_ outages: [Outage], _ version: LayerVersion, _ db: Database) throws {
    let rows = VersionRows(number: version.number)
    let insert = try RowStatement(db, Outage.insertSQL)
    let begin = try RowStatement(
      db, "INSERT INTO outage_span (fid, outage_id, first_number) VALUES (?, ?, ?)")
    for (index, outage) in outages.enumerated() {
      let fid = rows.fid(place: index + 1)
      outage.bind(to: insert, fid: fid)
      try insert.run()
      begin.bind(fid, at: 1)
      begin.bind(outage.outageId, at: 2)
      begin.bind(version.number, at: 3)
      try begin.run()
    }
  }

  /// Publishes the content of an earlier layer again, under a new number, with `rollback of N` as its source.
  /// - Throws: `noSuchVersion` if that layer was never published or is kept no longer.
  @discardableResult
  public func rollBack(to number: Int, at moment: Timestamp) throws(StoreError) -> LayerVersion {
    try publish("roll back to layer \(number)") { db in
      var version = try outageVersion(number, db)
      version.number = try LayerVersion.nextNumber(of: .outages, db)
      version.publishedAt = moment
      version.source = "rollback of \(number)"
      let ofOld = "first_number <= :old AND (last_number IS NULL OR last_number >= :old)"
      let numbers: StatementArguments = ["old": number, "new": version.number]
      try db.execute(
        sql: """
          UPDATE outage_span SET last_number = :new - 1
            WHERE last_number IS NULL AND NOT first_number <= :old
              AND fid NOT IN (SELECT fid FROM outage_span WHERE \(ofOld))
          """, arguments: numbers)
      try db.execute(
        sql: """
          INSERT INTO outage_span (fid, outage_id, first_number)
            SELECT fid, outage_id, :new FROM outage_span
              WHERE \(ofOld) AND fid NOT IN (SELECT fid FROM outage_span WHERE last_number IS NULL)
          """, arguments: numbers)
      let extent = try Row.fetchOne(
        db,
        sql: """
          SELECT min(MbrMinX(geom)), min(MbrMinY(geom)), max(MbrMaxX(geom)), max(MbrMaxY(geom))
            FROM current_outage
          """)!
      let bounds =
        extent.containsNonNullValue
        ? Bounds(west: extent[0], south: extent[1], east: extent[2], north: extent[3]) : nil
      try makeCurrent(version, bounds, db)
      return version
    }
  }

  /// The outages of a layer that is kept, by ascending id (its UTF-8 bytes), value for value.
  ///
  /// One exception: a `Coded.other` whose text is a known code's spelling comes back as that code.
  /// - Throws: `noSuchVersion`; `damaged` if an area cannot be read.
  public func outages(ofVersion number: Int) throws(StoreError) -> [Outage] {
    try read("read layer \(number)") { db in
      let version = try outageVersion(number, db)
      // In the order in which the rows lie.
      let select = try RowStatement(
        db,
        """
        SELECT fid, \(Outage.columns) FROM outage
          WHERE fid IN
            (SELECT fid FROM outage_span WHERE first_number <= ?1 AND (last_number IS NULL OR last_number >= ?1))
          ORDER BY fid
        """)
      select.bind(number, at: 1)
      defer { select.reset() }
      var outages: [Outage] = []
      outages.reserveCapacity(version.recordCount)
      while try select.next() { outages.append(try Outage(row: select)) }
      guard outages.count == version.recordCount else {
        throw Self.damage(["layer \(number) has \(outages.count) outages, expected \(version.recordCount)"])
      }
      let numbers = outages.indices.sorted {
        outages[$0].outageId.utf8.lexicographicallyPrecedes(outages[$1].outageId.utf8)
      }
      return numbers.map { outages[$0] }
    }
  }

  /// Deletes what only layers held that are kept no longer, in short transactions. Whoever publishes comes first.
  public func clearDroppedLayers() throws(StoreError) {
    var isDone = false
    while !isDone {
      isDone = try batch("clear dropped layers") { db in
        guard
          let oldest = try Int.fetchOne(
            db, sql: "SELECT min(number) FROM layer_version WHERE kind = 'outages'")
        else { return true }
        let arguments: StatementArguments = ["oldest": oldest, "count": limits.batchOutages]
        try db.execute(
          sql: """
            DELETE FROM outage WHERE
              fid IN (SELECT fid FROM outage_span WHERE last_number < :oldest ORDER BY last_number, fid LIMIT :count)
              AND NOT EXISTS (
                SELECT 1 FROM outage_span
                  WHERE outage_span.fid = outage.fid AND (last_number IS NULL OR last_number >= :oldest))
            """, arguments: arguments)
        try db.execute(
          sql: """
            DELETE FROM outage_span WHERE (fid, first_number) IN
              (SELECT fid, first_number FROM outage_span WHERE last_number < :oldest
                ORDER BY last_number, fid LIMIT :count)
            """, arguments: arguments)
        return db.changesCount < limits.batchOutages
      }
    }
  }

  /// - Parameter bounds: around all areas.
  private func makeCurrent(_ version: LayerVersion, _ bounds: Bounds?, _ db: Database) throws {
    try version.record(db, keep: keepLayers)
    try StoreSchema.setExtent(db, table: "outage", rowCount: version.recordCount, bounds)
  }

  private func outageVersion(_ number: Int, _ db: Database) throws -> LayerVersion {
    let versions = try LayerVersion.all(of: .outages, db)
    guard let version = versions.first(where: { $0.number == number }) else {
      throw StoreError.noSuchVersion(
        file: file, kind: .outages, number: number, kept: versions.map(\.number))
    }
    return version
  }

  /// - Parameter written: the places of those whose areas have not been checked before.
  private func check(_ outages: [Outage], written: [Int]) throws(StoreError) {
    var ids = Set<String>(minimumCapacity: outages.count)
    func refuse(_ outage: Outage, _ field: String, _ found: String, _ expected: String) -> StoreError {
      .notStorable(file: file, record: outage.outageId, field: field, found: found, expected: expected)
    }
    for outage in outages where !ids.insert(outage.outageId).inserted {
      throw refuse(outage, "outageId", "it twice in one layer", "each id once")
    }
    for outage in written.map({ outages[$0] }) {
      if outage.area.isEmpty { throw refuse(outage, "area", "no polygon", "one at least") }
      if let odd = outage.area.withCoordinates({ $0.first { !$0.isFinite } }) {
        throw refuse(outage, "area", "the coordinate \(odd)", "finite degrees")
      }
    }
  }
}

extension Outage {
  fileprivate static let columns = """
    outage_id, kind, status, cause, cause_kind, started_at_ms, estimated_restoration_at_ms, ert_confidence, ert_source, \
    crew_status, feeder_id, customers_affected, customers_restored, community_descriptor, message, updated_at_ms, geom
    """

  fileprivate static let insertSQL =
    "INSERT INTO outage (fid, \(columns)) VALUES (?" + String(repeating: ", ?", count: 17) + ")"

  fileprivate func bind(to row: RowStatement, fid: Int64) {
    row.bind(fid, at: 1)
    row.bind(outageId, at: 2)
    row.bind(kind.text, at: 3)
    row.bind(status.text, at: 4)
    row.bind(cause, at: 5)
    row.bind(causeKind?.text, at: 6)
    row.bind(startedAt, at: 7)
    row.bind(estimatedRestorationAt, at: 8)
    row.bind(ertConfidence?.text, at: 9)
    row.bind(ertSource?.text, at: 10)
    row.bind(crewStatus?.text, at: 11)
    row.bind(feederId, at: 12)
    row.bind(customersAffected, at: 13)
    row.bind(customersRestored, at: 14)
    row.bind(communityDescriptor, at: 15)
    row.bind(message, at: 16)
    row.bind(updatedAt, at: 17)
    GeometryBlob.encode(area).withUnsafeBytes { row.bind($0, at: 18) }
  }

  /// From `SELECT fid, columns`.
  fileprivate init(row: RowStatement) throws {
    let area = row.withBlob(at: 17) { GeometryBlob.area($0) }
    guard let area else {
      throw LayerStore.damage(["outage \(row.int64(at: 0)): its geom is no MULTIPOLYGON of EPSG:4326"])
    }
    self.init(outageId: row.text(at: 1) ?? "", area: area)
    kind = Coded(row.text(at: 2) ?? "")
    status = Coded(row.text(at: 3) ?? "")
    cause = row.text(at: 4)
    causeKind = row.text(at: 5).map { Coded($0) }
    startedAt = row.timestamp(at: 6)
    estimatedRestorationAt = row.timestamp(at: 7)
    ertConfidence = row.text(at: 8).map { Coded($0) }
    ertSource = row.text(at: 9).map { Coded($0) }
    crewStatus = row.text(at: 10).map { Coded($0) }
    feederId = row.text(at: 11)
    customersAffected = row.optionalInt(at: 12)
    customersRestored = row.optionalInt(at: 13)
    communityDescriptor = row.text(at: 14)
    message = row.text(at: 15)
    updatedAt = row.timestamp(at: 16)
  }
}
