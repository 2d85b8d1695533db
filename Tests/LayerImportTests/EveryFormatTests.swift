// The same layer in every format, coordinate system and time style gives the same outages and service points.

import Foundation
import LayerImport
import OutageModel
import Testing

@Suite("Every format")
struct EveryFormatTests {
  static let folder = BrokenFixtureTests.folder.deletingLastPathComponent()
  static let bounds = TerritoryBounds(west: -123, south: 37.8, east: -120.8, north: 39.4)

  static func files(_ folder: String) -> [String] {
    let names =
      (try? FileManager.default.contentsOfDirectory(atPath: Self.folder.appending(path: folder).path)) ?? []
    let endings = [
      ".csv", ".csv.gz", ".geojson", ".geojson.gz", ".geojsons", ".geojsons.gz", ".shp", ".gpkg", ".gpkg.gz",
      ".sqlite", ".sqlite.gz",
    ]
    return names.filter { name in endings.contains { name.hasSuffix($0) } }.sorted().map { "\(folder)/\($0)" }
  }

  static func options(_ file: String) -> ImportOptions {
    var options = ImportOptions()
    options.territoryBounds = bounds
    options.maxRejectedFraction = 0
    if file.contains(".csv"), file.contains("2227") { options.crs = "EPSG:2227" }
    if file.contains("local-time") { options.timeZoneName = "America/Los_Angeles" }
    return options
  }

  static func outages(_ file: String) throws -> ([String: Outage], ImportReport) {
    let (outages, report) = try LayerImporter.readOutages(
      folder.appending(path: file).path, options: options(file), progress: { _ in })
    return (Dictionary(uniqueKeysWithValues: outages.map { ($0.outageId, $0) }), report)
  }

  static func points(_ file: String) throws -> ([String: ServicePoint], ImportReport) {
    var points: [String: ServicePoint] = [:]
    let report = try LayerImporter.readAddresses(
      folder.appending(path: file).path, options: options(file), progress: { _ in }
    ) { points[$0.servicePointId] = $0 }
    return (points, report)
  }

  /// Reprojected coordinates were rounded to the millimetre or so when they were written.
  static let toleranceDegrees = 2e-7

  @Test("an outage layer is the same in each file", arguments: files("outages"))
  func outagesAreSame(_ file: String) throws {
    let (expected, _) = try Self.outages("outages/outages.geojson")
    let (found, report) = try Self.outages(file)
    #expect(expected.count == 60 && Set(found.keys) == Set(expected.keys))
    #expect(report.rejectedCount == 0 && report.repairedCount == 0, "\(report.text)")
    #expect(
      !report.warnings.contains { $0.reason == .unknownValue || $0.reason == .unmappedColumn },
      "\(report.text)")
    for (id, outage) in expected {
      guard var other = found[id] else { continue }
      let areas = (outage.area, other.area)
      other.area = outage.area
      #expect(other == outage)
      #expect(
        areas.0.ringStarts == areas.1.ringStarts && areas.0.polygonStarts == areas.1.polygonStarts, "\(id)")
      // A Shapefile turns rings, which moves their first vertex: the same corners count.
      func corners(_ area: OutageArea) -> [[Double]] {
        stride(from: 0, to: area.coordinates.count, by: 2).map {
          [area.coordinates[$0], area.coordinates[$0 + 1]]
        }
      }
      let others = corners(areas.1)
      let lacking = corners(areas.0).filter { corner in
        !others.contains {
          abs($0[0] - corner[0]) < Self.toleranceDegrees && abs($0[1] - corner[1]) < Self.toleranceDegrees
        }
      }
      #expect(lacking.isEmpty, "\(id) lacks \(lacking.prefix(2))")
    }
  }

  @Test("an address file is the same in each file", arguments: files("territory"))
  func pointsAreSame(_ file: String) throws {
    let (expected, _) = try Self.points("territory/service-points.csv")
    let (found, report) = try Self.points(file)
    #expect(expected.count == 5100 && found.count == 5100)
    #expect(report.rejectedCount == 0, "\(report.text)")
    #expect(
      !report.warnings.contains { $0.reason == .unknownValue || $0.reason == .unmappedColumn },
      "\(report.text)")
    var worst = 0.0
    var differing: [String] = []
    for (id, point) in expected {
      guard var other = found[id] else { continue }
      worst = max(
        worst, abs(other.position.lonDegrees - point.position.lonDegrees),
        abs(other.position.latDegrees - point.position.latDegrees))
      other.position = point.position
      if other != point { differing.append("\(other) is not \(point)") }
    }
    #expect(worst < Self.toleranceDegrees)
    #expect(differing.isEmpty, "\(differing.prefix(3))")
  }

  @Test("a check tells what a file holds", arguments: files("territory") + files("outages"))
  func checkTells(_ file: String) throws {
    let check = try LayerImporter.check(Self.folder.appending(path: file).path, options: Self.options(file))
    #expect(check.content == (file.hasPrefix("outages") ? "outages" : "addresses"))
    #expect(check.wouldImport)
    #expect(check.columns.allSatisfy { $0.field != nil || $0.column == "fid" }, "\(check.text)")
  }
}
