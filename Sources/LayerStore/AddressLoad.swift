// Addresses in the store: loading them in batches that nobody sees until the last, and reading the current ones.

import GRDB
import OutageModel

/// An address load in progress: its service points are nobody's until `commit`.
///
/// An error ends it as `abandon` does, and so does letting go of it, or the end of the process: the old load stays.
/// It belongs to one task at a time.
public final class AddressLoad {
  private let store: LayerStore
  private var version: LayerVersion
  private let rows: VersionRows
  /// Held for as long as the load runs.
  private var lock: StoreLock?
  private var places = PlacesById()
  /// New points that are not yet written, in the order of their places.
  private var pending: [ServicePoint] = []
  private var firstPendingPlace = 1
  /// Points that are to take the place of one that is written.
  private var replacements: [(place: Int, point: ServicePoint)] = []

  fileprivate init(store: LayerStore, lock: StoreLock, version: LayerVersion) {
    self.store = store
    self.lock = lock
    self.version = version
    rows = VersionRows(number: version.number)
    pending.reserveCapacity(store.limits.batchRows)
  }

  deinit {
    abandon()
  }

  /// Of the files' bytes, lower-case hexadecimal: known when they have been read, recorded by `commit`.
  public var sha256: String {
    get { version.sha256 }
    set { version.sha256 = newValue }
  }

  /// Adds a service point, or puts it in the place of an earlier one with the same id.
  /// - Throws: `notStorable` for a position that is not finite or a phone that is not E.164, which leaves the load as it
  ///   was; `loadIsOver`; and SQLite's errors, which end the load.
  public func append(_ point: ServicePoint) throws(StoreError) {
    guard lock != nil else { throw .loadIsOver(file: store.file) }
    try check(point)
    let earlier = try ending { () throws(StoreError) in
      try places.find(point.servicePointId) { place throws(StoreError) in try id(at: place) }
    }
    if let earlier, earlier >= firstPendingPlace {
      pending[earlier - firstPendingPlace] = point
    } else if let earlier {
      replacements.append((earlier, point))
    } else {
      places.insert(point.servicePointId, place: firstPendingPlace + pending.count)
      pending.append(point)
    }
    if pending.count + replacements.count >= store.limits.batchRows {
      try ending { () throws(StoreError) in try flush() }
    }
  }

  /// Makes this load the current one, on the disk when this returns; then clears the old one away and indexes the new
  /// one for the map. Those two cost time, but no reader or publisher waits for them, and a kill costs only the map's speed.
  @discardableResult
  public func commit() throws(StoreError) -> LayerVersion {
    guard lock != nil else { throw .loadIsOver(file: store.file) }
    try ending { () throws(StoreError) in
      try flush()
      version.recordCount = firstPendingPlace - 1
      try store.publish("commit the address load") { db in
        try SpatialIndex.disable(db)
        try version.record(db, keep: store.keepLayers)
      }
    }
    // It is published, whatever happens now; what is left undone, the next opening of the store does.
    try? store.tidyAddresses()
    lock = nil
    return version
  }

  /// Ends the load; the old one stays. What cannot be cleared away now (a full disk, say) is at the next opening.
  public func abandon() {
    guard lock != nil else { return }
    pending = []
    replacements = []
    try? store.tidyAddresses()
    lock = nil
  }

  /// Runs `body`; an error in it ends the load.
  private func ending<Value>(_ body: () throws(StoreError) -> Value) throws(StoreError) -> Value {
    do {
      return try body()
    } catch {
      abandon()
      throw error
    }
  }

  private func flush() throws(StoreError) {
    if pending.isEmpty && replacements.isEmpty { return }
    try store.batch("load addresses") { db in
      let insert = try RowStatement(db, ServicePoint.insertSQL)
      try withUnsafeTemporaryAllocation(byteCount: GeometryBlob.pointSizeBytes, alignment: 8) { geometry in
        func write(_ point: ServicePoint, _ place: Int) throws {
          GeometryBlob.write(point.position, into: geometry)
          point.bind(to: insert, fid: rows.fid(place: place), geometry: UnsafeRawBufferPointer(geometry))
          try insert.run()
        }
        for (index, point) in pending.enumerated() { try write(point, firstPendingPlace + index) }
        for (place, point) in replacements { try write(point, place) }
      }
    }
    firstPendingPlace += pending.count
    pending.removeAll(keepingCapacity: true)
    replacements.removeAll(keepingCapacity: true)
  }

  private func id(at place: Int) throws(StoreError) -> String {
    if place >= firstPendingPlace { return pending[place - firstPendingPlace].servicePointId }
    return try store.readLatest("look for a service point") { db in
      try String.fetchOne(
        db.cachedStatement(sql: "SELECT service_point_id FROM service_point WHERE fid = ?"),
        arguments: [rows.fid(place: place)]) ?? ""
    }
  }

  private func check(_ point: ServicePoint) throws(StoreError) {
    func refuse(_ field: String, _ found: String, _ expected: String) -> StoreError {
      .notStorable(
        file: store.file, record: point.servicePointId, field: field, found: found, expected: expected)
    }
    if !point.position.lonDegrees.isFinite || !point.position.latDegrees.isFinite {
      throw refuse(
        "position", "\(point.position.lonDegrees) \(point.position.latDegrees)", "finite degrees")
    }
    for phone in point.phones {
      let isE164 =
        phone.utf8.count > 1 && phone.utf8.first == UInt8(ascii: "+")
        && phone.utf8.dropFirst().allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      if !isE164 { throw refuse("phones", "\"\(phone)\"", "+ and digits (E.164)") }
    }
  }
}

extension LayerStore {
  /// Starts a load of addresses that replaces all current ones when it is committed.
  /// - Throws: `loadRunning` if one is in progress, in this or another process.
  public func beginAddressLoad(source: String, sha256: String, at moment: Timestamp) throws(StoreError)
    -> AddressLoad
  {
    guard let lock = try StoreLock(ifFree: .addressLoad, file: lockFile) else {
      throw .loadRunning(lockFile: lockFile)
    }
    try tidyAddresses()
    let number = try readLatest("begin an address load") { db in
      try LayerVersion.nextNumber(of: .addresses, db)
    }
    return AddressLoad(
      store: self, lock: lock,
      version: LayerVersion(
        kind: .addresses, number: number, publishedAt: moment, source: source, sha256: sha256,
        recordCount: 0, vertexCount: 0))
  }

  /// Hands every service point of the current load to `body`, in the order in which their ids were first loaded; one
  /// snapshot, whatever is published meanwhile. Errors of `body` end it and are thrown on.
  /// - Throws: `StoreError.damaged` if a row cannot be read.
  public func forEachServicePoint(_ body: (ServicePoint) throws -> Void) throws {
    try readThrough("read the addresses") { db in
      guard let version = try LayerVersion.current(of: .addresses, db) else { return }
      let fids = VersionRows(number: version.number).fids
      let select = try RowStatement(
        db, "SELECT fid, \(ServicePoint.columns) FROM service_point WHERE fid >= ? AND fid < ? ORDER BY fid")
      select.bind(fids.lowerBound, at: 1)
      select.bind(fids.upperBound, at: 2)
      defer { select.reset() }
      var count = 0
      while try select.next() {
        try body(try ServicePoint(row: select))
        count += 1
      }
      guard count == version.recordCount else {
        throw Self.damage([
          "address load \(version.number) has \(count) service points, expected \(version.recordCount)"
        ])
      }
    }
  }

  /// Clears away what killed imports have left, if no import is running.
  func clearRemains() throws(StoreError) {
    guard let lock = try StoreLock(ifFree: .addressLoad, file: lockFile) else { return }
    try tidyAddresses()
    try clearDroppedLayers()
    withExtendedLifetime(lock) {}
  }

  /// Deletes every service point that is not of the current load, in slices, and sees to the map's index.
  ///
  /// Only for the holder of the `.addressLoad` lock: the rows of a running load are not of the current one either.
  fileprivate func tidyAddresses() throws(StoreError) {
    while try batch("delete old addresses", deleteOldAddresses) {}
    let current = try readLatest("look at the spatial index") { db in
      try SpatialIndex.isEnabled(db) ? nil : LayerVersion.current(of: .addresses, db)
    }
    if let current { try SpatialIndex.pack(self, current) }
  }

  /// - Returns: whether there may be more.
  private func deleteOldAddresses(_ db: Database) throws -> Bool {
    let current = try LayerVersion.current(of: .addresses, db)?.number ?? 0
    let kept = VersionRows(number: current).fids
    for others in [Int64.min..<kept.lowerBound, kept.upperBound..<Int64.max] {
      let first = try Int64.fetchOne(
        db, sql: "SELECT min(fid) FROM service_point WHERE fid >= ? AND fid < ?",
        arguments: [others.lowerBound, others.upperBound])
      guard let first else { continue }
      try db.execute(
        sql: "DELETE FROM service_point WHERE fid >= ? AND fid < ?",
        arguments: [first, min(first + Int64(limits.batchRows), others.upperBound)])
      return true
    }
    return false
  }
}

extension ServicePoint {
  fileprivate static let columns = """
    service_point_id, account_id, meter_id, phones, address_line, unit, city, postal_code, transformer_id, feeder_id, \
    critical_customer, geom
    """

  /// `OR REPLACE`: a later upsert takes the place of the earlier one.
  fileprivate static let insertSQL =
    "INSERT OR REPLACE INTO service_point (fid, \(columns)) VALUES (?"
    + String(repeating: ", ?", count: 12) + ")"

  fileprivate func bind(to row: RowStatement, fid: Int64, geometry: UnsafeRawBufferPointer) {
    row.bind(fid, at: 1)
    row.bind(servicePointId, at: 2)
    row.bind(accountId, at: 3)
    row.bind(meterId, at: 4)
    row.bind(phones.isEmpty ? nil : phones.count == 1 ? phones[0] : phones.joined(separator: " "), at: 5)
    row.bind(addressLine, at: 6)
    row.bind(unit, at: 7)
    row.bind(city, at: 8)
    row.bind(postalCode, at: 9)
    row.bind(transformerId, at: 10)
    row.bind(feederId, at: 11)
    row.bind(isCriticalCustomer ? 1 as Int64 : 0, at: 12)
    row.bind(geometry, at: 13)
  }

  /// From `SELECT fid, columns`.
  fileprivate init(row: RowStatement) throws {
    guard let position = row.withBlob(at: 12, { GeometryBlob.point($0) }) else {
      throw LayerStore.damage(["service_point \(row.int64(at: 0)): its geom is no POINT of EPSG:4326"])
    }
    self.init(servicePointId: row.text(at: 1) ?? "", position: position)
    accountId = row.text(at: 2)
    meterId = row.text(at: 3)
    if let text = row.text(at: 4) {
      phones = text.utf8.contains(UInt8(ascii: " ")) ? text.split(separator: " ").map(String.init) : [text]
    }
    addressLine = row.text(at: 5)
    unit = row.text(at: 6)
    city = row.text(at: 7)
    postalCode = row.text(at: 8)
    transformerId = row.text(at: 9)
    feederId = row.text(at: 10)
    isCriticalCustomer = row.int64(at: 11) != 0
  }
}
