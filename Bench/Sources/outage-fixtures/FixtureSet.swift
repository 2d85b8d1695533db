// Everything under GeoFixtures, made from one seed.

import Foundation
import OutageModel
import StormGeneration

/// The settings of the committed fixtures, and the files made of them.
struct FixtureSet {
  static let byteLimit = 5_000_000

  let seed: UInt64
  let now: Timestamp
  let plan: TerritoryPlan
  let points: [ServicePoint]
  let geos = GEOSContext()

  init(accountCount: Int, seed: UInt64, now: Timestamp) {
    self.seed = seed
    self.now = now
    let plan = TerritoryPlan(accountCount: accountCount, seed: seed)
    self.plan = plan
    points = (0..<plan.servicePointCount).map { plan.servicePoint($0) }
  }

  func write(to folder: String) throws {
    for name in ["territory", "outages", "feeds", "storm", "broken"] {
      try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
    }
    let positions = points.map(\.position)
    var mix = AreaMix()
    mix.reach = 0.35
    mix.draws = 3
    mix.multipolygonShare = 0.12
    var maker = OutageLayerMaker(plan: plan, seed: seed, now: now, mix: mix, geos: geos, positions: positions)
    // Chance seldom draws the largest areas out of sixty: one is asked for.
    let outages = (0..<60).map { maker.next(vertices: $0 == 4 ? 330...400 : nil) }
    let systems = [
      try CoordinateSystem(epsg: CoordinateSystem.wgs84),
      try CoordinateSystem(epsg: CoordinateSystem.californiaZone3Feet),
    ]
    try writeTerritory("\(folder)/territory", systems)
    try writeOutages("\(folder)/outages", outages, systems)
    // Half of them, to stay small.
    try FeedLayers(outages: outages.prefix(30).map { ($0, try FlatGeometry($0.area, in: systems[0])) })
      .write(to: "\(folder)/feeds", feet: systems[1])
    try writeStorm("\(folder)/storm", systems[0])
    try BrokenFixtures(folder: "\(folder)/broken", feet: systems[1]).write()
    try Table.write(Array(ReadMe.fixtures(self, outageCount: outages.count).utf8), to: "\(folder)/README.md")
  }

  /// The territory as CSV and a storm of so many steps, a layer each: `service-points.csv`, `step-000.geojson`, ...
  func writeStormSteps(_ stepCount: Int, outageCount: Int, to folder: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let system = try CoordinateSystem(epsg: CoordinateSystem.wgs84)
    let items = try points.map { ($0, try FlatGeometry($0.position, in: system)) }
    try writeText(items, "\(folder)/service-points.csv", .csvLonLat, .csv)
    let script = StormScript(
      plan: plan, seed: seed, start: now, stepCount: stepCount, outageCount: outageCount, geos: geos,
      positions: points.map(\.position))
    for step in 0..<stepCount {
      try writeText(
        script.layer(atStep: step).map { ($0, try FlatGeometry($0.area, in: system)) },
        "\(folder)/step-\(padded(step, 3)).geojson", .geoJSON, .geoJSON)
    }
  }

  private func writeTerritory(_ folder: String, _ systems: [CoordinateSystem]) throws {
    let items = try points.map { ($0, try FlatGeometry($0.position, in: systems[0])) }
    try writeText(items, "\(folder)/service-points.csv", .csvLonLat, .csv)
    try writeText(items, "\(folder)/service-points.geojson.gz", .geoJSON, .geoJSON)
    try writeText(items, "\(folder)/service-points.geojsons.gz", .textSequence, .textSequence)
    for system in systems {
      let items = try points.map { ($0, try FlatGeometry($0.position, in: system)) }
      let path = "\(folder)/service-points-epsg\(system.epsg)"
      // Both CSV geometries in both systems are among the outages; here one of each keeps the folder small.
      if system.epsg == CoordinateSystem.wgs84 {
        try writeText(items, "\(path)-wkb.csv.gz", .csvWKBHex, .csvWKB)
      } else {
        try writeText(items, "\(path)-wkt.csv.gz", .csvWKT, .csvWKT)
      }
      try Table("SERVICE_POINTS", .shapefile, items, in: system).writeShapefile(path)
      try Table("SERVICE_POINTS", .geoPackage, items, in: system).writeGeoPackage("\(path).gpkg.gz")
      try Table("service_points", .spatiaLite, items, in: system).writeSpatiaLite("\(path).sqlite.gz")
    }
  }

  private func writeOutages(_ folder: String, _ outages: [Outage], _ systems: [CoordinateSystem]) throws {
    let items = try outages.map { ($0, try FlatGeometry($0.area, in: systems[0])) }
    try writeText(items, "\(folder)/outages.geojson", .geoJSON, .geoJSON)
    try writeText(items, "\(folder)/outages.geojson.gz", .geoJSON, .geoJSON)
    try writeText(items, "\(folder)/outages.geojsons.gz", .textSequence, .textSequence)
    for system in systems {
      let items = try outages.map { ($0, try FlatGeometry($0.area, in: system)) }
      let path = "\(folder)/outages-epsg\(system.epsg)"
      // The second of the large ones are gzipped, to stay small.
      let suffix = system.epsg == CoordinateSystem.wgs84 ? "" : ".gz"
      try writeText(items, "\(path)-wkt.csv\(suffix)", .csvWKT, .csvWKT)
      try writeText(items, "\(path)-wkb.csv.gz", .csvWKBHex, .csvWKB)
      try Table("OUTAGES", .shapefile, items, in: system).writeShapefile(path)
      try Table("OUTAGES", .geoPackage, items, in: system).writeGeoPackage("\(path).gpkg\(suffix)")
      try Table("outages", .spatiaLite, items, in: system).writeSpatiaLite("\(path).sqlite.gz")
    }
    try writeText(items, "\(folder)/outages-local-time.csv.gz", .csvWKT, .csvWallClock)
    let expected = CoverExpectation(layer: outages, positions: points.map(\.position), geos: geos)
    let file = try TextFile("\(folder)/expected.json")
    try file.write(
      "{\"servicePointCount\":\(points.count),\"outageCount\":\(outages.count),\"insideCount\":\(expected.outagesByServicePoint.count),"
        + "\"pairCount\":\(expected.pairCount),\n\"outagesByServicePoint\":{\n")
    try file.write(Self.json(expected))
    try file.write("\n}}\n")
    try file.close()
  }

  private func writeStorm(_ folder: String, _ system: CoordinateSystem) throws {
    let positions = points.map(\.position)
    let script = StormScript(
      plan: plan, seed: seed, start: now, stepCount: 12, outageCount: 24, geos: geos, positions: positions)
    let expectations = try TextFile("\(folder)/expected.json")
    try expectations.write("{\"servicePointCount\":\(points.count),\"steps\":[\n")
    for step in 0..<12 {
      let name = "step-\(padded(step + 1, 2)).geojson"
      let layer = script.layer(atStep: step)
      try writeText(
        layer.map { ($0, try FlatGeometry($0.area, in: system)) }, "\(folder)/\(name)", .geoJSON, .geoJSON)
      let expected = CoverExpectation(layer: layer, positions: positions, geos: geos)
      try expectations.write(
        "{\"file\":\"\(name)\",\"asOf\":\"\(script.time(ofStep: step).iso8601)\",\"outageCount\":\(layer.count),"
          + "\"insideCount\":\(expected.outagesByServicePoint.count),\"pairCount\":\(expected.pairCount),"
          + "\n\"outagesByServicePoint\":{\n\(Self.json(expected))\n}}\(step == 11 ? "" : ",")\n"
      )
    }
    try expectations.write("]}\n")
    try expectations.close()
  }

  /// The members of `outagesByServicePoint`: a covered service point a line, with its outages in the order of their ids.
  private static func json(_ expected: CoverExpectation) -> String {
    expected.outagesByServicePoint.map { number, ids in
      "\"\(TerritoryPlan.servicePointId(number))\":[\(ids.map { "\"\($0)\"" }.joined(separator: ","))]"
    }.joined(separator: ",\n")
  }

  private func writeText<Item>(
    _ items: [(Item, FlatGeometry)], _ path: String, _ format: TextFormat, _ schema: RecordSchema<Item>
  ) throws {
    let layer = try TextLayer(
      path, format, schema, name: Item.self == Outage.self ? "outages" : "servicePoints")
    for (item, geometry) in items { try layer.write(item, geometry) }
    try layer.close()
  }
}
