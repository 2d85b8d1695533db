// The service-point table, its texts and its indexes to and from flat sections.

import PointLocation

extension ServicePointTable {
  /// Appends the sections of the table; nothing is copied.
  func write(to writer: inout SectionWriter) {
    points.write(to: &writer)
    pool.write(to: &writer)
    writer.append("servicePoints.names", names)
    writer.append("servicePoints.rows", rows)
    writer.append("servicePoints.extraPhones", extraPhones.digits)
    writer.append("servicePoints.extraPhoneRows", extraPhones.rows)
    byServicePoint.write("servicePoints.byId", to: &writer)
    byAccount.write("servicePoints.byAccount", to: &writer)
    byMeter.write("servicePoints.byMeter", to: &writer)
    byPhone.write("servicePoints.byPhone", to: &writer)
  }

  convenience init(validating reader: inout SectionReader, addressVersion: Int) throws(SectionError) {
    let points = try PointIndex(validating: &reader)
    let rowCount = points.count
    let pool = try TextPool(validating: &reader)
    let names = try reader.take("servicePoints.names", as: PackedText.self)
    for index in 0..<names.count where !pool.holds(names.pointer[index]) {
      throw .element(
        section: "servicePoints.names", index: index, found: names.pointer[index].description,
        expected: "a text of this table")
    }
    let rows: FlatArray<ServicePointRow> = try reader.take("servicePoints.rows", count: rowCount)
    for index in 0..<rowCount where !rows.pointer[index].isHeld(by: pool, nameCount: UInt32(names.count)) {
      throw .element(
        section: "servicePoints.rows", index: index, found: rows.pointer[index].description,
        expected: "texts of this table and names below \(names.count)")
    }
    let extraPhoneDigits = try reader.take("servicePoints.extraPhones", as: UInt64.self)
    let extraPhones = ExtraPhones(
      digits: extraPhoneDigits,
      rows: try reader.take("servicePoints.extraPhoneRows", count: extraPhoneDigits.count))
    let byId = try KeyIndex(validating: &reader, "servicePoints.byId", rowCount: rowCount)
    let byAccount = try KeyIndex(validating: &reader, "servicePoints.byAccount", rowCount: rowCount)
    let byMeter = try KeyIndex(validating: &reader, "servicePoints.byMeter", rowCount: rowCount)
    let byPhone = try KeyIndex(validating: &reader, "servicePoints.byPhone", rowCount: rowCount)
    self.init(
      addressVersion: addressVersion, points: points, pool: pool, rows: rows, names: names,
      extraPhones: extraPhones, indexes: (byId, byAccount, byMeter, byPhone))
  }
}

extension KeyIndex {
  func write(_ name: String, to writer: inout SectionWriter) {
    writer.append("\(name).slots", slots)
    writer.append("\(name).groupStarts", groupStarts)
    writer.append("\(name).groupRows", groupRows)
  }

  init(validating reader: inout SectionReader, _ name: String, rowCount: Int) throws(SectionError) {
    let slots = try reader.take("\(name).slots", as: UInt32.self)
    let starts = try reader.take("\(name).groupStarts", as: UInt32.self)
    let groupRows = try reader.take("\(name).groupRows", as: UInt32.self)
    // Each group has a row, which a look-up compares.
    try SectionReader.checkStarts("\(name).groupStarts", starts, end: groupRows.count, step: 1)
    for index in 0..<groupRows.count where Int(groupRows.pointer[index]) >= rowCount {
      throw .element(
        section: "\(name).groupRows", index: index, found: "\(groupRows.pointer[index])",
        expected: "a row below \(rowCount)")
    }
    guard slots.count > 0, slots.count % Self.lineSlots == 0 else {
      throw .count(
        section: "\(name).slots", found: slots.count, expected: "a multiple of \(Self.lineSlots) above 0")
    }
    self.init(slots: slots, groupStarts: starts, groupRows: groupRows, rowCount: rowCount)
    let valueMax = UInt32(rowCount + starts.count - 1)
    let valueMask = valueMask
    // Without branches, as there are a few million of them; which one is wrong is only asked where one is.
    func isValid(_ slot: UInt32) -> Bool {
      // A value of 0 stands in no slot but a free one.
      slot == 0 || slot & valueMask &- 1 < valueMax
    }
    var (freeCount, faultCount) = (0, 0)
    for slot in slots.buffer {
      freeCount &+= slot == 0 ? 1 : 0
      faultCount &+= isValid(slot) ? 0 : 1
    }
    if faultCount > 0, let index = slots.buffer.firstIndex(where: { !isValid($0) }) {
      throw .element(
        section: "\(name).slots", index: index, found: "0x" + String(slots.pointer[index], radix: 16),
        expected: "a row or a group, 1 to \(valueMax)")
    }
    // A look-up ends at a free slot.
    guard freeCount > 0 else {
      throw .count(section: "\(name).slots", found: freeCount, expected: "a free slot")
    }
  }
}

extension ServicePointRow {
  /// Whether the row's texts can be read from this pool and its names are among so many.
  @inline(__always)
  fileprivate func isHeld(by pool: TextPool, nameCount: UInt32) -> Bool {
    pool.holds(servicePointId) && pool.holds(accountId) && pool.holds(meterId) && pool.holds(addressLine)
      && pool.holds(transformerId) && max(max(unit, city), max(postalCode, feederId)) < nameCount
  }

  fileprivate var description: String {
    let texts = [servicePointId, accountId, meterId, addressLine, transformerId].map(\.description)
    return (texts + [unit, city, postalCode, feederId].map { String($0) }).joined(separator: ", ")
  }
}

extension PackedText {
  fileprivate var description: String { "0x" + String(bits, radix: 16) }
}

extension TextPool {
  func write(to writer: inout SectionWriter) {
    writer.append("texts.heap", heap)
    suffixPatterns.write("texts.suffixPatterns", to: &writer)
    prefixPatterns.write("texts.prefixPatterns", to: &writer)
  }

  init(validating reader: inout SectionReader) throws(SectionError) {
    heap = try reader.take("texts.heap", as: UInt8.self)
    suffixPatterns = try PatternTable(validating: &reader, "texts.suffixPatterns", bareNumbers: true)
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

  /// - Parameter bareNumbers: whether the first texts are empty, and each has as many digits as its index says.
  fileprivate init(
    validating reader: inout SectionReader, _ name: String, bareNumbers: Bool = false
  ) throws(SectionError) {
    bytes = try reader.take("\(name).bytes", as: UInt8.self)
    starts = try reader.takeStarts("\(name).starts", end: max(0, bytes.count - Self.paddingBytes))
    guard bytes.count >= Self.paddingBytes else {
      throw .count(
        section: "\(name).bytes", found: bytes.count, expected: "at least \(Self.paddingBytes) bytes")
    }
    for index in 1..<starts.count
    where Int(starts.pointer[index] - starts.pointer[index - 1]) > Self.textBytesMax {
      throw .element(
        section: "\(name).starts", index: index, found: "\(starts.pointer[index])",
        expected: "at most \(starts.pointer[index - 1]) + \(Self.textBytesMax)")
    }
    let count = starts.count - 1
    digitCounts = try reader.take("\(name).digitCounts", count: count)
    for index in 0..<digitCounts.count where Int(digitCounts.pointer[index]) > PackedText.suffixDigitsMax {
      throw .element(
        section: "\(name).digitCounts", index: index, found: "\(digitCounts.pointer[index])",
        expected: "at most \(PackedText.suffixDigitsMax)")
    }
    if bareNumbers {
      for index in 0...PackedText.suffixDigitsMax {
        guard index < count, starts.pointer[index + 1] == 0, Int(digitCounts.pointer[index]) == index else {
          throw .count(
            section: "\(name).digitCounts", found: count,
            expected: "first an empty text for each number of digits, 0 to \(PackedText.suffixDigitsMax)")
        }
      }
    }
    slots = try reader.take("\(name).slots", as: UInt32.self)
    guard slots.count >= Self.slotsMin, slots.count & (slots.count - 1) == 0, slots.count >= 2 * count else {
      throw .count(
        section: "\(name).slots", found: slots.count,
        expected: "a power of two, \(max(Self.slotsMin, 2 * count)) at least")
    }
    var takenCount = 0
    for index in 0..<slots.count where slots.pointer[index] != 0 {
      takenCount += 1
      guard Int(slots.pointer[index]) <= count else {
        throw .element(
          section: "\(name).slots", index: index, found: "\(slots.pointer[index])",
          expected: "a text, 1 to \(count), or 0")
      }
    }
    // A search ends at a free slot.
    guard takenCount == count else {
      throw .count(
        section: "\(name).slots", found: takenCount, expected: "\(count) that are taken")
    }
  }
}
