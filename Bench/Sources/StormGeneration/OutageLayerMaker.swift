// A whole outage layer at one moment: the fixture of 60 outages, and the large layers of the benchmarks, one outage at a time.

import OutageModel

/// Makes the outages of one layer, one after another, so that a large one can be streamed.
public struct OutageLayerMaker {
  private var planner: AreaPlanner
  private var details: OutageDetails
  private let mix: AreaMix
  private let geos: GEOSContext
  /// Where given, customers affected are counted; else they are estimated from the length of line.
  private let positions: [LonLat]?
  private var index = 0

  /// - Parameter positions: of all service points; the areas' edges then keep `EdgeMargin.marginMetres` clear of them.
  public init(
    plan: TerritoryPlan, seed: UInt64, now: Timestamp, mix: AreaMix = AreaMix(), geos: GEOSContext,
    positions: [LonLat]? = nil
  ) {
    self.mix = mix
    self.geos = geos
    self.positions = positions
    planner = AreaPlanner(plan: plan, seed: seed, geos: geos, margin: positions.map { EdgeMargin($0) })
    details = OutageDetails(plan: plan, now: now, seed: seed)
  }

  public static func outageId(_ index: Int) -> String { "OMS-\(4400 + index * 3)" }

  /// - Parameter vertices: the limits of this one outage, where they are not the mix's.
  public mutating func next(vertices: ClosedRange<Int>? = nil) -> Outage {
    var mix = mix
    if let vertices { mix.vertices = vertices }
    let area = planner.next(mix)
    defer { index += 1 }
    return details.outage(
      index: index, id: Self.outageId(index), outline: area.outline, feeder: area.feeder,
      descriptor: details.descriptor(of: area),
      customers: customerCount(in: area.outline, spans: area.shape.spans.count, of: positions, geos: geos))
  }
}

/// Service points that an area covers, or what its length of line suggests.
func customerCount(in outline: OutageArea, spans: Int, of positions: [LonLat]?, geos: GEOSContext) -> Int {
  positions.map { geos.covered(by: outline, among: $0).count { $0 } } ?? spans * 10
}
