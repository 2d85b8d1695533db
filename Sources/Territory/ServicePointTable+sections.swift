// The service-point table, its texts and its indexes to and from flat sections.

import PointLocation

extension ServicePointTable {
  /// Appends the sections of the table; nothing is copied.
  func write(to writer: inout SectionWriter) {
    points.write(to: &writer)
    pool.write(to: &writer)
    writer.append("servicePoints.names", names)
    writer.append("servicePoints.ids", servicePointIds)
    writer.append("servicePoints.accountIds", accountIds)
    writer.append("servicePoints.meterIds", meterIds)
    writer.append("servicePoints.addressLines", addressLines)
    writer.append("servicePoints.postalCodes", postalCodes)
    writer.append("servicePoints.transformerIds", transformerIds)
    writer.append("servicePoints.units", units)
    writer.append("servicePoints.cities", cities)
    writer.append("servicePoints.feederIds", feederIds)
    writer.append("servicePoints.criticalFlags", criticalFlags)
    writer.append("servicePoints.phones", phones)
    writer.append("servicePoints.extraPhones", extraPhones)
    writer.append("servicePoints.extraPhoneRows", extraPhoneRows)
    byServicePoint.write("servicePoints.byId", to: &writer)
    byAccount.write("servicePoints.byAccount", to: &writer)
    byMeter.write("servicePoints.byMeter", to: &writer)
    byPhone.write("servicePoints.byPhone", to: &writer)
  }

  convenience init(validating reader: inout SectionReader, addressVersion: Int) throws(SectionError) {
    let points = try PointIndex(validating: &reader)
    let rowCount = points.count
    let pool = try TextPool(validating: &reader)
    func texts(_ name: String, count: Int?) throws(SectionError) -> FlatArray<PackedText> {
      let column = try reader.take(name, as: PackedText.self)
      if let count, column.count != count {
        throw .count(section: name, found: column.count, expected: "\(count) elements")
      }
      for index in 0..<column.count where !pool.holds(column.pointer[index]) {
        throw .element(
          section: name, index: index, found: "0x" + String(column.pointer[index].bits, radix: 16),
          expected: "a text of this table")
      }
      return column
    }
    let names = try texts("servicePoints.names", count: nil)
    let ids = try texts("servicePoints.ids", count: rowCount)
    let accountIds = try texts("servicePoints.accountIds", count: rowCount)
    let meterIds = try texts("servicePoints.meterIds", count: rowCount)
    let addressLines = try texts("servicePoints.addressLines", count: rowCount)
    let postalCodes = try texts("servicePoints.postalCodes", count: rowCount)
    let transformerIds = try texts("servicePoints.transformerIds", count: rowCount)
    func numbers(_ name: String) throws(SectionError) -> FlatArray<UInt32> {
      let column: FlatArray<UInt32> = try reader.take(name, count: rowCount)
      for row in 0..<rowCount where Int(column.pointer[row]) >= names.count {
        throw .element(
          section: name, index: row, found: "\(column.pointer[row])", expected: "a name below \(names.count)")
      }
      return column
    }
    let units = try numbers("servicePoints.units")
    let cities = try numbers("servicePoints.cities")
    let feederIds = try numbers("servicePoints.feederIds")
    let criticalFlags: FlatArray<UInt8> = try reader.take("servicePoints.criticalFlags", count: rowCount)
    let phones: FlatArray<UInt64> = try reader.take("servicePoints.phones", count: rowCount)
    let extraPhones = try reader.take("servicePoints.extraPhones", as: UInt64.self)
    let extraPhoneRows: FlatArray<UInt32> = try reader.take(
      "servicePoints.extraPhoneRows", count: extraPhones.count)
    let columns = ServicePointColumns(
      servicePointIds: ids, accountIds: accountIds, meterIds: meterIds, addressLines: addressLines,
      postalCodes: postalCodes, transformerIds: transformerIds, units: units, cities: cities,
      feederIds: feederIds, criticalFlags: criticalFlags, phones: phones, extraPhones: extraPhones,
      extraPhoneRows: extraPhoneRows)
    let byId = try KeyIndex(validating: &reader, "servicePoints.byId", rowCount: rowCount)
    let byAccount = try KeyIndex(validating: &reader, "servicePoints.byAccount", rowCount: rowCount)
    let byMeter = try KeyIndex(validating: &reader, "servicePoints.byMeter", rowCount: rowCount)
    let byPhone = try KeyIndex(validating: &reader, "servicePoints.byPhone", rowCount: rowCount)
    self.init(
      addressVersion: addressVersion, points: points, pool: pool, columns: columns, names: names,
      indexes: (byId, byAccount, byMeter, byPhone))
  }
}

extension KeyIndex {
  func write(_ name: String, to writer: inout SectionWriter) {
    writer.append("\(name).slots", slots)
    writer.append("\(name).groupStarts", groupStarts)
    writer.append("\(name).groupRows", groupRows)
  }

  init(validating reader: inout SectionReader, _ name: String, rowCount: Int) throws(SectionError) {
    slots = try reader.take("\(name).slots", as: UInt32.self)
    let starts = try reader.take("\(name).groupStarts", as: UInt32.self)
    groupRows = try reader.take("\(name).groupRows", as: UInt32.self)
    groupStarts = starts
    // Each group has a row, which a look-up compares.
    try SectionReader.checkStarts("\(name).groupStarts", starts, end: groupRows.count, step: 1)
    for index in 0..<groupRows.count where Int(groupRows.pointer[index]) >= rowCount {
      throw .element(
        section: "\(name).groupRows", index: index, found: "\(groupRows.pointer[index])",
        expected: "a row below \(rowCount)")
    }
    let groupCount = UInt32(starts.count - 1)
    // Without branches, as there are a few million of them; which one is wrong is only asked where one is.
    func isValid(_ slot: UInt32) -> Bool {
      slot & ~Self.groupBit < (slot & Self.groupBit == 0 ? UInt32(rowCount) + 1 : groupCount)
    }
    var (freeCount, faultCount) = (0, 0)
    for slot in slots.buffer {
      freeCount &+= slot == 0 ? 1 : 0
      faultCount &+= isValid(slot) ? 0 : 1
    }
    if faultCount > 0, let index = slots.buffer.firstIndex(where: { !isValid($0) }) {
      throw .element(
        section: "\(name).slots", index: index, found: "0x" + String(slots.pointer[index], radix: 16),
        expected: "a row up to \(rowCount) or a group below \(groupCount)")
    }
    // A look-up ends at a free slot.
    guard freeCount > 0 else {
      throw .count(section: "\(name).slots", found: freeCount, expected: "a free slot")
    }
  }
}

extension TextPool {
  func write(to writer: inout SectionWriter) {
    writer.append("texts.heap", heap)
    suffixPatterns.write("texts.suffixPatterns", to: &writer)
    prefixPatterns.write("texts.prefixPatterns", to: &writer)
  }

  init(validating reader: inout SectionReader) throws(SectionError) {
    heap = try reader.take("texts.heap", as: UInt8.self)
    suffixPatterns = try PatternTable(validating: &reader, "texts.suffixPatterns")
    prefixPatterns = try PatternTable(validating: &reader, "texts.prefixPatterns")
  }

  /// Whether the text's bytes can be read from this pool.
  @inline(__always)
  func holds(_ text: PackedText) -> Bool {
    switch text.form {
    case .inline: true
    case .numberedSuffix: text.suffixPattern < suffixPatterns.count
    case .numberedPrefix: text.prefixPattern < prefixPatterns.count
    case .heap: text.heapOffset + text.heapCount <= heap.count
    }
  }
}

extension PatternTable {
  fileprivate func write(_ name: String, to writer: inout SectionWriter) {
    writer.append("\(name).bytes", bytes)
    writer.append("\(name).starts", starts)
    writer.append("\(name).digitCounts", digitCounts)
    writer.append("\(name).slots", slots)
  }

  fileprivate init(validating reader: inout SectionReader, _ name: String) throws(SectionError) {
    bytes = try reader.take("\(name).bytes", as: UInt8.self)
    starts = try reader.takeStarts("\(name).starts", end: bytes.count)
    digitCounts = try reader.take("\(name).digitCounts", count: starts.count - 1)
    for index in 0..<digitCounts.count where Int(digitCounts.pointer[index]) > PackedText.suffixDigitsMax {
      throw .element(
        section: "\(name).digitCounts", index: index, found: "\(digitCounts.pointer[index])",
        expected: "at most \(PackedText.suffixDigitsMax)")
    }
    slots = try reader.take("\(name).slots", as: UInt32.self)
    guard slots.count > digitCounts.count, slots.count & (slots.count - 1) == 0 else {
      throw .count(
        section: "\(name).slots", found: slots.count, expected: "a power of two above \(digitCounts.count)")
    }
    var freeCount = 0
    for index in 0..<slots.count {
      if slots.pointer[index] == 0 { freeCount += 1 }
      guard Int(slots.pointer[index]) <= digitCounts.count else {
        throw .element(
          section: "\(name).slots", index: index, found: "\(slots.pointer[index])",
          expected: "a pattern up to \(digitCounts.count)")
      }
    }
    guard freeCount > 0 else {
      throw .count(section: "\(name).slots", found: freeCount, expected: "a free slot")
    }
  }
}
