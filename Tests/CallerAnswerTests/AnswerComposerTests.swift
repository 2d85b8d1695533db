// The answer's bytes: shape, choice of the primary outage, escaping, several service points, languages.

import ByteBuffers
import Foundation
import OutageModel
import Territory
import Testing

@testable import CallerAnswer

private let now = Timestamp(iso8601: "2026-11-24T18:10:00Z")!
private let published = Timestamp(iso8601: "2026-11-24T18:02:11Z")!

private func square(_ west: Double, _ south: Double, _ size: Double) -> OutageArea {
  var area = OutageArea()
  area.append(
    polygon: [
      [(west, south), (west + size, south), (west + size, south + size), (west, south + size), (west, south)]
        .map {
          LonLat(lonDegrees: $0.0, latDegrees: $0.1)
        }
    ])
  return area
}

private func outage(_ id: String, _ area: OutageArea, _ change: (inout Outage) -> Void = { _ in }) -> Outage {
  var outage = Outage(outageId: id, area: area)
  change(&outage)
  return outage
}

private func servicePoint(_ id: String, _ lon: Double, _ lat: Double, account: String?) -> ServicePoint {
  var point = ServicePoint(servicePointId: id, position: LonLat(lonDegrees: lon, latDegrees: lat))
  point.accountId = account
  point.addressLine = "12 Oak St"
  point.city = "Davis"
  point.postalCode = "95616"
  return point
}

private func sheet(
  _ points: [ServicePoint], _ outages: [Outage], at moment: Timestamp = now, staleAfterSeconds: Int = 900
) -> AnswerSheet {
  var builder = ServicePointTableBuilder()
  for point in points { builder.append(point) }
  let layer = LayerVersion(
    kind: .outages, number: 7, publishedAt: published, source: "test", sha256: "", recordCount: outages.count,
    vertexCount: 0)
  let territory = Territory(
    servicePoints: builder.build(addressVersion: 1), outages: OutageTable(layer: layer, outages: outages))
  return AnswerSheet(
    territory: territory,
    settings: AnswerSettings(
      timeZone: TimeZone(identifier: "UTC")!, staleAfterSeconds: staleAfterSeconds,
      languages: SpeechTemplates.shipped), at: moment)
}

private struct Answer: Decodable, Equatable {
  struct Location: Decodable, Equatable {
    struct Outage: Decodable, Equatable { var outageId: String }
    var servicePointId, accountId, address: String?
    var match: String
    var distanceMetres: Double?
    var outage: Outage?
    var alsoIn: [String]
  }
  var match: String
  var layerVersion: Int
  var asOf: String
  var stale: Bool
  var locations: [Location]
  var locationsOmitted: Int?
  var say: String
}

private func ask(account: String, _ sheet: AnswerSheet, language: String = "en", nearMetres: Double = 0)
  throws -> (
    text: String, answer: Answer
  )
{
  var composer = AnswerComposer()
  var account = account
  var tag = language
  let number = tag.withUTF8 { sheet.language($0) }
  var output = ByteBuffer()
  account.withUTF8 { key in
    composer.answer(
      rows: sheet.territory.servicePoints.rows(account: key), nearMetres: nearMetres, language: number,
      sheet: sheet, into: &output)
  }
  let text = String(decoding: output.bytes, as: UTF8.self)
  return (text, try JSONDecoder().decode(Answer.self, from: Data(text.utf8)))
}

@Suite struct AnswerComposerTests {
  @Test func `the answer is the documented object to the letter`() throws {
    let sheet = sheet(
      [servicePoint("SP-88121", 0.5, 0.5, account: "000000088121")],
      [
        outage("OMS-4411", square(0, 0, 1)) {
          $0.cause = "Tree down across our wires"
          $0.causeKind = .known(.treeDown)
          $0.estimatedRestorationAt = Timestamp(iso8601: "2026-11-24T18:30:00Z")
          $0.ertConfidence = .known(.high)
          $0.ertSource = .known(.crew)
          $0.crewStatus = .known(.arrived)
          $0.customersAffected = 1243
        }, outage("OMS-4380", square(-1, -1, 3)),
      ])
    #expect(
      try ask(account: "000000088121", sheet).text
        == #"{"match":"inside","layerVersion":7,"asOf":"2026-11-24T18:02:11Z","stale":false,"locations":[{"servicePointId":"SP-88121","accountId":"000000088121","address":"12 Oak St, Davis 95616","match":"inside","outage":{"outageId":"OMS-4411","kind":"unplanned","status":"confirmed","cause":"Tree down across our wires","causeKind":"treeDown","estimatedRestorationAt":"2026-11-24T18:30:00Z","ertStatus":"known","ertConfidence":"high","ertSource":"crew","crewStatus":"arrived","customersAffected":1243},"alsoIn":["OMS-4380"]}],"say":"We know about a power outage at your address. A tree has come down on the line. A crew is on site. We expect power back by 6:30 PM."}"#
    )
  }

  @Test func `the primary outage follows the documented rule`() throws {
    let later = { @Sendable (outage: inout Outage) in outage.startedAt = now.adding(seconds: 3600) }
    let point = [servicePoint("SP-1", 0.5, 0.5, account: "A")]
    // Each outage of the list gives way to all before it.
    let ranked = [
      outage("unplanned-small", square(0.4, 0.4, 0.2)),
      outage("unplanned-late", square(0, 0, 1)) { $0.startedAt = published },
      outage("unplanned-a", square(0, 0, 1)) { $0.startedAt = published.adding(seconds: -60) },
      outage("unplanned-b", square(0, 0, 1)) { $0.startedAt = published.adding(seconds: -60) },
      outage("shutoff", square(0.45, 0.45, 0.1)) { $0.kind = .known(.publicSafetyShutoff) },
      outage("planned", square(0.45, 0.45, 0.1)) { $0.kind = .known(.planned) },
      outage("suspected", square(0.45, 0.45, 0.1)) {
        $0.suspicion = Suspicion(confidence: 0.75, reportCount: 2)
      },
      outage("shutoff-scheduled", square(0.45, 0.45, 0.1)) {
        $0.kind = .known(.publicSafetyShutoff)
        later(&$0)
      },
      outage("planned-scheduled", square(0.49, 0.49, 0.02)) {
        $0.kind = .known(.planned)
        later(&$0)
      },
      outage("restored", square(0.49, 0.49, 0.02)) { $0.status = .known(.restored) },
    ]
    for first in ranked.indices {
      let answer = try ask(account: "A", sheet(point, Array(ranked[first...].reversed()))).answer
      #expect(answer.locations[0].outage?.outageId == ranked[first].outageId)
      #expect(Set(answer.locations[0].alsoIn) == Set(ranked[(first + 1)...].map(\.outageId)))
    }
  }

  @Test func `a suspected outage is marked and tells what it rests on`() throws {
    let suspected = outage("SUSPECTED-12", square(0, 0, 1)) {
      $0.status = .known(.predicted)
      $0.suspicion = Suspicion(confidence: 6.0 / 7, reportCount: 5)
    }
    let text = try ask(
      account: "A", sheet([servicePoint("SP-1", 0.5, 0.5, account: "A")], [suspected])
    ).text
    #expect(
      text.contains(
        #""match":"inside","outage":{"outageId":"SUSPECTED-12","suspected":true,"confidence":0.86,"reportCount":5,"kind":"unplanned","status":"predicted","ertStatus":"assessing"},"alsoIn":[]}"#
      ))
    #expect(text.contains("others near you have reported the same"))
  }

  @Test func `a suspected outage close by is told only where no other is close`() throws {
    let point = [servicePoint("SP-1", 1.001, 0.5, account: "A")]
    let suspected = outage("SUSPECTED-1", square(1.0015, 0.4, 0.2)) {
      $0.suspicion = Suspicion(confidence: 0.8, reportCount: 3)
    }
    let alone = try ask(account: "A", sheet(point, [suspected]), nearMetres: 200).answer
    #expect(alone.match == "near")
    #expect(alone.locations[0].outage?.outageId == "SUSPECTED-1")
    #expect(alone.say.contains("people close to you have reported"))
    let known = try ask(
      account: "A", sheet(point, [suspected, outage("OMS-1", square(0, 0, 1))]), nearMetres: 200
    ).answer
    #expect(known.locations[0].outage?.outageId == "OMS-1")
  }

  @Test func `texts that JSON cannot hold as they are come through escaped`() throws {
    var point = servicePoint("SP \"1\"", 0.5, 0.5, account: "back\\slash")
    point.addressLine = "12 \"Oak\"\tSt\u{1}"
    let answer = try ask(
      account: "back\\slash",
      sheet([point], [outage("O\n1", square(0, 0, 1)) { $0.message = "Say \"hi\"" }])
    ).answer
    #expect(answer.locations[0].servicePointId == "SP \"1\"")
    #expect(answer.locations[0].accountId == "back\\slash")
    #expect(answer.locations[0].address == "12 \"Oak\"\tSt\u{1}, Davis 95616")
    #expect(answer.locations[0].outage?.outageId == "O\n1")
    #expect(answer.say.hasSuffix("Say \"hi\""))
  }

  @Test func `other outages are told by their ids, however long those are`() throws {
    let ids = ["A", String(repeating: "b", count: 28), String(repeating: "c", count: 29), "\"d\"", "E"]
    let point = [servicePoint("SP-1", 0.5, 0.5, account: "A")]
    for primary in ids {
      // The smaller area takes precedence.
      let outages = ids.map { outage($0, square(0, 0, $0 == primary ? 1 : 2)) }
      let text = try ask(account: "A", sheet(point, outages))
      #expect(text.answer.locations[0].outage?.outageId == primary)
      #expect(text.answer.locations[0].alsoIn.sorted() == ids.filter { $0 != primary }.sorted())
    }
  }

  @Test func `several service points are told one by one, the affected ones aloud`() throws {
    let points = (0..<6).map { servicePoint("SP-\($0)", Double($0) + 0.5, 0.5, account: "A") }
    let none = try ask(account: "A", sheet(points, [])).answer
    #expect(none.match == "none")
    #expect(
      none.say == "You have 6 service addresses with us. We do not know of a power outage at any of them.")
    let some = try ask(
      account: "A", sheet(points, (1..<6).map { outage("O\($0)", square(Double($0), 0, 0.9)) })
    ).answer
    #expect(some.match == "inside")
    #expect(some.locations.map(\.servicePointId) == points.map(\.servicePointId))
    #expect(some.locations.map(\.match) == ["none"] + Array(repeating: "inside", count: 5))
    #expect(some.say.hasPrefix("You have 6 service addresses with us. For 12 Oak St: We know about"))
    #expect(some.say.hasSuffix("Further addresses of yours are affected too: 2."))
  }

  @Test func `an account with very many service points gets a bounded answer`() throws {
    let points = (0..<250).map { servicePoint("SP-\(1000 + $0)", Double($0) / 10, 0.5, account: "A") }
    let answer = try ask(account: "A", sheet(points, [])).answer
    #expect(answer.locations.count == AnswerComposer.locationsMax)
    #expect(answer.locationsOmitted == 150)
    #expect(answer.say.hasPrefix("You have 250 service addresses"))
  }

  @Test(arguments: [
    ("en", "We do not"), ("es", "No sabemos"), ("es-MX", "No sabemos"), ("ES_mx", "No sabemos"),
    ("fr", "We do not"),
    ("e", "We do not"), ("", "We do not"),
  ])
  func `a language is found by its tag, else the first one speaks`(tag: String, start: String) throws {
    let sheet = sheet([servicePoint("SP-1", 5, 5, account: "A")], [])
    #expect(try ask(account: "A", sheet, language: tag).answer.say.hasPrefix(start))
  }

  @Test func `a layer is stale from its moment on, and the sheet knows when`() throws {
    let point = [servicePoint("SP-1", 5, 5, account: "A")]
    let fresh = sheet(point, [], at: published.adding(seconds: 899))
    #expect(!fresh.isStale)
    #expect(fresh.validUntil == published.adding(seconds: 900))
    let stale = sheet(point, [], at: published.adding(seconds: 900))
    #expect(stale.isStale)
    let answer = try ask(account: "A", stale).answer
    #expect(answer.stale)
    #expect(answer.say.contains("checking"))
  }

  @Test func `a sheet is valid until the clock changes what is said`() {
    let point = [servicePoint("SP-1", 0.5, 0.5, account: "A")]
    let moment = now.adding(seconds: 77)
    let sheet = sheet(
      point, [outage("O", square(0, 0, 1)) { $0.estimatedRestorationAt = moment }], at: now)
    #expect(sheet.validUntil == moment)
  }

  @Test func `a position gets an answer without a service point`() throws {
    let sheet = sheet([], [outage("O", square(0, 0, 1))])
    var composer = AnswerComposer()
    var output = ByteBuffer()
    composer.answer(
      position: LonLat(lonDegrees: 0.25, latDegrees: -0.0625), nearMetres: 0, language: 0, sheet: sheet,
      into: &output)
    let text = String(decoding: output.bytes, as: UTF8.self)
    #expect(
      text
        == #"{"match":"none","layerVersion":7,"asOf":"2026-11-24T18:02:11Z","stale":false,"locations":[{"lonDegrees":0.25,"latDegrees":-0.0625,"match":"none","outage":null,"alsoIn":[]}],"say":"We do not know of a power outage at your address."}"#
    )
  }

  @Test func `an outage close by is told as near with its distance, if it is in force`() throws {
    let point = [servicePoint("SP-1", 1.001, 0.5, account: "A")]
    func answer(_ change: (inout Outage) -> Void) throws -> Answer {
      try ask(account: "A", sheet(point, [outage("O", square(0, 0, 1), change)]), nearMetres: 200).answer
    }
    let near = try answer { _ in }
    #expect(near.match == "near")
    let distance = try #require(near.locations[0].distanceMetres)
    // One thousandth of a degree of longitude at half a degree of latitude on WGS 84.
    #expect(abs(distance - 111.3) < 0.6)
    #expect(
      near.say.hasPrefix("We do not know of a power outage at your address, but there is one close to you."))
    #expect(try answer { $0.status = .known(.restored) }.match == "none")
  }
}
