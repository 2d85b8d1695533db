// The log's encoding, read back by a decoder of its own and held against another implementation's bytes.

import CGeoLibraries
import Foundation
import Histogram
import LoadGeneration
import StormGeneration
import Testing

@Suite("Histogram log")
struct HistogramLogTests {
  /// The head's fields and the counts of the V2 encoding.
  private struct Decoded: Equatable {
    var digits, lowest, highest: UInt64
    var counts: [Int64]
  }

  private static func decode(_ bytes: [UInt8]) throws -> Decoded {
    func number(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> UInt64 {
      bytes[offset..<offset + count].reduce(0) { $0 << 8 | UInt64($1) }
    }
    try #require(number(bytes, 0, 4) == 0x1c84_9314)
    #expect(Int(number(bytes, 4, 4)) == bytes.count - 8)
    var plain = [UInt8](repeating: 0, count: 1 << 20)
    var size = uLong(plain.count)
    try #require(uncompress(&plain, &size, Array(bytes[8...]), uLong(bytes.count - 8)) == Z_OK)
    plain = Array(plain.prefix(Int(size)))
    try #require(number(plain, 0, 4) == 0x1c84_9313)
    #expect(Int(number(plain, 4, 4)) == plain.count - 40)
    var counts: [Int64] = []
    var offset = 40
    while offset < plain.count {
      var value: UInt64 = 0
      for group in 0..<9 {
        let byte = plain[offset]
        offset += 1
        value |= UInt64(group == 8 ? byte : byte & 0x7F) << (7 * UInt64(group))
        if group == 8 || byte & 0x80 == 0 { break }
      }
      let count = Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
      if count < 0 { counts += [Int64](repeating: 0, count: Int(-count)) } else { counts.append(count) }
    }
    return Decoded(
      digits: number(plain, 12, 4), lowest: number(plain, 16, 8), highest: number(plain, 24, 8),
      counts: counts)
  }

  @Test("What is written reads back, count by count", arguments: [1, 2, 3] as [UInt64])
  func roundTrip(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var histogram = LatencyHistogram.latencies()
    for _ in 0..<5_000 {
      histogram.record(
        UInt64(exp(random.uniform(0..<20))), count: UInt64(1) << UInt64(random.below(random.below(20) + 1)))
    }
    let decoded = try Self.decode(histogram.compressedV2())
    #expect(decoded.digits == 3 && decoded.lowest == 1 && decoded.highest == LatencyHistogram.nanosecondsMax)
    var expected = histogram.allValues().map { Int64($0.count) }
    while expected.last == 0 { expected.removeLast() }
    #expect(decoded.counts == expected, "seed \(seed)")
  }

  @Test("The bytes mean what HdrHistogram's Python implementation writes for the same values")
  func otherImplementation() throws {
    var histogram = LatencyHistogram.latencies()
    for value in [1, 2, 2, 1_000, 2_047, 2_048, 4_097, 123_456, 123_456_789, 59_000_000_000] as [UInt64] {
      histogram.record(value)
    }
    let theirs = try #require(
      Data(
        base64Encoded:
          "HISTFAAAADh4nJNpmSzMwMAgwQABzFCaEYh5f7hHMNh/gAowsZzkZ1otwMT0l5+p349p4XxGpuY+RiYA+ecKGg=="))
    #expect(try Self.decode(histogram.compressedV2()) == Self.decode([UInt8](theirs)))
  }

  @Test("An empty interval can be written")
  func empty() throws {
    #expect(try Self.decode(LatencyHistogram.latencies().compressedV2()).counts.allSatisfy { $0 == 0 })
  }
}
