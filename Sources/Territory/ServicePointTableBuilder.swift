// Fills a service-point table from a stream of service points.

import OutageModel
import PointLocation

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
  private var rows: [ServicePointRow] = []
  private var extraPhones: [(row: UInt32, phone: UInt64)] = []
  private var lonDegrees: [Double] = []
  private var latDegrees: [Double] = []

  public init() {}

  public var count: Int { rows.count }

  /// - Precondition: the id was not appended before, and fewer than 2^31 were.
  public mutating func append(_ servicePoint: ServicePoint) {
    let row = UInt32(count)
    var first: UInt64 = 0
    for phone in servicePoint.phones {
      guard let digits = phoneDigits(phone) else { continue }
      if first == 0 { first = digits } else { extraPhones.append((row, digits)) }
    }
    rows.append(
      ServicePointRow(
        servicePointId: pool.pack(servicePoint.servicePointId), accountId: pool.pack(servicePoint.accountId),
        meterId: pool.pack(servicePoint.meterId), addressLine: pool.pack(servicePoint.addressLine),
        transformerId: pool.pack(servicePoint.transformerId), phoneDigits: first,
        unit: name(servicePoint.unit), city: name(servicePoint.city),
        postalCode: name(servicePoint.postalCode), feederId: name(servicePoint.feederId),
        isCriticalCustomer: servicePoint.isCriticalCustomer, needsEscapes: Self.needsEscapes(servicePoint)))
    lonDegrees.append(servicePoint.position.lonDegrees)
    latDegrees.append(servicePoint.position.latDegrees)
  }

  private static func needsEscapes(_ point: ServicePoint) -> Bool {
    [
      point.servicePointId, point.accountId, point.addressLine, point.unit, point.city, point.postalCode,
    ].contains { text in
      guard var text else { return false }
      return text.withUTF8 { bytes in
        var found = false
        for byte in bytes {
          found = found || byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
        }
        return found
      }
    }
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
    return ServicePointTable(
      addressVersion: addressVersion,
      points: PointIndex(xs: sorted(lonDegrees), ys: sorted(latDegrees)), pool: pool.build(),
      rows: sorted(rows), names: FlatArray(names),
      extraPhones: .init(digits: FlatArray(extra.map(\.phone)), rows: FlatArray(extra.map(\.row))))
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
