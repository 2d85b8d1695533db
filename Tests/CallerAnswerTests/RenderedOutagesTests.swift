// A rendering that goes on from another one says the same, to the byte, as one that is made from nothing.

import Foundation
import OutageModel
import PointLocation
import Territory
import TestSupport
import Testing

@testable import CallerAnswer

@Suite struct RenderedOutagesTests {
  static let zone = TimeZone(identifier: "America/Los_Angeles")!
  /// 22:40 in Los Angeles, so that midnight is near.
  static let start = Timestamp(iso8601: "2026-11-25T06:40:00Z")!

  static func settings(_ languages: [SpeechTemplates] = SpeechTemplates.shipped, zone: TimeZone = zone)
    -> AnswerSettings
  {
    AnswerSettings(timeZone: zone, staleAfterSeconds: 7_200, languages: languages)
  }

  static func outage(_ id: String, _ random: inout SeededGenerator) -> Outage {
    let west = Double.random(in: -122 ... -121, using: &random)
    var area = OutageArea()
    area.append(polygon: [
      [(0.0, 0.0), (0.1, 0.0), (0.1, 0.1), (0.0, 0.0)].map {
        LonLat(lonDegrees: west + $0.0, latDegrees: 38 + $0.1)
      }
    ])
    var outage = Outage(outageId: id, area: area)
    change(&outage, &random)
    return outage
  }

  static func change(_ outage: inout Outage, _ random: inout SeededGenerator) {
    outage.kind = .known(OutageKind.allCases.randomElement(using: &random)!)
    outage.status = .known(OutageStatus.allCases.randomElement(using: &random)!)
    func moment() -> Timestamp? {
      let minutes = Int64.random(in: -60...240, using: &random)
      return Bool.random(using: &random) ? nil : start.adding(seconds: minutes * 60)
    }
    outage.startedAt = moment()
    outage.estimatedRestorationAt = moment()
    outage.customersAffected = Int.random(in: 0...3, using: &random)
  }

  static func territory(_ outages: [Outage], publishedAt: Timestamp, previous: Territory?) -> Territory {
    let layer = LayerVersion(
      kind: .outages, number: 1, publishedAt: publishedAt, source: "", sha256: "", recordCount: outages.count,
      vertexCount: 0)
    return Territory(
      servicePoints: previous?.servicePoints ?? ServicePointTableBuilder().build(addressVersion: 1),
      outages: OutageTable(layer: layer, outages: outages, previous: previous?.outages), previous: previous)
  }

  static func texts(_ sheet: AnswerSheet) -> [[String]] {
    func all(_ texts: RenderedTexts) -> [String] {
      (0..<texts.count).map { String(decoding: texts[$0], as: UTF8.self) }
    }
    return [all(sheet.outageObjects), all(sheet.outageIds.texts)]
      + sheet.languages.flatMap { [all($0.inside), all($0.near), all($0.fixed)] }
  }

  /// Layers, hours and midnight pass; the layer grows stale and is refreshed; now and then the texts go through sections, as over a restart.
  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func `rendering on from the last texts says what rendering anew does`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var outages = (0..<40).map { Self.outage("O\($0)", &random) }
    var now = Self.start
    var territory = Self.territory(outages, publishedAt: now, previous: nil)
    var rendered: RenderedOutages?
    for step in 0..<30 {
      now = now.adding(seconds: .random(in: 0...2_400, using: &random))
      if Bool.random(using: &random) {
        for _ in 0..<Int.random(in: 0...4, using: &random) {
          let number = Int.random(in: 0..<outages.count, using: &random)
          switch Int.random(in: 0..<4, using: &random) {
          case 0: outages.remove(at: number)
          case 1: outages.append(Self.outage("N\(step)-\(outages.count)", &random))
          case 2: outages[number].area = Self.outage("", &random).area
          default: Self.change(&outages[number], &random)
          }
        }
        territory = Self.territory(outages, publishedAt: now, previous: territory)
      }
      let settings = Self.settings()
      let sheet = AnswerSheet(territory: territory, settings: settings, at: now, rendered: rendered)
      let alone = AnswerSheet(territory: territory, settings: settings, at: now)
      #expect(Self.texts(sheet) == Self.texts(alone), "seed \(seed), step \(step)")
      rendered = sheet.rendered
      if Int.random(in: 0..<4, using: &random) == 0 {
        var writer = SectionWriter()
        sheet.rendered.write(to: &writer)
        var reader = SectionReader(writer.sections)
        rendered = try RenderedOutages(validating: &reader, outages: territory.outages)
      }
    }
  }

  @Test func `texts in other words, languages or another zone are not gone on from`() throws {
    var random = SeededGenerator(seed: 9)
    let territory = Self.territory(
      (0..<20).map { Self.outage("O\($0)", &random) }, publishedAt: Self.start, previous: nil)
    let rendered = AnswerSheet(territory: territory, settings: Self.settings(), at: Self.start).rendered
    let english = String(decoding: SpeechTemplates.englishFile, as: UTF8.self)
    let reworded = try SpeechTemplates(
      json: Data(english.replacing("power outage", with: "blackout").utf8), file: "en.json")
    for settings in [
      Self.settings([reworded]), Self.settings(SpeechTemplates.shipped.reversed()),
      Self.settings(Array(SpeechTemplates.shipped.prefix(1))),
      Self.settings(zone: TimeZone(identifier: "America/New_York")!),
    ] {
      let sheet = AnswerSheet(territory: territory, settings: settings, at: Self.start, rendered: rendered)
      let alone = AnswerSheet(territory: territory, settings: settings, at: Self.start)
      #expect(Self.texts(sheet) == Self.texts(alone))
    }
  }

  @Test func `texts that have not changed are not copied`() {
    var random = SeededGenerator(seed: 5)
    let territory = Self.territory(
      (0..<20).map { Self.outage("O\($0)", &random) }, publishedAt: Self.start, previous: nil)
    let sheet = AnswerSheet(territory: territory, settings: Self.settings(), at: Self.start)
    let next = AnswerSheet(
      territory: territory, settings: Self.settings(), at: Self.start, rendered: sheet.rendered)
    #expect(sheet.outageObjects[0].baseAddress == next.outageObjects[0].baseAddress)
    #expect(sheet.languages[1].near[3].baseAddress == next.languages[1].near[3].baseAddress)
  }
}
