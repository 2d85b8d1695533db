// The workload of the matching benchmark as files: what the query server's benchmark imports, publishes and asks about.

import ArgumentParser
import Foundation
import MatchWorkload
import OutageModel
import PointLocation
import StormGeneration

/// Addresses and three layers over the same storm.
struct MakeWorkload: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "workload",
    abstract: "Write bench-match's workload W1 as addresses.csv and layer-{a,b,c}.geojson.",
    discussion: """
      Half of the service points are covered by at least one outage of layer a. In layer b every area has moved and every detail is \
      another; layer c is layer a with one area in a hundred moved.
      """)

  @Option(help: "Service points; of 51, 50 have an account of their own.")
  var servicePoints = 1_000_000

  @Option(help: "Outages in each layer.")
  var outages = 10_000

  @Option(help: "The folder to write to.")
  var out: String

  @OptionGroup var seeding: Seeding

  func run() throws {
    try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
    let plan = TerritoryPlan(servicePointCount: servicePoints, seed: seeding.seed)
    let storm = Workload.storm(
      name: "W1", polygonCount: outages, pointCount: servicePoints, seed: seeding.seed)
    let addresses = try TextLayer<ServicePoint>(
      "\(out)/addresses.csv", .csvLonLat, .csv, name: "servicePoints")
    for number in 0..<servicePoints {
      var point = plan.servicePoint(number)
      point.position = LonLat(
        lonDegrees: Self.centimetres(storm.xs[number]), latDegrees: Self.centimetres(storm.ys[number]))
      try addresses.write(
        point, .point(FlatPosition(x: point.position.lonDegrees, y: point.position.latDegrees)))
    }
    try addresses.close()

    let moved = storm.changed(share: 1, seed: seeding.seed &+ 1)
    let partlyMoved = storm.changed(share: 0.01, seed: seeding.seed &+ 2)
    try write("layer-a", storm.polygons, plan, detailSeed: seeding.seed)
    try write("layer-b", moved.polygons, plan, detailSeed: seeding.seed &+ 1)
    try write("layer-c", partlyMoved.polygons, plan, detailSeed: seeding.seed)
    printError("\(storm.summary); layer c: \(partlyMoved.changed.count) areas moved")
  }

  private func write(_ name: String, _ polygons: PolygonSet, _ plan: TerritoryPlan, detailSeed: UInt64) throws
  {
    let system = try CoordinateSystem(epsg: CoordinateSystem.wgs84)
    let layer = try TextLayer<Outage>("\(out)/\(name).geojson", .geoJSON, .geoJSON, name: "outages")
    var details = OutageDetails(plan: plan, now: seeding.now, seed: detailSeed)
    for index in 0..<polygons.count {
      let feeder = index % plan.feederCount
      let outage = details.outage(
        index: index, id: OutageLayerMaker.outageId(index), outline: Self.area(polygons, index),
        feeder: feeder, descriptor: plan.town(ofFeeder: feeder).name, customers: 10 + index % 1_500)
      try layer.write(outage, try FlatGeometry(outage.area, in: system))
    }
    try layer.close()
  }

  private static func area(_ polygons: PolygonSet, _ index: Int) -> OutageArea {
    var area = OutageArea()
    area.append(
      polygon: (polygons.polygonStarts[index]..<polygons.polygonStarts[index + 1]).map { ring in
        (polygons.ringStarts[Int(ring)]..<polygons.ringStarts[Int(ring) + 1]).map { vertex in
          LonLat(
            lonDegrees: centimetres(polygons.coordinates[2 * Int(vertex)]),
            latDegrees: centimetres(polygons.coordinates[2 * Int(vertex) + 1]))
        }
      })
    return area
  }

  /// Seven decimals, as GIS exports have.
  private static func centimetres(_ degrees: Double) -> Double { (degrees * 1e7).rounded() / 1e7 }
}
