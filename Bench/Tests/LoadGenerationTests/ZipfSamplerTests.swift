// Zipf's law, against its exact probabilities.

import Foundation
import LoadGeneration
import StormGeneration
import Testing

@Suite("Zipf sampler")
struct ZipfSamplerTests {
  @Test(
    "Ranks come as often as Zipf's law says", arguments: [0, 0.5, 0.99, 1, 1.3],
    [(count: 1, draws: 1_000), (count: 2, draws: 50_000), (count: 1_000, draws: 400_000)])
  func frequencies(exponent: Double, size: (count: Int, draws: Int)) {
    let seed: UInt64 = 17
    var random = SplitMix64(seed: seed)
    let sampler = ZipfSampler(count: size.count, exponent: exponent)
    var seen = [Int](repeating: 0, count: size.count)
    for _ in 0..<size.draws { seen[sampler.draw(&random)] += 1 }

    let weights = (1...size.count).map { pow(Double($0), -exponent) }
    let total = weights.reduce(0, +)
    var chiSquare = 0.0
    for (weight, count) in zip(weights, seen) {
      let expected = weight / total * Double(size.draws)
      chiSquare += (Double(count) - expected) * (Double(count) - expected) / expected
    }
    // Mean n - 1, variance 2 (n - 1): five standard deviations.
    let freedom = Double(size.count - 1)
    #expect(
      chiSquare <= freedom + 5 * (2 * freedom).squareRoot() + 1e-9,
      "seed \(seed), exponent \(exponent), \(size.count) ranks: chi-square \(chiSquare)")
  }
}
