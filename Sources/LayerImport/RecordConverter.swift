// Turns raw records into service points and outages: columns to fields, coordinates to WGS 84, areas checked.

import OutageModel

/// Why a record gives no value.
enum ConversionStop: Error {
  case rejected(ImportReason, ImportFinding)
  case refused(ImportError)
  /// What the caller does with a value failed.
  case failed(any Error)
}

/// Converts the records of one reader and keeps the report.
struct RecordConverter {
  private(set) var report: ImportReport
  private(set) var mapping: FieldMapping
  private let content: ImportContent
  private let settings: ImportSettings
  private let decoder: TextDecoder
  private let times: TimeReader
  private let transform: CoordinateTransform
  private let areas: AreaCheck
  private let bounds: TerritoryBounds?
  /// `nil` where nothing is remembered.
  private let recognition: LayerRecognition?
  /// What the report says of the record at hand, where it is remembered.
  private var notes: [KnownRecord.Note] = []
  /// Of the area that was looked at last.
  private var areaHash: ContentHash?
  private let demandsWinding: Bool

  init(
    reader: any RecordReader, content: ImportContent, settings: ImportSettings, file: String,
    recognition: LayerRecognition? = nil
  ) throws(ImportError) {
    self.content = content
    self.recognition = recognition
    self.settings = settings
    decoder = try TextDecoder(encoding: reader.encoding, file: file)
    times = try TimeReader(zoneName: settings.timeZoneName, isDayFirst: settings.isDayFirst, file: file)
    bounds = settings.options.territoryBounds
    demandsWinding = reader.demandsWinding
    areas = AreaCheck(demandsWinding: reader.demandsWinding)
    var mapping = try FieldMapping(
      content: content, tables: settings.tables, wanted: settings.wantedColumns, file: file)
    mapping.add(columns: reader.columns)
    self.mapping = mapping
    report = ImportReport()
    report.file = file
    report.format = reader.format
    report.layer = reader.layer
    report.content = content.rawValue
    report.maxRejectedFraction = settings.options.maxRejectedFraction
    report.recordNoun = reader.recordNoun
    report.idField = content.idField.rawValue
    switch (settings.crs, reader.crs) {
    case (let asked?, _): transform = try CoordinateTransform(definition: asked, name: asked, file: file)
    case (nil, .wgs84): transform = CoordinateTransform()
    case (nil, .definition(let definition, let name)):
      transform = try CoordinateTransform(definition: definition, name: name, file: file)
    case (nil, .unstated(allowsWGS84: true)):
      transform = CoordinateTransform(named: "WGS 84 (assumed)")
    case (nil, .unstated(allowsWGS84: false)):
      throw .refused(
        .missingCRS, file, layer: reader.layer,
        found: "coordinates that are no degrees, and no coordinate system",
        expected: "a .prj, or --crs")
    }
    report.crs = transform.name
    if case .unstated = reader.crs, settings.crs == nil, reader.hasGeometry {
      warn(.crsAssumed, ImportFinding(expected: "a coordinate system in the file, or --crs"))
    }
    if reader.columnsAreFixed { try checkColumns(of: reader, file: file) }
  }

  /// What a file with a header has to have.
  private func checkColumns(of reader: any RecordReader, file: String) throws(ImportError) {
    let columns = reader.columns.map(quoted).joined(separator: ", ")
    try checkWanted(file: file)
    if !mapping.has(content.idField) {
      throw .refused(
        .missingColumn, file, layer: reader.layer, field: content.idField.rawValue,
        found: "the columns \(columns)",
        expected: "a column with the id, or --map \(content.idField.rawValue)=COLUMN")
    }
    let hasPosition =
      mapping.has(.wkt) || mapping.has(.wkb)
      || content == .addresses && mapping.has(.longitude) && mapping.has(.latitude)
    if !reader.hasGeometry, !hasPosition {
      let wanted = content == .addresses ? "longitude and latitude, WKT or WKB" : "WKT or WKB"
      throw .refused(
        .missingColumn, file, layer: reader.layer, field: "geometry", found: "the columns \(columns)",
        expected: "columns with \(wanted), or --map wkt=COLUMN")
    }
  }

  private func checkWanted(file: String) throws(ImportError) {
    guard let missing = mapping.missingColumns.first else { return }
    if settings.options.toleratesMissingColumns { return }
    throw .refused(
      .missingColumn, file, layer: report.layer, field: missing.field.rawValue,
      found: "no column \(quoted(missing.column))",
      expected: "one of \(mapping.columnNames.map(quoted).joined(separator: ", "))")
  }

  /// After the last record: what can only be said then.
  mutating func finish(reader: any RecordReader) throws(ImportError) -> ImportReport {
    if !reader.columnsAreFixed, report.read > 0 { try checkWanted(file: report.file) }
    if report.read > 0, settings.options.toleratesMissingColumns {
      for missing in mapping.missingColumns {
        warn(
          .missingColumn,
          ImportFinding(field: missing.field.rawValue, expected: "a column \(quoted(missing.column))"))
      }
    }
    for column in mapping.unmappedColumns { warn(.unmappedColumn, ImportFinding(field: column)) }
    if report.read == 0 { warn(.emptyLayer, ImportFinding()) }
    report.sha256 = try reader.sha256()
    return report
  }

  // MARK: The report

  mutating func countRead(_ reader: any RecordReader) {
    report.read += 1
    if mapping.columnNames.count < reader.columns.count { mapping.add(columns: reader.columns) }
  }

  mutating func countAccepted() { report.accepted += 1 }

  mutating func reject(_ reason: ImportReason, _ finding: ImportFinding) {
    report.rejectedCount += 1
    report.add(reason, finding, to: \.rejected)
  }

  mutating func countDuplicate(record: Int, id: String, keptRecord: Int) {
    report.duplicateCount += 1
    warn(
      .duplicateId,
      ImportFinding(record: record, id: id, found: "the id again", expected: "record \(keptRecord) is taken"))
  }

  private mutating func warn(_ reason: ImportReason, _ finding: ImportFinding) {
    report.add(reason, finding, to: \.warnings)
    if recognition != nil {
      notes.append(KnownRecord.Note(isRepair: false, reason: reason, finding: finding))
    }
  }

  // MARK: Values

  /// The first value of the field's columns that is not empty.
  private func text(_ field: Int, _ record: RawRecord) throws(ConversionStop) -> String? {
    for column in mapping.columns(ofIndex: field) where column < record.values.count {
      if let text = try text(column: column, record) { return text }
    }
    return nil
  }

  private func text(_ field: ImportField, _ record: RawRecord) throws(ConversionStop) -> String? {
    try text(field.index, record)
  }

  private func text(column: Int, _ record: RawRecord) throws(ConversionStop) -> String? {
    switch record.values[column] {
    case .null: return nil
    case .bool(let value): return value ? "true" : "false"
    case .double(let value):
      return value == value.rounded() && value.magnitude < 1e15 ? String(Int64(value)) : "\(value)"
    case .text(let range), .number(let range):
      if range.isEmpty { return nil }
      let text: String
      do throws(ImportError) {
        text = try decoder.string(
          record.text[range], record: record.number, field: mapping.columnNames[column]
        )
        .trimmed
      } catch { throw .refused(error) }
      if text.isEmpty || text.utf8.count <= 6 && isNoValue(text) { return nil }
      return text
    }
  }

  private func isNoValue(_ text: String) -> Bool {
    switch text.utf8.first {
    case UInt8(ascii: "n"), UInt8(ascii: "N"), UInt8(ascii: "<"), UInt8(ascii: "("), UInt8(ascii: "\\"),
      UInt8(ascii: "#"):
      settings.tables.code("noValue", text) != nil
    default: false
    }
  }

  private func number(_ field: Int, _ record: RawRecord) -> Double? {
    for column in mapping.columns(ofIndex: field) where column < record.values.count {
      switch record.values[column] {
      case .double(let value): return value
      case .text(let range), .number(let range):
        guard !range.isEmpty else { continue }
        return record.text.withUnsafeBufferPointer { bytes in
          var part = UnsafeBufferPointer(rebasing: bytes[range])
          while let first = part.first, first == 0x20 {
            part = UnsafeBufferPointer(rebasing: part.dropFirst())
          }
          while let last = part.last, last == 0x20 { part = UnsafeBufferPointer(rebasing: part.dropLast()) }
          return part.isEmpty ? nil : decimal(of: part) ?? .nan
        }
      default: continue
      }
    }
    return nil
  }

  private mutating func time(
    _ field: ImportField, _ record: RawRecord, id: String
  ) throws(ConversionStop) -> Timestamp? {
    for column in mapping.columns(of: field) where column < record.values.count {
      guard let text = try text(column: column, record), settings.tables.code("noTime", text) == nil else {
        continue
      }
      do throws(TimeFault) {
        if case .double(let value) = record.values[column] { return try times.time(number: value) }
        return try times.time(text: text)
      } catch {
        var finding = ImportFinding(
          record: record.number, id: id, field: field.rawValue, found: quoted(text), expected: field.expected)
        switch error {
        case .noZone: throw .rejected(.timeWithoutZone, finding)
        case .notATime(let expected):
          if let expected { finding.expected = expected }
          throw .rejected(.badTime, finding)
        }
      }
    }
    return nil
  }

  private mutating func coded<Code: RawRepresentable & Hashable & Sendable>(
    _ field: ImportField, _ record: RawRecord, id: String, _: Code.Type
  ) throws(ConversionStop) -> Coded<Code>? where Code.RawValue == String {
    guard let text = try text(field, record) else { return nil }
    if let code = settings.tables.code(field.rawValue, text).flatMap(Code.init(rawValue:)) {
      return .known(code)
    }
    warn(
      .unknownValue,
      ImportFinding(
        record: record.number, id: id, field: field.rawValue, found: quoted(text),
        expected: "a spelling of \((ImportTables.codes[field.rawValue] ?? []).joined(separator: ", "))"))
    return .other(text)
  }

  private mutating func count(_ field: ImportField, _ record: RawRecord, id: String) throws(ConversionStop)
    -> Int?
  {
    guard let text = try text(field, record) else { return nil }
    // "1,243"; and feeds that mask small counts write "<5" or "Fewer than 5".
    var digits = text.lowercased().filter { $0 != "," && $0 != " " && $0 != "\u{a0}" }
    for prefix in ["<", "fewerthan", "lessthan", "~"] where digits.hasPrefix(prefix) {
      digits.removeFirst(prefix.count)
    }
    if let value = Double(digits), value >= 0, value < 1e9, value == value.rounded() { return Int(value) }
    warn(
      .badNumber,
      ImportFinding(
        record: record.number, id: id, field: field.rawValue, found: quoted(text), expected: field.expected))
    return nil
  }

  private func id(_ record: RawRecord) throws(ConversionStop) -> String {
    if let fault = record.fault {
      throw .rejected(
        fault.reason,
        ImportFinding(
          record: record.number, id: try? text(content.idField, record), found: fault.found,
          expected: fault.expected))
    }
    guard let id = try text(content.idField, record) else {
      throw .rejected(
        .missingId,
        ImportFinding(
          record: record.number, field: content.idField.rawValue, found: "nothing", expected: "an id"))
    }
    return id
  }

  // MARK: Model values

  /// - Returns: the service point, with its `updatedAt`.
  mutating func servicePoint(
    _ record: inout RawRecord
  ) throws(ConversionStop) -> (ServicePoint, updatedAt: Timestamp?) {
    let id = try id(record)
    readGeometryColumns(&record)
    var point = ServicePoint(servicePointId: id, position: try position(&record, id: id))
    point.accountId = try text(Self.accountId, record)
    point.meterId = try text(Self.meterId, record)
    point.phones = try phones(record, id: id)
    point.addressLine = try text(Self.addressLine, record)
    point.unit = try text(Self.unit, record)
    point.city = try text(Self.city, record)
    point.postalCode = try text(Self.postalCode, record)
    point.transformerId = try text(Self.transformerId, record)
    point.feederId = try text(Self.feederId, record)
    if let text = try text(Self.criticalCustomer, record) {
      switch text {
      case "N", "n": break
      case "Y", "y": point.isCriticalCustomer = true
      default:
        let code = settings.tables.code("boolean", text)
        point.isCriticalCustomer = code == "true"
        if code == nil {
          warn(
            .unknownValue,
            ImportFinding(
              record: record.number, id: id, field: ImportField.criticalCustomer.rawValue,
              found: quoted(text),
              expected: ImportField.criticalCustomer.expected))
        }
      }
    }
    return (point, mapping.has(.updatedAt) ? try time(.updatedAt, record, id: id) : nil)
  }

  private static let accountId = ImportField.accountId.index
  private static let meterId = ImportField.meterId.index
  private static let addressLine = ImportField.addressLine.index
  private static let unit = ImportField.unit.index
  private static let city = ImportField.city.index
  private static let postalCode = ImportField.postalCode.index
  private static let transformerId = ImportField.transformerId.index
  private static let feederId = ImportField.feederId.index
  private static let criticalCustomer = ImportField.criticalCustomer.index
  private static let phonesIndex = ImportField.phones.index
  private static let longitude = ImportField.longitude.index
  private static let latitude = ImportField.latitude.index

  private mutating func phones(_ record: RawRecord, id: String) throws(ConversionStop) -> [String] {
    var phones: [String] = []
    for column in mapping.columns(ofIndex: Self.phonesIndex) where column < record.values.count {
      guard let text = try text(column: column, record) else { continue }
      if isE164(text) {
        if !phones.contains(text) { phones.append(text) }
        continue
      }
      for phone in split(text) {
        if let number = E164.normalize(phone, defaultCountryCode: settings.countryCode) {
          if !phones.contains(number) { phones.append(number) }
        } else {
          warn(
            .badPhone,
            ImportFinding(
              record: record.number, id: id, field: ImportField.phones.rawValue, found: quoted(phone),
              expected: ImportField.phones.expected))
        }
      }
    }
    return phones
  }

  private func isE164(_ text: String) -> Bool {
    var rest = text.utf8[...]
    guard rest.count >= 8, rest.count <= 16, rest.popFirst() == UInt8(ascii: "+"),
      rest.first != UInt8(ascii: "0")
    else { return false }
    return rest.allSatisfy { $0 &- 48 < 10 }
  }

  /// Several numbers in one column stand apart by `;`, `|`, a comma, or a slash; but a slash may also be within a number.
  private func split(_ text: String) -> [String] {
    text.split { ";|,".contains($0) }.flatMap { part -> [String] in
      let whole = String(part).trimmed
      if whole.isEmpty { return [] }
      let pieces = whole.split(separator: "/").map { String($0).trimmed }
      let areWhole = pieces.allSatisfy { $0.filter { $0.isASCII && $0.isNumber }.count >= 7 }
      return pieces.count > 1 && areWhole ? pieces : [whole]
    }
  }

  mutating func outage(_ record: inout RawRecord) throws(ConversionStop) -> Outage {
    if let known = record.known, let hash = record.hash {
      recognition?.keep(known, hash)
      return recall(known, record.number)
    }
    notes.removeAll()
    let outage = try convertedOutage(&record)
    if let hash = record.hash, let columns = record.columns, let areaHash {
      recognition?.add(hash, columns, outage, notes, areaHash: areaHash)
    }
    return outage
  }

  /// A record that has come before: the report says of it what it said then.
  private mutating func recall(_ known: KnownRecord, _ number: Int) -> Outage {
    if known.notes.contains(where: \.isRepair) { report.repairedCount += 1 }
    for note in known.notes {
      var finding = note.finding
      finding.record = number
      report.add(note.reason, finding, to: note.isRepair ? \.repaired : \.warnings)
    }
    return known.outage
  }

  private mutating func convertedOutage(_ record: inout RawRecord) throws(ConversionStop) -> Outage {
    let id = try id(record)
    readGeometryColumns(&record)
    var outage = Outage(outageId: id, area: OutageArea())
    if let kind = try coded(.kind, record, id: id, OutageKind.self) { outage.kind = kind }
    if let status = try coded(.status, record, id: id, OutageStatus.self) { outage.status = status }
    outage.cause = try text(.cause, record)
    outage.causeKind = try coded(.causeKind, record, id: id, OutageCauseKind.self)
    if outage.causeKind == nil, let cause = outage.cause {
      let spelling = settings.tables.code("causeKind", cause).flatMap(OutageCauseKind.init(rawValue:))
      outage.causeKind = (spelling ?? settings.tables.causeKind(ofText: cause)).map(Coded.known)
    }
    outage.startedAt = try time(.startedAt, record, id: id)
    outage.estimatedRestorationAt = try time(.estimatedRestorationAt, record, id: id)
    outage.ertConfidence = try coded(.ertConfidence, record, id: id, ERTConfidence.self)
    outage.ertSource = try coded(.ertSource, record, id: id, ERTSource.self)
    outage.crewStatus = try coded(.crewStatus, record, id: id, CrewStatus.self)
    outage.feederId = try text(.feederId, record)
    outage.customersAffected = try count(.customersAffected, record, id: id)
    outage.customersRestored = try count(.customersRestored, record, id: id)
    outage.communityDescriptor = try text(.communityDescriptor, record)
    outage.message = try text(.message, record)
    outage.updatedAt = try time(.updatedAt, record, id: id)
    outage.area = try area(&record, id: id)
    return outage
  }

  // MARK: Geometry

  /// Where the file has no geometry of its own: WKT or WKB text, a list of numbers, or two columns of coordinates.
  private func readGeometryColumns(_ record: inout RawRecord) {
    guard case .missing = record.geometry.kind else { return }
    for (field, isText) in [(ImportField.wkt, true), (.wkb, false)] where mapping.has(field) {
      for column in mapping.columns(of: field) where column < record.values.count {
        guard case .text(let range) = record.values[column], !range.isEmpty else { continue }
        record.text.withUnsafeBufferPointer { bytes in
          var part = UnsafeBufferPointer(rebasing: bytes[range])
          while let last = part.last, last <= 0x20 { part = UnsafeBufferPointer(rebasing: part.dropLast()) }
          while let first = part.first, first <= 0x20 {
            part = UnsafeBufferPointer(rebasing: part.dropFirst())
          }
          guard !part.isEmpty else { return }
          // A column called GEOM may hold either; databases write `\x` or `0x` before hexadecimal digits.
          let digits = part.count > 2 && part[1] | 32 == UInt8(ascii: "x") ? part.dropFirst(2) : part[...]
          let looksHexadecimal =
            digits.count > 10 && digits.prefix(10).allSatisfy { hexadecimalDigit($0) != nil }
          if let first = part.first, "-+.[0123456789".utf8.contains(first), !looksHexadecimal {
            readCoordinateList(part, into: &record.geometry)
          } else if isText && !looksHexadecimal {
            readWellKnownText(part, into: &record.geometry)
          } else {
            readWellKnownBinary(hexadecimal: part, into: &record.geometry)
          }
        }
        return
      }
    }
    if content == .addresses, let x = number(Self.longitude, record), let y = number(Self.latitude, record) {
      record.geometry.kind = .point
      record.geometry.coordinates.append(x)
      record.geometry.coordinates.append(y)
    }
  }

  /// What holds of points and areas alike; leaves WGS 84 degrees in the record.
  private func checkCoordinates(
    _ record: inout RawRecord, id: String, longitudeMax: Double
  ) throws(ConversionStop) {
    func rejection(_ reason: ImportReason, _ x: Double, _ y: Double, expected: String) -> ConversionStop {
      .rejected(
        reason,
        ImportFinding(
          record: record.number, id: id, found: "\(x) \(y)", expected: expected, place: place(x, y)))
    }
    for i in stride(from: 0, to: record.geometry.coordinates.count, by: 2) {
      let (x, y) = (record.geometry.coordinates[i], record.geometry.coordinates[i + 1])
      if !x.isFinite || !y.isFinite {
        let instead = record.geometry.notANumber ?? "nan"
        throw .rejected(
          .notANumber,
          ImportFinding(
            record: record.number, id: id, field: "geometry",
            found: "\(x.isNaN ? instead : "\(x)") \(y.isNaN && !x.isNaN ? instead : "\(y)")",
            expected: "two numbers"))
      }
      if x == 0, y == 0, bounds.map({ !$0.contains(0, 0) }) ?? true {
        throw rejection(.zeroZero, x, y, expected: "a place that was geocoded")
      }
    }
    transform.transform(&record.geometry.coordinates)
    for i in stride(from: 0, to: record.geometry.coordinates.count, by: 2) {
      let (x, y) = (record.geometry.coordinates[i], record.geometry.coordinates[i + 1])
      if x.magnitude <= longitudeMax, y.magnitude <= 90, bounds?.contains(x, y) ?? true { continue }
      let isInWorld = x.magnitude <= longitudeMax && y.magnitude <= 90
      let isSwapped =
        x.magnitude <= 90 && y.magnitude <= 180 && (bounds.map { $0.contains(y, x) } ?? (y.magnitude > 90))
      // Between 180 and 360 a longitude may be inside the bounds, counted the other way round.
      if isInWorld, x.magnitude > 180, bounds?.contains(x > 0 ? x - 360 : x + 360, y) ?? true { continue }
      if isSwapped { throw rejection(.swappedLonLat, x, y, expected: "longitude, then latitude") }
      if isInWorld, let b = bounds {
        throw rejection(
          .outsideTerritory, x, y, expected: "within \(b.west) \(b.south) to \(b.east) \(b.north) degrees")
      }
      throw rejection(
        .outOfRange, x, y, expected: "degrees of WGS 84, or --crs with the system of these coordinates")
    }
  }

  private mutating func checkKind(_ record: RawRecord, id: String, wanted: String) throws(ConversionStop) {
    func rejection(_ reason: ImportReason, _ found: String) -> ConversionStop {
      .rejected(
        reason,
        ImportFinding(record: record.number, id: id, field: "geometry", found: found, expected: wanted))
    }
    let wrong: ImportReason = content == .addresses ? .notAPoint : .notPolygonal
    switch record.geometry.kind {
    case .missing:
      let name = content == .outages ? try text(.communityDescriptor, record) : nil
      throw rejection(.emptyGeometry, name.map { "no geometry, only the name \(quoted($0))" } ?? "nothing")
    case .unreadable(let found): throw rejection(.unreadableGeometry, found)
    case .other(let type): throw rejection(wrong, type)
    case .point where content == .outages: throw rejection(wrong, "a point")
    case .polygonal where content == .addresses: throw rejection(wrong, "a polygon")
    default: break
    }
    if record.geometry.coordinates.isEmpty { throw rejection(.emptyGeometry, "an empty geometry") }
    if record.geometry.hasExtraDimensions {
      warn(.zDropped, ImportFinding(record: record.number, id: id, field: "geometry"))
    }
  }

  private mutating func position(_ record: inout RawRecord, id: String) throws(ConversionStop) -> LonLat {
    try checkKind(record, id: id, wanted: "a point")
    try checkCoordinates(&record, id: id, longitudeMax: 180)
    return LonLat(lonDegrees: record.geometry.coordinates[0], latDegrees: record.geometry.coordinates[1])
  }

  /// A turn beyond either way: areas may cross the antimeridian.
  static let areaLongitudeMax = 540.0

  /// What looks at the areas of this file ahead; `nil` where they have to be brought to WGS 84 first.
  func areasAhead() -> AreasAhead? {
    guard content == .outages, transform.isIdentity else { return nil }
    return AreasAhead(demandsWinding: demandsWinding, known: recognition?.areasBefore ?? [:])
  }

  private mutating func area(_ record: inout RawRecord, id: String) throws(ConversionStop) -> OutageArea {
    try checkKind(record, id: id, wanted: "a polygon or multipolygon")
    try checkCoordinates(&record, id: id, longitudeMax: Self.areaLongitudeMax)
    areaHash = recognition.map { _ in record.area?.hash ?? areas.hash(of: record.geometry) }
    if let areaHash, let known = recognition?.area(areaHash) {
      note(known.repairs, record, id: id)
      return known.area
    }
    switch record.area?.outcome ?? areas.area(of: record.geometry) {
    case .success(let result):
      note(result.repairs, record, id: id)
      if let areaHash {
        recognition?.add(KnownArea(result.area, repairs: result.repairs), areaHash)
      }
      return result.area
    case .failure(let rejected):
      throw .rejected(
        rejected.fault.reason,
        ImportFinding(
          record: record.number, id: id, field: "geometry", found: rejected.fault.found,
          expected: "a polygon with an area", place: rejected.fault.place))
    }
  }

  private mutating func note(_ repairs: [AreaFault], _ record: RawRecord, id: String) {
    if !repairs.isEmpty { report.repairedCount += 1 }
    for repair in repairs {
      let finding = ImportFinding(
        record: record.number, id: id, field: "geometry", found: repair.found, place: repair.place)
      report.add(repair.reason, finding, to: \.repaired)
      if recognition != nil {
        notes.append(KnownRecord.Note(isRepair: true, reason: repair.reason, finding: finding))
      }
    }
  }
}
