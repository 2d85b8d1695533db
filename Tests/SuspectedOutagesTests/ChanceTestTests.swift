// The thresholds follow from the Poisson distribution and from the alarms that a day may have.

import Foundation
import OutageModel
import TestSupport
import Testing

@testable import SuspectedOutages

@Suite struct ChanceTestTests {
  @Test func `the Poisson tail is as the tables give it`() {
    #expect(abs(poissonTail(atLeast: 1, mean: 1) - 0.632_120_558_828_557_7) < 1e-14)
    #expect(abs(poissonTail(atLeast: 3, mean: 0.5) - 0.014_387_677_966_970_7) < 1e-15)
    #expect(abs(poissonTail(atLeast: 100, mean: 100) - 0.513_298_798_279_148_7) < 1e-12)
    #expect(poissonTail(atLeast: 0, mean: 3) == 1)
    #expect(poissonTail(atLeast: 1, mean: 0) == 0)
    // 1e-5 ^ 4 / 4!, where 1 less the sum from below would be nought.
    #expect(abs(poissonTail(atLeast: 4, mean: 1e-5) / 4.166_633_333_472_22e-22 - 1) < 1e-9)
  }

  @Test func `the more customers, the more reporters it takes`() {
    var settings = SuspicionSettings()
    settings.reportersMin = 2
    // A million customers, 5,000 reports a day: each may raise an alarm with a probability of 1 / 15,000; 8 customers have 0.00083
    // reports in half an hour, 100 have 0.0104, 1,000 have 0.104.
    let test = ChanceTest(settings, customerCount: 1_000_000)
    let expected = [(2, 3), (8, 3), (100, 3), (200, 4), (1_000, 5), (5_000, 7)]
    for (customers, reporters) in expected {
      #expect(test.threshold(customers: customers) == reporters, "\(customers) customers")
    }
    // 2,000 customers have ten reports a day, so that two on a transformer are no chance.
    #expect(ChanceTest(settings, customerCount: 2_000).threshold(customers: 8) == 2)
  }

  @Test func `the least number of reporters holds in the smallest territory`() {
    #expect(ChanceTest(SuspicionSettings(), customerCount: 1).threshold(customers: 1) == 3)
  }

  /// Replays a year of chance in a town and counts what is raised.
  @Test func `chance raises no more alarms than it may`() {
    let seed: UInt64 = 20_261_124
    var random = SeededGenerator(seed: seed)
    var settings = SuspicionSettings()
    settings.reportersMin = 2
    let (devices, customersEach) = (2_000, 8)
    let test = ChanceTest(settings, customerCount: devices * customersEach)
    let threshold = test.threshold(customers: customersEach)
    let reports = Int(
      Double(devices * customersEach) * settings.backgroundReportsPerThousandPerDay / 1000 * 365)
    var timesOfDevice: [Int: [Int]] = [:]
    for _ in 0..<reports {
      timesOfDevice[Int.random(in: 0..<devices, using: &random), default: []].append(
        Int.random(in: 0..<365 * 86_400, using: &random))
    }
    var alarms = 0
    for times in timesOfDevice.values.map({ $0.sorted() }) {
      for index in times.indices where index + 1 >= threshold {
        if times[index] - times[index - threshold + 1] < settings.windowSeconds { alarms += 1 }
      }
    }
    #expect(
      Double(alarms) <= settings.falseAlarmsPerDay / 3 * 365, "seed \(seed): \(alarms) alarms in a year")
    #expect(threshold == 2)
    #expect(alarms > 0, "seed \(seed): the bound was not put to the test")
  }

  @Test func `the fullest window is found and each key counts once in it`() {
    func most(_ seconds: [Int64], keys: [Int]? = nil) -> Int {
      mostInOneWindow(
        zip(seconds, keys ?? Array(seconds.indices)).map { (Timestamp(secondsSinceEpoch: $0), $1) },
        windowMilliseconds: 10_000)
    }
    #expect(most([]) == 0)
    #expect(most([0, 5, 9]) == 3)
    #expect(most([0, 5, 10]) == 2)
    #expect(most([30, 0, 25, 9, 21]) == 3)
    #expect(most([0, 1, 2, 3], keys: [1, 1, 2, 2]) == 2)
  }
}
