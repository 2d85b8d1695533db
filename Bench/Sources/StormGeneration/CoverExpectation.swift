// What the importer and the join have to find, computed here with GEOS alone: which service points each outage covers.

import OutageModel

/// The pairs of one layer, by outage and by service point.
public struct CoverExpectation: Sendable {
  /// Numbers of the covered service points, ascending; sorted by outage id.
  private var servicePointsByOutage: [(outageId: String, numbers: [Int])] = []
  public private(set) var pairCount = 0

  public init(layer: [Outage], positions: [LonLat], geos: GEOSContext) {
    for outage in layer.sorted(by: { $0.outageId < $1.outageId }) {
      let hits = geos.covered(by: outage.area, among: positions)
      let numbers = hits.indices.filter { hits[$0] }
      servicePointsByOutage.append((outage.outageId, numbers))
      pairCount += numbers.count
    }
  }

  /// Outage ids, sorted, of each service point that at least one outage covers; sorted by number.
  public var outagesByServicePoint: [(number: Int, outageIds: [String])] {
    var ids: [Int: [String]] = [:]
    for (outageId, numbers) in servicePointsByOutage {
      for number in numbers { ids[number, default: []].append(outageId) }
    }
    return ids.keys.sorted().map { ($0, ids[$0]!) }
  }
}
