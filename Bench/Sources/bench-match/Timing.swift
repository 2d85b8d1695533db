// Clocks, and what several runs of the same thing took.

import CRivals

/// The processor time that this thread has used since the value was made. On a machine with nothing else to do it is the wall time;
/// on a busy one it leaves out the turns of others.
struct ThreadTime {
  private let start = threadSeconds()

  var seconds: Double { threadSeconds() - start }
}

/// Wall time since it was made.
struct WallTime {
  private let start = ContinuousClock.now

  var seconds: Double {
    let duration = ContinuousClock.now - start
    return Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
  }
}

/// The median of several runs, the least and the greatest.
struct Spread {
  let median: Double
  let least: Double
  let greatest: Double

  init(_ values: [Double]) {
    let sorted = values.sorted()
    median = sorted.isEmpty ? .nan : sorted[sorted.count / 2]
    least = sorted.first ?? .nan
    greatest = sorted.last ?? .nan
  }

  /// As text with its spread, each value multiplied by `scale`.
  func text(_ scale: Double = 1, _ digits: Int = 0) -> String {
    func number(_ value: Double) -> String { WorkloadReport.number(value * scale, digits) }
    return "\(number(median)) (\(number(least)) to \(number(greatest)))"
  }
}
