// The promises of an open loop: arrivals come at the rate, whatever the server does.

import LoadGeneration
import Testing

@Suite("Arrival schedule")
struct ArrivalScheduleTests {
  @Test("A constant rate spaces arrivals evenly, from half an interval on")
  func constantRate() {
    let arrivals = Array(ArrivalSchedule.constant(perSecond: 1000, seconds: 2).arrivals())
    #expect(arrivals.count == 2000)
    for (number, moment) in arrivals.enumerated() {
      #expect(abs(moment - (500_000 + Int64(number) * 1_000_000)) <= 1)
    }
  }

  @Test("A ramp's arrivals up to any moment are the area under its rate")
  func ramp() {
    let schedule = ArrivalSchedule([
      .init(seconds: 10, from: 0, to: 100), .init(seconds: 5, from: 100, to: 100),
      .init(seconds: 10, from: 100, to: 20),
    ])
    let arrivals = Array(schedule.arrivals())
    #expect(schedule.count == 500 + 500 + 600)
    #expect(arrivals.count == schedule.count)
    #expect(zip(arrivals, arrivals.dropFirst()).allSatisfy { $0 < $1 })
    func expected(_ second: Double) -> Double {
      switch second {
      case ..<10: 5 * second * second
      case ..<15: 500 + (second - 10) * 100
      default: 1000 + (second - 15) * 100 - (second - 15) * (second - 15) * 4
      }
    }
    for second in stride(from: 0.5, to: 25, by: 0.5) {
      let count = arrivals.count { Double($0) / 1e9 <= second }
      #expect(abs(Double(count) - expected(second)) <= 1, "after \(second) s")
    }
  }

  @Test("A storm begins with 800 calls a day, and has 80,000 in its third hour")
  func storm() {
    let schedule = ArrivalSchedule.storm(compression: 3600, peakFactor: 4)
    let arrivals = Array(schedule.arrivals())
    #expect(abs(schedule.seconds - 5) < 1e-9)
    #expect(abs(arrivals.count { $0 < 1_000_000_000 } - 33) <= 1)
    #expect(abs(arrivals.count { (2_000_000_000..<3_000_000_000).contains($0) } - 80_000) <= 1)
    #expect(arrivals.last! < 5_000_000_000)
  }
}
