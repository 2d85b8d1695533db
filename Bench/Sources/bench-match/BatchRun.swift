// Does it pay to look up a batch of positions together, or to sort it along the Hilbert curve before?

import MatchWorkload
import PointLocation

struct BatchReport {
  let batchCount: Int
  /// Nanoseconds a position, as the batch came, one after another.
  let asGiven: Spread
  /// Nanoseconds a position, as the batch came, `CoveringBatch.size` at once or as many as there are.
  let together: Spread
  /// Nanoseconds a position, with the sorting.
  let sorted: Spread
}

enum BatchRun {
  static func measure(_ index: PolygonIndex, _ workload: Workload, rounds: Int) -> [BatchReport] {
    let total = min(workload.xs.count, 200_000)
    return [16, 256, 4_096, 65_536].filter { $0 <= total }.map { batchCount in
      var asGiven: [Double] = []
      var together: [Double] = []
      var sorted: [Double] = []
      let batches: [(xs: FlatArray<Double>, ys: FlatArray<Double>)] =
        stride(from: 0, through: total - batchCount, by: batchCount).map {
          (
            FlatArray(workload.xs[$0..<$0 + batchCount]), FlatArray(workload.ys[$0..<$0 + batchCount])
          )
        }
      let positions = Double(batches.count * batchCount)
      var hits = HitList()
      var covering = CoveringBatch()
      var found = (0, 0, 0)
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
          for first in stride(from: 0, to: batchCount, by: CoveringBatch.size) {
            let count = min(CoveringBatch.size, batchCount - first)
            covering.find(index, xs: batch.xs.pointer + first, ys: batch.ys.pointer + first, count: count)
            for point in 0..<count { found.2 += covering.hits(of: point).count }
          }
        }
        together.append(start.seconds * 1e9 / positions)
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
      precondition(found.0 == found.1 && found.0 == found.2, "the order must not change an answer")
      return BatchReport(
        batchCount: batchCount, asGiven: Spread(asGiven), together: Spread(together), sorted: Spread(sorted))
    }
  }
}
