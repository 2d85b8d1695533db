// The command line of the fixture generator.

import ArgumentParser
import Foundation
import OutageModel
import StormGeneration

@main
struct OutageFixtures: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "outage-fixtures",
    abstract: "Makes a territory and a storm from a seed: the same seed gives the same bytes.",
    subcommands: [All.self, MakeTerritory.self, MakeStorm.self], defaultSubcommand: All.self)
}

struct Seeding: ParsableArguments {
  @Option(help: "Where all randomness comes from.")
  var seed: UInt64 = 2026

  @Option(help: "The moment that the outages' times are relative to.")
  var now: Timestamp = Timestamp(year: 2026, month: 11, day: 24, hour: 18)
}

extension Timestamp: @retroactive ExpressibleByArgument {
  public init?(argument: String) { self.init(iso8601: argument) }
  public var defaultValueDescription: String { iso8601 }
}

/// The committed fixtures.
struct All: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Write everything under GeoFixtures.")

  @Option(help: "The folder to write to.")
  var out = "GeoFixtures"

  @Option(help: "Accounts; one service point each, and one more for every fifty.")
  var accounts = 5000

  @OptionGroup var seeding: Seeding

  func run() throws {
    try FixtureSet(accountCount: accounts, seed: seeding.seed, now: seeding.now).write(to: out)
  }
}

/// A territory of any size.
struct MakeTerritory: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "territory",
    abstract: "Stream service points to a .csv, .geojson or .geojsons file (each also .gz).")

  @Option(help: "Service points; of 51, 50 have an account of their own.")
  var servicePoints = 1_000_000

  @Option(help: "The file to write.")
  var out: String

  @OptionGroup var seeding: Seeding

  func run() throws {
    let plan = TerritoryPlan(servicePointCount: servicePoints, seed: seeding.seed)
    let system = try CoordinateSystem(epsg: CoordinateSystem.wgs84)
    let layer: TextLayer<ServicePoint> =
      switch try OutputFormat(path: out) {
      case .csv: try TextLayer(out, .csvLonLat, .csv, name: "servicePoints")
      case .geoJSON: try TextLayer(out, .geoJSON, .geoJSON, name: "servicePoints")
      case .textSequence: try TextLayer(out, .textSequence, .textSequence, name: "servicePoints")
      }
    for number in 0..<servicePoints {
      let point = plan.servicePoint(number)
      try layer.write(point, try FlatGeometry(point.position, in: system))
    }
    try layer.close()
    printError(
      "\(servicePoints) service points, \(plan.accountCount) accounts, \(plan.towns.count) towns, \(plan.feederCount) feeders"
    )
  }
}

/// A layer of any size.
struct MakeStorm: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "storm",
    abstract: "Stream one outage layer to a .geojson, .geojsons or .csv (WKT) file (each also .gz).")

  @Option(help: "Outages in the layer.")
  var polygons = 10_000

  @Option(help: "Service points of the territory that the storm is over.")
  var servicePoints = 1_000_000

  @Option(help: "Share of areas laid over another on purpose; a crowded territory adds more.")
  var overlap = 0.15

  @Option(help: "Share of areas with several parts.")
  var multipolygons = 0.08

  @Option(help: "Share of areas drawn around loops, which leaves holes.")
  var holes = 0.08

  @Option(help: "The seed of the territory, where it is not the storm's.")
  var territorySeed: UInt64?

  @Option(help: "The file to write.")
  var out: String

  @OptionGroup var seeding: Seeding

  func run() throws {
    let plan = TerritoryPlan(servicePointCount: servicePoints, seed: territorySeed ?? seeding.seed)
    var mix = AreaMix()
    (mix.overlapShare, mix.multipolygonShare, mix.holeShare) = (overlap, multipolygons, holes)
    var maker = OutageLayerMaker(
      plan: plan, seed: seeding.seed, now: seeding.now, mix: mix, geos: GEOSContext())
    let system = try CoordinateSystem(epsg: CoordinateSystem.wgs84)
    let layer: TextLayer<Outage> =
      switch try OutputFormat(path: out) {
      case .csv: try TextLayer(out, .csvWKT, .csvWKT, name: "outages")
      case .geoJSON: try TextLayer(out, .geoJSON, .geoJSON, name: "outages")
      case .textSequence: try TextLayer(out, .textSequence, .textSequence, name: "outages")
      }
    var (vertices, withHoles, withParts) = (0, 0, 0)
    for _ in 0..<polygons {
      let outage = maker.next()
      vertices += outage.area.distinctVertexCount
      withHoles += outage.area.ringCount > outage.area.polygonCount ? 1 : 0
      withParts += outage.area.polygonCount > 1 ? 1 : 0
      try layer.write(outage, try FlatGeometry(outage.area, in: system))
    }
    try layer.close()
    printError(
      "\(polygons) outages, \(vertices) vertices, \(withHoles) with holes, \(withParts) multipolygons")
  }
}

/// What a file's name asks for.
enum OutputFormat {
  case csv, geoJSON, textSequence

  init(path: String) throws {
    let name = path.hasSuffix(".gz") ? String(path.dropLast(3)) : path
    if name.hasSuffix(".csv") {
      self = .csv
    } else if name.hasSuffix(".geojson") || name.hasSuffix(".json") {
      self = .geoJSON
    } else if name.hasSuffix(".geojsons") || name.hasSuffix(".geojsonl") {
      self = .textSequence
    } else {
      throw ValidationError(
        "--out must end in .csv, .geojson or .geojsons, with or without .gz; found \(path)")
    }
  }
}

func printError(_ text: String) {
  FileHandle.standardError.write(Data((text + "\n").utf8))
}
