// Hot keys: ranks drawn by Zipf's law without a table.

import Foundation
import StormGeneration

/// Draws ranks 0 ..< count with probability proportional to 1 / (rank + 1) ^ exponent, by rejection-inversion: W. Hörmann, G. Derflinger,
/// *Rejection-inversion to generate variates from monotone discrete distributions*, ACM TOMACS 6(3), 1996. Exponent 0 is uniform.
public struct ZipfSampler: Sendable {
  public let count: Int
  public let exponent: Double
  private let integralOfFirst, integralOfLast, squeeze: Double

  /// - Parameters:
  ///   - count: at least 1.
  ///   - exponent: 0 or more.
  public init(count: Int, exponent: Double) {
    precondition(count >= 1 && exponent >= 0)
    self.count = count
    self.exponent = exponent
    integralOfFirst = Self.integral(1.5, exponent) - 1
    integralOfLast = Self.integral(Double(count) + 0.5, exponent)
    squeeze = 2 - Self.inverse(Self.integral(2.5, exponent) - pow(2, -exponent), exponent)
  }

  public func draw(_ random: inout SplitMix64) -> Int {
    if exponent == 0 { return random.below(count) }
    while true {
      let u = integralOfLast + random.uniform(0..<1) * (integralOfFirst - integralOfLast)
      let x = Self.inverse(u, exponent)
      let rank = min(max(x.rounded(), 1), Double(count))
      if rank - x <= squeeze
        || u >= Self.integral(rank + 0.5, exponent) - pow(rank, -exponent)
      {
        return Int(rank) - 1
      }
    }
  }

  /// The integral of x^-exponent, up to a constant.
  private static func integral(_ x: Double, _ exponent: Double) -> Double {
    exponent == 1 ? log(x) : (pow(x, 1 - exponent) - 1) / (1 - exponent)
  }

  private static func inverse(_ y: Double, _ exponent: Double) -> Double {
    exponent == 1 ? exp(y) : pow(max(0, 1 + y * (1 - exponent)), 1 / (1 - exponent))
  }
}
