// The storm's promises: valid areas within the vertex limits, clear of service points, the same for the same seed.

import OutageModel
import StormGeneration
import Testing

@Suite("Outage layers")
struct OutageLayerTests {
  private static func layer(seed: UInt64, count: Int) -> (outages: [Outage], positions: [LonLat]) {
    let plan = TerritoryPlan(accountCount: 2_000, seed: seed)
    let positions = (0..<plan.servicePointCount).map { plan.servicePoint($0).position }
    var maker = OutageLayerMaker(
      plan: plan, seed: seed, now: Timestamp(year: 2026, month: 11, day: 24, hour: 18), geos: GEOSContext(),
      positions: positions)
    return ((0..<count).map { _ in maker.next() }, positions)
  }

  @Test(
    "Areas are valid, have 12 to 400 vertices and keep clear of service points",
    arguments: [1, 2, 3] as [UInt64])
  func areasAreSound(seed: UInt64) {
    let (outages, positions) = Self.layer(seed: seed, count: 60)
    let geos = GEOSContext()
    let margin = EdgeMargin(positions)
    for outage in outages {
      #expect(geos.isValid(outage.area), "seed \(seed), \(outage.outageId)")
      #expect((12...400).contains(outage.area.distinctVertexCount), "seed \(seed), \(outage.outageId)")
      #expect(margin.isKept(by: outage.area), "seed \(seed), \(outage.outageId)")
    }
  }

  @Test("The same seed gives the same outages, another seed others")
  func seedDecides() {
    #expect(Self.layer(seed: 4, count: 20).outages == Self.layer(seed: 4, count: 20).outages)
    #expect(Self.layer(seed: 4, count: 20).outages != Self.layer(seed: 5, count: 20).outages)
  }

  @Test("Every kind, status, cause, crew status and source of the model occurs among 60 outages")
  func allCodesOccur() {
    let outages = Self.layer(seed: 6, count: 60).outages
    #expect(Set(outages.compactMap(\.kind.code)) == Set(OutageKind.allCases))
    #expect(Set(outages.compactMap(\.status.code)) == Set(OutageStatus.allCases))
    #expect(Set(outages.compactMap(\.causeKind?.code)) == Set(OutageCauseKind.allCases))
    #expect(Set(outages.compactMap(\.crewStatus?.code)) == Set(CrewStatus.allCases))
    #expect(Set(outages.compactMap(\.ertSource?.code)) == Set(ERTSource.allCases))
    #expect(outages.contains { $0.estimatedRestorationAt == nil })
  }

  @Test("A storm's outages appear, split, merge and clear, and change only when they are updated")
  func stormMoves() {
    let plan = TerritoryPlan(accountCount: 2_000, seed: 9)
    let positions = (0..<plan.servicePointCount).map { plan.servicePoint($0).position }
    let script = StormScript(
      plan: plan, seed: 9, start: Timestamp(year: 2026, month: 11, day: 24, hour: 18), stepCount: 12,
      outageCount: 26, geos: GEOSContext(), positions: positions)
    let layers = (0..<12).map { script.layer(atStep: $0) }
    var ids: [Set<String>] = []
    for layer in layers { ids.append(Set(layer.map(\.outageId))) }
    #expect(zip(ids, ids.dropFirst()).contains { !$1.subtracting($0).isEmpty })
    #expect(zip(ids, ids.dropFirst()).contains { !$0.subtracting($1).isEmpty })
    // A part of its own after a split comes while its parent is there; before a merger it goes while the other stays.
    #expect(
      zip(ids, ids.dropFirst()).contains { old, new in
        new.contains { $0.hasSuffix("B") && !old.contains($0) && old.contains(String($0.dropLast())) }
      })
    #expect(
      zip(ids, ids.dropFirst()).contains { old, new in
        old.contains { $0.hasSuffix("B") && !new.contains($0) && new.contains(String($0.dropLast())) }
      })
    for (old, new) in zip(layers, layers.dropFirst()) {
      for outage in new {
        guard let before = old.first(where: { $0.outageId == outage.outageId }) else { continue }
        #expect((before == outage) == (before.updatedAt == outage.updatedAt), "\(outage.outageId)")
      }
    }
  }
}
