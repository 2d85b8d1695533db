// Does it pay to sort a batch of positions along the Hilbert curve before they are looked up?

import MatchWorkload
import PointLocation

struct BatchReport {
  let batchCount: Int
  /// Nanoseconds a position, as the batch came.
  let asGiven: Spread
  /// Nanoseconds a position, with the sorting.
  let sorted: Spread
}

enum BatchRun {
  static func measure(_ index: PolygonIndex, _ workload: Workload, rounds: Int) -> [BatchReport] {
    let total = min(workload.xs.count, 200_000)
    return [16, 256, 4_096, 65_536].filter { $0 <= total }.map { batchCount in
      var asGiven: [Double] = []
      var sorted: [Double] = []
      let batches: [(xs: FlatArray<Double>, ys: FlatArray<Double>)] =
        stride(from: 0, through: total - batchCount, by: batchCount).map {
          (
            FlatArray(workload.xs[$0..<$0 + batchCount]), FlatArray(workload.ys[$0..<$0 + batchCount])
          )
        }
      let positions = Double(batches.count * batchCount)
      var hits = HitList()
      var found = (0, 0)
      for _ in 0..<rounds {
        var start = ThreadTime()
        for batch in batches {
          for point in 0..<batchCount {
            index.covering(x: batch.xs.pointer[point], y: batch.ys.pointer[point], into: &hits)
            found.0 += hits.count
          }
        }
        asGiven.append(start.seconds * 1e9 / positions)
        start = ThreadTime()
        for batch in batches {
          let order = hilbertOrder(xs: batch.xs, ys: batch.ys)
          for place in 0..<batchCount {
            let point = Int(order.pointer[place])
            index.covering(x: batch.xs.pointer[point], y: batch.ys.pointer[point], into: &hits)
            found.1 += hits.count
          }
        }
        sorted.append(start.seconds * 1e9 / positions)
      }
      precondition(found.0 == found.1, "sorting must not change an answer")
      return BatchReport(batchCount: batchCount, asGiven: Spread(asGiven), sorted: Spread(sorted))
    }
  }
}
