// The last step of the hot path: from matched rows or a position to the bytes of the caller's answer.

import ByteBuffers
internal import CCacheLine
import OutageModel
import PointLocation
import Territory

/// Composes answers as JSON objects, copying what the sheet has rendered. One composer serves one thread; in steady state it allocates nothing.
public struct AnswerComposer: ~Copyable {
  private var hits = HitList()
  private var batch = CoveringBatch()
  // Invariant: room for `positionsMax` elements.
  private let lonsDegrees: UnsafeMutablePointer<Double>
  private let latsDegrees: UnsafeMutablePointer<Double>
  private var nearHits = NearList()
  // Invariant: room for `locationsMax` elements, of which the first `locationCount` belong to the answer that is being composed.
  private let locations: UnsafeMutablePointer<Location>
  private var locationCount = 0
  /// A text before it is escaped.
  private var raw = ByteBuffer()
  /// A position that is asked for itself, and all outages that cover it.
  private var position = LonLat(lonDegrees: 0, latDegrees: 0)
  private var coveringPosition = UnsafeBufferPointer<UInt32>(start: nil, count: 0)

  /// Locations that one answer lists; an account may have more (street lights), which are counted in `locationsOmitted`.
  public static let locationsMax = 100
  /// Positions that are found at once.
  public static let positionsMax = CoveringBatch.size
  /// Affected addresses that are spoken of one by one.
  private static let spokenMax = 3

  public init() {
    locations = .allocate(capacity: Self.locationsMax)
    lonsDegrees = .allocate(capacity: Self.positionsMax)
    latsDegrees = .allocate(capacity: Self.positionsMax)
  }

  deinit {
    locations.deallocate()
    lonsDegrees.deallocate()
    latsDegrees.deallocate()
  }

  private enum Match: UInt8 { case inside, near, none }

  /// How one location lies to the outages.
  private struct Location: BitwiseCopyable {
    /// -1 for a position without a service point.
    var row: Int
    var match: Match
    /// The primary outage's number, where there is one.
    var primary: UInt32
    /// All outages that cover a service point; a position's are in `coveringPosition`.
    var coveringSet: UInt32
    var distanceMetres: Double
  }

  /// Appends the answer for service points that were found by account, phone, meter or id: a JSON object in UTF-8.
  /// - Parameters:
  ///   - rows: at least one.
  ///   - nearMetres: how far an outage's edge may lie to be told as near; 0 for none.
  ///   - language: a number that the sheet gave.
  public mutating func answer(
    rows: RowList, nearMetres: Double, language: Int, sheet: AnswerSheet, into output: inout ByteBuffer
  ) {
    locationCount = min(rows.count, Self.locationsMax)
    sheet.withLanguage(language) { language in
      for index in 0..<locationCount {
        locations[index] = locate(row: rows[index], nearMetres: nearMetres, sheet, language)
      }
      compose(omitted: rows.count - locationCount, language, sheet, &output)
    }
  }

  /// Appends the answer for a position on WGS 84, likewise.
  public mutating func answer(
    position: LonLat, nearMetres: Double, language: Int, sheet: AnswerSheet, into output: inout ByteBuffer
  ) {
    sheet.territory.polygons.covering(x: position.lonDegrees, y: position.latDegrees, into: &hits)
    (self.position, coveringPosition) = (position, hits.ids)
    answerPosition(nearMetres, language, sheet, &output)
  }

  /// Finds what covers several positions on WGS 84, for `answer(found:)`: together, as that is faster.
  /// - Parameter positions: at most `positionsMax`.
  public mutating func find(positions: [LonLat], sheet: AnswerSheet) {
    precondition(positions.count <= Self.positionsMax, "room for the positions")
    for (number, position) in positions.enumerated() {
      lonsDegrees[number] = position.lonDegrees
      latsDegrees[number] = position.latDegrees
    }
    batch.find(sheet.territory.polygons, xs: lonsDegrees, ys: latsDegrees, count: positions.count)
  }

  /// Appends the answer for one of the positions that were found last, as `answer(position:)` would.
  /// - Parameters:
  ///   - number: its place among them.
  ///   - sheet: in which they were found.
  public mutating func answer(
    found number: Int, nearMetres: Double, language: Int, sheet: AnswerSheet, into output: inout ByteBuffer
  ) {
    position = LonLat(lonDegrees: lonsDegrees[number], latDegrees: latsDegrees[number])
    coveringPosition = batch.hits(of: number)
    answerPosition(nearMetres, language, sheet, &output)
  }

  private mutating func answerPosition(
    _ nearMetres: Double, _ language: Int, _ sheet: AnswerSheet, _ output: inout ByteBuffer
  ) {
    var location = Location(row: -1, match: .none, primary: 0, coveringSet: 0, distanceMetres: 0)
    sheet.withLanguage(language) { language in
      if !coveringPosition.isEmpty {
        location.match = .inside
        location.primary =
          coveringPosition[PrimaryOutage.position(in: coveringPosition, phases: sheet.phases.buffer)]
        Self.prefetch(location.primary, language, sheet)
      } else {
        findNear(position, nearMetres, sheet, &location)
      }
      locations[0] = location
      locationCount = 1
      compose(omitted: 0, language, sheet, &output)
    }
  }

  // MARK: Matching

  @inline(__always)
  private mutating func locate(
    row: Int, nearMetres: Double, _ sheet: AnswerSheet, _ language: LanguageSheet
  ) -> Location {
    let set = sheet.territory.coverage.setOfPoint[row]
    var location = Location(row: row, match: .none, primary: 0, coveringSet: set, distanceMetres: 0)
    if set != 0 {
      let covering = sheet.territory.coverage.polygons(ofSet: set)
      location.match = .inside
      location.primary = covering[PrimaryOutage.position(in: covering, phases: sheet.phases.buffer)]
      Self.prefetch(location.primary, language, sheet)
    } else if nearMetres > 0 {
      findNear(sheet.withServicePoints { $0.position(row: row) }, nearMetres, sheet, &location)
    }
    return location
  }

  /// Begins to fetch what will be copied of an outage, while what stands before it is written.
  @inline(__always)
  private static func prefetch(_ outage: UInt32, _ language: LanguageSheet, _ sheet: AnswerSheet) {
    sheet.outageObjects.prefetch(Int(outage))
    language.inside.prefetch(Int(outage))
  }

  /// The nearest outage in force whose edge lies within the distance; of equally near ones the one that takes precedence. A suspected one only where
  /// there is no other.
  private mutating func findNear(
    _ position: LonLat, _ nearMetres: Double, _ sheet: AnswerSheet, _ location: inout Location
  ) {
    guard nearMetres > 0 else { return }
    sheet.territory.polygons.near(
      x: position.lonDegrees, y: position.latDegrees, withinMetres: nearMetres, into: &nearHits)
    for index in 0..<nearHits.count {
      let hit = nearHits[index]
      guard sheet.phases[Int(hit.polygon)] == .inForce else { continue }
      let isSuspected = hit.polygon >= sheet.firstSuspected
      if location.match == .near {
        let wasSuspected = location.primary >= sheet.firstSuspected
        let isNoBetter =
          wasSuspected == isSuspected
          ? (location.distanceMetres, location.primary) <= (hit.distanceMetres, hit.polygon) : isSuspected
        if isNoBetter { continue }
      }
      location.match = .near
      location.primary = hit.polygon
      location.distanceMetres = hit.distanceMetres
    }
  }

  // MARK: Writing

  private mutating func compose(
    omitted: Int, _ language: LanguageSheet, _ sheet: AnswerSheet, _ output: inout ByteBuffer
  ) {
    var best = locations[0].match
    for index in 1..<max(1, locationCount) where locations[index].match.rawValue < best.rawValue {
      best = locations[index].match
    }
    output.append("{\"match\":\"")
    Self.append(best, &output)
    output.append(UnsafeRawBufferPointer(sheet.head.buffer))
    for index in 0..<locationCount {
      if index > 0 { output.append(UInt8(ascii: ",")) }
      append(locations[index], sheet, &output)
    }
    if omitted > 0 {
      output.append("],\"locationsOmitted\":")
      output.append(decimal: omitted)
      output.append(",\"say\":\"")
    } else {
      output.append("],\"say\":\"")
    }
    if locationCount == 1 {
      Self.appendSay(locations[0], language, &output)
    } else {
      appendSayOfSeveral(best: best, omitted: omitted, language, sheet, &output)
    }
    output.append("\"}")
  }

  @inline(__always)
  private static func append(_ match: Match, _ output: inout ByteBuffer) {
    switch match {
    case .inside: output.append("inside")
    case .near: output.append("near")
    case .none: output.append("none")
    }
  }

  @inline(__always)
  private mutating func append(_ location: Location, _ sheet: AnswerSheet, _ output: inout ByteBuffer) {
    if location.row >= 0 {
      sheet.withServicePoints { appendServicePoint(location.row, $0, &output) }
      output.append("\",\"match\":\"")
    } else {
      output.append("{\"lonDegrees\":")
      Self.append(position.lonDegrees, &output)
      output.append(",\"latDegrees\":")
      Self.append(position.latDegrees, &output)
      output.append(",\"match\":\"")
    }
    Self.append(location.match, &output)
    switch location.match {
    case .none:
      output.append("\",\"outage\":null,\"alsoIn\":[]}")
    case .near:
      output.append("\",\"distanceMetres\":")
      Self.append(tenths: location.distanceMetres, &output)
      output.append(",\"outage\":")
      output.append(sheet.outageObjects[Int(location.primary)])
      output.append(",\"alsoIn\":[]}")
    case .inside:
      output.append("\",\"outage\":")
      output.append(sheet.outageObjects[Int(location.primary)])
      output.append(",\"alsoIn\":[")
      sheet.outageIds.append(
        location.row >= 0 ? sheet.territory.coverage.polygons(ofSet: location.coveringSet) : coveringPosition,
        but: location.primary, to: &output)
      output.append("]}")
    }
  }

  /// Appends a row's ids and its address, the last text's quote not yet closed.
  @inline(__always)
  private mutating func appendServicePoint(
    _ row: Int, _ table: ServicePointTable, _ output: inout ByteBuffer
  ) {
    let needsEscapes = table.needsEscapes(row: row)
    let bound = table.answerByteCountBound(row: row)
    output.reserve(bound + 64)
    output.append("{\"servicePointId\":\"")
    appendText(bound, needsEscapes, &output) { table.write(.servicePointId, row: row, to: $0) }
    output.append("\",\"accountId\":")
    let start = output.count
    output.append(UInt8(ascii: "\""))
    appendText(bound, needsEscapes, &output) { table.write(.accountId, row: row, to: $0) }
    if output.count == start + 1 {
      output.truncate(to: start)
      output.append("null,\"address\":\"")
    } else {
      output.append("\",\"address\":\"")
    }
    appendText(bound, needsEscapes, &output) { table.writeAddress(row: row, to: $0) }
  }

  /// Appends what `write` writes into room for `byteCountBound` bytes, JSON-escaped where the row needs it.
  @inline(__always)
  private mutating func appendText(
    _ byteCountBound: Int, _ needsEscapes: Bool, _ output: inout ByteBuffer,
    _ write: (UnsafeMutablePointer<UInt8>) -> Int
  ) {
    guard _slowPath(needsEscapes) else {
      output.append(atMost: byteCountBound, write)
      return
    }
    raw.removeAll(keepingAtMost: 1 << 20)
    raw.append(atMost: byteCountBound, write)
    output.append(jsonEscaped: raw.bytes)
  }

  /// The shortest decimal text that reads back as the same number; JSON takes it as it is.
  private static func append(_ number: Double, _ output: inout ByteBuffer) {
    // Up to nine decimals, the number is a whole one of billionths, and the division below is the nearest double to that text.
    let billionths = (number * 1e9).rounded()
    guard number.magnitude <= 180, billionths / 1e9 == number else {
      return output.append(utf8Of: "\(number)")
    }
    if number < 0 { output.append(UInt8(ascii: "-")) }
    let (whole, rest) = Int(billionths.magnitude).quotientAndRemainder(dividingBy: 1_000_000_000)
    output.append(decimal: whole)
    output.append(UInt8(ascii: "."))
    var fraction = rest
    var place = 100_000_000
    repeat {
      output.append(UInt8(truncatingIfNeeded: 48 + fraction / place))
      fraction %= place
      place /= 10
    } while fraction > 0
  }

  /// A distance with one decimal.
  private static func append(tenths number: Double, _ output: inout ByteBuffer) {
    let tenths = Int((number * 10).rounded())
    output.append(decimal: tenths / 10)
    output.append(UInt8(ascii: "."))
    output.append(decimal: tenths % 10)
  }

  // MARK: Speech

  @inline(__always)
  private static func appendSay(
    _ location: Location, _ language: LanguageSheet, _ output: inout ByteBuffer
  ) {
    switch location.match {
    case .inside: output.append(language.inside[Int(location.primary)])
    case .near: output.append(language.near[Int(location.primary)])
    case .none: output.append(language.fixed(.none))
    }
  }

  private mutating func appendSayOfSeveral(
    best: Match, omitted: Int, _ language: LanguageSheet, _ sheet: AnswerSheet, _ output: inout ByteBuffer
  ) {
    Self.append(language.severalIntro, number: locationCount + omitted, &output)
    output.append(UInt8(ascii: " "))
    if best == .none {
      output.append(language.fixed(.severalNone))
      return
    }
    var affected = 0
    // Those inside are spoken of before those near.
    for match in [Match.inside, .near] {
      for index in 0..<locationCount where locations[index].match == match {
        affected += 1
        if affected > Self.spokenMax { continue }
        if affected > 1 { output.append(UInt8(ascii: " ")) }
        output.append(language.severalAt[0])
        let row = locations[index].row
        let table = sheet.territory.servicePoints
        let addressLine = table.packedText(.addressLine, row: row)
        let place = addressLine.isEmpty ? table.packedText(.servicePointId, row: row) : addressLine
        appendText(table.byteCountBound(place), table.needsEscapes(row: row), &output) {
          table.write(place, to: $0)
        }
        output.append(language.severalAt[1])
        Self.appendSay(locations[index], language, &output)
        output.append(language.severalAt[2])
      }
    }
    if affected > Self.spokenMax {
      output.append(UInt8(ascii: " "))
      Self.append(language.severalMore, number: affected - Self.spokenMax, &output)
    }
  }

  private static func append(_ template: RenderedTexts, number: Int, _ output: inout ByteBuffer) {
    output.append(template[0])
    output.append(decimal: number)
    output.append(template[1])
  }
}
