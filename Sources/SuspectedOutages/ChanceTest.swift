// Could so many reports come together by chance?

import Foundation

/// How many reporters it takes, among how many customers, until chance does not explain them.
///
/// Reports without a cause in common are taken as a Poisson process of a known rate per customer. Each report that comes is asked how likely it is that
/// a time window behind it holds so many others among the same customers. A scan of windows that end at an event is
/// the scan statistic of Naus (*Approximations for Distributions of Scan Statistics*, JASA 77, 1982); its false alarms are at most, by the
/// union bound, the background's reports in a day times that probability. The threshold is the smallest count that keeps them within what a day may have.
struct ChanceTest {
  /// The probability that the test may give to each single report.
  private let significance: Double
  private let reportsPerCustomerAndWindow: Double
  private let reportersMin: Int
  /// Kinds of groups that are tested, which share the alarms of a day: transformers, feeders, neighbourhoods.
  private static let testCount = 3.0

  /// - Parameter customerCount: of the whole territory.
  init(_ settings: SuspicionSettings, customerCount: Int) {
    let perCustomerAndDay = settings.backgroundReportsPerThousandPerDay / 1000
    significance =
      settings.falseAlarmsPerDay / Self.testCount / (Double(max(1, customerCount)) * perCustomerAndDay)
    reportsPerCustomerAndWindow = perCustomerAndDay / 86_400 * Double(settings.windowSeconds)
    reportersMin = settings.reportersMin
  }

  /// The least number of reporters that is no chance.
  /// - Parameter customers: those that share the device, or the neighbourhood.
  func threshold(customers: Int) -> Int {
    let mean = Double(customers) * reportsPerCustomerAndWindow
    var reporters = reportersMin
    while poissonTail(atLeast: reporters - 1, mean: mean) > significance { reporters += 1 }
    return reporters
  }
}

/// The probability that a Poisson variable is at least `count`, summed from there so that small ones keep their digits.
func poissonTail(atLeast count: Int, mean: Double) -> Double {
  guard count > 0 else { return 1 }
  guard mean > 0 else { return 0 }
  var term = exp(Double(count) * log(mean) - mean - lgamma(Double(count) + 1))
  var sum = 0.0
  var next = count
  // Terms rise up to the mean and then fall faster than a geometric series.
  while term > sum * 1e-16 || Double(next) < mean {
    sum += term
    next += 1
    term *= mean / Double(next)
    if term == 0 && Double(next) > mean { break }
  }
  return min(1, sum)
}
