// The texts that were rendered of a layer's outages, so that the next rendering need only word what is said otherwise by then.

import ByteBuffers
internal import CCacheLine
import Foundation
import OutageModel
import PointLocation
import Territory

/// What texts of outages depend on beside the outages.
struct Wording: Hashable, Sendable, Codable {
  /// `AnswerSettings.wordingFingerprint`.
  var settings: UInt64
  var renderedAt: Timestamp
  /// The local day in the utility's zone: "tomorrow" is said until midnight.
  var dayNumber: Int
  var isStale: Bool

  init(_ settings: AnswerSettings, at now: Timestamp, isStale: Bool) {
    self.settings = settings.wordingFingerprint
    renderedAt = now
    dayNumber = LocalTime(now, settings.timeZone).dayNumber
    self.isStale = isStale
  }

  private enum CodingKeys: String, CodingKey { case settings, renderedAt, dayNumber, isStale }

  init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    settings = try values.decode(UInt64.self, forKey: .settings)
    renderedAt = Timestamp(millisecondsSinceEpoch: try values.decode(Int64.self, forKey: .renderedAt))
    dayNumber = try values.decode(Int.self, forKey: .dayNumber)
    isStale = try values.decode(Bool.self, forKey: .isStale)
  }

  func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(settings, forKey: .settings)
    try values.encode(renderedAt.millisecondsSinceEpoch, forKey: .renderedAt)
    try values.encode(dayNumber, forKey: .dayNumber)
    try values.encode(isStale, forKey: .isStale)
  }
}

/// All texts of a layer's outages, by number, with what they were rendered for.
public struct RenderedOutages: Sendable {
  /// What is said of each outage in one language.
  struct Language: Sendable {
    var inside: RenderedTexts
    var near: RenderedTexts
  }

  let wording: Wording
  let outages: OutageTable
  let objects: RenderedTexts
  let ids: RenderedTexts
  let languages: [Language]

  /// For each outage of another layer the number of the one here of which the same is said at another moment; -1 where there is none.
  ///
  /// The same is said of outages that differ in their area at most, are in the same phase, and whose ERT has or has not passed at both moments.
  func numbersOfSame(in others: OutageTable, at now: Timestamp) -> [Int32] {
    let comparison = others.comparison(with: outages)
    let (phasesThen, phasesNow) = (outages.phases(at: wording.renderedAt), others.phases(at: now))
    return (0..<others.count).map { place in
      let number = comparison.oldNumbers[place]
      guard number >= 0, phasesThen[Int(number)] == phasesNow[place] else { return -1 }
      func hasPassed(_ ert: Timestamp?, at moment: Timestamp) -> Bool { ert.map { $0 <= moment } ?? false }
      let ertNow = others.outages[place].estimatedRestorationAt
      let ertThen = outages.outages[Int(number)].estimatedRestorationAt
      guard hasPassed(ertThen, at: wording.renderedAt) == hasPassed(ertNow, at: now) else { return -1 }
      if comparison.isSame[place] { return number }
      var outage = outages.outages[Int(number)]
      outage.area = others.outages[place].area
      return outage == others.outages[place] ? number : -1
    }
  }
}

/// Texts rendered into one block of memory, found by number.
struct RenderedTexts: Sendable {
  private let bytes: FlatArray<UInt8>
  private let starts: FlatArray<UInt64>

  /// - Parameter known: texts rendered before, and for each number the place among them of the same text; -1 where there is none.
  init(
    count: Int, reusing known: (texts: RenderedTexts, numbers: [Int32])? = nil,
    render: (Int, inout ByteBuffer) -> Void
  ) {
    if let known, known.texts.count == count, known.numbers.enumerated().allSatisfy({ $0 == Int($1) }) {
      self = known.texts
      return
    }
    var buffer = ByteBuffer(capacity: known?.texts.bytes.count ?? 0)
    starts = FlatArray(count: count + 1) { starts in
      starts.initializeElement(at: 0, to: 0)
      for number in 0..<count {
        if let known, known.numbers[number] >= 0 {
          buffer.append(known.texts[Int(known.numbers[number])])
        } else {
          render(number, &buffer)
        }
        starts.initializeElement(at: number + 1, to: UInt64(buffer.count))
      }
    }
    bytes = FlatArray(buffer.bytes)
  }

  init(_ texts: [String]) {
    self.init(count: texts.count) { $1.append(jsonEscaped: texts[$0]) }
  }

  var count: Int { starts.count - 1 }
  var byteCount: Int { bytes.byteCount + starts.byteCount }

  /// Valid for as long as these texts live.
  @inline(__always)
  subscript(number: Int) -> UnsafeRawBufferPointer {
    precondition(number >= 0 && number < starts.count - 1, "no such text")
    let start = Int(starts.pointer[number])
    return UnsafeRawBufferPointer(
      start: bytes.pointer + start, count: Int(starts.pointer[number + 1]) - start)
  }

  /// Begins to fetch a text.
  @inline(__always)
  func prefetch(_ number: Int) {
    let text = self[number]
    guard let start = text.baseAddress else { return }
    var offset = 0
    while offset < text.count {
      ccacheline_prefetch(start + offset)
      offset += 64
    }
    // Its last byte may lie in a line of its own.
    ccacheline_prefetch(start + text.count)
  }
}

// MARK: - Sections

extension RenderedOutages {
  /// Appends the sections of the texts; the outages are not among them.
  public func write(to writer: inout SectionWriter) {
    // Encoding numbers into memory cannot fail.
    writer.append("texts.wording", FlatArray([UInt8](try! JSONEncoder().encode(wording))))
    objects.write("texts.objects", to: &writer)
    ids.write("texts.ids", to: &writer)
    writer.append("texts.languages", FlatArray([UInt32(languages.count)]))
    for language in languages {
      language.inside.write("texts.inside", to: &writer)
      language.near.write("texts.near", to: &writer)
    }
  }

  /// Texts over sections that `write` made, in memory or mapped from a file.
  /// - Parameter outages: those that the texts tell of.
  /// - Throws: `SectionError` for the first thing that does not fit.
  public init(validating reader: inout SectionReader, outages: OutageTable) throws(SectionError) {
    let text = try reader.take("texts.wording", as: UInt8.self)
    guard let wording = try? JSONDecoder().decode(Wording.self, from: Data(text.buffer)) else {
      throw .element(section: "texts.wording", index: 0, found: "other text", expected: "a wording as JSON")
    }
    self.wording = wording
    self.outages = outages
    objects = try RenderedTexts(validating: &reader, "texts.objects", count: outages.count)
    ids = try RenderedTexts(validating: &reader, "texts.ids", count: outages.count)
    let languageCount: FlatArray<UInt32> = try reader.take("texts.languages", count: 1)
    var languages: [Language] = []
    for _ in 0..<languageCount[0] {
      let inside = try RenderedTexts(validating: &reader, "texts.inside", count: outages.count)
      let near = try RenderedTexts(validating: &reader, "texts.near", count: outages.count)
      languages.append(Language(inside: inside, near: near))
    }
    self.languages = languages
  }
}

extension RenderedTexts {
  fileprivate func write(_ name: String, to writer: inout SectionWriter) {
    writer.append("\(name).bytes", bytes)
    writer.append("\(name).starts", starts)
  }

  fileprivate init(
    validating reader: inout SectionReader, _ name: String, count: Int
  ) throws(SectionError) {
    bytes = try reader.take("\(name).bytes", as: UInt8.self)
    starts = try reader.take("\(name).starts", count: count + 1)
    var last: UInt64 = 0
    for (index, start) in starts.buffer.enumerated() {
      guard start >= last, index > 0 || start == 0, start <= UInt64(bytes.count) else {
        throw .element(
          section: "\(name).starts", index: index, found: "\(start)",
          expected: "a rise from 0 to at most \(bytes.count)")
      }
      last = start
    }
  }
}
