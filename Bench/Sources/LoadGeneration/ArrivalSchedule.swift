// When requests are due: an arrival rate over time, and the moments at which the n-th request is to start.

/// An arrival rate that is constant or changes linearly, piece by piece. The moments follow from the rate alone, whatever the server
/// does: a stall delays no arrival, so that it shows in the latencies of all requests that were due meanwhile.
public struct ArrivalSchedule: Sendable, Equatable {
  /// One piece; the rates are those at its start and at its end.
  public struct Segment: Sendable, Equatable {
    public var seconds: Double
    public var startPerSecond: Double
    public var endPerSecond: Double

    public init(seconds: Double, from startPerSecond: Double, to endPerSecond: Double) {
      (self.seconds, self.startPerSecond, self.endPerSecond) = (seconds, startPerSecond, endPerSecond)
    }

    var count: Double { (startPerSecond + endPerSecond) / 2 * seconds }

    /// The time into the segment by which `arrivals` (0 to `count`) have come.
    func secondsUntil(_ arrivals: Double) -> Double {
      let slope = (endPerSecond - startPerSecond) / seconds
      // The root of slope/2 t² + start t = arrivals, in the form that loses no digits where the slope is small.
      let root = (startPerSecond * startPerSecond + 2 * slope * arrivals).squareRoot()
      return root + startPerSecond > 0 ? 2 * arrivals / (startPerSecond + root) : 0
    }
  }

  public let segments: [Segment]

  public init(_ segments: [Segment]) {
    precondition(segments.allSatisfy { $0.seconds > 0 && $0.startPerSecond >= 0 && $0.endPerSecond >= 0 })
    self.segments = segments
  }

  public static func constant(perSecond rate: Double, seconds: Double) -> ArrivalSchedule {
    ArrivalSchedule([Segment(seconds: seconds, from: rate, to: rate)])
  }

  public var seconds: Double { segments.reduce(0) { $0 + $1.seconds } }
  public var count: Int { Int(segments.reduce(0) { $0 + $1.count }) }

  /// The calls of a storm, in compressed time: an hour as on a quiet day (800 calls a day), an hour in which they rise to 80,000 an hour,
  /// an hour of that, half an hour up to `peakFactor` times as many, half an hour of that, and an hour back to quiet.
  public static func storm(compression: Double, peakFactor: Double) -> ArrivalSchedule {
    let hour = 3600 / compression
    let quiet = 800.0 / 86_400 * compression
    let storm = 80_000.0 / 3600 * compression
    let peak = storm * peakFactor
    return ArrivalSchedule([
      Segment(seconds: hour, from: quiet, to: quiet),
      Segment(seconds: hour, from: quiet, to: storm),
      Segment(seconds: hour, from: storm, to: storm),
      Segment(seconds: hour / 2, from: storm, to: peak),
      Segment(seconds: hour / 2, from: peak, to: peak),
      Segment(seconds: hour, from: peak, to: quiet),
    ])
  }

  /// The moments one after another.
  public func arrivals() -> Arrivals { Arrivals(schedule: self) }

  /// Moments in nanoseconds since the start, ascending: the first arrival at half the first interval, each next one when the rate has
  /// brought one more.
  public struct Arrivals: IteratorProtocol, Sequence, Sendable {
    let schedule: ArrivalSchedule
    private var segment = 0
    private var segmentStart = 0.0
    private var arrivedBefore = 0.0
    private var number = 0

    init(schedule: ArrivalSchedule) { self.schedule = schedule }

    public mutating func next() -> Int64? {
      let target = Double(number) + 0.5
      while segment < schedule.segments.count {
        let piece = schedule.segments[segment]
        if target - arrivedBefore <= piece.count {
          number += 1
          return Int64((segmentStart + piece.secondsUntil(target - arrivedBefore)) * 1e9)
        }
        segmentStart += piece.seconds
        arrivedBefore += piece.count
        segment += 1
      }
      return nil
    }
  }
}
