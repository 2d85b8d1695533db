// A storm's faults, who loses power by them, who reports it and when, and when the OMS knows: the truth that detection is scored against.

import Foundation
import OutageModel
import StormGeneration

/// What a storm is made of.
struct StormShape {
  var hours = 6.0
  var faultCount = 120
  /// The share of those without power who report it.
  var reportShare = 0.15
  /// The mean of the time from the fault to a report of it; exponential.
  var reportDelayMinutes = 12.0
  /// From the fault to the layer that shows it, uniformly.
  var omsDelayMinutes = 25.0..<70.0
  var restorationMinutes = 120.0..<300.0
  /// The share of those who have power again who report that.
  var restoredShare = 0.02
  /// Reports in a day, of a thousand customers, that have no cause in common.
  var backgroundReportsPerThousandPerDay = 5.0
}

/// One fault.
struct Fault {
  enum Device: String, CaseIterable { case transformer, lateral, feeder }
  var device: Device
  var rows: [Int]
  var feeder: String
  var begins, known, ends: Double
}

/// A storm over a territory's service points. Times are seconds from its beginning.
struct FaultStorm {
  struct Report {
    var at: Double
    var row: Int
    var kind: ReportKind
    /// `nil`: a lone trouble of one customer.
    var fault: Int?
  }
  private(set) var faults: [Fault] = []
  private(set) var reports: [Report] = []

  /// - Parameters:
  ///   - transformersOfFeeder: for each feeder its transformers in their order along the line, each with its rows.
  init(
    _ shape: StormShape, transformersOfFeeder: [(feeder: String, transformers: [[Int]])], rowCount: Int,
    seed: UInt64
  ) {
    var random = SplitMix64(seed: seed, keys: 41)
    func exponential(_ mean: Double) -> Double { -mean * log(1 - random.uniform(0..<1)) }
    let seconds = shape.hours * 3600
    for _ in 0..<shape.faultCount {
      let (feeder, transformers) = transformersOfFeeder[random.below(transformersOfFeeder.count)]
      let kind = random.uniform(0..<1)
      let device: Fault.Device = kind < 0.6 ? .transformer : kind < 0.85 ? .lateral : .feeder
      let share: Range<Int>
      switch device {
      case .transformer:
        let first = random.below(transformers.count)
        share = first..<first + 1
      case .lateral:
        let count = max(2, Int(Double(transformers.count) * random.uniform(0.05..<0.25)))
        let first = random.below(max(1, transformers.count - count))
        share = first..<min(transformers.count, first + count)
      case .feeder: share = 0..<transformers.count
      }
      // The sum of two uniform times: few at the beginning and the end, most in the middle.
      let begins = (random.uniform(0..<0.5) + random.uniform(0..<0.5)) * seconds * 0.8
      faults.append(
        Fault(
          device: device, rows: transformers[share].flatMap { $0 }, feeder: feeder, begins: begins,
          known: begins + 60 * random.uniform(shape.omsDelayMinutes),
          ends: begins + 60 * random.uniform(shape.restorationMinutes)))
    }
    for (number, fault) in faults.enumerated() {
      for row in fault.rows {
        let at = fault.begins + 60 * exponential(shape.reportDelayMinutes)
        if random.chance(shape.reportShare), at < fault.ends {
          let kind: ReportKind = random.chance(0.03) ? .wireDown : random.chance(0.05) ? .partial : .out
          reports.append(Report(at: at, row: row, kind: kind, fault: number))
        }
        if random.chance(shape.restoredShare) {
          reports.append(
            Report(
              at: fault.ends + 60 * exponential(shape.reportDelayMinutes), row: row, kind: .restored,
              fault: number))
        }
      }
    }
    let lone = Double(rowCount) / 1000 * shape.backgroundReportsPerThousandPerDay * shape.hours / 24
    var at = exponential(seconds / max(lone, 1e-9))
    while at < seconds {
      reports.append(Report(at: at, row: random.below(rowCount), kind: .out, fault: nil))
      at += exponential(seconds / max(lone, 1e-9))
    }
    reports = reports.filter { $0.at < seconds }.sorted { $0.at < $1.at }
  }

  /// The faults that a service point is without power by, at a moment.
  func isOut(_ fault: Int, at: Double) -> Bool { faults[fault].begins <= at && at < faults[fault].ends }
}
