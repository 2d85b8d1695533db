// What a run tells: the table, the figures as JSON, the plot and the log.

import Foundation
import Histogram
import LoadGeneration

struct RunReport {
  let title: String
  let result: LoadResult
  /// `nil` if another process serves since.
  let before: ServerAccounting?
  let after: ServerAccounting
  let publishes: [PublishRecord]
  /// Seconds since the epoch.
  let startedAt: Double

  static let percentiles = [50.0, 90, 99, 99.9, 99.99]

  private var cpuByThread: [String: Int64] { before.map(after.cpuNanoseconds(since:)) ?? [:] }
  private var cpuNanoseconds: Int64 { cpuByThread.values.reduce(0, +) }
  private var cpuMicrosecondsPerRequest: Double {
    result.answeredCount == 0 ? 0 : Double(cpuNanoseconds) / 1e3 / Double(result.answeredCount)
  }

  var text: String {
    let total = result.log.total
    var lines = ["\(title)", String(repeating: "-", count: title.count)]
    func line(_ name: String, _ value: String) {
      lines.append(name.padding(toLength: 22, withPad: " ", startingAt: 0) + value)
    }
    line(
      "requests",
      "\(result.sentCount) sent, \(result.answeredCount) answered in \(fixed(result.seconds, 2)) s, \(Int(Double(result.answeredCount) / max(result.seconds, 1e-9)))/s"
    )
    line("answers", "\(result.wrongCount) wrong, \(result.failedCount) failed, \(result.nullCount) null")
    for (reason, count) in result.failures.sorted(by: { $0.key < $1.key }) {
      line("  failed", "\(reason): \(count)")
    }
    for example in result.examples.prefix(3) { line("  for example", example) }
    for percentile in Self.percentiles {
      line("latency p\(Self.name(percentile))", microseconds(total.valueAtPercentile(percentile)))
    }
    line("latency max", microseconds(total.max))
    let reports = result.reports
    if !reports.numberOfCall.isEmpty {
      let latencies = reports.latencies
      line(
        "reports",
        "\(reports.numberOfCall.count) acknowledged; p50 \(microseconds(latencies.valueAtPercentile(50))), p99.9 \(microseconds(latencies.valueAtPercentile(99.9))), max \(microseconds(latencies.max))"
      )
    }
    line("sent late at worst", microseconds(UInt64(max(0, result.latestSendNanoseconds))))
    line(
      "server CPU",
      before == nil
        ? "unknown: another process serves now"
        : "\(fixed(cpuMicrosecondsPerRequest, 3)) us a request; "
          + cpuByThread.filter { $0.value > 1_000_000 }.sorted { $0.value > $1.value }
          .map { "\($0.key) \(fixed(Double($0.value) / 1e9, 2)) s" }.joined(separator: ", "))
    line(
      "server memory",
      "\(after.residentBytes >> 20) MiB resident, \(after.peakResidentBytes >> 20) MiB at the peak")
    line(
      "reply bytes",
      result.answeredCount == 0 ? "-" : "\(result.replyByteCount / result.answeredCount) on average")
    line(
      "connections",
      "\(result.connectCount) opened, \(result.closedIdleCount) closed by the server while idle, \(result.backlogWaitCount) waits for the backlog, \(result.sentAgainCount) requests sent again"
    )
    for publish in publishes {
      let phases = publish.phases.map { "\($0.name) \(fixed($0.milliseconds, 0))" }.joined(separator: ", ")
      line(
        "publish at \(fixed(publish.start, 1)) s",
        publish.error ?? "version \(publish.version ?? 0), \(fixed(publish.seconds * 1e3, 0)) ms (\(phases))")
    }
    return lines.joined(separator: "\n")
  }

  private struct Figures: Encodable {
    struct Publish: Encodable {
      var startSeconds, milliseconds: Double
      var layer: Int
      var version: Int?
      var error: String?
      var phases: [String: Double]
    }
    var title: String
    var seconds: Double
    var sent, answered, wrong, failed, null: Int
    var failures: [String: Int]
    var examples: [String]
    var perSecond: Double
    var latencyMicroseconds: [String: Double]
    var reports: Int
    var reportLatencyMicroseconds: [String: Double]
    var sentLateMicroseconds: Double
    var serverCPUMicrosecondsPerRequest: Double
    var serverCPUSeconds: [String: Double]
    var residentBytes, peakResidentBytes: Int
    var replyBytesMean: Double
    var connects, closedIdle, backlogWaits, sentAgain: Int
    var publishes: [Publish]
  }

  var json: String {
    let total = result.log.total
    func latencies(_ histogram: LatencyHistogram) -> [String: Double] {
      var latencies = ["max": Double(histogram.max) / 1e3, "mean": histogram.mean / 1e3]
      for percentile in Self.percentiles {
        latencies["p\(Self.name(percentile))"] = Double(histogram.valueAtPercentile(percentile)) / 1e3
      }
      return latencies
    }
    let figures = Figures(
      title: title, seconds: result.seconds, sent: result.sentCount, answered: result.answeredCount,
      wrong: result.wrongCount, failed: result.failedCount, null: result.nullCount, failures: result.failures,
      examples: result.examples, perSecond: Double(result.answeredCount) / max(result.seconds, 1e-9),
      latencyMicroseconds: latencies(total), reports: result.reports.numberOfCall.count,
      reportLatencyMicroseconds: latencies(result.reports.latencies),
      sentLateMicroseconds: Double(result.latestSendNanoseconds) / 1e3,
      serverCPUMicrosecondsPerRequest: cpuMicrosecondsPerRequest,
      serverCPUSeconds: cpuByThread.mapValues { Double($0) / 1e9 }, residentBytes: after.residentBytes,
      peakResidentBytes: after.peakResidentBytes,
      replyBytesMean: Double(result.replyByteCount) / Double(max(1, result.answeredCount)),
      connects: result.connectCount, closedIdle: result.closedIdleCount,
      backlogWaits: result.backlogWaitCount, sentAgain: result.sentAgainCount,
      publishes: publishes.map { publish in
        Figures.Publish(
          startSeconds: publish.start, milliseconds: publish.seconds * 1e3, layer: publish.layer,
          version: publish.version, error: publish.error,
          phases: Dictionary(
            publish.phases.map { ($0.name, $0.milliseconds) }, uniquingKeysWith: { first, _ in first }))
      })
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    // Numbers and texts: nothing that JSON cannot hold.
    return String(decoding: try! encoder.encode(figures), as: UTF8.self) + "\n"
  }

  var plot: LatencyPlot {
    LatencyPlot(
      title: title, intervals: result.log.intervals,
      bands: publishes.map {
        ($0.start, $0.seconds, "version \($0.version ?? 0), \(fixed($0.seconds, 2)) s")
      })
  }

  var histogramLog: String {
    var log = HistogramLog(startSeconds: startedAt, comment: title)
    for interval in result.log.intervals {
      log.append(interval.histogram, start: interval.start, length: interval.seconds)
    }
    return log.text
  }

  private static func name(_ percentile: Double) -> String {
    percentile == percentile.rounded() ? String(Int(percentile)) : String(percentile)
  }

  private func microseconds(_ nanoseconds: UInt64) -> String {
    nanoseconds >= 10_000_000
      ? "\(fixed(Double(nanoseconds) / 1e6, 1)) ms" : "\(fixed(Double(nanoseconds) / 1e3, 1)) us"
  }

  private func fixed(_ number: Double, _ decimals: Int) -> String {
    String(format: "%.\(decimals)f", number)
  }
}
