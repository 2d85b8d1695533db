// Outage layers in the store: publishing one in one transaction, reading it back, rolling back to an earlier one.

import GRDB
import OutageModel

extension LayerStore {
  /// Makes these outages the current layer, in one transaction that is on the disk when this returns.
  ///
  /// Layers beyond the newest `keepLayers` are dropped in the same transaction.
  /// - Throws: `notStorable` for an id that occurs twice, an empty area, or a coordinate that is not finite; `diskFull`,
  ///   `busy` and the others of SQLite. The layer before stays current then.
  @discardableResult
  public func publishOutages(
    _ outages: [Outage], source: String, sha256: String, at moment: Timestamp
  ) throws(StoreError) -> LayerVersion {
    try check(outages)
    return try publish("publish outages") { db in
      let version = LayerVersion(
        kind: .outages, number: try LayerVersion.nextNumber(of: .outages, db), publishedAt: moment,
        source: source, sha256: sha256, recordCount: outages.count,
        vertexCount: outages.reduce(0) { $0 + $1.area.vertexCount })
      let rows = VersionRows(number: version.number)
      let insert = try RowStatement(db, Outage.insertSQL)
      for (index, outage) in outages.enumerated() {
        outage.bind(to: insert, fid: rows.fid(place: index + 1))
        try insert.run()
      }
      var bounds = Bounds()
      for outage in outages { bounds.add(Bounds(outage.area.coordinates)) }
      try makeCurrent(version, bounds, db)
      return version
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
      let old = VersionRows(number: number).fids
      let shift = VersionRows(number: version.number).fids.lowerBound - old.lowerBound
      try db.execute(
        sql: """
          INSERT INTO outage (fid, \(Outage.columns))
            SELECT fid + ?, \(Outage.columns) FROM outage WHERE fid >= ? AND fid < ?
          """, arguments: [shift, old.lowerBound, old.upperBound])
      let extent = try Row.fetchOne(
        db,
        sql: """
          SELECT min(MbrMinX(geom)), min(MbrMinY(geom)), max(MbrMaxX(geom)), max(MbrMaxY(geom)) FROM outage
            WHERE fid >= ? AND fid < ?
          """, arguments: [old.lowerBound, old.upperBound])!
      let bounds =
        extent.containsNonNullValue
        ? Bounds(west: extent[0], south: extent[1], east: extent[2], north: extent[3]) : nil
      try makeCurrent(version, bounds, db)
      return version
    }
  }

  /// The outages of a layer that is kept, in the order in which they were published, value for value.
  ///
  /// One exception: a `Coded.other` whose text is a known code's spelling comes back as that code.
  /// - Throws: `noSuchVersion`; `damaged` if an area cannot be read.
  public func outages(ofVersion number: Int) throws(StoreError) -> [Outage] {
    try read("read layer \(number)") { db in
      let version = try outageVersion(number, db)
      let fids = VersionRows(number: number).fids
      let select = try RowStatement(
        db, "SELECT fid, \(Outage.columns) FROM outage WHERE fid >= ? AND fid < ? ORDER BY fid")
      select.bind(fids.lowerBound, at: 1)
      select.bind(fids.upperBound, at: 2)
      defer { select.reset() }
      var outages: [Outage] = []
      outages.reserveCapacity(version.recordCount)
      while try select.next() { outages.append(try Outage(row: select)) }
      guard outages.count == version.recordCount else {
        throw Self.damage(["layer \(number) has \(outages.count) outages, expected \(version.recordCount)"])
      }
      return outages
    }
  }

  /// - Parameter bounds: around all areas.
  private func makeCurrent(_ version: LayerVersion, _ bounds: Bounds?, _ db: Database) throws {
    try version.record(db, keep: keepLayers)
    try db.execute(
      sql: """
        DELETE FROM outage WHERE fid <
          (SELECT min(number) FROM layer_version WHERE kind = 'outages') << 32
        """)
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

  private func check(_ outages: [Outage]) throws(StoreError) {
    var ids = Set<String>(minimumCapacity: outages.count)
    for outage in outages {
      func refuse(_ field: String, _ found: String, _ expected: String) -> StoreError {
        .notStorable(file: file, record: outage.outageId, field: field, found: found, expected: expected)
      }
      if !ids.insert(outage.outageId).inserted {
        throw refuse("outageId", "it twice in one layer", "each id once")
      }
      if outage.area.isEmpty { throw refuse("area", "no polygon", "one at least") }
      if let odd = outage.area.coordinates.first(where: { !$0.isFinite }) {
        throw refuse("area", "the coordinate \(odd)", "finite degrees")
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
