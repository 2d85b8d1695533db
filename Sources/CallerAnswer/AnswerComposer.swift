// The last step of the hot path: from matched rows or a position to the bytes of the caller's answer.

import ByteBuffers
import OutageModel
import PointLocation
import Territory

/// Composes answers as JSON objects, copying what the sheet has rendered. One composer serves one thread; in steady state it allocates nothing.
public struct AnswerComposer: ~Copyable {
  private var body = ByteBuffer(capacity: 4096)
  private var hits = HitList()
  private var nearHits = NearList()
  private var locations: [Location] = []

  /// Locations that one answer lists; an account may have more (street lights), which are counted in `locationsOmitted`.
  public static let locationsMax = 100
  /// Affected addresses that are spoken of one by one.
  private static let spokenMax = 3

  public init() { locations.reserveCapacity(Self.locationsMax) }

  private enum Match: UInt8 { case inside, near, none }

  /// How one location lies to the outages.
  private struct Location {
    /// -1 for a position without a service point.
    var row: Int
    var match: Match
    /// The primary outage's number, where there is one.
    var primary: UInt32
    /// All outages that cover a service point; a position's are in `hits`.
    var coveringSet: UInt32
    var distanceMetres: Double
  }

  /// The answer for service points that were found by account, phone, meter or id.
  /// - Parameters:
  ///   - rows: at least one.
  ///   - nearMetres: how far an outage's edge may lie to be told as near; 0 for none.
  ///   - language: a number that the sheet gave.
  /// - Returns: a JSON object in UTF-8; valid until this composer is next used.
  public mutating func answer(
    rows: RowList, nearMetres: Double, language: Int, sheet: AnswerSheet
  ) -> UnsafeRawBufferPointer {
    locations.removeAll(keepingCapacity: true)
    for row in rows.prefix(Self.locationsMax) {
      locations.append(locate(row: row, nearMetres: nearMetres, sheet))
    }
    compose(omitted: rows.count - locations.count, language: sheet.languages[language], sheet)
    return body.bytes
  }

  /// The answer for a position on WGS 84.
  public mutating func answer(
    position: LonLat, nearMetres: Double, language: Int, sheet: AnswerSheet
  ) -> UnsafeRawBufferPointer {
    locations.removeAll(keepingCapacity: true)
    sheet.territory.polygons.covering(x: position.lonDegrees, y: position.latDegrees, into: &hits)
    var location = Location(row: -1, match: .none, primary: 0, coveringSet: 0, distanceMetres: 0)
    if hits.count > 0 {
      location.match = .inside
      location.primary = hits[PrimaryOutage.position(in: hits.ids, phases: sheet.phases.buffer)]
    } else {
      findNear(position, nearMetres, sheet, &location)
    }
    locations.append(location)
    self.position = position
    compose(omitted: 0, language: sheet.languages[language], sheet)
    return body.bytes
  }

  private var position = LonLat(lonDegrees: 0, latDegrees: 0)

  // MARK: Matching

  @inline(__always)
  private mutating func locate(row: Int, nearMetres: Double, _ sheet: AnswerSheet) -> Location {
    let set = sheet.territory.coverage.setOfPoint[row]
    var location = Location(row: row, match: .none, primary: 0, coveringSet: set, distanceMetres: 0)
    if set != 0 {
      let covering = sheet.territory.coverage.polygons(ofSet: set)
      location.match = .inside
      location.primary = covering[PrimaryOutage.position(in: covering, phases: sheet.phases.buffer)]
    } else if nearMetres > 0 {
      findNear(sheet.territory.servicePoints.position(row: row), nearMetres, sheet, &location)
    }
    return location
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

  private mutating func compose(omitted: Int, language: LanguageSheet, _ sheet: AnswerSheet) {
    body.removeAll(keepingAtMost: 1 << 20)
    var best = Match.none
    for location in locations where location.match.rawValue < best.rawValue { best = location.match }
    body.append("{\"match\":\"")
    append(best)
    body.append(UnsafeRawBufferPointer(sheet.head.buffer))
    for index in locations.indices {
      if index > 0 { body.append(UInt8(ascii: ",")) }
      append(locations[index], sheet)
    }
    if omitted > 0 {
      body.append("],\"locationsOmitted\":")
      body.append(decimal: omitted)
      body.append(",\"say\":\"")
    } else {
      body.append("],\"say\":\"")
    }
    if locations.count == 1 {
      appendSay(locations[0], language)
    } else {
      appendSayOfSeveral(best: best, omitted: omitted, language, sheet)
    }
    body.append("\"}")
  }

  private mutating func append(_ match: Match) {
    switch match {
    case .inside: body.append("inside")
    case .near: body.append("near")
    case .none: body.append("none")
    }
  }

  @inline(__always)
  private mutating func append(_ location: Location, _ sheet: AnswerSheet) {
    if location.row >= 0 {
      let table = sheet.territory.servicePoints
      body.append("{\"servicePointId\":\"")
      append(.servicePointId, location.row, table)
      body.append("\",\"accountId\":")
      if table.packedText(.accountId, row: location.row).isEmpty {
        body.append("null")
      } else {
        body.append(UInt8(ascii: "\""))
        append(.accountId, location.row, table)
        body.append(UInt8(ascii: "\""))
      }
      body.append(",\"address\":\"")
      appendAddress(location.row, table)
      body.append("\",\"match\":\"")
    } else {
      body.append("{\"lonDegrees\":")
      append(position.lonDegrees)
      body.append(",\"latDegrees\":")
      append(position.latDegrees)
      body.append(",\"match\":\"")
    }
    append(location.match)
    switch location.match {
    case .none:
      body.append("\",\"outage\":null,\"alsoIn\":[]}")
    case .near:
      body.append("\",\"distanceMetres\":")
      append(tenths: location.distanceMetres)
      body.append(",\"outage\":")
      body.append(sheet.outageObjects[Int(location.primary)])
      body.append(",\"alsoIn\":[]}")
    case .inside:
      body.append("\",\"outage\":")
      body.append(sheet.outageObjects[Int(location.primary)])
      body.append(",\"alsoIn\":[")
      let covering =
        location.row >= 0 ? sheet.territory.coverage.polygons(ofSet: location.coveringSet) : hits.ids
      var isFirst = true
      for outage in covering where outage != location.primary {
        if !isFirst { body.append(UInt8(ascii: ",")) }
        isFirst = false
        body.append(sheet.outageIds[Int(outage)])
      }
      body.append("]}")
    }
  }

  /// Appends a cell's text, JSON-escaped.
  @inline(__always)
  private mutating func append(_ column: ServicePointTable.TextColumn, _ row: Int, _ table: ServicePointTable)
  {
    appendEscaped { table.write(column, row: row, to: $0) }
  }

  /// `12 Oak St, Unit 4, Davis 95616`, as much of it as there is.
  @inline(__always)
  private mutating func appendAddress(_ row: Int, _ table: ServicePointTable) {
    appendEscaped { table.writeAddress(row: row, to: $0) }
  }

  /// Appends what `write` writes, JSON-escaped where it has to be.
  /// - Parameter write: returns the number of bytes that it wrote, or, where there is too little room, less one times those that it needs.
  @inline(__always)
  private mutating func appendEscaped(_ write: (UnsafeMutableRawBufferPointer) -> Int) {
    let start = body.count
    body.reserve(Self.textRoom)
    var count = write(body.freeSpace)
    if count < 0 {
      body.reserve(-count)
      count = write(body.freeSpace)
    }
    let text = UnsafeRawBufferPointer(rebasing: body.freeSpace[..<count])
    let isClean = !Self.needsEscapes(text)
    body.didFill(count)
    if isClean { return }
    let raw = Array(body.bytes[start...])
    body.truncate(to: start)
    raw.withUnsafeBytes { body.append(jsonEscaped: $0) }
  }

  /// Room that nearly all texts find sufficient.
  private static let textRoom = 256

  /// Whether JSON wants a byte of the text escaped: a control character, a quote or a backslash. Eight bytes at a time (Anderson, *Bit Twiddling
  /// Hacks*: "determine if a word has a byte less than n").
  private static func needsEscapes(_ text: UnsafeRawBufferPointer) -> Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    var offset = 0
    while offset + 8 <= text.count {
      let word = text.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      let quotes = word ^ (0x22 &* ones)
      let backslashes = word ^ (0x5C &* ones)
      let found =
        (word &- 0x20 &* ones) & ~word | (quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes
      if found & highs != 0 { return true }
      offset += 8
    }
    while offset < text.count {
      let byte = text[offset]
      if byte < 0x20 || byte == 0x22 || byte == 0x5C { return true }
      offset += 1
    }
    return false
  }

  /// The shortest decimal text that reads back as the same number; JSON takes it as it is.
  private mutating func append(_ number: Double) {
    // Up to nine decimals, the number is a whole one of billionths, and the division below is the nearest double to that text.
    let billionths = (number * 1e9).rounded()
    guard number.magnitude <= 180, billionths / 1e9 == number else { return body.append(utf8Of: "\(number)") }
    if number < 0 { body.append(UInt8(ascii: "-")) }
    let (whole, rest) = Int(billionths.magnitude).quotientAndRemainder(dividingBy: 1_000_000_000)
    body.append(decimal: whole)
    body.append(UInt8(ascii: "."))
    var fraction = rest
    var place = 100_000_000
    repeat {
      body.append(UInt8(truncatingIfNeeded: 48 + fraction / place))
      fraction %= place
      place /= 10
    } while fraction > 0
  }

  /// A distance with one decimal.
  private mutating func append(tenths number: Double) {
    let tenths = Int((number * 10).rounded())
    body.append(decimal: tenths / 10)
    body.append(UInt8(ascii: "."))
    body.append(decimal: tenths % 10)
  }

  // MARK: Speech

  private mutating func appendSay(_ location: Location, _ language: LanguageSheet) {
    switch location.match {
    case .inside: body.append(language.inside[Int(location.primary)])
    case .near: body.append(language.near[Int(location.primary)])
    case .none: body.append(language.fixed(.none))
    }
  }

  private mutating func appendSayOfSeveral(
    best: Match, omitted: Int, _ language: LanguageSheet, _ sheet: AnswerSheet
  ) {
    append(language.severalIntro, number: locations.count + omitted)
    body.append(UInt8(ascii: " "))
    if best == .none {
      body.append(language.fixed(.severalNone))
      return
    }
    var affected = 0
    // Those inside are spoken of before those near.
    for match in [Match.inside, .near] {
      for location in locations where location.match == match {
        affected += 1
        if affected > Self.spokenMax { continue }
        if affected > 1 { body.append(UInt8(ascii: " ")) }
        body.append(language.severalAt[0])
        let table = sheet.territory.servicePoints
        let hasAddress = !table.packedText(.addressLine, row: location.row).isEmpty
        append(hasAddress ? .addressLine : .servicePointId, location.row, table)
        body.append(language.severalAt[1])
        appendSay(location, language)
        body.append(language.severalAt[2])
      }
    }
    if affected > Self.spokenMax {
      body.append(UInt8(ascii: " "))
      append(language.severalMore, number: affected - Self.spokenMax)
    }
  }

  private mutating func append(_ template: RenderedTexts, number: Int) {
    body.append(template[0])
    body.append(decimal: number)
    body.append(template[1])
  }
}
