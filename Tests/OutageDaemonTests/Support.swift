// A data directory of a few service points, and layers made of squares, for the daemon's tests.

import Foundation
import LayerImport
import LayerStore
import OutageModel

@testable import OutageDaemon

/// 10:00:00.250 on a winter morning: a publisher drops the milliseconds.
let moment = Timestamp(millisecondsSinceEpoch: 1_795_543_200_250)

/// A data directory that goes with its test: service points SP-1 to SP-4 lie in a row, one degree apart.
final class SmallTerritory {
  let directory: String
  let store: LayerStore
  let publisher: Publisher

  init() throws {
    directory = NSTemporaryDirectory() + "/outaged-daemon-\(UUID().uuidString)"
    store = try LayerStore(directory: directory)
    publisher = Publisher(store: store) { moment }
    try loadAddresses(count: 4)
    try publisher.load()
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }

  func loadAddresses(count: Int) throws {
    let load = try store.beginAddressLoad(source: "addresses.csv", sha256: "ad", at: moment)
    for number in 1...count {
      var point = ServicePoint(
        servicePointId: "SP-\(number)", position: LonLat(lonDegrees: Double(number), latDegrees: 50))
      point.accountId = "A\(number)"
      try load.append(point)
    }
    try load.commit()
  }

  /// Writes a layer of squares around service points.
  func layer(_ name: String, _ outages: [SquareOutage]) throws -> String {
    let features = outages.map { outage in
      let corners = [(-0.4, -0.4), (0.4, -0.4), (0.4, 0.4), (-0.4, 0.4), (-0.4, -0.4)]
      let polygons = outage.around.map { number in
        "[[" + corners.map { "[\(Double(number) + $0.0),\(50 + $0.1)]" }.joined(separator: ",") + "]]"
      }
      let properties =
        ["\"OUTAGE_ID\":\"\(outage.id)\""] + outage.fields.map { "\"\($0)\":\"\($1)\"" }.sorted()
      return """
        {"type":"Feature","properties":{\(properties.joined(separator: ","))},\
        "geometry":{"type":"MultiPolygon","coordinates":[\(polygons.joined(separator: ","))]}}
        """
    }
    let path = directory + "/" + name
    let text = "{\"type\":\"FeatureCollection\",\"features\":[\(features.joined(separator: ","))]}"
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  @discardableResult
  func publish(_ name: String, _ outages: [SquareOutage], isDryRun: Bool = false) throws -> PublishOutcome {
    try publisher.publish(file: try layer(name, outages), options: ImportOptions(), isDryRun: isDryRun)
  }
}

/// An outage of unit squares around some service points.
struct SquareOutage {
  var id: String
  var around: [Int]
  var fields: [String: String] = [:]
}
