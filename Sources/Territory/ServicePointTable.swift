// All service points of a territory, a cache line each, with the indexes that find them.

internal import CCacheLine
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
  let rows: FlatArray<ServicePointRow>
  /// Short texts that many rows share: units, cities, postal codes, feeders. Number 0 is the empty text.
  let names: FlatArray<PackedText>
  let extraPhones: ExtraPhones
  let byServicePoint, byAccount, byMeter, byPhone: KeyIndex

  /// Phones of rows that have more than one, by ascending row.
  struct ExtraPhones: Sendable {
    let digits: FlatArray<UInt64>
    let rows: FlatArray<UInt32>

    var byteCount: Int { digits.byteCount + rows.byteCount }
  }

  /// A table over rows and the indexes that belong to them.
  init(
    addressVersion: Int, points: PointIndex, pool: TextPool, rows: FlatArray<ServicePointRow>,
    names: FlatArray<PackedText>, extraPhones: ExtraPhones,
    indexes: (servicePoint: KeyIndex, account: KeyIndex, meter: KeyIndex, phone: KeyIndex)
  ) {
    self.addressVersion = addressVersion
    rowCount = points.count
    self.points = points
    self.pool = pool
    self.rows = rows
    self.names = names
    self.extraPhones = extraPhones
    (byServicePoint, byAccount, byMeter, byPhone) = indexes
  }

  /// A table over rows, with its indexes made here.
  convenience init(
    addressVersion: Int, points: PointIndex, pool: TextPool, rows: FlatArray<ServicePointRow>,
    names: FlatArray<PackedText>, extraPhones: ExtraPhones
  ) {
    /// By the text of the service-point id, so that an answer lists them alike whatever order they came in.
    func precedes(_ a: UInt32, _ b: UInt32) -> Bool {
      pool.string(rows.pointer[Int(a)].servicePointId) < pool.string(rows.pointer[Int(b)].servicePointId)
    }
    func index(_ key: (UnsafePointer<ServicePointRow>) -> PackedText) -> KeyIndex {
      KeyIndex(
        entries: rows.count, rowCount: rows.count, row: { UInt32($0) },
        hash: { entry in
          let text = key(rows.pointer + entry)
          return text.isEmpty ? nil : pool.hash(text)
        },
        sameKey: { pool.isSame(key(rows.pointer + $0), key(rows.pointer + $1)) }, precedes: precedes)
    }
    self.init(
      addressVersion: addressVersion, points: points, pool: pool, rows: rows, names: names,
      extraPhones: extraPhones,
      indexes: (
        index { $0.pointee.servicePointId }, index { $0.pointee.accountId }, index { $0.pointee.meterId },
        Self.phoneIndex(rows, extraPhones, precedes: precedes)
      ))
  }

  private static func phoneIndex(
    _ rows: FlatArray<ServicePointRow>, _ extraPhones: ExtraPhones, precedes: (UInt32, UInt32) -> Bool
  ) -> KeyIndex {
    // Entries must come in order of row, so that the rows of a group do: first phones and further ones are merged.
    var entries: [(row: UInt32, phone: UInt64)] = []
    entries.reserveCapacity(rows.count + extraPhones.rows.count)
    var extra = 0
    for row in 0..<rows.count {
      let phone = rows.pointer[row].phoneDigits
      if phone != 0 { entries.append((UInt32(row), phone)) }
      while extra < extraPhones.rows.count, Int(extraPhones.rows.pointer[extra]) == row {
        entries.append((UInt32(row), extraPhones.digits.pointer[extra]))
        extra += 1
      }
    }
    return entries.withUnsafeBufferPointer { entries in
      KeyIndex(
        entries: entries.count, rowCount: rows.count, row: { entries[$0].row },
        hash: { hashNumber(entries[$0].phone) },
        sameKey: { entries[$0].phone == entries[$1].phone }, precedes: precedes)
    }
  }

  /// Bytes of memory that the table holds: rows, texts, positions, indexes.
  public var byteCount: Int {
    rows.byteCount + names.byteCount + extraPhones.byteCount + pool.byteCount
      + [byServicePoint, byAccount, byMeter, byPhone].reduce(0) { $0 + $1.byteCount }
      + points.xs.byteCount + points.ys.byteCount + points.byteCount
  }
}

// MARK: - Look-ups

extension ServicePointTable {
  /// The rows of an account, by the id's UTF-8 bytes as they stand in the address data.
  public func rows(account: UnsafeBufferPointer<UInt8>) -> RowList {
    find(.account, account) { $0.pointee.accountId }
  }

  public func rows(meter: UnsafeBufferPointer<UInt8>) -> RowList {
    find(.meter, meter) { $0.pointee.meterId }
  }

  public func rows(servicePoint: UnsafeBufferPointer<UInt8>) -> RowList {
    find(.servicePoint, servicePoint) { $0.pointee.servicePointId }
  }

  /// The rows of a phone.
  /// - Parameter digits: the E.164 number without its plus sign, as a number.
  public func rows(phoneDigits digits: UInt64) -> RowList {
    guard digits != 0 else { return .none }
    return byPhone.find(hash: hashNumber(digits)) { row in
      rows.pointer[row].phoneDigits == digits || hasExtraPhone(row, digits)
    }
  }

  @inline(__always)
  private func find(
    _ kind: KeyKind, _ key: UnsafeBufferPointer<UInt8>,
    _ column: (UnsafePointer<ServicePointRow>) -> PackedText
  ) -> RowList {
    guard !key.isEmpty else { return .none }
    // Packed once, a key is compared with a row's in one step: the fewer instructions, the more look-ups wait for memory together.
    guard let packed = packed(key) else { return findInHeap(kind, key, column) }
    return index(kind) { $0.find(hash: hashNumber(packed.bits)) { column(rows.pointer + $0) == packed } }
  }

  @inline(__always)
  private func packed(_ key: UnsafeBufferPointer<UInt8>) -> PackedText? {
    PackedText(bareNumber: key) ?? packedByPool(key)
  }

  // Both apart, so that the way of most keys need not make ready for them.

  @inline(never)
  private func packedByPool(_ key: UnsafeBufferPointer<UInt8>) -> PackedText? { pool.packed(key) }

  @inline(never)
  private func findInHeap(
    _ kind: KeyKind, _ key: UnsafeBufferPointer<UInt8>,
    _ column: (UnsafePointer<ServicePointRow>) -> PackedText
  ) -> RowList {
    index(kind) { $0.find(hash: hashBytes(key)) { pool.isInHeap(column(rows.pointer + $0), key) } }
  }

  private func hasExtraPhone(_ row: Int, _ digits: UInt64) -> Bool {
    var low = 0
    var high = extraPhones.rows.count
    while low < high {
      let middle = (low + high) / 2
      if Int(extraPhones.rows.pointer[middle]) < row { low = middle + 1 } else { high = middle }
    }
    while low < extraPhones.rows.count, Int(extraPhones.rows.pointer[low]) == row {
      if extraPhones.digits.pointer[low] == digits { return true }
      low += 1
    }
    return false
  }
}

// MARK: - Fetching ahead

extension ServicePointTable {
  /// What a key identifies.
  public enum KeyKind: Sendable { case account, meter, servicePoint, phone }

  /// Begins to fetch what a look-up reads first. Several look-ups that are begun together, step by step, wait for memory once and not one after another (Chen,
  /// Ailamaki, Gibbons, Mowry, *Improving Hash Join Performance through Prefetching*, 2004).
  /// - Parameter key: its bytes; of a phone, what `rows(phoneDigits:)` takes is `digits`.
  /// - Returns: the key's hash, for `fetchRow`.
  public func fetchIndex(_ kind: KeyKind, _ key: UnsafeBufferPointer<UInt8>, digits: UInt64 = 0) -> UInt64 {
    let hash = kind == .phone ? hashNumber(digits) : hash(key)
    index(kind) { $0.prefetch(hash: hash) }
    return hash
  }

  /// Begins to fetch the row that the look-up will compare first.
  /// - Returns: that row; `nil` where there is none, as far as the index's first line tells.
  public func fetchRow(_ kind: KeyKind, hash: UInt64) -> Int? {
    let row = index(kind) { $0.likelyRow(hash: hash) }
    if let row { ccacheline_prefetch(rows.pointer + row) }
    return row
  }

  @inline(__always)
  private func hash(_ key: UnsafeBufferPointer<UInt8>) -> UInt64 {
    if let packed = packed(key) { hashNumber(packed.bits) } else { hashBytes(key) }
  }

  @inline(__always)
  private func index<Result>(_ kind: KeyKind, _ body: (KeyIndex) -> Result) -> Result {
    switch kind {
    case .account: body(byAccount)
    case .meter: body(byMeter)
    case .servicePoint: body(byServicePoint)
    case .phone: body(byPhone)
    }
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
    let cells = rows.pointer + row
    return switch column {
    case .servicePointId: cells.pointee.servicePointId
    case .accountId: cells.pointee.accountId
    case .meterId: cells.pointee.meterId
    case .addressLine: cells.pointee.addressLine
    case .transformerId: cells.pointee.transformerId
    case .unit: names.pointer[Int(cells.pointee.unit)]
    case .city: names.pointer[Int(cells.pointee.city)]
    case .postalCode: names.pointer[Int(cells.pointee.postalCode)]
    case .feederId: names.pointer[Int(cells.pointee.feederId)]
    }
  }

  /// The most bytes that `write(_:to:)` may write for this text.
  public func byteCountBound(_ text: PackedText) -> Int { pool.byteCountBound(text) }

  /// Writes the text's UTF-8 bytes and returns their number.
  /// - Precondition: there is room for `byteCountBound(text)` bytes, all of which may be written to.
  public func write(_ text: PackedText, to target: UnsafeMutablePointer<UInt8>) -> Int {
    pool.write(text, to: target)
  }

  /// Writes the text of one cell, likewise.
  /// - Precondition: there is room for `answerByteCountBound(row:)` bytes where it is one of an answer's.
  public func write(_ column: TextColumn, row: Int, to target: UnsafeMutablePointer<UInt8>) -> Int {
    pool.write(packedText(column, row: row), to: target)
  }

  /// The most bytes that a row's ids and its address may need, each written once.
  public func answerByteCountBound(row: Int) -> Int {
    precondition(row >= 0 && row < rowCount, "row out of range")
    let cells = rows.pointer + row
    return pool.byteCountBound(cells.pointee.servicePointId) + pool.byteCountBound(cells.pointee.accountId)
      + pool.byteCountBound(cells.pointee.addressLine)
      + pool.byteCountBound(names.pointer[Int(cells.pointee.unit)])
      + pool.byteCountBound(names.pointer[Int(cells.pointee.city)])
      + pool.byteCountBound(names.pointer[Int(cells.pointee.postalCode)]) + 3 * Self.separatorBytesMax
  }

  /// Between the parts of an address.
  private static let separatorBytesMax = 2

  /// Writes a row's address, such as `12 Oak St, Unit 4, Davis 95616`, as much of it as there is, and returns its number of bytes.
  /// - Precondition: there is room for `answerByteCountBound(row:)` bytes, all of which may be written to.
  public func writeAddress(row: Int, to target: UnsafeMutablePointer<UInt8>) -> Int {
    precondition(row >= 0 && row < rowCount, "row out of range")
    let cells = rows.pointer + row
    var count = pool.write(cells.pointee.addressLine, to: target)
    func put(_ name: UInt32, after separator: StaticString) {
      if name == 0 { return }
      if count > 0 {
        for offset in 0..<separator.utf8CodeUnitCount { target[count + offset] = separator.utf8Start[offset] }
        count += separator.utf8CodeUnitCount
      }
      count += pool.write(names.pointer[Int(name)], to: target + count)
    }
    put(cells.pointee.unit, after: ", ")
    put(cells.pointee.city, after: ", ")
    put(cells.pointee.postalCode, after: " ")
    return count
  }

  /// The text of one cell; empty where the address data had none.
  public func string(_ column: TextColumn, row: Int) -> String { pool.string(packedText(column, row: row)) }

  public func position(row: Int) -> LonLat {
    precondition(row >= 0 && row < rowCount, "row out of range")
    return LonLat(lonDegrees: points.xs.pointer[row], latDegrees: points.ys.pointer[row])
  }

  public func isCriticalCustomer(row: Int) -> Bool { rows[row].isCriticalCustomer }

  /// Whether JSON wants something in the row's ids or address escaped: a control character, a quote or a backslash.
  @inline(__always)
  public func needsEscapes(row: Int) -> Bool { rows[row].needsEscapes }
}
