// The outages of a layer to and from flat sections: texts, numbers and areas, each kind in arrays of its own.

import OutageModel
import PointLocation

/// The columns of the sections, in their order. A new field of `Outage` needs a place here, and the snapshot file a new version.
private enum OutageFields {
  static let textCount = 11
  static let numberCount = 5
  /// Stands in front of each text that is there, so that an empty text is not none.
  static let textMark: UInt8 = 1
  static let noNumber = Int64.min
}

extension OutageTable {
  /// The name of the first of the table's sections.
  public static let firstSection = "outages.texts"

  /// Appends the sections of the table, its version not among them.
  func write(to writer: inout SectionWriter) {
    var texts: [UInt8] = []
    var textStarts: [UInt32] = [0]
    var numbers: [Int64] = []
    var coordinateCount = 0
    var ringStarts: [Int32] = []
    var polygonStarts: [Int32] = []
    var areaStarts: [UInt32] = [0, 0, 0]
    textStarts.reserveCapacity(count * OutageFields.textCount + 1)
    numbers.reserveCapacity(count * OutageFields.numberCount)
    for outage in outages {
      for text in [
        outage.outageId, outage.kind.text, outage.status.text, outage.cause, outage.causeKind?.text,
        outage.ertConfidence?.text, outage.ertSource?.text, outage.crewStatus?.text, outage.feederId,
        outage.communityDescriptor, outage.message,
      ] {
        if let text {
          texts.append(OutageFields.textMark)
          texts.append(contentsOf: text.utf8)
        }
        textStarts.append(UInt32(texts.count))
      }
      for moment in [outage.startedAt, outage.estimatedRestorationAt, outage.updatedAt] {
        numbers.append(moment?.millisecondsSinceEpoch ?? OutageFields.noNumber)
      }
      for number in [outage.customersAffected, outage.customersRestored] {
        numbers.append(number.map(Int64.init) ?? OutageFields.noNumber)
      }
      coordinateCount += 2 * outage.area.vertexCount
      ringStarts.append(contentsOf: outage.area.ringStarts)
      polygonStarts.append(contentsOf: outage.area.polygonStarts)
      areaStarts.append(UInt32(coordinateCount / 2))
      areaStarts.append(UInt32(ringStarts.count))
      areaStarts.append(UInt32(polygonStarts.count))
    }
    writer.append(Self.firstSection, FlatArray(texts))
    writer.append("outages.textStarts", FlatArray(textStarts))
    writer.append("outages.numbers", FlatArray(numbers))
    writer.append("outages.coordinates") { [outages, coordinateCount] in
      FlatArray<Double>(count: coordinateCount) { target in
        var rest = target[...]
        for outage in outages {
          rest = outage.area.withCoordinates { rest[rest.update(fromContentsOf: $0)...] }
        }
      }
    }
    writer.append("outages.ringStarts", FlatArray(ringStarts))
    writer.append("outages.polygonStarts", FlatArray(polygonStarts))
    writer.append("outages.areaStarts", FlatArray(areaStarts))
    writer.append("outages.areasSquareMetres", FlatArray(areasSquareMetres))
  }

  /// - Parameter layer: the version that the sections were made of.
  /// - Throws: `SectionError` for the first thing that does not fit.
  public init(validating reader: inout SectionReader, layer: LayerVersion?) throws(SectionError) {
    let texts = try reader.take(Self.firstSection, as: UInt8.self)
    let textStarts = try reader.takeStarts("outages.textStarts", end: texts.count)
    guard (textStarts.count - 1) % OutageFields.textCount == 0 else {
      throw .count(
        section: "outages.textStarts", found: textStarts.count,
        expected: "a multiple of \(OutageFields.textCount), and one")
    }
    let count = (textStarts.count - 1) / OutageFields.textCount
    let numbers: FlatArray<Int64> = try reader.take(
      "outages.numbers", count: count * OutageFields.numberCount)
    let coordinates = try reader.take("outages.coordinates", as: Double.self)
    let ringStarts = try reader.take("outages.ringStarts", as: Int32.self)
    let polygonStarts = try reader.take("outages.polygonStarts", as: Int32.self)
    let areaStarts: FlatArray<UInt32> = try reader.take("outages.areaStarts", count: 3 * (count + 1))
    let areas: FlatArray<Double> = try reader.take("outages.areasSquareMetres", count: count)

    /// What outage `number` has of an array, whose places stand in every third element of `areaStarts`.
    func part<Element>(
      _ number: Int, of array: FlatArray<Element>, _ offset: Int, scale: Int = 1
    ) throws(SectionError) -> UnsafeBufferPointer<Element> {
      let start = Int(areaStarts.pointer[3 * number + offset]) * scale
      let end = Int(areaStarts.pointer[3 * number + 3 + offset]) * scale
      guard start <= end, end <= array.count else {
        throw .element(
          section: "outages.areaStarts", index: 3 * number + offset, found: "\(start), then \(end)",
          expected: "ascending places up to \(array.count)")
      }
      return UnsafeBufferPointer(start: array.pointer + start, count: end - start)
    }
    var outages: [Outage] = []
    outages.reserveCapacity(count)
    for number in 0..<count {
      let ofArea = try part(number, of: coordinates, 0, scale: 2)
      let area = OutageArea(
        AreaCoordinates(
          leaningOn: coordinates.storage, at: ofArea.baseAddress.unsafelyUnwrapped, count: ofArea.count),
        ringStarts: Array(try part(number, of: ringStarts, 1)),
        polygonStarts: Array(try part(number, of: polygonStarts, 2)))
      guard let area else {
        throw .element(
          section: "outages.ringStarts", index: number, found: "starts that do not fit together",
          expected: "an area")
      }
      let first = number * OutageFields.textCount
      func text(_ column: Int) -> String? {
        let start = Int(textStarts.pointer[first + column])
        let end = Int(textStarts.pointer[first + column + 1])
        if start == end { return nil }
        return String(
          decoding: UnsafeBufferPointer(start: texts.pointer + start + 1, count: end - start - 1),
          as: UTF8.self)
      }
      func number64(_ column: Int) -> Int64? {
        let value = numbers.pointer[number * OutageFields.numberCount + column]
        return value == OutageFields.noNumber ? nil : value
      }
      func moment(_ column: Int) -> Timestamp? {
        number64(column).map { Timestamp(millisecondsSinceEpoch: $0) }
      }
      var outage = Outage(outageId: text(0) ?? "", area: area)
      outage.kind = Coded(text(1) ?? "")
      outage.status = Coded(text(2) ?? "")
      outage.cause = text(3)
      outage.causeKind = text(4).map { Coded($0) }
      outage.ertConfidence = text(5).map { Coded($0) }
      outage.ertSource = text(6).map { Coded($0) }
      outage.crewStatus = text(7).map { Coded($0) }
      outage.feederId = text(8)
      outage.communityDescriptor = text(9)
      outage.message = text(10)
      outage.startedAt = moment(0)
      outage.estimatedRestorationAt = moment(1)
      outage.updatedAt = moment(2)
      outage.customersAffected = number64(3).map { Int($0) }
      outage.customersRestored = number64(4).map { Int($0) }
      outages.append(outage)
    }
    self.init(layer: layer, ranked: outages, areasSquareMetres: Array(areas.buffer))
  }
}
