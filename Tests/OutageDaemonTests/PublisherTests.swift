// Publishing, dry runs, roll-backs and new addresses: what is stored, what is served, what has changed.

import Foundation
import LayerImport
import LayerStore
import OutageModel
import Territory
import Testing

@testable import OutageDaemon

@Suite struct PublisherTests {
  private static let first = [
    SquareOutage(id: "O1", around: [1]),
    SquareOutage(id: "O2", around: [2, 3], fields: ["ETR": "2026-11-24T20:00:00Z"]),
  ]
  private static let second = [
    SquareOutage(id: "O2", around: [2, 3], fields: ["ETR": "2026-11-24T22:00:00Z"]),
    SquareOutage(id: "O3", around: [4]),
  ]

  @Test func `a publish is stored and served, and tells who is out`() throws {
    let small = try SmallTerritory()
    let outcome = try small.publish("first.geojson", Self.first)
    #expect(outcome.previousNumber == nil)
    #expect(outcome.difference.outagesAdded == ["O1", "O2"])
    #expect(outcome.difference.servicePointsNewlyOut == 3)
    #expect(outcome.difference.servicePointsOut == 3)
    let version = try #require(outcome.version)
    #expect(version.number == 1)
    #expect(version.source == "first.geojson")
    #expect(version.recordCount == 2)
    #expect(version.vertexCount == 15)
    #expect(version.publishedAt.millisecondsSinceEpoch == 1_795_543_200_000)
    #expect(version.sha256 == outcome.report?.sha256)
    #expect(try small.store.currentVersion(of: .outages) == version)
    #expect(small.publisher.territory.outages.layer == version)
    #expect(!outcome.timings.isEmpty)
  }

  @Test func `the next publish tells what it adds, changes and clears, and for whom`() throws {
    let small = try SmallTerritory()
    try small.publish("first.geojson", Self.first)
    let outcome = try small.publish("second.geojson", Self.second)
    #expect(outcome.previousNumber == 1)
    let difference = outcome.difference
    #expect(difference.outagesAdded == ["O3"])
    #expect(difference.outagesChanged == ["O2"])
    #expect(difference.outagesCleared == ["O1"])
    #expect(difference.outagesUnchanged == 0)
    #expect(difference.servicePointsNewlyOut == 1)
    #expect(difference.servicePointsRestored == 1)
    #expect(difference.servicePointsWithChangedERT == 2)
    #expect(difference.servicePointsOut == 3)
    let again = try small.publish("second.geojson", Self.second)
    #expect(again.version?.number == 3)
    #expect(again.difference.outagesUnchanged == 2)
    #expect(again.difference.servicePointsNewlyOut == 0)
  }

  @Test func `a planned outage that has not begun, and one that is over, put nobody out`() throws {
    let small = try SmallTerritory()
    let outcome = try small.publish(
      "planned.geojson",
      [
        SquareOutage(
          id: "P", around: [1], fields: ["TYPE": "Planned", "START_TIME": "2026-11-24T23:00:00Z"]),
        SquareOutage(id: "R", around: [2], fields: ["STATUS": "Restored"]),
        SquareOutage(id: "U", around: [3]),
      ])
    #expect(outcome.difference.outagesAdded == ["P", "R", "U"])
    #expect(outcome.difference.servicePointsOut == 1)
  }

  @Test func `a dry run tells the same and changes nothing`() throws {
    let small = try SmallTerritory()
    try small.publish("first.geojson", Self.first)
    let dry = try small.publish("second.geojson", Self.second, isDryRun: true)
    #expect(dry.version == nil)
    #expect(try small.store.currentVersion(of: .outages)?.number == 1)
    #expect(small.publisher.territory.outages.layer?.number == 1)
    #expect(try small.publish("second.geojson", Self.second).difference == dry.difference)
  }

  @Test func `a file with too many rejected records leaves all as it was`() throws {
    let small = try SmallTerritory()
    try small.publish("first.geojson", Self.first)
    let error = #expect(throws: ImportError.self) {
      try small.publish(
        "bad.geojson", [SquareOutage(id: "", around: [1]), SquareOutage(id: "O9", around: [2])])
    }
    guard case .tooManyRejected(let report) = error else {
      Issue.record("expected tooManyRejected, found \(String(describing: error))")
      return
    }
    #expect(report.rejected.map(\.reason) == [.missingId])
    #expect(try small.store.currentVersion(of: .outages)?.number == 1)
    #expect(small.publisher.territory.outages.layer?.number == 1)
    let json = failureJSON(ImportError.tooManyRejected(report))
    #expect(json.contains("\"published\":false"))
    #expect(json.contains("1 of 2 records rejected"))
    #expect(json.contains("missingId"))
  }

  @Test func `a roll-back publishes the old content under a new number, and the difference is the way back`()
    throws
  {
    let small = try SmallTerritory()
    try small.publish("first.geojson", Self.first)
    try small.publish("second.geojson", Self.second)
    let back = try small.publisher.rollBack(to: 1, isDryRun: false)
    #expect(back.version?.number == 3)
    #expect(back.version?.source == "rollback of 1")
    #expect(back.report == nil)
    #expect(back.difference.outagesAdded == ["O1"])
    #expect(back.difference.outagesCleared == ["O3"])
    #expect(back.difference.servicePointsWithChangedERT == 2)
    #expect(small.publisher.territory.outages.count == 2)
    #expect(throws: StoreError.self) { try small.publisher.rollBack(to: 99, isDryRun: false) }
    #expect(try small.store.currentVersion(of: .outages)?.number == 3)
  }

  @Test func `new addresses are taken over once, with the layer as it was`() throws {
    let small = try SmallTerritory()
    try small.publish("first.geojson", Self.first)
    #expect(try !small.publisher.reloadAddresses())
    try small.loadAddresses(count: 2)
    #expect(try small.publisher.reloadAddresses())
    #expect(small.publisher.territory.servicePoints.rowCount == 2)
    #expect(small.publisher.territory.outages.layer?.number == 1)
    #expect(try !small.publisher.reloadAddresses())
  }

  @Test func `what is stored is served again after a restart`() throws {
    let small = try SmallTerritory()
    try small.publish("first.geojson", Self.first)
    let restarted = Publisher(store: try LayerStore(directory: small.directory)) { moment }
    try restarted.load()
    #expect(restarted.territory.outages.layer == small.publisher.territory.outages.layer)
    #expect(restarted.territory.servicePoints.rowCount == 4)
    for row in 0..<4 {
      #expect(
        Array(restarted.territory.outages(coveringRow: row))
          == Array(small.publisher.territory.outages(coveringRow: row)))
    }
  }

  @Test func `what a person reads of a publish names everything that changes`() throws {
    let small = try SmallTerritory()
    try small.publish("first.geojson", Self.first)
    let outcome = try small.publish("second.geojson", Self.second)
    #expect(
      outcome.text(withTimings: false) == """
        Published outage layer 2 (second.geojson) in place of version 1.
          outages         1 added, 1 changed, 1 cleared, 0 as before
          service points  1 newly out, 1 restored, 2 with a changed ERT, 3 out in all
          added: O3
          changed: O2
          cleared: O1
        """)
    #expect(outcome.text(withTimings: true).hasSuffix(" ms"))
    let many = try small.publish(
      "many.geojson", (0..<11).map { SquareOutage(id: "M\(10 + $0)", around: [1]) })
    #expect(
      many.text(withTimings: false).contains(
        "added: M10, M11, M12, M13, M14, M15, M16, M17, and 3 more\n"))
    let dry = try small.publish("none.geojson", [], isDryRun: true)
    #expect(
      dry.text(withTimings: false).hasPrefix(
        "Dry run: nothing is published. Against version 3, this layer would change:\n"))
  }

  @Test func `what a program reads of a publish has the same, and the report`() throws {
    struct Outcome: Decodable {
      struct Version: Decodable { var number: Int, sha256, source, publishedAt: String }
      struct Difference: Decodable {
        var outagesAdded: [String]
        var servicePointsNewlyOut, servicePointsOut: Int
      }
      struct Report: Decodable { var read, accepted: Int }
      var published: Bool
      var version: Version?
      var previousVersion: Int?
      var difference: Difference
      var report: Report?
      var text: String
    }
    let small = try SmallTerritory()
    let outcome = try small.publish("first.geojson", Self.first)
    let json = try JSONDecoder().decode(Outcome.self, from: Data(outcome.json().utf8))
    #expect(json.published)
    #expect(json.version?.number == 1)
    #expect(json.version?.publishedAt == "2026-11-24T18:00:00Z")
    #expect(json.version?.sha256 == outcome.version?.sha256)
    #expect(json.previousVersion == nil)
    #expect(json.difference.outagesAdded == ["O1", "O2"])
    #expect(json.difference.servicePointsOut == 3)
    #expect(json.report?.accepted == 2)
    #expect(json.text == outcome.text(withTimings: false))
    let back = try small.publisher.rollBack(to: 1, isDryRun: true)
    let dry = try JSONDecoder().decode(Outcome.self, from: Data(back.json().utf8))
    #expect(!dry.published && dry.version == nil && dry.report == nil && dry.previousVersion == 1)
  }
}
