// All service points of a territory, in columns, with the indexes that find them.

import OutageModel
import PointLocation

/// All service points of one address load. Rows lie along the Hilbert curve, so that neighbours on the ground are neighbours in memory.
///
/// Immutable, flat, and shared by all Territories that are built on the same address load.
public final class ServicePointTable: Sendable {
  /// The number of the address load; 0 for an empty table.
  public let addressVersion: Int
  public let rowCount: Int
  public let points: PointIndex
  let pool: TextPool
  let servicePointIds, accountIds, meterIds, addressLines, postalCodes, transformerIds: FlatArray<PackedText>
  /// Indexes into `names`.
  let units, cities, feederIds: FlatArray<UInt32>
  /// Short texts that many rows share: units, cities, feeders. Number 0 is the empty text.
  let names: FlatArray<PackedText>
  let criticalFlags: FlatArray<UInt8>
  /// The first phone of each row as the number that its digits write; 0 for none.
  let phones: FlatArray<UInt64>
  /// Further phones, and the rows that they belong to.
  let extraPhones: FlatArray<UInt64>
  let extraPhoneRows: FlatArray<UInt32>
  let byServicePoint, byAccount, byMeter, byPhone: KeyIndex

  /// A table over columns and the indexes that belong to them.
  init(
    addressVersion: Int, points: PointIndex, pool: TextPool, columns: ServicePointColumns,
    names: FlatArray<PackedText>,
    indexes: (servicePoint: KeyIndex, account: KeyIndex, meter: KeyIndex, phone: KeyIndex)
  ) {
    self.addressVersion = addressVersion
    rowCount = points.count
    self.points = points
    self.pool = pool
    servicePointIds = columns.servicePointIds
    accountIds = columns.accountIds
    meterIds = columns.meterIds
    addressLines = columns.addressLines
    postalCodes = columns.postalCodes
    transformerIds = columns.transformerIds
    units = columns.units
    cities = columns.cities
    feederIds = columns.feederIds
    self.names = names
    criticalFlags = columns.criticalFlags
    phones = columns.phones
    extraPhones = columns.extraPhones
    extraPhoneRows = columns.extraPhoneRows
    (byServicePoint, byAccount, byMeter, byPhone) = indexes
  }

  /// A table over columns, with its indexes made here.
  convenience init(
    addressVersion: Int, points: PointIndex, pool: TextPool, columns: ServicePointColumns,
    names: FlatArray<PackedText>
  ) {
    let rowCount = points.count
    let ids = columns.servicePointIds
    /// By the text of the service-point id, so that an answer lists them alike whatever order they came in.
    func precedes(_ a: UInt32, _ b: UInt32) -> Bool {
      pool.string(ids.pointer[Int(a)]) < pool.string(ids.pointer[Int(b)])
    }
    func index(_ column: FlatArray<PackedText>) -> KeyIndex {
      KeyIndex(
        entries: rowCount, row: { UInt32($0) },
        hash: { column.pointer[$0].isEmpty ? nil : Self.hash(column.pointer[$0], pool) },
        sameKey: { Self.sameKey(column.pointer[$0], column.pointer[$1], pool) }, precedes: precedes)
    }
    self.init(
      addressVersion: addressVersion, points: points, pool: pool, columns: columns, names: names,
      indexes: (
        index(columns.servicePointIds), index(columns.accountIds), index(columns.meterIds),
        Self.phoneIndex(columns, rowCount: rowCount, precedes: precedes)
      ))
  }

  private static func phoneIndex(
    _ columns: ServicePointColumns, rowCount: Int, precedes: (UInt32, UInt32) -> Bool
  ) -> KeyIndex {
    // Entries must come in order of row, so that the rows of a group do: first phones and further ones are merged.
    let extraRows = columns.extraPhoneRows.buffer
    var entries: [(row: UInt32, phone: UInt64)] = []
    entries.reserveCapacity(rowCount + extraRows.count)
    var extra = 0
    for row in 0..<rowCount {
      let phone = columns.phones.pointer[row]
      if phone != 0 { entries.append((UInt32(row), phone)) }
      while extra < extraRows.count, Int(extraRows[extra]) == row {
        entries.append((UInt32(row), columns.extraPhones.pointer[extra]))
        extra += 1
      }
    }
    return entries.withUnsafeBufferPointer { entries in
      KeyIndex(
        entries: entries.count, row: { entries[$0].row }, hash: { mixBits(entries[$0].phone) },
        sameKey: { entries[$0].phone == entries[$1].phone }, precedes: precedes)
    }
  }

  /// Bytes of memory that the table holds: columns, texts, indexes.
  public var byteCount: Int {
    let texts = [servicePointIds, accountIds, meterIds, addressLines, postalCodes, transformerIds, names]
    let numbers = [units, cities, feederIds, extraPhoneRows]
    return texts.reduce(0) { $0 + $1.byteCount } + numbers.reduce(0) { $0 + $1.byteCount }
      + criticalFlags.byteCount + phones.byteCount + extraPhones.byteCount + pool.byteCount
      + [byServicePoint, byAccount, byMeter, byPhone].reduce(0) { $0 + $1.byteCount } + points.byteCount
  }

  // MARK: Hashing

  @inline(__always)
  private static func hash(_ text: PackedText, _ pool: TextPool) -> UInt64 {
    if text.form == .heap {
      return hashBytes(UnsafeBufferPointer(start: pool.heap.pointer + text.heapOffset, count: text.heapCount))
    }
    return mixBits(text.bits)
  }

  private static func sameKey(_ a: PackedText, _ b: PackedText, _ pool: TextPool) -> Bool {
    if a.bits == b.bits { return true }
    guard a.form == .heap, b.form == .heap, a.heapCount == b.heapCount else { return false }
    return UnsafeBufferPointer(start: pool.heap.pointer + a.heapOffset, count: a.heapCount)
      .elementsEqual(UnsafeBufferPointer(start: pool.heap.pointer + b.heapOffset, count: b.heapCount))
  }
}

// MARK: - Look-ups

extension ServicePointTable {
  /// The rows of an account, by the id's UTF-8 bytes as they stand in the address data.
  public func rows(account: UnsafeBufferPointer<UInt8>) -> RowList { find(account, accountIds, byAccount) }

  public func rows(meter: UnsafeBufferPointer<UInt8>) -> RowList { find(meter, meterIds, byMeter) }

  public func rows(servicePoint: UnsafeBufferPointer<UInt8>) -> RowList {
    find(servicePoint, servicePointIds, byServicePoint)
  }

  /// The rows of a phone.
  /// - Parameter digits: the E.164 number without its plus sign, as a number.
  public func rows(phoneDigits digits: UInt64) -> RowList {
    guard digits != 0 else { return .none }
    return byPhone.find(hash: mixBits(digits)) { row in
      phones.pointer[row] == digits || hasExtraPhone(row, digits)
    }
  }

  @inline(__always)
  private func find(_ key: UnsafeBufferPointer<UInt8>, _ column: FlatArray<PackedText>, _ index: KeyIndex)
    -> RowList
  {
    guard !key.isEmpty, let packed = pool.find(key) else { return .none }
    if let packed {
      return index.find(hash: mixBits(packed.bits)) { column.pointer[$0].bits == packed.bits }
    }
    return index.find(hash: hashBytes(key)) {
      column.pointer[$0].form == .heap && pool.equals(column.pointer[$0], key)
    }
  }

  private func hasExtraPhone(_ row: Int, _ digits: UInt64) -> Bool {
    var low = 0
    var high = extraPhoneRows.count
    while low < high {
      let middle = (low + high) / 2
      if Int(extraPhoneRows.pointer[middle]) < row { low = middle + 1 } else { high = middle }
    }
    while low < extraPhoneRows.count, Int(extraPhoneRows.pointer[low]) == row {
      if extraPhones.pointer[low] == digits { return true }
      low += 1
    }
    return false
  }
}

// MARK: - Reading a row

extension ServicePointTable {
  /// A column of text, for `write` and `string`.
  public enum TextColumn: Sendable {
    case servicePointId, accountId, meterId, addressLine, unit, city, postalCode, transformerId, feederId
  }

  @inline(__always)
  public func packedText(_ column: TextColumn, row: Int) -> PackedText {
    precondition(row >= 0 && row < rowCount, "row out of range")
    return switch column {
    case .servicePointId: servicePointIds.pointer[row]
    case .accountId: accountIds.pointer[row]
    case .meterId: meterIds.pointer[row]
    case .addressLine: addressLines.pointer[row]
    case .postalCode: postalCodes.pointer[row]
    case .transformerId: transformerIds.pointer[row]
    case .unit: names.pointer[Int(units.pointer[row])]
    case .city: names.pointer[Int(cities.pointer[row])]
    case .feederId: names.pointer[Int(feederIds.pointer[row])]
    }
  }

  /// The most bytes that `write(_:to:)` may write for this text.
  public func byteCountBound(_ text: PackedText) -> Int { pool.byteCountBound(text) }

  /// Writes the text's UTF-8 bytes and returns their number.
  /// - Precondition: there is room for `byteCountBound(text)` bytes.
  public func write(_ text: PackedText, to target: UnsafeMutablePointer<UInt8>) -> Int {
    pool.write(text, to: target)
  }

  /// Writes a cell's UTF-8 bytes.
  /// - Returns: their number; or, where there is too little room, less one times the bytes that it needs.
  public func write(_ column: TextColumn, row: Int, to room: UnsafeMutableRawBufferPointer) -> Int {
    let text = packedText(column, row: row)
    let bound = pool.byteCountBound(text)
    guard bound <= room.count else { return -bound }
    if text.isEmpty { return 0 }
    return pool.write(text, to: room.baseAddress!.assumingMemoryBound(to: UInt8.self))
  }

  /// Writes a row's address, such as `12 Oak St, Unit 4, Davis 95616`, as much of it as there is.
  /// - Returns: as `write` does.
  public func writeAddress(row: Int, to room: UnsafeMutableRawBufferPointer) -> Int {
    precondition(row >= 0 && row < rowCount, "row out of range")
    let line = addressLines.pointer[row]
    let unit = names.pointer[Int(units.pointer[row])]
    let city = names.pointer[Int(cities.pointer[row])]
    let postalCode = postalCodes.pointer[row]
    let separatorBytes = 5
    let bound =
      pool.byteCountBound(line) + pool.byteCountBound(unit) + pool.byteCountBound(city)
      + pool.byteCountBound(postalCode) + separatorBytes
    guard bound <= room.count else { return -bound }
    let start = room.baseAddress!.assumingMemoryBound(to: UInt8.self)
    var count = 0
    func put(_ text: PackedText, after comma: Bool) {
      if text.isEmpty { return }
      if count > 0 && comma {
        start[count] = UInt8(ascii: ",")
        count += 1
      }
      if count > 0 {
        start[count] = UInt8(ascii: " ")
        count += 1
      }
      count += pool.write(text, to: start + count)
    }
    put(line, after: true)
    put(unit, after: true)
    put(city, after: true)
    put(postalCode, after: false)
    return count
  }

  /// The text of one cell; empty where the address data had none.
  public func string(_ column: TextColumn, row: Int) -> String { pool.string(packedText(column, row: row)) }

  public func position(row: Int) -> LonLat {
    precondition(row >= 0 && row < rowCount, "row out of range")
    return LonLat(lonDegrees: points.xs.pointer[row], latDegrees: points.ys.pointer[row])
  }

  public func isCriticalCustomer(row: Int) -> Bool { criticalFlags[row] != 0 }
}
