// A Territory read back from its sections answers as it did; sections that are damaged are refused, or at least lead nowhere.

import OutageModel
import PointLocation
import TestSupport
import Testing

@testable import Territory

@Suite struct TerritorySectionTests {
  @Test(arguments: [1, 2] as [UInt64])
  func `a Territory that is read back has the same rows, outages and join`(seed: UInt64) throws {
    let territory = sampleTerritory(seed: seed)
    var writer = SectionWriter()
    territory.write(to: &writer)
    var reader = SectionReader(writer.sections)
    let read = try Territory(validating: &reader, addressVersion: 7, layer: territory.outages.layer)
    #expect(read.servicePoints.addressVersion == 7)
    #expect(read.outages.outages == territory.outages.outages, "seed \(seed)")
    read.shareCoordinates()
    #expect(read.outages.outages == territory.outages.outages, "seed \(seed)")
    #expect(read.outages.areasSquareMetres == territory.outages.areasSquareMetres)
    #expect(read.outages.layer == territory.outages.layer)
    #expect(read.servicePoints.rowCount == territory.servicePoints.rowCount)
    for row in 0..<territory.servicePoints.rowCount {
      for column in ServicePointTable.TextColumn.allCases {
        #expect(
          read.servicePoints.string(column, row: row) == territory.servicePoints.string(column, row: row))
      }
      #expect(read.servicePoints.position(row: row) == territory.servicePoints.position(row: row))
      #expect(Array(read.outages(coveringRow: row)) == Array(territory.outages(coveringRow: row)))
      let account = territory.servicePoints.string(.accountId, row: row)
      #expect(read.servicePoints.find(account: account) == territory.servicePoints.find(account: account))
      let digits = territory.servicePoints.rows[row].phoneDigits
      #expect(
        Array(read.servicePoints.rows(phoneDigits: digits))
          == Array(territory.servicePoints.rows(phoneDigits: digits)))
    }
  }

  @Test func `an empty Territory is read back`() throws {
    var writer = SectionWriter()
    Territory().write(to: &writer)
    var reader = SectionReader(writer.sections)
    let read = try Territory(validating: &reader, addressVersion: 0, layer: nil)
    #expect(read.servicePoints.rowCount == 0)
    #expect(read.outages.count == 0)
    #expect(read.servicePoints.find(account: "A") == [])
  }

  @Test(arguments: [3, 4] as [UInt64])
  func `a word that is changed anywhere is refused, or every look-up stays within its memory`(seed: UInt64)
    throws
  {
    var random = SeededGenerator(seed: seed)
    let territory = sampleTerritory(seed: seed)
    var writer = SectionWriter()
    territory.write(to: &writer)
    var refusals = 0
    for (number, section) in writer.sections.enumerated() where section.bytes.count >= 4 {
      for _ in 0..<6 {
        let bytes = section.bytes
        let word = Int.random(in: 0..<bytes.count / 4, using: &random) * 4
        let value = [0, 1, 0x7FFF_FFFF, .max, UInt32.random(in: 0...UInt32.max, using: &random)]
          .randomElement(using: &random)!
        var sections = writer.sections
        sections[number] = FlatSection(
          name: section.name,
          bytes: FlatArray(count: bytes.count) { copy in
            withExtendedLifetime(bytes) { _ = copy.initialize(from: bytes.buffer) }
            UnsafeMutableRawPointer(copy.baseAddress! + word).storeBytes(of: value, as: UInt32.self)
          })
        var reader = SectionReader(sections)
        do throws(SectionError) {
          let read = try Territory(validating: &reader, addressVersion: 1, layer: nil)
          for row in 0..<read.servicePoints.rowCount {
            for column in ServicePointTable.TextColumn.allCases {
              _ = read.servicePoints.string(column, row: row)
            }
            _ = Array(read.outages(coveringRow: row))
            _ = read.servicePoints.find(account: territory.servicePoints.string(.accountId, row: row))
            _ = Array(read.servicePoints.rows(phoneDigits: territory.servicePoints.rows[row].phoneDigits))
          }
        } catch {
          refusals += 1
        }
      }
    }
    #expect(refusals > writer.sections.count, "seed \(seed): \(refusals) refused")
  }
}

extension ServicePointTable.TextColumn {
  static let allCases: [Self] = [
    .servicePointId, .accountId, .meterId, .addressLine, .unit, .city, .postalCode, .transformerId, .feederId,
  ]
}

/// 400 service points, 12 overlapping outages with holes and parts, every field filled somewhere.
func sampleTerritory(seed: UInt64) -> Territory {
  var random = SeededGenerator(seed: seed)
  func number(_ range: Range<Int>) -> Int { Int.random(in: range, using: &random) }
  var builder = ServicePointTableBuilder()
  for index in 0..<400 {
    var point = ServicePoint(
      servicePointId: "SP-\(1000 + index)",
      position: LonLat(
        lonDegrees: -122 + Double(number(0..<1000)) / 1000, latDegrees: 38 + Double(number(0..<1000)) / 1000))
    point.accountId =
      ["AC-\(number(0..<200))", String(repeating: "k", count: 70) + "\(number(0..<9))", nil][
        number(0..<3)]
    point.meterId = number(0..<3) == 0 ? nil : "\(number(0..<900_000_000)) Meter"
    point.phones = (0..<number(0..<4)).map { _ in "+1530555\(number(1000..<1100))" }
    point.addressLine = "\(number(1..<300)) \(["Oak St", "Elm St", "Straße des 17. Juni"][number(0..<3)])"
    point.unit = number(0..<4) == 0 ? "Unit \(number(1..<5))" : nil
    point.city = ["Davis", "Woodland", nil][number(0..<3)]
    point.postalCode = "95616"
    point.feederId = "F\(number(0..<20))"
    point.isCriticalCustomer = number(0..<9) == 0
    builder.append(point)
  }
  let outages = (0..<12).map { index -> Outage in
    func square(_ x: Double, _ y: Double, _ size: Double) -> [LonLat] {
      [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)].map {
        LonLat(lonDegrees: x + $0.0 * size, latDegrees: y + $0.1 * size)
      }
    }
    let x = -122 + Double(number(0..<800)) / 1000
    let y = 38 + Double(number(0..<800)) / 1000
    var area = OutageArea()
    area.append(polygon: [square(x, y, 0.3), square(x + 0.1, y + 0.1, 0.05).reversed()])
    if index % 3 == 0 { area.append(polygon: [square(x + 0.4, y, 0.1)]) }
    var outage = Outage(outageId: "OMS-\(index)", area: area)
    outage.kind = [.known(.unplanned), .known(.planned), .other("brownout")][index % 3]
    outage.status = [.known(.confirmed), .known(.restored), .other("?")][number(0..<3)]
    if index % 2 == 0 {
      outage.cause = "Tree \"down\""
      outage.causeKind = .known(.treeDown)
      outage.startedAt = Timestamp(secondsSinceEpoch: 1_790_000_000)
      outage.ertConfidence = .known(.low)
      outage.ertSource = .other("oracle")
      outage.customersAffected = number(0..<5000)
      outage.message = ""
    } else {
      outage.estimatedRestorationAt = Timestamp(millisecondsSinceEpoch: 1_790_000_123_456)
      outage.crewStatus = .known(.enroute)
      outage.feederId = "F\(index)"
      outage.customersRestored = 0
      outage.communityDescriptor = "North of the river"
      outage.updatedAt = Timestamp(secondsSinceEpoch: -1)
    }
    return outage
  }
  let layer = LayerVersion(
    kind: .outages, number: 3, publishedAt: Timestamp(secondsSinceEpoch: 1_790_000_000),
    source: "storm.geojson",
    sha256: "ab", recordCount: outages.count, vertexCount: 0)
  return Territory(
    servicePoints: builder.build(addressVersion: 7), outages: OutageTable(layer: layer, outages: outages))
}
