// The committed broken files: each really has the fault that its list names, whatever rounding does to its coordinates.

import Foundation
import Testing

@Suite("Broken fixtures")
struct BrokenFixtureTests {
  private struct Collection: Decodable {
    struct Feature: Decodable { var geometry: Geometry }
    struct Geometry: Decodable { var coordinates: [[[Double]]] }
    var features: [Feature]
  }

  @Test(
    "A ring that cannot be repaired encloses nothing at all, not even a sliver",
    arguments: ["collinear.geojson", "too-few-points.geojson"])
  func unrepairableRingsEncloseNothing(file: String) throws {
    let folder = URL(filePath: #filePath).appending(path: "../../../../GeoFixtures/broken")
      .standardizedFileURL
    let layer = try JSONDecoder().decode(
      Collection.self, from: Data(contentsOf: folder.appending(path: file)))
    let ring = layer.features[1].geometry.coordinates[0]
    // Orientation of each corner seen from the first vertex: all exactly zero.
    for (a, b) in zip(ring, ring.dropFirst()) {
      let doubledArea =
        (a[0] - ring[0][0]) * (b[1] - ring[0][1]) - (b[0] - ring[0][0]) * (a[1] - ring[0][1])
      #expect(doubledArea == 0, "\(file): \(a) to \(b)")
    }
  }
}
