// The sentences of one language, from a template file: what the voice bot says, and how it says times.

import Foundation
import OutageModel

/// A template file that cannot be used, and why.
public enum SpeechError: Error, Equatable, Sendable, CustomStringConvertible {
  case unreadable(file: String, reason: String)
  /// `key` is the path in the file, such as `times.clock`.
  case badTemplate(file: String, key: String, found: String, expected: String)

  public var description: String {
    switch self {
    case .unreadable(let file, let reason): "\(file): \(reason)"
    case .badTemplate(let file, let key, let found, let expected):
      "\(file): \(key): found \(found), expected \(expected)"
    }
  }
}

/// The sentences of one language, worded for the ear. `Docs/OPERATIONS.md` tells how to add a language.
public struct SpeechTemplates: Sendable {
  /// The sentences that every language has, by their names in the file.
  enum Sentence: Int, CaseIterable {
    case unplanned, predicted, partiallyRestored, publicSafetyShutoff, planned, scheduled, scheduledUntil
    case scheduledShutoff, scheduledShutoffUntil
    case suspected, suspectedNear
    case restored, cancelled, near, none, staleInside, staleNear, staleNone, causeAsWorded
    case ertKnown, ertLowConfidence, ertAssessing, ertOverdue
    case severalIntro, severalAt, severalNone, severalNoneStale, severalMore
    case reportNew, reportKnown, reportStillOut, reportRestored, reportWireDown

    var name: String { "\(self)" }

    /// What a template of this name may hold between braces; all of them have to be there.
    var placeholders: [String] {
      switch self {
      case .scheduled, .scheduledShutoff: ["start"]
      case .scheduledUntil, .scheduledShutoffUntil: ["start", "time"]
      case .causeAsWorded: ["cause"]
      case .ertKnown, .ertLowConfidence: ["time"]
      case .severalIntro, .severalMore: ["count"]
      case .severalAt: ["address", "say"]
      default: []
      }
    }
  }

  /// BCP 47 tag, lower case.
  public let language: String
  /// Of the file.
  let fingerprint: UInt64
  private let sentences: [String]
  let causes: [OutageCauseKind: String]
  let crews: [CrewStatus: String]
  let times: TimeTemplates

  subscript(_ sentence: Sentence) -> String { sentences[sentence.rawValue] }

  /// The shipped English file, for those who write another.
  static let englishFile = PackageResources.en_json

  /// English and Spanish, which are part of the program.
  public static let shipped: [SpeechTemplates] = [
    ("en.json", PackageResources.en_json), ("es.json", PackageResources.es_json),
  ].map { file, bytes in
    do {
      return try SpeechTemplates(json: Data(bytes), file: file)
    } catch {
      preconditionFailure("a shipped template is broken: \(error)")
    }
  }

  /// Reads a template file and checks that it is whole: each sentence there, each placeholder in its place.
  /// - Parameter file: named in errors.
  /// - Throws: `SpeechError` with the key that is missing or wrong.
  public init(json: Data, file: String) throws(SpeechError) {
    let content: FileContent
    do {
      content = try JSONDecoder().decode(FileContent.self, from: json)
    } catch {
      throw .unreadable(file: file, reason: "not a template file: \(error)")
    }
    func check(_ text: String?, _ key: String, _ placeholders: [String]) throws(SpeechError) -> String {
      guard let text, !text.isEmpty else {
        throw .badTemplate(file: file, key: key, found: "nothing", expected: "a sentence")
      }
      let found = Set(text.matches(of: /\{([^}]*)\}/).map { String($0.output.1) })
      guard found == Set(placeholders) else {
        throw .badTemplate(
          file: file, key: key, found: "placeholders \(found.sorted())", expected: "\(placeholders.sorted())")
      }
      return text
    }
    language = content.language.lowercased()
    var fingerprint = Fingerprint()
    fingerprint.add(json)
    self.fingerprint = fingerprint.value
    var sentences: [String] = []
    for sentence in Sentence.allCases {
      sentences.append(
        try check(
          content.sentences[sentence.name], "sentences.\(sentence.name)", sentence.placeholders))
    }
    self.sentences = sentences
    var causes: [OutageCauseKind: String] = [:]
    for cause in OutageCauseKind.allCases where cause != .other {
      causes[cause] = try check(content.causes[cause.rawValue], "causes.\(cause.rawValue)", [])
    }
    self.causes = causes
    var crews: [CrewStatus: String] = [:]
    for crew in CrewStatus.allCases {
      crews[crew] = try check(content.crews[crew.rawValue], "crews.\(crew.rawValue)", [])
    }
    self.crews = crews
    times = content.times
    let hours = times.clock.flatMap {
      $0.hours.count == 2 && $0.hours[0] <= $0.hours[1] ? Array($0.hours[0]...$0.hours[1]) : []
    }
    guard hours == Array(0...23) else {
      throw .badTemplate(
        file: file, key: "times.clock", found: "hours \(hours)",
        expected: "each hour from 0 to 23 once, ascending")
    }
    guard times.weekdays.count == 7, times.months.count == 12 else {
      throw .badTemplate(
        file: file, key: "times.weekdays, times.months",
        found: "\(times.weekdays.count), \(times.months.count) names",
        expected: "7 from Sunday, 12 from January")
    }
  }

  private struct FileContent: Decodable {
    var language: String
    var sentences: [String: String]
    var causes: [String: String]
    var crews: [String: String]
    var times: TimeTemplates
  }
}

/// How a language says a time of day and a day.
struct TimeTemplates: Decodable, Sendable {
  struct Clock: Decodable, Sendable {
    /// First and last hour of the day, 0 ... 23, that this wording serves.
    var hours: [Int]
    var onTheHour: String
    var withMinutes: String
  }

  var clock: [Clock]
  var today, tomorrow, thisWeek, otherDay: String
  var weekdays, months: [String]

  /// The moment as a person would say it now, in the given zone. Seconds are dropped.
  func say(_ moment: Timestamp, now: Timestamp, in zone: TimeZone) -> String {
    let then = LocalTime(moment, zone)
    let clock = self.clock.first { $0.hours[0] <= then.hour && then.hour <= $0.hours[1] }!
    let clockText = (then.minute == 0 ? clock.onTheHour : clock.withMinutes)
      .filled("hour12", String((then.hour + 11) % 12 + 1))
      .filled("hour24", String(then.hour))
      .filled("minute", then.minute < 10 ? "0\(then.minute)" : String(then.minute))
    let daysAhead = then.dayNumber - LocalTime(now, zone).dayNumber
    let pattern =
      switch daysAhead {
      case 0: today
      case 1: tomorrow
      case 2...6: thisWeek
      default: otherDay
      }
    return
      pattern.filled("clock", clockText)
      .filled("weekday", weekdays[then.weekday])
      .filled("month", months[then.month - 1])
      .filled("day", String(then.day))
  }
}

/// A moment as a wall clock in a zone shows it.
struct LocalTime {
  var month, day, hour, minute: Int
  /// 0 is Sunday.
  var weekday: Int
  /// Days since 1970-01-01, local.
  var dayNumber: Int

  init(_ moment: Timestamp, _ zone: TimeZone) {
    let offsetSeconds = zone.secondsFromGMT(
      for: Date(timeIntervalSince1970: Double(moment.millisecondsSinceEpoch) / 1000))
    let local = moment.adding(seconds: Int64(offsetSeconds))
    let civil = local.civil
    (month, day, hour, minute) = (civil.month, civil.day, civil.hour, civil.minute)
    dayNumber = Int((Double(local.millisecondsSinceEpoch) / 86_400_000).rounded(.down))
    weekday = ((dayNumber + 4) % 7 + 7) % 7
  }
}

extension String {
  /// The text with each `{name}` replaced.
  func filled(_ name: String, _ value: String) -> String {
    let mark = Array("{\(name)}".utf8)
    var text = self
    let filled = text.withUTF8 { bytes -> String? in
      var filled: [UInt8] = []
      var clean = 0
      var index = 0
      while index + mark.count <= bytes.count {
        if bytes[index] == mark[0], bytes[index..<index + mark.count].elementsEqual(mark) {
          filled += bytes[clean..<index]
          filled += value.utf8
          index += mark.count
          clean = index
        } else {
          index += 1
        }
      }
      guard clean > 0 else { return nil }
      filled += bytes[clean...]
      return String(decoding: filled, as: UTF8.self)
    }
    return filled ?? self
  }
}
