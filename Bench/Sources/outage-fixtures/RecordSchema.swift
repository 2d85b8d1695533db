// How each kind of file names its columns and words its values: as differently as real utilities' systems do, with the same content.

import OutageModel

/// A record's values in column order.
struct RecordSchema<Item>: Sendable {
  var columns: [(name: String, value: @Sendable (Item) -> FieldValue)]

  var names: [String] { columns.map(\.name) }

  func values(_ item: Item) -> [FieldValue] { columns.map { $0.value(item) } }
}

/// Which spelling of the coded words a file has.
enum Spelling {
  /// The model's own words.
  case model
  /// Upper-case codes, as in a Shapefile of an OMS's export.
  case codes
  /// Words for a public outage map.
  case words
}

/// How a file writes moments.
enum TimeStyle {
  case isoUTC
  /// ISO 8601 with Pacific Standard Time's offset.
  case isoOffset
  case epochSeconds
  case epochMilliseconds
  /// Pacific Standard Time, without saying so: the importer has to be told the zone.
  case wallClock
}

extension RecordSchema where Item == Outage {
  /// - Parameter names: of outageId, kind, status, cause, causeKind, startedAt, estimatedRestorationAt, ertConfidence, ertSource, crewStatus,
  ///   feederId, customersAffected, customersRestored, communityDescriptor, message, updatedAt, in this order.
  static func outage(_ names: [String], _ spelling: Spelling, _ time: TimeStyle) -> RecordSchema {
    let values: [@Sendable (Outage) -> FieldValue] = [
      { .text($0.outageId) },
      { .text(spelling.spell($0.kind.text)) },
      { .text(spelling.spell($0.status.text)) },
      { .optional($0.cause) },
      { .optional($0.causeKind.map { spelling.spell($0.text, isCause: true) }) },
      { time.value($0.startedAt) },
      { time.value($0.estimatedRestorationAt) },
      { .optional($0.ertConfidence.map { spelling.spell($0.text) }) },
      { .optional($0.ertSource.map { spelling.spell($0.text) }) },
      { .optional($0.crewStatus.map { spelling.spell($0.text) }) },
      { .optional($0.feederId) },
      { .optional($0.customersAffected) },
      { .optional($0.customersRestored) },
      { .optional($0.communityDescriptor) },
      { .optional($0.message) },
      { time.value($0.updatedAt) },
    ]
    return RecordSchema(columns: zip(names, values).map { (name: $0, value: $1) })
  }

  static let geoJSON = outage(
    [
      "outageId", "kind", "status", "cause", "causeKind", "startedAt", "estimatedRestorationAt",
      "ertConfidence",
      "ertSource", "crewStatus", "feederId", "customersAffected", "customersRestored", "communityDescriptor",
      "message", "updatedAt",
    ], .model, .isoUTC)

  static let textSequence = outage(
    [
      "incident_id", "outage_type", "outage_status", "cause", "cause_code", "start_time", "etr",
      "etr_confidence",
      "etr_source", "crew_status", "feeder_id", "cust_out", "cust_restored", "area_desc", "message",
      "last_update",
    ], .words, .epochMilliseconds)

  static let csvWKT = outage(
    [
      "OUTAGE_ID", "OUTAGE_TYPE", "STATUS", "CAUSE", "CAUSE_CODE", "START_TIME", "EST_RESTORE",
      "ERT_CONFIDENCE",
      "ERT_SOURCE", "CREW_STATUS", "FEEDER", "CUST_OUT", "CUST_RESTORED", "AREA_DESC", "MESSAGE",
      "LAST_UPDATE",
    ], .codes, .isoOffset)

  static let csvWKB = outage(
    [
      "INCIDENT_NO", "TYPE", "STATUS", "CAUSE", "CAUSE_KIND", "START", "ERT", "ERT_CONFIDENCE", "ERT_SOURCE",
      "CREW_STATUS", "CIRCUIT", "CUSTOMERS_AFFECTED", "CUSTOMERS_RESTORED", "COMMUNITY", "MESSAGE",
      "UPDATED_AT",
    ], .words, .epochSeconds)

  static let csvWallClock = outage(
    [
      "OUTAGE_ID", "KIND", "STATUS", "CAUSE", "CAUSE_CODE", "OFF_TIME", "ETR", "ETR_CONFIDENCE", "ETR_SOURCE",
      "CREW_STATUS", "FEEDER_ID", "CUST_AFF", "CUST_RESTORED", "DESCRIPTION", "MESSAGE", "LAST_UPDATED",
    ], .codes, .wallClock)

  /// DBF's names have ten characters at most.
  static let shapefile = outage(
    [
      "OUTAGE_ID", "KIND", "STATUS", "CAUSE", "CAUSE_CODE", "START_TIME", "EST_RESTOR", "ERT_CONF",
      "ERT_SOURCE",
      "CREW_STATU", "FEEDER_ID", "CUST_OUT", "CUST_REST", "AREA_DESC", "MESSAGE", "LAST_UPDAT",
    ], .codes, .isoOffset)

  static let geoPackage = outage(
    [
      "INCIDENT_ID", "OUTAGE_TYPE", "STATUS", "CAUSE", "CAUSE_KIND", "START_TIME", "EST_RESTORE",
      "ERT_CONFIDENCE",
      "ERT_SOURCE", "CREW_STATUS", "FEEDER", "CUST_OUT", "CUST_RESTORED", "COMMUNITY", "MESSAGE",
      "UPDATED_AT",
    ], .words, .isoUTC)

  static let arcGIS = outage(
    [
      "OUTAGE_ID", "OUTAGE_TYPE", "STATUS", "CAUSE", "CAUSE_CODE", "START_TIME", "ETR", "ETR_CONFIDENCE",
      "ETR_SOURCE", "CREW_STATUS", "FEEDER", "CUST_OUT", "CUST_RESTORED", "AREA_DESC", "MESSAGE",
      "LAST_UPDATED",
    ], .codes, .epochMilliseconds)

  static let records = outage(
    [
      "id", "type", "status", "cause", "causeCode", "dateOff", "crewEtr", "etrConfidence", "etrSource",
      "crewStatus", "circuit", "numCustomersOut", "customersRestored", "area", "message", "lastUpdated",
    ], .words, .epochMilliseconds)

  static let spatiaLite = outage(
    [
      "outage_id", "kind", "status", "cause", "cause_kind", "started_at", "ert", "ert_confidence",
      "ert_source",
      "crew_status", "feeder_id", "customers_affected", "customers_restored", "community_descriptor",
      "message",
      "updated_at",
    ], .model, .epochSeconds)
}

extension RecordSchema where Item == ServicePoint {
  /// How a file writes a critical customer.
  enum FlagStyle { case boolean, letter, digit }
  /// How a file writes telephone numbers: one column of E.164, or two.
  enum PhoneStyle { case list, twoE164, twoNational }

  /// - Parameter names: of servicePointId, accountId, meterId, phones (one name or two), addressLine, unit, city, postalCode, transformerId,
  ///   feederId, criticalCustomer, in this order.
  static func servicePoint(_ names: [String], _ phones: PhoneStyle, _ flag: FlagStyle) -> RecordSchema {
    func phone(_ index: Int) -> @Sendable (ServicePoint) -> FieldValue {
      { point in
        guard index < point.phones.count else { return .null }
        return .text(phones == .twoNational ? national(point.phones[index]) : point.phones[index])
      }
    }
    let phoneValues: [@Sendable (ServicePoint) -> FieldValue] =
      phones == .list
      ? [{ flag == .boolean ? .list($0.phones) : $0.phones.isEmpty ? .null : .list($0.phones) }]
      : [phone(0), phone(1)]
    let values: [@Sendable (ServicePoint) -> FieldValue] =
      [{ .text($0.servicePointId) }, { .optional($0.accountId) }, { .optional($0.meterId) }] + phoneValues + [
        { .optional($0.addressLine) }, { .optional($0.unit) }, { .optional($0.city) },
        { .optional($0.postalCode) },
        { .optional($0.transformerId) }, { .optional($0.feederId) },
        { flag == .digit ? .integer($0.isCriticalCustomer ? 1 : 0) : .flag($0.isCriticalCustomer) },
      ]
    return RecordSchema(columns: zip(names, values).map { (name: $0, value: $1) })
  }

  static let geoJSON = servicePoint(
    [
      "servicePointId", "accountId", "meterId", "phones", "addressLine", "unit", "city", "postalCode",
      "transformerId", "feederId", "criticalCustomer",
    ], .list, .boolean)

  static let textSequence = servicePoint(
    [
      "service_point_id", "account_id", "meter_id", "phone", "phone2", "address", "unit", "city", "zip",
      "transformer_id", "feeder_id", "critical_customer",
    ], .twoE164, .boolean)

  static let csv = servicePoint(
    [
      "SERVICE_POINT_ID", "ACCOUNT", "METER", "PHONES", "ADDRESS", "UNIT", "CITY", "ZIP", "TRANSFORMER",
      "FEEDER",
      "CRITICAL",
    ], .list, .letter)

  static let csvWKT = servicePoint(
    [
      "PREMISE", "ACCT_NO", "METER_NO", "PHONE1", "PHONE2", "SERVICE_ADDRESS", "APT", "CITY", "ZIP_CODE",
      "TRANSFORMER_ID", "FEEDER_ID", "MEDICAL_BASELINE",
    ], .twoNational, .letter)

  static let csvWKB = servicePoint(
    [
      "SP_ID", "ACCOUNT_NUMBER", "METER_NUMBER", "PHONES", "ADDRESS_LINE", "UNIT", "CITY", "POSTAL_CODE",
      "XFMR",
      "CIRCUIT", "CRITICAL_CUSTOMER",
    ], .list, .digit)

  static let shapefile = servicePoint(
    [
      "SP_ID", "ACCT_NO", "METER_NO", "PHONE", "PHONE2", "ADDRESS", "UNIT", "CITY", "ZIP", "XFMR_ID",
      "FEEDER_ID",
      "CRITICAL",
    ], .twoNational, .letter)

  static let geoPackage = servicePoint(
    [
      "SERVICE_POINT_ID", "ACCOUNT_ID", "METER_ID", "PHONE1", "PHONE2", "ADDRESS", "UNIT", "CITY", "ZIP",
      "TRANSFORMER", "FEEDER", "CRITICAL",
    ], .twoE164, .digit)

  static let spatiaLite = servicePoint(
    [
      "service_point_id", "account_id", "meter_id", "phones", "address_line", "unit", "city", "postal_code",
      "transformer_id", "feeder_id", "critical_customer",
    ], .list, .digit)

  /// `+15305550123` as a customer system holds it: `5305550123`.
  private static func national(_ phone: String) -> String { String(phone.dropFirst(2)) }
}

extension Spelling {
  /// A model word, its upper-case code and its public wording.
  static let table: [(model: String, code: String, words: String)] = [
    ("unplanned", "UNPLANNED", "Unplanned"),
    ("planned", "PLANNED", "Planned"),
    ("publicSafetyShutoff", "PSPS", "Public Safety Power Shutoff"),
    ("predicted", "PREDICTED", "Predicted"),
    ("confirmed", "CONFIRMED", "Verified"),
    ("partiallyRestored", "PARTIAL", "Partially Restored"),
    ("restored", "RESTORED", "Restored"),
    ("closed", "CLOSED", "Closed"),
    ("cancelled", "CANCELLED", "Canceled"),
    ("high", "HIGH", "High"),
    ("low", "LOW", "Low"),
    ("calculated", "CALCULATED", "Calculated"),
    ("dispatcher", "DISPATCHER", "Dispatcher"),
    ("crew", "CREW", "Crew"),
    ("awaitingCrewAssignment", "NOT_ASSIGNED", "Not Assigned"),
    ("assigned", "ASSIGNED", "Crew Assigned"),
    ("enroute", "EN ROUTE", "Crew En Route"),
    ("arrived", "ONSITE", "Crew on-site"),
    ("fieldComplete", "COMPLETE", "Work Complete"),
    ("suspended", "SUSPENDED", "Suspended"),
  ]

  static let causeTable: [(model: String, code: String, words: String)] = [
    ("lightingStrike", "LIGHTNING", "Lightning"),
    ("animal", "ANIMAL", "Animal"),
    ("lineDown", "WIRE DOWN", "Line Down"),
    ("poleDown", "POLE DOWN", "Pole Down"),
    ("treeDown", "TREE", "Tree Down"),
    ("equipment", "EQUIPMENT", "Equipment Failure"),
    ("vehicle", "VEHICLE", "Vehicle Accident"),
    ("weather", "WEATHER", "Weather"),
    ("fire", "FIRE", "Fire"),
    ("planned", "PLANNED", "Planned Work"),
    ("investigating", "INVESTIGATING", "Under Investigation"),
    ("other", "OTHER", "Other"),
  ]

  func spell(_ word: String, isCause: Bool = false) -> String {
    guard self != .model,
      let row = (isCause ? Self.causeTable : Self.table).first(where: { $0.model == word })
    else { return word }
    return self == .codes ? row.code : row.words
  }
}

extension TimeStyle {
  func value(_ moment: Timestamp?) -> FieldValue {
    guard let moment else { return .null }
    let pacific = String(moment.adding(seconds: -8 * 3600).iso8601.dropLast())
    return switch self {
    case .isoUTC: .text(moment.iso8601)
    case .isoOffset: .text(pacific + "-08:00")
    case .epochSeconds: .integer(Int(moment.millisecondsSinceEpoch / 1000))
    case .epochMilliseconds: .integer(Int(moment.millisecondsSinceEpoch))
    case .wallClock: .text(pacific.split(separator: "T").joined(separator: " "))
    }
  }
}
