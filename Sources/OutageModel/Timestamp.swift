// A moment in UTC with millisecond resolution, and its ISO 8601 text, without Foundation.

/// A moment in time, in whole milliseconds since 1970-01-01T00:00:00Z (leap seconds are not counted, as in POSIX).
public struct Timestamp: Hashable, Comparable, Sendable, BitwiseCopyable, Codable {
  public var millisecondsSinceEpoch: Int64

  public init(millisecondsSinceEpoch: Int64) {
    self.millisecondsSinceEpoch = millisecondsSinceEpoch
  }

  public init(secondsSinceEpoch: Int64) {
    self.millisecondsSinceEpoch = secondsSinceEpoch * 1000
  }

  public static func < (a: Self, b: Self) -> Bool {
    a.millisecondsSinceEpoch < b.millisecondsSinceEpoch
  }

  public func adding(seconds: Int64) -> Timestamp {
    Timestamp(millisecondsSinceEpoch: millisecondsSinceEpoch + seconds * 1000)
  }

  /// Seconds from `earlier` to this moment; negative if this one is the earlier.
  public func seconds(since earlier: Timestamp) -> Double {
    Double(millisecondsSinceEpoch - earlier.millisecondsSinceEpoch) / 1000
  }

  /// The earliest and the latest moment that ISO 8601's four-digit years can write.
  public static let earliest = Timestamp(year: 0, month: 1, day: 1)
  public static let latest = Timestamp(millisecondsSinceEpoch: 253_402_300_799_999)
}

extension Timestamp {
  /// A moment from its civil date and time in UTC (proleptic Gregorian calendar).
  ///
  /// The day number is Howard Hinnant's `days_from_civil`.
  public init(
    year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0,
    millisecond: Int = 0
  ) {
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    let days = era * 146_097 + dayOfEra - 719_468
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second
    self.init(millisecondsSinceEpoch: Int64(seconds * 1000 + millisecond))
  }

  /// Civil date and time in UTC.
  public var civil: (year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int, millisecond: Int) {
    let milliseconds = Int(millisecondsSinceEpoch)
    let (days, rest) = milliseconds.flooredDivision(by: 86_400_000)
    let shifted = days + 719_468
    let (era, dayOfEra) = shifted.flooredDivision(by: 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthIndex = (5 * dayOfYear + 2) / 153
    let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
    return (
      yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month,
      dayOfYear - (153 * monthIndex + 2) / 5 + 1,
      rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60, rest % 1000
    )
  }

  /// `2026-11-24T18:02:11Z`; milliseconds are written only where they are not zero. Beyond `earliest` and `latest`, theirs.
  public var iso8601: String {
    let c = max(.earliest, min(.latest, self)).civil
    return String(unsafeUninitializedCapacity: 24) { text in
      var count = 0
      func put(_ value: Int, _ width: Int, _ separator: Unicode.Scalar) {
        var rest = value
        for position in stride(from: count + width - 1, through: count, by: -1) {
          text[position] = UInt8(truncatingIfNeeded: 48 + rest % 10)
          rest /= 10
        }
        text[count + width] = UInt8(ascii: separator)
        count += width + 1
      }
      put(c.year, 4, "-")
      put(c.month, 2, "-")
      put(c.day, 2, "T")
      put(c.hour, 2, ":")
      put(c.minute, 2, ":")
      put(c.second, 2, c.millisecond == 0 ? "Z" : ".")
      if c.millisecond != 0 { put(c.millisecond, 3, "Z") }
      return count
    }
  }

  /// Reads `2026-11-24T18:02:11Z`, also with a fraction, an offset (`+01:00`, `-0800`), a space for the `T`, or without
  /// seconds. Text without `Z` or an offset is a local wall-clock time and gives `nil` here: its zone has to be known.
  public init?(iso8601 text: String) {
    guard let wallClock = WallClock(text), let offsetMinutes = wallClock.offsetMinutes else {
      return nil
    }
    self = wallClock.timestamp(offsetMinutes: offsetMinutes)
  }
}

/// A civil date and time as a text gives it, with its UTC offset where the text has one.
public struct WallClock: Hashable, Sendable {
  public var year, month, day, hour, minute, second, millisecond: Int
  /// Minutes east of UTC; `nil` where the text does not say.
  public var offsetMinutes: Int?

  /// The moment that this wall clock shows in a zone that many minutes east of UTC.
  public func timestamp(offsetMinutes: Int) -> Timestamp {
    Timestamp(
      year: year, month: month, day: day, hour: hour, minute: minute, second: second,
      millisecond: millisecond
    ).adding(seconds: Int64(-offsetMinutes * 60))
  }

  /// Reads ISO 8601's extended form; `nil` if it is not one or if a field is out of range.
  public init?(_ text: String) {
    var rest = Array(text.utf8)[...]
    func number(_ digits: Int) -> Int? {
      guard rest.count >= digits else { return nil }
      var value = 0
      for byte in rest.prefix(digits) {
        guard (48...57).contains(byte) else { return nil }
        value = value * 10 + Int(byte - 48)
      }
      rest = rest.dropFirst(digits)
      return value
    }
    func skip(_ bytes: String) -> Bool {
      guard let first = rest.first, bytes.utf8.contains(first) else { return false }
      rest = rest.dropFirst()
      return true
    }
    guard let year = number(4), skip("-"), let month = number(2), skip("-"), let day = number(2),
      (1...12).contains(month), (1...31).contains(day)
    else { return nil }
    (self.year, self.month, self.day) = (year, month, day)
    (hour, minute, second, millisecond) = (0, 0, 0, 0)
    offsetMinutes = nil
    guard checkDay() else { return nil }
    if rest.isEmpty { return }
    guard skip("Tt "), let hour = number(2), skip(":"), let minute = number(2), hour < 24,
      minute < 60
    else { return nil }
    (self.hour, self.minute) = (hour, minute)
    if skip(":") {
      guard let second = number(2), second <= 60 else { return nil }
      self.second = min(second, 59)
      if skip(".,") {
        var scale = 100
        var digits = 0
        while let digit = number(1) {
          millisecond += digit * scale
          scale /= 10
          digits += 1
        }
        guard digits > 0 else { return nil }
      }
    }
    if skip("Zz") {
      offsetMinutes = 0
    } else if let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
      rest = rest.dropFirst()
      guard let hours = number(2) else { return nil }
      _ = skip(":")
      let minutes = rest.isEmpty ? 0 : number(2)
      guard let minutes, hours <= 18, minutes < 60 else { return nil }
      offsetMinutes = (sign == UInt8(ascii: "-") ? -1 : 1) * (hours * 60 + minutes)
    }
    guard rest.isEmpty else { return nil }
  }

  private func checkDay() -> Bool {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let length = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    return day <= length
  }
}

extension Int {
  fileprivate func flooredDivision(by divisor: Int) -> (quotient: Int, remainder: Int) {
    let (q, r) = quotientAndRemainder(dividingBy: divisor)
    return r < 0 ? (q - 1, r + divisor) : (q, r)
  }
}
