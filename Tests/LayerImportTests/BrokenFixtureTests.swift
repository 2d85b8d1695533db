// Every broken fixture gives the fault that its table names, at the record that it names.

import Foundation
import LayerImport
import OutageModel
import Testing

@Suite("Broken fixtures")
struct BrokenFixtureTests {
  struct Fixture: Decodable, CustomTestStringConvertible {
    var file: String
    var imports: String
    var outcome: String
    var reason: String
    var isPublished: Bool
    var recordCount: Int?
    var record: Int?
    var id: String?
    var fault: String
    var testDescription: String { file }
  }

  static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "GeoFixtures/broken")

  static let fixtures: [Fixture] = {
    guard let data = try? Data(contentsOf: folder.appending(path: "expected.json")) else { return [] }
    return (try? JSONDecoder().decode([Fixture].self, from: data)) ?? []
  }()

  static func options(_ fixture: Fixture) -> ImportOptions {
    var options = ImportOptions()
    if fixture.reason != "antimeridian" {
      options.territoryBounds = TerritoryBounds(west: -123, south: 37.8, east: -120.8, north: 39.4)
    }
    return options
  }

  static func run(_ fixture: Fixture, _ options: ImportOptions) throws -> ImportReport {
    let path = folder.appending(path: fixture.file).path
    if fixture.imports == "addresses" {
      return try LayerImporter.readAddresses(path, options: options, progress: { _ in }, { _ in })
    }
    return try LayerImporter.readOutages(path, options: options, progress: { _ in }).report
  }

  @Test("the table of broken files is there")
  func tableIsThere() { #expect(Self.fixtures.count >= 60) }

  @Test("a broken file is told as such", arguments: fixtures)
  func isTold(_ fixture: Fixture) throws {
    var options = Self.options(fixture)
    if fixture.outcome == "refused" {
      let error = #expect(throws: ImportError.self) { try Self.run(fixture, options) }
      #expect(error?.reason?.rawValue == fixture.reason, "\(error.map { "\($0)" } ?? "")")
      #expect(error?.description.contains(fixture.file) == true)
      return
    }
    if fixture.isPublished {
      _ = try Self.run(fixture, options)
    } else {
      let error = #expect(throws: ImportError.self) { try Self.run(fixture, options) }
      guard case .tooManyRejected = error else {
        Issue.record("expected tooManyRejected, not \(error.map { "\($0)" } ?? "nothing")")
        return
      }
    }
    options.maxRejectedFraction = 1
    let report = try Self.run(fixture, options)
    #expect(report.read == fixture.recordCount)
    #expect(report.read == report.accepted + report.rejectedCount + report.duplicateCount)
    if fixture.reason == "none" {
      #expect(report.rejected.isEmpty && report.repaired.isEmpty)
      return
    }
    if fixture.reason == "tooManyRejected" {
      #expect(report.rejectedCount == 2)
      return
    }
    let tallies =
      switch fixture.outcome {
      case "repaired": report.repaired
      case "rejected": report.rejected
      default: report.warnings
      }
    let tally = try #require(tallies.first { $0.reason.rawValue == fixture.reason }, "\(report.text)")
    if let record = fixture.record {
      #expect(tally.first.contains { $0.record == record && $0.id == fixture.id }, "\(report.text)")
    }
  }
}
