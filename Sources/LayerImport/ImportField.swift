// The fields that columns are mapped to.

/// What a file holds.
enum ImportContent: String, Sendable {
  case addresses, outages

  var idField: ImportField { self == .addresses ? .servicePointId : .outageId }
  var fields: [ImportField] { self == .addresses ? ImportField.ofServicePoint : ImportField.ofOutage }
}

/// A field of `ServicePoint` or `Outage`, spelt as there, or a part of the position.
enum ImportField: String, CaseIterable, Sendable {
  case servicePointId, accountId, meterId, phones, addressLine, unit, city, postalCode, transformerId
  case criticalCustomer
  case outageId, kind, status, cause, causeKind, startedAt, estimatedRestorationAt, ertConfidence, ertSource
  case crewStatus, customersAffected, customersRestored, communityDescriptor, message
  case feederId, updatedAt
  case longitude, latitude, wkt, wkb

  static let ofServicePoint: [ImportField] = [
    .servicePointId, .accountId, .meterId, .phones, .addressLine, .unit, .city, .postalCode, .transformerId,
    .feederId, .criticalCustomer, .updatedAt, .longitude, .latitude, .wkt, .wkb,
  ]
  static let ofOutage: [ImportField] = [
    .outageId, .kind, .status, .cause, .causeKind, .startedAt, .estimatedRestorationAt, .ertConfidence,
    .ertSource, .crewStatus, .feederId, .customersAffected, .customersRestored, .communityDescriptor,
    .message,
    .updatedAt, .longitude, .latitude, .wkt, .wkb,
  ]

  var isOfGeometry: Bool { self == .longitude || self == .latitude || self == .wkt || self == .wkb }

  /// What a value has to be, as an error says it.
  var expected: String {
    switch self {
    case .startedAt, .estimatedRestorationAt, .updatedAt:
      "ISO 8601 with offset, epoch seconds or milliseconds, or local time with --timezone"
    case .customersAffected, .customersRestored: "a whole number of customers"
    case .criticalCustomer: "yes or no"
    case .phones: "a telephone number of 7 to 15 digits"
    case .servicePointId, .outageId: "an id"
    case .longitude, .latitude: "decimal degrees, or metres or feet with --crs"
    case .wkt: "POLYGON or MULTIPOLYGON text, a list of lon, lat, lon, lat, ..., or POINT for addresses"
    case .wkb: "hexadecimal WKB"
    default: "a known value"
    }
  }
}

/// Lower-case letters and digits only: names and spellings are compared without case, `_`, `-`, dots and spaces.
func folded(_ text: String) -> String {
  let ascii = text.utf8.allSatisfy { $0 < 0x80 }
  if ascii {
    return String(
      decoding: text.utf8.compactMap { byte -> UInt8? in
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 32
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
        default: nil
        }
      }, as: UTF8.self)
  }
  return String(text.lowercased().filter { $0.isLetter || $0.isNumber })
}
