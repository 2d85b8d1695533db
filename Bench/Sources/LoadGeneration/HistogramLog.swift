// Histograms as the HdrHistogram log format, version 1.3, which its plotters and command-line tools read.

import CGeoLibraries
import Foundation
import Histogram

/// Latencies in nanoseconds, three significant digits, up to a minute.
public typealias LatencyHistogram = Histogram<UInt64>

extension LatencyHistogram {
  public static let nanosecondsMax: UInt64 = 60_000_000_000

  public static func latencies() -> LatencyHistogram {
    LatencyHistogram(
      lowestDiscernibleValue: 1, highestTrackableValue: nanosecondsMax, numberOfSignificantValueDigits: .three
    )
  }

  /// The V2 encoding, compressed: what `.hlog` lines carry in base64.
  public func compressedV2() -> [UInt8] {
    var counts: [UInt8] = []
    var zeros: Int64 = 0
    func flushZeros() {
      if zeros > 0 { counts.appendZigZag(zeros == 1 ? 0 : -zeros) }
      zeros = 0
    }
    for step in allValues() {
      if step.count == 0 {
        zeros += 1
      } else {
        flushZeros()
        counts.appendZigZag(Int64(step.count))
      }
      if step.totalCountToThisValue == totalCount { break }
    }
    var plain: [UInt8] = []
    plain.appendBigEndian(UInt32(0x1c84_9313))
    plain.appendBigEndian(UInt32(counts.count))
    plain.appendBigEndian(UInt32(0))  // no normalising offset
    plain.appendBigEndian(UInt32(numberOfSignificantValueDigits.rawValue))
    plain.appendBigEndian(lowestDiscernibleValue)
    plain.appendBigEndian(highestTrackableValue)
    plain.appendBigEndian(Double(1).bitPattern)
    plain += counts

    var size = compressBound(uLong(plain.count))
    var packed = [UInt8](repeating: 0, count: Int(size))
    let result = compress(&packed, &size, plain, uLong(plain.count))
    precondition(result == Z_OK, "zlib: \(result)")
    var bytes: [UInt8] = []
    bytes.appendBigEndian(UInt32(0x1c84_9314))
    bytes.appendBigEndian(UInt32(size))
    return bytes + packed.prefix(Int(size))
  }
}

/// The text of a log: a line for each interval.
public struct HistogramLog {
  public private(set) var text: String

  /// - Parameter startSeconds: since the epoch.
  public init(startSeconds: Double, comment: String) {
    text = """
      #[\(comment)]
      #[Histogram log format version 1.3]
      #[StartTime: \(Self.decimals(startSeconds)) (seconds since epoch)]
      #[MaxValueDivisor: 1000000.0]
      "StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"

      """
  }

  /// - Parameters:
  ///   - start: seconds since the start of the log.
  public mutating func append(_ histogram: LatencyHistogram, start: Double, length: Double) {
    let payload = Data(histogram.compressedV2()).base64EncodedString()
    // The maximum in milliseconds, as the divisor in the head says.
    let milliseconds = Double(histogram.max) / 1e6
    text +=
      "\(Self.decimals(start)),\(Self.decimals(length)),\(Self.decimals(milliseconds)),\(payload)\n"
  }

  private static func decimals(_ number: Double) -> String { String(format: "%.3f", number) }
}

extension [UInt8] {
  fileprivate mutating func appendBigEndian(_ value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
  }

  /// A signed number, zig-zag, in groups of seven bits, lowest first; the ninth byte holds eight.
  fileprivate mutating func appendZigZag(_ value: Int64) {
    var rest = UInt64(bitPattern: (value << 1) ^ (value >> 63))
    var groups = 0
    while rest >= 0x80 && groups < 8 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
      groups += 1
    }
    append(UInt8(truncatingIfNeeded: rest))
  }
}
