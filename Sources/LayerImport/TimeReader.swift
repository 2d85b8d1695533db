// Reads the times that utilities write: ISO 8601, epochs, and local wall-clock text.

import Foundation
import OutageModel

/// Why a text is no time.
enum TimeFault: Error {
  case notATime(expected: String?)
  case noZone
}

/// Reads times of one file. Local times take the given zone.
///
/// Where clocks go back, a local time exists twice: the earlier moment is meant (daylight time). Where they go forward, it does
/// not exist: it is read as if the clocks had not been changed, that is, moved on by the gap.
struct TimeReader {
  let zone: TimeZone?
  let isDayFirst: Bool

  /// - Throws: `badOption` for a zone that the system does not know.
  init(zoneName: String?, isDayFirst: Bool, file: String) throws(ImportError) {
    self.isDayFirst = isDayFirst
    guard let zoneName else {
      zone = nil
      return
    }
    guard let known = TimeZone(identifier: zoneName) else {
      throw .refused(
        .badOption, file, field: "timezone", found: quoted(zoneName),
        expected: "an IANA time zone such as America/Los_Angeles")
    }
    zone = known
  }

  func time(number: Double) throws(TimeFault) -> Timestamp {
    let size = number.magnitude
    switch size {
    case 1e11..<2.6e14: return Timestamp(millisecondsSinceEpoch: Int64(number.rounded()))
    case 1e8..<1e11: return Timestamp(millisecondsSinceEpoch: Int64((number * 1000).rounded()))
    // A Julian day: SpatiaLite gives the dates of a DBF so. Day numbers change at noon.
    case 2_300_000..<2_600_000:
      return try local(
        Timestamp(millisecondsSinceEpoch: Int64(((number - 2_440_587.5) * 86_400_000).rounded())))
    default: throw .notATime(expected: nil)
    }
  }

  func time(text: String) throws(TimeFault) -> Timestamp {
    if let clock = WallClock(text) {
      return try moment(clock)
    }
    if text.utf8.count != 8, let number = Double(text) {
      if text.count == 14, let clock = WallClock(digits: text) { return try moment(clock) }
      return try time(number: number)
    }
    guard let clock = try layouts(text) else { throw .notATime(expected: nil) }
    return try moment(clock)
  }

  private func moment(_ clock: WallClock) throws(TimeFault) -> Timestamp {
    if let offset = clock.offsetMinutes { return clock.timestamp(offsetMinutes: offset) }
    return try local(clock.timestamp(offsetMinutes: 0))
  }

  /// - Parameter reading: what the wall clock shows, as if it were UTC.
  private func local(_ reading: Timestamp) throws(TimeFault) -> Timestamp {
    guard let zone else { throw .noZone }
    func offset(at moment: Timestamp) -> Int64 {
      Int64(
        zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(moment.millisecondsSinceEpoch) / 1000)))
    }
    let before = offset(at: reading.adding(seconds: -86_400))
    let after = offset(at: reading.adding(seconds: 86_400))
    let candidates = [before, after].map { ($0, reading.adding(seconds: -$0)) }
    let valid = candidates.filter { offset(at: $0.1) == $0.0 }.map(\.1)
    return valid.min() ?? candidates[0].1
  }

  /// `11/24/2026 6:30 PM`, `2026/11/24 18:30`, `24-Nov-2026 18:30:00`, `Nov 24, 2026 6:30 PM`, `20261124T183000`, each also
  /// with ` UTC`, `Z` or an offset at its end, or as a date alone.
  private func layouts(_ text: String) throws(TimeFault) -> WallClock? {
    var rest = text.uppercased()
    var zoneText = ""
    for suffix in ["UTC", "GMT", "Z"] where rest.hasSuffix(suffix) {
      rest = String(rest.dropLast(suffix.count))
      zoneText = "Z"
      break
    }
    var half: String?
    var parts = rest.split { " ,T\u{a0}\u{202f}".contains($0) && $0 != "T" }.map(String.init)
    if parts.count == 1, let t = parts[0].firstIndex(of: "T"), parts[0][..<t].allSatisfy({ !$0.isLetter }) {
      parts = [String(parts[0][..<t]), String(parts[0][parts[0].index(after: t)...])]
    }
    parts.removeAll {
      $0 == "AT" || Self.weekdays.contains(String($0.prefix(3))) && $0.allSatisfy(\.isLetter)
    }
    if let last = parts.last, parts.count > 1, last.hasPrefix("+") || last.hasPrefix("-"), last.count >= 3 {
      zoneText = last
      parts.removeLast()
    }
    if let last = parts.last?.filter({ $0 != "." }), last.hasSuffix("AM") || last.hasSuffix("PM") {
      half = String(last.suffix(2))
      parts[parts.count - 1] = String(last.dropLast(2))
      if parts.last?.isEmpty == true { parts.removeLast() }
    }
    var clock = "00:00:00"
    if let last = parts.last, last.contains(":") {
      clock = last
      parts.removeLast()
    } else if parts.count == 2, parts[0].count == 8, parts[1].count == 4 || parts[1].count == 6 {
      clock = Self.pairs(parts.removeLast())
    }
    guard let date = try date(parts) else { return nil }
    var fields = clock.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard fields.count == 2 || fields.count == 3, var hour = Int(fields[0]) else { return nil }
    if let half {
      guard (1...12).contains(hour) else { return nil }
      hour = hour % 12 + (half == "PM" ? 12 : 0)
    }
    fields[0] = String(hour)
    let padded = fields.map { $0.prefix { $0 != "." }.count == 1 ? "0" + $0 : $0 }
    return WallClock("\(date) \(padded.joined(separator: ":"))\(zoneText)")
  }

  /// - Returns: `2026-11-24`
  private func date(_ parts: [String]) throws(TimeFault) -> String? {
    let pieces = parts.flatMap { $0.split { "/-.".contains($0) }.map(String.init) }
    if pieces.count == 1, pieces[0].count == 8, Int(pieces[0]) != nil {
      let digits = Array(pieces[0])
      return "\(String(digits[0..<4]))-\(String(digits[4..<6]))-\(String(digits[6..<8]))"
    }
    guard pieces.count == 3 else { return nil }
    func iso(_ year: String, _ month: Int, _ day: String) -> String? {
      guard let year = Int(year), let day = Int(day), year > 1000, year < 10_000 else { return nil }
      let digits = [month, day].map { $0 < 10 ? "0\($0)" : "\($0)" }
      return "\(year)-\(digits[0])-\(digits[1])"
    }
    func month(_ text: String) -> Int? {
      guard text.count >= 3, text.allSatisfy(\.isLetter) else { return nil }
      return Self.months.firstIndex(of: String(text.prefix(3))).map { $0 + 1 }
    }
    if let named = month(pieces[0]) { return iso(pieces[2], named, pieces[1]) }
    if let named = month(pieces[1]) {
      return pieces[0].count == 4 ? iso(pieces[0], named, pieces[2]) : iso(pieces[2], named, pieces[0])
    }
    guard let first = Int(pieces[0]), let second = Int(pieces[1]) else { return nil }
    if pieces[0].count == 4 { return iso(pieces[0], second, pieces[2]) }
    let (monthNumber, day) = isDayFirst ? (second, pieces[0]) : (first, pieces[1])
    if monthNumber > 12 {
      let order = isDayFirst ? "month" : "day"
      throw .notATime(
        expected: "a date with the \(isDayFirst ? "day" : "month") first; \(order) first needs \"dateOrder\":"
          + " \"\(isDayFirst ? "mdy" : "dmy")\" in a profile")
    }
    return iso(pieces[2], monthNumber, day)
  }

  private static func pairs(_ digits: String) -> String {
    let characters = Array(digits)
    return stride(from: 0, to: characters.count, by: 2).map { String(characters[$0..<$0 + 2]) }
      .joined(separator: ":")
  }

  private static let months = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
  ]
  private static let weekdays: Set<String> = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]
}

extension WallClock {
  /// `20261124183000`
  fileprivate init?(digits text: String) {
    let d = Array(text)
    func part(_ range: Range<Int>) -> String { String(d[range]) }
    self.init(
      "\(part(0..<4))-\(part(4..<6))-\(part(6..<8)) \(part(8..<10)):\(part(10..<12)):\(part(12..<14))")
  }
}
