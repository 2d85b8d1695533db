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
    subcommands: [
      Committed.self, MakeTerritory.self, MakeStorm.self, MakeWorkload.self, MakeStormSteps.self,
    ],
    defaultSubcommand: Committed.self)
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
struct Committed: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "committed", abstract: "Write everything under GeoFixtures.")

  @Option(help: "The folder to write to.")
  var out = "GeoFixtures"

  @Option(help: "Accounts; one service point each, and one more for every fifty.")
  var accounts = 5000

  @Flag(
    help: "Write nothing there: make everything twice elsewhere, and compare both with what is in the folder."
  )
  var verify = false

  @OptionGroup var seeding: Seeding

  func run() throws {
    guard verify else { return try write(to: out) }
    let scratch = FileManager.default.temporaryDirectory.appending(
      path: "outage-fixtures-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    for run in ["first", "second"] { try write(to: "\(scratch)/\(run)") }
    let files = try contents(of: "\(scratch)/first")
    for (other, name) in [("\(scratch)/second", "the second run"), (out, out)] {
      // What lies beside the generated folders is not the generator's.
      let found = try contents(of: other).filter { $0.key.contains("/") || files[$0.key] != nil }
      if let path = Set(files.keys).union(found.keys).sorted().first(where: { files[$0] != found[$0] }) {
        throw FixtureError.different(path: "\(path) in \(name)")
      }
    }
    let byteCount = files.values.reduce(0) { $0 + $1.count }
    guard byteCount < FixtureSet.byteLimit else {
      throw FixtureError.tooLarge(byteCount: byteCount, limit: FixtureSet.byteLimit)
    }
    print("\(files.count) files, \(byteCount) bytes: both runs and \(out) are the same")
  }

  private func write(to folder: String) throws {
    try FixtureSet(accountCount: accounts, seed: seeding.seed, now: seeding.now).write(to: folder)
  }

  private func contents(of folder: String) throws -> [String: Data] {
    var files: [String: Data] = [:]
    for path in try FileManager.default.subpathsOfDirectory(atPath: folder) {
      var isFolder: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: "\(folder)/\(path)", isDirectory: &isFolder)
      if !isFolder.boolValue { files[path] = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(path)")) }
    }
    return files
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

/// A storm from its beginning to its end, with the territory that it is over.
struct MakeStormSteps: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "storm-steps",
    abstract: "Write service-points.csv and one step-NNN.geojson for each ten minutes of a storm.")

  @Option(help: "Accounts; one service point each, and one more for every fifty.")
  var accounts = 10_000

  @Option(help: "Layers, ten minutes apart.")
  var steps = 73

  @Option(help: "Stories of outages that the storm tells.")
  var outages = 120

  @Option(help: "The folder to write to.")
  var out: String

  @OptionGroup var seeding: Seeding

  func run() throws {
    try FixtureSet(accountCount: accounts, seed: seeding.seed, now: seeding.now)
      .writeStormSteps(steps, outageCount: outages, to: out)
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
