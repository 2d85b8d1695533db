// Everything that answers of one Territory are copied from: outages and sentences, rendered once and not per caller.

import ByteBuffers
internal import CCacheLine
import Foundation
import OutageModel
import PointLocation
import Synchronization
import SystemThreads
import Territory

/// How answers are worded.
public struct AnswerSettings: Sendable {
  /// The utility's zone, in which times are spoken.
  public var timeZone: TimeZone
  /// A layer older than this is stale: answers say so, and promise nothing.
  public var staleAfterSeconds: Int
  /// At least one; the first is spoken where a caller's language is not among them.
  public var languages: [SpeechTemplates]

  public init(timeZone: TimeZone, staleAfterSeconds: Int, languages: [SpeechTemplates]) {
    precondition(!languages.isEmpty, "no language")
    self.timeZone = timeZone
    self.staleAfterSeconds = staleAfterSeconds
    self.languages = languages
  }

  /// Of all that sentences depend on here: the same for the same templates and zone, in each process.
  var wordingFingerprint: UInt64 {
    var fingerprint = Fingerprint()
    fingerprint.add(timeZone.identifier.utf8)
    for language in languages {
      withUnsafeBytes(of: language.fingerprint.littleEndian) { fingerprint.add($0) }
    }
    return fingerprint.value
  }
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo).
struct Fingerprint {
  private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
    // An end, so that two texts are not the same as another two.
    value = (value ^ 0xff) &* 0x100_0000_01b3
  }
}

/// What the age of a layer is counted from, where a feed confirms it again and again.
public struct LayerFreshness: Hashable, Sendable {
  /// When the data was last known to be so.
  public var asOf: Timestamp
  /// From then on it is stale.
  public var staleAt: Timestamp

  public init(asOf: Timestamp, staleAt: Timestamp) {
    self.asOf = asOf
    self.staleAt = staleAt
  }

  init(_ layer: LayerVersion, _ settings: AnswerSettings) {
    asOf = layer.publishedAt
    staleAt = layer.publishedAt.adding(seconds: Int64(settings.staleAfterSeconds))
  }
}

/// A Territory with all that is said of its outages, rendered for a moment. Holds until `validUntil`; then the clock alone has
/// changed something (an ERT has passed, a planned outage has begun, the layer has become stale), and it is to be rendered anew.
public final class AnswerSheet: Sendable {
  public let territory: Territory
  public let renderedAt: Timestamp
  public let validUntil: Timestamp
  public let isStale: Bool
  private let wording: Wording
  /// By outage number.
  let phases: FlatArray<OutagePhase>
  /// Outages from this number on are suspected: they come last in precedence.
  let firstSuspected: UInt32
  /// What stands between the value of `match` and the first location.
  let head: FlatArray<UInt8>
  /// The outage as a JSON object, by number.
  let outageObjects: RenderedTexts
  let outageIds: OutageIdList
  let languages: [LanguageSheet]
  // The same, and the service points, not counted: with each request all who answer would write to the same lines of memory.
  private let uncountedLanguages: [Unmanaged<LanguageSheet>]
  @usableFromInline let uncountedServicePoints: Unmanaged<ServicePointTable>

  /// - Parameters:
  ///   - freshness: what the layer's age is counted from, if not from its publication.
  ///   - rendered: texts of this layer or another one, at this moment or an earlier one: what they say already is not worded again.
  ///   - sideBySide: whether to use all processors for it.
  public init(
    territory: Territory, settings: AnswerSettings, freshness: LayerFreshness? = nil, at now: Timestamp,
    rendered: RenderedOutages? = nil, sideBySide: Bool = false
  ) {
    let table = territory.outages
    let freshness = freshness ?? table.layer.map { LayerFreshness($0, settings) }
    let isStale = freshness.map { $0.staleAt <= now } ?? true
    self.territory = territory
    self.isStale = isStale
    renderedAt = now
    validUntil = Self.nextRendering(
      after: now, changes: [isStale ? nil : freshness?.staleAt, table.nextChange(after: now)])
    phases = FlatArray(table.phases(at: now))
    firstSuspected = UInt32(table.outages.firstIndex(where: \.isSuspected) ?? table.count)
    head = Self.head(territory.outages.layer, asOf: freshness?.asOf, isStale: isStale)
    let wording = Wording(settings, at: now, isStale: isStale)
    self.wording = wording
    // In another order of languages, the fingerprint is another one.
    let known = rendered.flatMap {
      $0.wording.settings == wording.settings && $0.languages.count == settings.languages.count ? $0 : nil
    }
    let numbers = known?.numbersOfSame(in: table, at: now) ?? []
    let saysSameTimes =
      known.map { $0.wording.dayNumber == wording.dayNumber && $0.wording.isStale == isStale } ?? false
    let objects = Mutex<RenderedTexts?>(nil)
    let sheets = Mutex([LanguageSheet?](repeating: nil, count: settings.languages.count))
    // Each language is the longer part, so that the objects come last.
    let render = { @Sendable (part: Int) in
      guard part < settings.languages.count else {
        let texts = RenderedTexts(count: table.count, reusing: known.map { ($0.objects, numbers) }) {
          number, text in
          text.append(outage: table.outages[number], at: now)
        }
        return objects.withLock { $0 = texts }
      }
      let speech = OutageSpeech(
        templates: settings.languages[part], zone: settings.timeZone, now: now, isStale: isStale)
      let sheet = LanguageSheet(
        speech: speech, outages: table.outages,
        reusing: known.flatMap { saysSameTimes ? ($0.languages[part], numbers) : nil })
      sheets.withLock { $0[part] = sheet }
    }
    let partCount = settings.languages.count + 1
    if sideBySide {
      concurrently(partCount, render)
    } else {
      for part in 0..<partCount { render(part) }
    }
    outageObjects = objects.withLock { $0.unsafelyUnwrapped }
    languages = sheets.withLock { $0.map(\.unsafelyUnwrapped) }
    uncountedLanguages = languages.map { .passUnretained($0) }
    uncountedServicePoints = .passUnretained(territory.servicePoints)
    let ids = RenderedTexts(count: table.count, reusing: known.map { ($0.ids, numbers) }) { number, text in
      text.append(0x22)
      text.append(jsonEscaped: table.outages[number].outageId)
      text.append(0x22)
    }
    outageIds = OutageIdList(ids)
  }

  /// What another sheet says, as of a later moment: nothing is rendered anew.
  /// - Returns: `nil` if the clock has changed something since, or the other was stale: then its sentences are others.
  public init?(_ other: AnswerSheet, confirmedBy freshness: LayerFreshness?, at now: Timestamp) {
    guard let freshness, !other.isStale, freshness.staleAt > now, other.validUntil > now else { return nil }
    territory = other.territory
    wording = other.wording
    isStale = false
    renderedAt = other.renderedAt
    validUntil = Self.nextRendering(
      after: now, changes: [freshness.staleAt, other.territory.outages.nextChange(after: now)])
    phases = other.phases
    firstSuspected = other.firstSuspected
    head = Self.head(other.territory.outages.layer, asOf: freshness.asOf, isStale: false)
    outageObjects = other.outageObjects
    outageIds = other.outageIds
    languages = other.languages
    uncountedLanguages = other.uncountedLanguages
    uncountedServicePoints = other.uncountedServicePoints
  }

  /// Lends the service points, for as long as `body` runs.
  @inlinable @inline(__always)
  public func withServicePoints<Result>(_ body: (ServicePointTable) -> Result) -> Result {
    uncountedServicePoints._withUnsafeGuaranteedRef(body)
  }

  /// Lends what is said in one language, likewise.
  @inline(__always)
  func withLanguage(_ number: Int, _ body: (LanguageSheet) -> Void) {
    uncountedLanguages[number]._withUnsafeGuaranteedRef(body)
  }

  /// What is said of the outages, for another rendering to go on from.
  public var rendered: RenderedOutages {
    RenderedOutages(
      wording: wording, outages: territory.outages, objects: outageObjects, ids: outageIds.texts,
      languages: languages.map { RenderedOutages.Language(inside: $0.inside, near: $0.near) })
  }

  private static func head(_ layer: LayerVersion?, asOf: Timestamp?, isStale: Bool) -> FlatArray<UInt8> {
    var head = ByteBuffer()
    head.append("\",\"layerVersion\":")
    head.append(decimal: layer?.number ?? 0)
    head.append(",\"asOf\":")
    if let asOf {
      head.append(utf8Of: "\"\(asOf.iso8601)\"")
    } else {
      head.append("null")
    }
    head.append(utf8Of: ",\"stale\":\(isStale),\"locations\":[")
    return FlatArray(head.bytes)
  }

  /// A day begins on a quarter of an hour in every zone, so that rendering then keeps "tomorrow" right.
  private static func nextRendering(after now: Timestamp, changes: [Timestamp?]) -> Timestamp {
    let quarter: Int64 = 900_000
    let nextQuarter = Timestamp(
      millisecondsSinceEpoch: (now.millisecondsSinceEpoch / quarter + 1) * quarter)
    return changes.compactMap { $0 }.reduce(nextQuarter, min)
  }

  /// The number of the language that serves a BCP 47 tag best, by RFC 4647's look-up: the tag itself, then with its last subtags cut off, then the
  /// first language.
  public func language(_ tag: UnsafeBufferPointer<UInt8>) -> Int {
    var length = tag.count
    while length > 0 {
      if let number = languages.firstIndex(where: {
        $0.isNamed(UnsafeBufferPointer(rebasing: tag[..<length]))
      }) {
        return number
      }
      length = tag[..<length].lastIndex { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") } ?? 0
    }
    return 0
  }
}

// MARK: - Fetching ahead

extension AnswerSheet {
  /// Begins to fetch which outages cover a service point, once it is known which one will be asked for.
  public func fetchCover(ofRow row: Int) {
    ccacheline_prefetch(territory.coverage.setOfPoint.address(of: row))
  }

  /// Begins to fetch what is said of the outage that an answer will tell of, in the first language.
  public func fetchTexts(ofRow row: Int) {
    let set = territory.coverage.setOfPoint[row]
    if set == 0 { return }
    let covering = territory.coverage.polygons(ofSet: set)
    let primary = Int(covering[PrimaryOutage.position(in: covering, phases: phases.buffer)])
    outageObjects.prefetch(primary)
    withLanguage(0) { $0.inside.prefetch(primary) }
  }
}

/// What is said in one language, by outage number where it depends on the outage; JSON-escaped, without quotes.
final class LanguageSheet: Sendable {
  let tag: [UInt8]
  let inside: RenderedTexts
  let near: RenderedTexts
  let fixed: RenderedTexts
  /// `severalAt` before the address, between address and sentence, after the sentence.
  let severalAt: RenderedTexts
  let severalIntro: RenderedTexts
  let severalMore: RenderedTexts

  /// The sentences that depend on no outage, by their position in `fixed`.
  enum Fixed: Int, CaseIterable {
    case none, severalNone, reportNew, reportKnown, reportStillOut, reportRestored, reportWireDown
  }

  /// - Parameter known: what was said of some of these outages, and for each outage the number that it had then; -1 where there is none.
  init(
    speech: OutageSpeech, outages: [Outage],
    reusing known: (texts: RenderedOutages.Language, numbers: [Int32])? = nil
  ) {
    let templates = speech.templates
    tag = Array(templates.language.utf8)
    inside = RenderedTexts(count: outages.count, reusing: known.map { ($0.texts.inside, $0.numbers) }) {
      $1.append(jsonEscaped: speech.inside(outages[$0]))
    }
    near = RenderedTexts(count: outages.count, reusing: known.map { ($0.texts.near, $0.numbers) }) {
      $1.append(jsonEscaped: speech.near(outages[$0]))
    }
    fixed = RenderedTexts(
      Fixed.allCases.map { sentence in
        switch sentence {
        case .none: speech.none
        case .severalNone: templates[speech.isStale ? .severalNoneStale : .severalNone]
        case .reportNew: templates[.reportNew]
        case .reportKnown: templates[.reportKnown]
        case .reportStillOut: templates[.reportStillOut]
        case .reportRestored: templates[.reportRestored]
        case .reportWireDown: templates[.reportWireDown]
        }
      })
    severalAt = RenderedTexts(templates[.severalAt].split(at: ["{address}", "{say}"]))
    severalIntro = RenderedTexts(templates[.severalIntro].split(at: ["{count}"]))
    severalMore = RenderedTexts(templates[.severalMore].split(at: ["{count}"]))
  }

  func fixed(_ sentence: Fixed) -> UnsafeRawBufferPointer { fixed[sentence.rawValue] }

  func isNamed(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
    guard name.count == tag.count else { return false }
    return zip(name, tag).allSatisfy { byte, mine in
      let lower = byte >= 65 && byte <= 90 ? byte + 32 : byte == UInt8(ascii: "_") ? UInt8(ascii: "-") : byte
      return lower == mine
    }
  }
}

extension String {
  /// The pieces around placeholders that come in this order, one more than there are placeholders.
  fileprivate func split(at placeholders: [String]) -> [String] {
    var pieces: [String] = []
    var rest = self
    for placeholder in placeholders {
      guard let range = rest.range(of: placeholder) else { continue }
      pieces.append(String(rest[..<range.lowerBound]))
      rest = String(rest[range.upperBound...])
    }
    return pieces + [rest]
  }
}

extension ByteBuffer {
  /// Appends the outage as the caller's answer gives it; what is not known is left out.
  fileprivate mutating func append(outage: Outage, at now: Timestamp) {
    append("{")
    append(jsonField: "outageId", outage.outageId)
    if let suspicion = outage.suspicion {
      let hundredths = Int((suspicion.confidence * 100).rounded())
      append(utf8Of: ",\"suspected\":true,\"confidence\":\(Double(hundredths) / 100)")
      append(jsonField: "reportCount", suspicion.reportCount)
    }
    append(jsonField: "kind", outage.kind.text)
    append(jsonField: "status", outage.status.text)
    append(jsonField: "cause", outage.cause)
    append(jsonField: "causeKind", outage.causeKind?.text)
    append(jsonField: "startedAt", outage.startedAt?.iso8601)
    append(jsonField: "estimatedRestorationAt", outage.estimatedRestorationAt?.iso8601)
    append(jsonField: "ertStatus", outage.ert(at: now).statusText)
    append(jsonField: "ertConfidence", outage.ertConfidence?.text)
    append(jsonField: "ertSource", outage.ertSource?.text)
    append(jsonField: "crewStatus", outage.crewStatus?.text)
    append(jsonField: "customersAffected", outage.customersAffected)
    append(jsonField: "customersRestored", outage.customersRestored)
    append(jsonField: "communityDescriptor", outage.communityDescriptor)
    append(jsonField: "message", outage.message)
    append(jsonField: "updatedAt", outage.updatedAt?.iso8601)
    append("}")
  }
}
