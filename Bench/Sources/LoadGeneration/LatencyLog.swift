// Latencies over time: a histogram for each interval, and one of the whole run.

import Histogram

/// What happened in one interval.
public struct LatencyInterval: Sendable {
  /// Seconds since the start of the run.
  public var start: Double
  public var seconds: Double
  public var histogram: LatencyHistogram
}

/// Collects latencies by the interval in which their reply came.
public struct LatencyLog: Sendable {
  public private(set) var intervals: [LatencyInterval] = []
  public private(set) var total = LatencyHistogram.latencies()
  private var current = LatencyHistogram.latencies()
  private let intervalNanoseconds: Int64
  private var currentEnd: Int64

  /// - Parameter intervalSeconds: above 0.
  public init(intervalSeconds: Double) {
    intervalNanoseconds = Int64(intervalSeconds * 1e9)
    currentEnd = intervalNanoseconds
  }

  /// - Parameters:
  ///   - nanoseconds: the latency; above a minute it counts as a minute.
  ///   - now: since the start of the run, never less than before.
  @inline(__always)
  public mutating func record(_ nanoseconds: Int64, now: Int64) {
    if now >= currentEnd { endIntervals(until: now) }
    current.record(min(UInt64(max(0, nanoseconds)), LatencyHistogram.nanosecondsMax))
  }

  /// Ends the last interval.
  public mutating func finish() { endInterval() }

  private mutating func endIntervals(until now: Int64) {
    while now >= currentEnd {
      endInterval()
      currentEnd += intervalNanoseconds
    }
  }

  private mutating func endInterval() {
    let start = Double(currentEnd - intervalNanoseconds) / 1e9
    intervals.append(
      LatencyInterval(start: start, seconds: Double(intervalNanoseconds) / 1e9, histogram: current))
    if current.totalCount > 0 { total.add(current) }
    current = LatencyHistogram.latencies()
  }

  /// Adds another thread's log of the same run.
  public mutating func merge(_ other: LatencyLog) {
    for (index, interval) in other.intervals.enumerated() {
      if index < intervals.count {
        intervals[index].histogram.add(interval.histogram)
      } else {
        intervals.append(interval)
      }
    }
    total.add(other.total)
  }
}
