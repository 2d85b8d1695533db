// The territory's promises: keys without a gap, ids that are unique, and any service point by its number alone.

import Foundation
import OutageModel
import StormGeneration
import Testing

@Suite("Territory plan")
struct TerritoryPlanTests {
  @Test("Every account number below the account count has a service point", arguments: [51, 5_100, 60_000])
  func accountsHaveNoGap(count: Int) {
    let plan = TerritoryPlan(servicePointCount: count, seed: 7)
    var seen = Set<String>()
    for number in 0..<count { seen.insert(plan.servicePoint(number).accountId!) }
    #expect(seen == Set((0..<plan.accountCount).map(TerritoryPlan.accountId)))
  }

  @Test("An account count gives exactly that many accounts")
  func accountCountIsKept() {
    for count in [50, 999, 5_000, 980_000] {
      #expect(TerritoryPlan(accountCount: count, seed: 1).accountCount == count)
    }
  }

  @Test("Phones are E.164, some accounts have none or two, and some phones have many accounts")
  func phonesAreShared() {
    let plan = TerritoryPlan(accountCount: 5_000, seed: 3)
    var accounts: [String: Set<String>] = [:]
    var counts: [Int: Int] = [:]
    for number in 0..<plan.servicePointCount {
      let point = plan.servicePoint(number)
      counts[point.phones.count, default: 0] += 1
      for phone in point.phones {
        #expect(E164.normalize(phone, defaultCountryCode: "1") == phone)
        accounts[phone, default: []].insert(point.accountId!)
      }
    }
    #expect(counts[0]! > 300 && counts[1]! > 3_000 && counts[2]! > 300)
    #expect(accounts.values.contains { $0.count > 5 })
  }

  @Test("Every service point of a million-point territory lies within the bounds of EPSG:2227")
  func pointsLieInTheZone() {
    let plan = TerritoryPlan(servicePointCount: 1_000_000, seed: 5)
    for number in stride(from: 0, to: plan.servicePointCount, by: 997) {
      let position = plan.servicePoint(number).position
      #expect(
        (-123.02 ... -117.83).contains(position.lonDegrees) && (36.73...38.71).contains(position.latDegrees))
    }
  }

  @Test(
    "Every size of territory lies within the bounds that the fixtures' settings give", arguments: [1, 2026])
  func pointsLieInTheBounds(seed: UInt64) throws {
    struct Settings: Decodable { var territoryBounds: [Double] }
    let root = URL(filePath: #filePath).appending(path: "../../../..").standardizedFileURL
    let settings = try JSONDecoder().decode(
      Settings.self, from: Data(contentsOf: root.appending(path: "GeoFixtures/outaged.json")))
    let bounds = settings.territoryBounds
    for count in [5_100, 1_000_000, 5_000_000] {
      let plan = TerritoryPlan(servicePointCount: count, seed: seed)
      // A feeder's cell has hundreds of service points: this stride meets every cell.
      for number in stride(from: 0, to: count, by: 97) {
        let position = plan.servicePoint(number).position
        #expect(
          (bounds[0]...bounds[2]).contains(position.lonDegrees)
            && (bounds[1]...bounds[3]).contains(position.latDegrees),
          "seed \(seed), \(count) service points, number \(number): \(position)")
      }
    }
  }
}
