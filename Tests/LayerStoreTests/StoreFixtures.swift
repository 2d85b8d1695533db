// Made-up service points and outages for the store's tests, all from a seed, and a directory that goes away with its test.

import Foundation
import LayerStore
import OutageModel
import TestSupport

/// A new directory under the system's temporary one; removed when the last reference goes.
final class TemporaryDirectory: Sendable {
  let path: String

  init() {
    path = FileManager.default.temporaryDirectory.appending(path: "outaged-store-\(UUID().uuidString)").path
    try! FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  var file: String { path + "/outaged.sqlite" }
}

enum Fixture {
  static let moment = Timestamp(
    year: 2026, month: 11, day: 24, hour: 18, minute: 2, second: 11, millisecond: 7)
  static let sha256 = String(repeating: "0f", count: 32)

  /// Service points `prefix0`, `prefix1`, ... with every field now and then missing.
  static func servicePoints(_ count: Int, prefix: String = "SP-", seed: UInt64 = 1) -> [ServicePoint] {
    var random = SeededGenerator(seed: seed)
    func maybe(_ text: @autoclosure () -> String) -> String? {
      Int.random(in: 0..<5, using: &random) == 0 ? nil : text()
    }
    return (0..<count).map { index in
      var point = ServicePoint(
        servicePointId: "\(prefix)\(index)",
        position: LonLat(
          lonDegrees: .random(in: -122...(-121), using: &random),
          latDegrees: .random(in: 38...39, using: &random)))
      point.accountId = maybe(String(index, radix: 7))
      point.meterId = maybe("M\(index)")
      point.phones = (0..<Int.random(in: 0...3, using: &random)).map { "+1530555\(1000 + index % 9000)\($0)" }
      point.addressLine = maybe("\(index) Oak Street, Ångström’s place 🏠")
      point.unit = maybe("")
      point.city = maybe("Davis")
      point.postalCode = maybe("95616")
      point.transformerId = maybe("T-\(index / 8)")
      point.feederId = maybe("F-\(index / 800)")
      point.isCriticalCustomer = index % 50 == 0
      return point
    }
  }

  /// A closed ring around a centre, counter-clockwise unless `clockwise`.
  static func ring(_ lon: Double, _ lat: Double, _ radius: Double, vertices: Int, clockwise: Bool = false)
    -> [LonLat]
  {
    let open = (0..<vertices).map { index in
      let angle = Double(index) / Double(vertices) * 2 * .pi * (clockwise ? -1 : 1)
      return LonLat(lonDegrees: lon + radius * cos(angle), latDegrees: lat + radius * sin(angle))
    }
    return open + [open[0]]
  }

  /// Outages with polygons, holes and multipolygons, and every field now and then missing; by ascending id, as the store gives them back.
  static func outages(_ count: Int, prefix: String = "OMS-", seed: UInt64 = 1, vertices: Int = 12) -> [Outage]
  {
    var random = SeededGenerator(seed: seed)
    func chance() -> Bool { Int.random(in: 0..<4, using: &random) != 0 }
    func coded<Code: CaseIterable & RawRepresentable & Hashable & Sendable>(_: Code.Type) -> Coded<Code>
    where Code.RawValue == String {
      chance() ? .known(Code.allCases.randomElement(using: &random)!) : .other("ON THE WAY, n° 7")
    }
    return (0..<count).map { index in
      let lon = Double.random(in: -122...(-121), using: &random)
      let lat = Double.random(in: 38...39, using: &random)
      var area = OutageArea()
      area.append(
        polygon: [ring(lon, lat, 0.01, vertices: vertices)]
          + (index % 3 == 0 ? [ring(lon, lat, 0.004, vertices: 5, clockwise: true)] : []))
      if index % 4 == 0 { area.append(polygon: [ring(lon + 0.1, lat, 0.01, vertices: 7)]) }
      var outage = Outage(outageId: "\(prefix)\(index)", area: area)
      outage.kind = coded(OutageKind.self)
      outage.status = coded(OutageStatus.self)
      if chance() { outage.cause = "Tree down across our wires — “Eiche” \(index)" }
      if chance() { outage.causeKind = coded(OutageCauseKind.self) }
      if chance() { outage.startedAt = moment.adding(seconds: -Int64(index)) }
      if chance() { outage.estimatedRestorationAt = moment.adding(seconds: Int64(index) * 60) }
      if chance() { outage.ertConfidence = coded(ERTConfidence.self) }
      if chance() { outage.ertSource = coded(ERTSource.self) }
      if chance() { outage.crewStatus = coded(CrewStatus.self) }
      if chance() { outage.feederId = "F-\(index % 9)" }
      if chance() { outage.customersAffected = index * 17 }
      if chance() { outage.customersRestored = index }
      if chance() { outage.communityDescriptor = "Davis, Woodland" }
      if chance() { outage.message = "" }
      if chance() { outage.updatedAt = Timestamp(millisecondsSinceEpoch: -1) }
      return outage
    }.sorted { $0.outageId.utf8.lexicographicallyPrecedes($1.outageId.utf8) }
  }
}

extension LayerStore {
  /// Loads these service points.
  @discardableResult
  func load(_ points: [ServicePoint], source: String = "addresses.csv") throws -> LayerVersion {
    let load = try beginAddressLoad(source: source, sha256: Fixture.sha256, at: Fixture.moment)
    for point in points { try load.append(point) }
    return try load.commit()
  }

  /// Publishes these outages.
  @discardableResult
  func publish(_ outages: [Outage], source: String = "storm.geojson") throws -> LayerVersion {
    try publishOutages(outages, source: source, sha256: Fixture.sha256, at: Fixture.moment)
  }

  /// All service points of the current load.
  func servicePoints() throws -> [ServicePoint] {
    var points: [ServicePoint] = []
    try forEachServicePoint { points.append($0) }
    return points
  }

  /// The outages of the current layer.
  func currentOutages() throws -> [Outage] {
    try currentVersion(of: .outages).map { try outages(ofVersion: $0.number) } ?? []
  }
}
