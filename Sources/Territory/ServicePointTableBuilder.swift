// Fills a service-point table from a stream of service points.

import OutageModel
import PointLocation

/// The columns of a table in their final order of rows.
struct ServicePointColumns {
  let servicePointIds, accountIds, meterIds, addressLines, postalCodes, transformerIds: FlatArray<PackedText>
  let units, cities, feederIds: FlatArray<UInt32>
  let criticalFlags: FlatArray<UInt8>
  let phones, extraPhones: FlatArray<UInt64>
  let extraPhoneRows: FlatArray<UInt32>
}

/// Takes service points one by one and packs them; `build` sorts them along the Hilbert curve and makes the indexes.
///
/// ```swift
/// var builder = ServicePointTableBuilder()
/// builder.append(ServicePoint(servicePointId: "SP-1", position: LonLat(lonDegrees: -121.7, latDegrees: 38.5)))
/// let table = builder.build(addressVersion: 1)
/// ```
public struct ServicePointTableBuilder {
  private var pool = TextPoolBuilder()
  private var names: [PackedText] = [.empty]
  private var nameNumbers: [PackedText: UInt32] = [.empty: 0]
  private var servicePointIds: [PackedText] = []
  private var accountIds: [PackedText] = []
  private var meterIds: [PackedText] = []
  private var addressLines: [PackedText] = []
  private var postalCodes: [PackedText] = []
  private var transformerIds: [PackedText] = []
  private var units: [UInt32] = []
  private var cities: [UInt32] = []
  private var feederIds: [UInt32] = []
  private var criticalFlags: [UInt8] = []
  private var phones: [UInt64] = []
  private var extraPhones: [(row: UInt32, phone: UInt64)] = []
  private var lonDegrees: [Double] = []
  private var latDegrees: [Double] = []

  public init() {}

  public var count: Int { servicePointIds.count }

  /// - Precondition: the id was not appended before, and fewer than 2^31 were.
  public mutating func append(_ servicePoint: ServicePoint) {
    let row = UInt32(count)
    servicePointIds.append(pool.pack(servicePoint.servicePointId))
    accountIds.append(pool.pack(servicePoint.accountId))
    meterIds.append(pool.pack(servicePoint.meterId))
    addressLines.append(pool.pack(servicePoint.addressLine))
    postalCodes.append(pool.pack(servicePoint.postalCode))
    transformerIds.append(pool.pack(servicePoint.transformerId))
    units.append(name(servicePoint.unit))
    cities.append(name(servicePoint.city))
    feederIds.append(name(servicePoint.feederId))
    criticalFlags.append(servicePoint.isCriticalCustomer ? 1 : 0)
    var first: UInt64 = 0
    for phone in servicePoint.phones {
      guard let digits = phoneDigits(phone) else { continue }
      if first == 0 { first = digits } else { extraPhones.append((row, digits)) }
    }
    phones.append(first)
    lonDegrees.append(servicePoint.position.lonDegrees)
    latDegrees.append(servicePoint.position.latDegrees)
  }

  private mutating func name(_ text: String?) -> UInt32 {
    let packed = pool.pack(text)
    if let number = nameNumbers[packed] { return number }
    let number = UInt32(names.count)
    names.append(packed)
    // A heap text is new each time that it is packed, so that its number would never be found again.
    if packed.form != .heap { nameNumbers[packed] = number }
    return number
  }

  public consuming func build(addressVersion: Int) -> ServicePointTable {
    let rowCount = count
    let order = hilbertOrder(xs: FlatArray(lonDegrees), ys: FlatArray(latDegrees))
    func sorted<Element: BitwiseCopyable>(_ column: [Element]) -> FlatArray<Element> {
      FlatArray(count: rowCount) { target in
        for row in 0..<rowCount { target.initializeElement(at: row, to: column[Int(order.pointer[row])]) }
      }
    }
    var rowOfAppended = [UInt32](repeating: 0, count: extraPhones.isEmpty ? 0 : rowCount)
    if !extraPhones.isEmpty {
      for row in 0..<rowCount { rowOfAppended[Int(order.pointer[row])] = UInt32(row) }
    }
    let extra = extraPhones.map { (row: rowOfAppended[Int($0.row)], phone: $0.phone) }
      .sorted { ($0.row, $0.phone) < ($1.row, $1.phone) }
    let columns = ServicePointColumns(
      servicePointIds: sorted(servicePointIds), accountIds: sorted(accountIds), meterIds: sorted(meterIds),
      addressLines: sorted(addressLines), postalCodes: sorted(postalCodes),
      transformerIds: sorted(transformerIds), units: sorted(units), cities: sorted(cities),
      feederIds: sorted(feederIds), criticalFlags: sorted(criticalFlags), phones: sorted(phones),
      extraPhones: FlatArray(extra.map(\.phone)), extraPhoneRows: FlatArray(extra.map(\.row)))
    return ServicePointTable(
      addressVersion: addressVersion,
      points: PointIndex(xs: sorted(lonDegrees), ys: sorted(latDegrees)), pool: pool.build(),
      columns: columns, names: FlatArray(names))
  }
}

/// The digits of an E.164 number as one number: `+15305550100` is 15305550100. `nil` if it is not one.
public func phoneDigits(_ e164: some StringProtocol) -> UInt64? {
  var digits: UInt64 = 0
  var bytes = e164.utf8.makeIterator()
  guard bytes.next() == UInt8(ascii: "+"), (7...16).contains(e164.utf8.count - 1) else { return nil }
  while let byte = bytes.next() {
    guard let digit = byte.decimalDigit else { return nil }
    digits = digits * 10 + digit
  }
  return digits
}
