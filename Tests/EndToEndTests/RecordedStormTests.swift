// A storm that really happened, over 200,000 addresses: every account's outages are those that GEOS finds.

import CGEOS
import Foundation
import LayerImport
import OutageDaemon
import OutageModel
import Testing
import WireProtocol

@Suite(.serialized) struct RecordedStormTests {
  private static let recorded = checkout + "/../shared/data"
  private static let snapshot = recorded + "/bchydro-2022-11/20221105T074715Z.json.gz"
  private static let isThere = FileManager.default.isReadableFile(atPath: snapshot)
  static let servicePointCount = 200_000

  /// One record of the feed; `polygon` is longitude, latitude, longitude, ... of one ring, not closed.
  private struct Record: Decodable {
    var id: Int
    var cause: String?
    var numCustomersOut: Int?
    var crewStatusDescription: String?
    var dateOff, dateOn, crewEtr, lastUpdated: Int?
    var municipality: String?
    var polygon: [Double]
  }

  @Test(.enabled(if: isThere, "SKIPPED: ../shared/data is not there, so no recorded storm is checked"))
  func `every account's set of outages at the recorded peak equals what GEOS says`() throws {
    let scratch = try ScratchDirectory()
    let addresses = scratch.path + "/addresses.csv"
    let made = try run(
      "/usr/bin/python3", [Self.recorded + "/make_addresses.py", "\(Self.servicePointCount)", addresses])
    try #require(made.status == 0, "\(made)")
    let unpacked = try run("/usr/bin/gzip", ["-dc", Self.snapshot])
    let records = try JSONDecoder().decode([Record].self, from: Data(unpacked.output.utf8))
    try #require(records.count == 1106)
    let layer = try scratch.file("peak.geojson", Self.geoJSON(records))

    let config = try scratch.file(
      "outaged.json", #"{"timeZone":"America/Vancouver","staleAfterSeconds":604800}"#)
    let data = ["--data", scratch.path, "--config", config]
    let imported = try run(outagedBinary, ["import", "addresses", addresses] + data)
    #expect(imported.output.contains("accepted  \(Self.servicePointCount)\n"), "\(imported)")
    let daemon = try RunningDaemon(data: scratch.path, arguments: ["--config", config])
    let published = try run(outagedBinary, ["publish", "outages", layer] + data)
    #expect(published.output.contains("accepted  1106\n"), "\(published)")

    let truth = GEOSTruth(records.map { (String($0.id), $0.polygon) })
    let points = try Self.positions(addresses)
    try #require(points.count == Self.servicePointCount)
    let expected = truth.covering(points.map(\.position))
    let client = try daemon.client()
    var insideCount = 0
    var deepest = 0
    for (number, point) in points.enumerated() {
      let answer = try Answer(client.ask(["OUTAGE.ACCOUNT", point.account]))
      let ids = answer.locations.flatMap(\.outageIds)
      if ids != expected[number] {
        Issue.record("account \(point.account) at \(point.position): \(ids), expected \(expected[number])")
        break
      }
      if !ids.isEmpty { insideCount += 1 }
      deepest = max(deepest, ids.count)
    }
    print(
      "recorded storm: \(insideCount) of \(points.count) accounts are out, the deepest in \(deepest) outages")
    #expect(insideCount > 31_000 && insideCount < 32_000)
    #expect(daemon.stop() == 0)
  }

  private static func geoJSON(_ records: [Record]) -> String {
    let features = records.map { record in
      var ring = stride(from: 0, to: record.polygon.count, by: 2).map {
        "[\(record.polygon[$0]),\(record.polygon[$0 + 1])]"
      }
      ring.append(ring[0])
      func text(_ value: String?) -> String {
        let data = try? JSONEncoder().encode(value)
        return data.map { String(decoding: $0, as: UTF8.self) } ?? "null"
      }
      func number(_ value: Int?) -> String { value.map(String.init) ?? "null" }
      return """
        {"type":"Feature","properties":{"OUTAGE_ID":"\(record.id)","CAUSE":\(text(record.cause)),\
        "CUST_OUT":\(number(record.numCustomersOut)),"START_TIME":\(number(record.dateOff)),\
        "ETR":\(number(record.crewEtr ?? record.dateOn)),"CREW_STATUS":\(text(record.crewStatusDescription)),\
        "COMMUNITY":\(text(record.municipality)),"LAST_UPDATED":\(number(record.lastUpdated))},\
        "geometry":{"type":"Polygon","coordinates":[[\(ring.joined(separator: ","))]]}}
        """
    }
    return "{\"type\":\"FeatureCollection\",\"features\":[\n\(features.joined(separator: ",\n"))\n]}\n"
  }

  /// Account and position of each row, read without the importer; the made-up texts have no commas.
  private static func positions(_ file: String) throws -> [(account: String, position: LonLat)] {
    let lines = try String(contentsOfFile: file, encoding: .utf8).split(whereSeparator: \.isNewline)
    return lines.dropFirst().compactMap { line in
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      guard fields.count == 13, let lon = Double(fields[11]), let lat = Double(fields[12]) else { return nil }
      return (String(fields[1]), LonLat(lonDegrees: lon, latDegrees: lat))
    }
  }
}

/// Outages as GEOS has them: made valid as the importer promises, and asked with `covers`.
private final class GEOSTruth {
  private let context = GEOS_init_r()
  private var outages: [(id: String, geometry: OpaquePointer, prepared: OpaquePointer?)] = []

  /// - Parameter rings: longitude, latitude, longitude, ...; not closed.
  init(_ rings: [(id: String, coordinates: [Double])]) {
    let parameters = GEOSMakeValidParams_create_r(context)
    GEOSMakeValidParams_setMethod_r(context, parameters, GEOS_MAKE_VALID_STRUCTURE)
    GEOSMakeValidParams_setKeepCollapsed_r(context, parameters, 0)
    for (id, coordinates) in rings {
      let closed = coordinates + coordinates.prefix(2)
      let sequence = GEOSCoordSeq_copyFromBuffer_r(context, closed, UInt32(closed.count / 2), 0, 0)
      let polygon = GEOSGeom_createPolygon_r(context, GEOSGeom_createLinearRing_r(context, sequence), nil, 0)
      let valid = GEOSMakeValidWithParams_r(context, polygon, parameters)!
      GEOSGeom_destroy_r(context, polygon)
      outages.append((id, valid, GEOSPrepare_r(context, valid)))
    }
    GEOSMakeValidParams_destroy_r(context, parameters)
  }

  deinit {
    for outage in outages {
      GEOSPreparedGeom_destroy_r(context, outage.prepared)
      GEOSGeom_destroy_r(context, outage.geometry)
    }
    GEOS_finish_r(context)
  }

  /// For each position the ids of the outages that cover it, sorted.
  func covering(_ positions: [LonLat]) -> [[String]] {
    let order = positions.indices.sorted { positions[$0].lonDegrees < positions[$1].lonDegrees }
    let lons = order.map { positions[$0].lonDegrees }
    var covering = [[String]](repeating: [], count: positions.count)
    for (id, geometry, prepared) in outages {
      var (west, south, east, north) = (0.0, 0.0, 0.0, 0.0)
      GEOSGeom_getExtent_r(context, geometry, &west, &south, &east, &north)
      var low = 0
      var high = lons.count
      while low < high {
        let middle = (low + high) / 2
        if lons[middle] < west { low = middle + 1 } else { high = middle }
      }
      while low < lons.count, lons[low] <= east {
        let position = positions[order[low]]
        if position.latDegrees >= south, position.latDegrees <= north {
          let point = GEOSGeom_createPointFromXY_r(context, position.lonDegrees, position.latDegrees)
          if GEOSPreparedCovers_r(context, prepared, point) == 1 { covering[order[low]].append(id) }
          GEOSGeom_destroy_r(context, point)
        }
        low += 1
      }
    }
    return covering.map { $0.sorted() }
  }
}
