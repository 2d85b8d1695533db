// Reports that were acknowledged, and whether the daemon has each of them, once.

import Foundation
import Histogram
import OutageModel
import WireProtocol

/// The calls of a run and the numbers that the daemon gave their reports.
public struct ReportLedger: Sendable {
  /// Tells this run's calls from those of others.
  public let run: String
  public private(set) var numberOfCall: [String: Int] = [:]
  public private(set) var latencies = LatencyHistogram.latencies()

  public init(run: String) { self.run = run }

  func callId(_ number: Int) -> String { "\(run)-\(number)" }

  mutating func acknowledged(call: Int, report: Int, nanoseconds: Int64) {
    numberOfCall[callId(call)] = report
    latencies.record(min(UInt64(max(0, nanoseconds)), LatencyHistogram.nanosecondsMax))
  }

  mutating func merge(_ other: ReportLedger) {
    numberOfCall.merge(other.numberOfCall) { first, _ in first }
    latencies.add(other.latencies)
  }

  /// Reads all reports back.
  /// - Returns: what is wrong with those that were acknowledged: missing, there twice, or under another number. Unacknowledged ones may be
  ///   there or not.
  public func faults(feedSocket: String) throws -> [String] {
    struct Report: Decodable {
      var sequence: Int
      var callId: String?
    }
    var numbers: [String: [Int]] = [:]
    let client = try AdminClient(path: feedSocket)
    var next = 0
    while true {
      guard case .array(let reply) = try client.ask(["REPORT.READ", String(next), "COUNT", "10000"]),
        reply.count == 2, let from = Self.integer(reply[0]), case .array(let reports) = reply[1]
      else { throw AdminClientError(description: "\(feedSocket): REPORT.READ gave no pair") }
      if reports.isEmpty { break }
      for report in reports {
        let content = try JSONDecoder().decode(Report.self, from: Data((report.text ?? "").utf8))
        if let call = content.callId, call.hasPrefix(run) {
          numbers[call, default: []].append(content.sequence)
        }
      }
      next = from
    }
    return numberOfCall.sorted { $0.value < $1.value }.compactMap { call, number in
      switch numbers[call] ?? [] {
      case [number]: nil
      case []: "report \(number) of call \(call) was acknowledged, and is not there"
      case let found: "report \(number) of call \(call) is there as \(found)"
      }
    }
  }

  private static func integer(_ reply: RESPReply) -> Int? {
    if case .integer(let value) = reply { return value }
    return reply.text.flatMap { Int($0) }
  }
}
