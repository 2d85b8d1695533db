// Holds answers against what they should be: every location, every outage, the primary one, and the layer version.

import CLoadSystem
import Glibc
import OutageModel

/// How one answer was.
public enum Verdict: Equatable, Sendable {
  case right
  /// It says something else than it should.
  case wrong(String)
}

/// Checks the answers that one thread receives.
///
/// The sets of outages come from GEOS; the primary outage from the documented order of precedence and from the clock, which decides whether a
/// planned outage has begun.
public struct AnswerCheck: ~Copyable {
  private let table: RequestTable
  private let layers: [LoadPlan.Layer]
  private let versions: LayerVersions
  private let clock: () -> Timestamp
  private var knownVersion = -1
  private var knownLayer = -1
  /// By layer and set: what stands behind `"match":"`, and what stands behind `"alsoIn":[`.
  private var expected: [[Expectation?]]

  private struct Expectation {
    var match: [UInt8]
    var alsoIn: [UInt8]
  }

  /// How far the server's rendering may lag behind the clock.
  private static let renderingLagSeconds: Int64 = 5

  public init(
    table: RequestTable, plan: LoadPlan, versions: LayerVersions, clock: @escaping () -> Timestamp
  ) {
    self.table = table
    layers = plan.layers
    self.versions = versions
    self.clock = clock
    expected = plan.layers.map { [Expectation?](repeating: nil, count: $0.sets.count) }
  }

  /// - Parameters:
  ///   - body: the content of a bulk reply; `nil` for a null reply.
  ///   - entry: of the request table.
  ///   - versionMin: the version that was acknowledged when the request was sent.
  ///   - lastVersion: the version of the connection's last answer; becomes this one's.
  public mutating func check(
    _ body: UnsafeRawBufferPointer?, entry: Int, versionMin: Int, lastVersion: inout Int
  ) -> Verdict {
    let request = table.entries[entry]
    guard let body else {
      return request.locations.isEmpty ? .right : .wrong("null for something that is known")
    }
    if request.locations.isEmpty { return .wrong("an answer for an unknown account") }

    var cursor = Cursor(body)
    guard cursor.skip("{\"match\":\""), let overall = cursor.word(), cursor.skip("\",\"layerVersion\":"),
      let version = cursor.number()
    else { return .wrong("not an answer: \(Self.excerpt(body))") }
    guard version >= versionMin else {
      return .wrong("version \(version), asked after version \(versionMin) was acknowledged")
    }
    guard version >= lastVersion else { return .wrong("version \(version) after version \(lastVersion)") }
    lastVersion = version
    if version != knownVersion {
      guard let layer = versions.layer(ofVersion: version) else {
        return .wrong("version \(version), which nobody published")
      }
      (knownVersion, knownLayer) = (version, layer)
    }
    guard cursor.find("\"locations\":[") else { return .wrong("no locations: \(Self.excerpt(body))") }

    var isAnyInside = false
    for location in request.locations {
      if location > request.locations.lowerBound, !cursor.skip(",") {
        return .wrong("fewer locations than \(request.locations.count): \(Self.excerpt(body))")
      }
      let place = table.locations[location]
      guard table.texts.withUnsafeBytes({ cursor.skip(UnsafeRawBufferPointer(rebasing: $0[place.head])) }),
        cursor.find("\"match\":\"")
      else { return .wrong("another location: \(Self.excerpt(body))") }
      let set = Int(table.setNumbers[place.firstSet + knownLayer])
      if set != 0 { isAnyInside = true }
      if let fault = check(&cursor, set: set) { return .wrong("\(fault): \(Self.excerpt(body))") }
    }
    if request.omittedCount > 0 {
      guard cursor.skip("],\"locationsOmitted\":"), cursor.number() == request.omittedCount else {
        return .wrong("not \(request.omittedCount) omitted locations")
      }
    } else if !cursor.skip("]") {
      return .wrong("more locations than \(request.locations.count): \(Self.excerpt(body))")
    }
    guard overall.elementsEqual((isAnyInside ? "inside" : "none").utf8) else {
      return .wrong("the overall match: \(Self.excerpt(body))")
    }
    guard cursor.find("\"say\":\""), body.last == UInt8(ascii: "}") else { return .wrong("nothing to say") }
    return .right
  }

  /// The report's number, if this is the receipt of a report about the entry's service point.
  func report(_ body: UnsafeRawBufferPointer?, entry: Int) -> Int? {
    guard let body else { return nil }
    var cursor = Cursor(body)
    let place = table.locations[table.entries[entry].locations.lowerBound]
    guard cursor.skip("{\"safety\":false,"), cursor.find("\"report\":"), let number = cursor.number(),
      cursor.find("\"kind\":\"out\""), cursor.find("\"servicePointId\":"),
      table.texts.withUnsafeBytes({ cursor.skip(UnsafeRawBufferPointer(rebasing: $0[place.head])) })
    else { return nil }
    return number
  }

  /// Checks from behind `"match":"` to the end of the location's object.
  private mutating func check(_ cursor: inout Cursor, set: Int) -> String? {
    let start = cursor
    if let known = expected[knownLayer][set], Self.agrees(&cursor, known) { return nil }
    // Unknown as yet, or the clock has moved on.
    let now = clock()
    var wanted = Expectation(match: [], alsoIn: [])
    for moment in [now, now.adding(seconds: -Self.renderingLagSeconds)] {
      wanted = expectation(set: set, at: moment)
      cursor = start
      if Self.agrees(&cursor, wanted) {
        expected[knownLayer][set] = wanted
        return nil
      }
    }
    return
      "expected \(String(decoding: wanted.match, as: UTF8.self)), also in [\(String(decoding: wanted.alsoIn, as: UTF8.self))"
  }

  private static func agrees(_ cursor: inout Cursor, _ wanted: Expectation) -> Bool {
    wanted.match.withUnsafeBytes { cursor.skip($0) } && cursor.find("\"alsoIn\":[")
      && wanted.alsoIn.withUnsafeBytes { cursor.skip($0) }
  }

  /// In force before scheduled before over; within a phase, the first in precedence.
  private func expectation(set: Int, at now: Timestamp) -> Expectation {
    let layer = layers[knownLayer]
    let members = layer.sets[set]
    guard !members.isEmpty else {
      return Expectation(match: Array("none\",\"outage\":null".utf8), alsoIn: Array("]}".utf8))
    }
    func phase(_ outage: UInt32) -> Int {
      if layer.isOver[Int(outage)] { return 2 }
      return layer.scheduledUntilMilliseconds[Int(outage)] > now.millisecondsSinceEpoch ? 1 : 0
    }
    let primary = members.min { (phase($0), $0) < (phase($1), $1) }!
    let others = members.filter { $0 != primary }.map { "\"\(layer.outageIds[Int($0)])\"" }
    return Expectation(
      match: Array("inside\",\"outage\":{\"outageId\":\"\(layer.outageIds[Int(primary)])\"".utf8),
      alsoIn: Array((others.joined(separator: ",") + "]}").utf8))
  }

  private static func excerpt(_ body: UnsafeRawBufferPointer) -> String {
    String(decoding: body.prefix(600), as: UTF8.self)
  }
}

/// A place in a text.
private struct Cursor {
  private let text: UnsafeRawBufferPointer
  private var offset = 0

  init(_ text: UnsafeRawBufferPointer) { self.text = text }

  /// Goes behind these bytes, if they come next.
  mutating func skip(_ wanted: UnsafeRawBufferPointer) -> Bool {
    guard text.count - offset >= wanted.count,
      wanted.isEmpty || memcmp(text.baseAddress! + offset, wanted.baseAddress!, wanted.count) == 0
    else { return false }
    offset += wanted.count
    return true
  }

  mutating func skip(_ wanted: StaticString) -> Bool {
    skip(UnsafeRawBufferPointer(start: wanted.utf8Start, count: wanted.utf8CodeUnitCount))
  }

  /// Goes behind the next occurrence of a text with quotes around a name, which no JSON string can hold: there they are escaped.
  mutating func find(_ wanted: StaticString) -> Bool {
    guard
      let found = cload_find(
        text.baseAddress! + offset, text.count - offset, wanted.utf8Start, wanted.utf8CodeUnitCount)
    else { return false }
    offset = UnsafeRawPointer(found) - text.baseAddress! + wanted.utf8CodeUnitCount
    return true
  }

  /// The letters that come next.
  mutating func word() -> Slice<UnsafeRawBufferPointer>? {
    let start = offset
    while offset < text.count, (0x61...0x7A).contains(text[offset]) { offset += 1 }
    return offset > start ? text[start..<offset] : nil
  }

  mutating func number() -> Int? {
    let start = offset
    var value = 0
    while offset < text.count, (0x30...0x39).contains(text[offset]), offset - start < 18 {
      value = value * 10 + Int(text[offset] - 0x30)
      offset += 1
    }
    return offset > start ? value : nil
  }
}
