// A Territory that takes over its predecessor's work says the same as one that is built from nothing.

import OutageModel
import PointLocation
import TestSupport
import Testing

@testable import Territory

@Suite struct TerritoryUpdateTests {
  /// Outages come, go, move, grow and change their kind, which changes the order of all that follow.
  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func `a layer after the other gives what each would give alone`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var servicePoints = Self.servicePoints(2_000, &random)
    var outages = (0..<120).map { Self.outage("O\($0)", &random) }
    var territory = Territory(
      servicePoints: servicePoints, outages: OutageTable(layer: nil, outages: outages))
    for step in 0..<10 {
      Self.change(&outages, step, &random)
      // Once the address load is another one, too.
      if step == 6 { servicePoints = Self.servicePoints(1_500, &random) }
      let table = OutageTable(layer: nil, outages: outages, previous: territory.outages)
      let tableAlone = OutageTable(layer: nil, outages: outages)
      #expect(table.outages == tableAlone.outages, "seed \(seed), step \(step)")
      #expect(table.areasSquareMetres == tableAlone.areasSquareMetres, "seed \(seed), step \(step)")
      territory = Territory(servicePoints: servicePoints, outages: table, previous: territory)
      let alone = Territory(servicePoints: servicePoints, outages: tableAlone)
      var hits = HitList()
      var wrong = 0
      for row in 0..<servicePoints.rowCount {
        let covering = territory.outages(coveringRow: row)
        let position = servicePoints.position(row: row)
        territory.polygons.covering(x: position.lonDegrees, y: position.latDegrees, into: &hits)
        if !covering.elementsEqual(alone.outages(coveringRow: row)) || !covering.elementsEqual(hits.ids) {
          wrong += 1
        }
      }
      #expect(wrong == 0, "seed \(seed), step \(step)")
      // What comes after it is compared with areas that lie in the index.
      let coordinates = table.outages.map(\.area.coordinates)
      territory.shareCoordinates()
      for number in table.outages.indices {
        let start = territory.polygons.coordinates(of: UInt32(number)).pointer
        #expect(table.outages[number].area.withCoordinates { $0.baseAddress } == start)
        #expect(table.outages[number].area.coordinates == coordinates[number])
      }
    }
  }

  private static func change(_ outages: inout [Outage], _ step: Int, _ random: inout SeededGenerator) {
    for _ in 0..<2 {
      let number = Int.random(in: 0..<outages.count, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: outages.remove(at: number)
      case 1: outages[number].area = area(&random)
      case 2:
        outages[number].kind = .known(outages[number].kind.code == .planned ? .unplanned : .planned)
      default: outages.append(outage("N\(step)-\(outages.count)", &random))
      }
    }
  }

  private static func servicePoints(_ count: Int, _ random: inout SeededGenerator) -> ServicePointTable {
    var builder = ServicePointTableBuilder()
    for number in 0..<count {
      builder.append(
        ServicePoint(
          servicePointId: "SP\(number)",
          position: LonLat(
            lonDegrees: .random(in: -122...(-121), using: &random),
            latDegrees: .random(in: 38...39, using: &random))))
    }
    return builder.build(addressVersion: 1)
  }

  private static func outage(_ id: String, _ random: inout SeededGenerator) -> Outage {
    Outage(outageId: id, area: area(&random))
  }

  private static func area(_ random: inout SeededGenerator) -> OutageArea {
    let lon = Double.random(in: -122...(-121), using: &random)
    let lat = Double.random(in: 38...39, using: &random)
    let reach = Double.random(in: 0.01...0.2, using: &random)
    var area = OutageArea()
    let corners = [(-1.0, -1.0), (1, -0.8), (0.7, 1), (-0.9, 0.6), (-1, -1)]
    area.append(
      polygon: [
        corners.map { LonLat(lonDegrees: lon + $0.0 * reach, latDegrees: lat + $0.1 * reach) }
      ])
    return area
  }
}
