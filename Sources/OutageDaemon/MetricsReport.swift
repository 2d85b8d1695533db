// The text of `METRICS`, and the list of all metrics for Docs/METRICS.md.

import EventLog
import Feeds
import MetricsExport
import OutageModel
import Reactor
import WireProtocol

/// Every metric with where its samples come from: the one place in which their names stand.
public enum MetricsReport {
  fileprivate struct Metric: Sendable {
    var family: MetricFamily
    var samples: @Sendable (DaemonFigures) -> [MetricSample]
  }

  /// In the Prometheus text format.
  static func text(_ figures: DaemonFigures) -> String {
    var text = MetricsText()
    for (_, metrics) in groups {
      for metric in metrics { text.append(metric.family, metric.samples(figures)) }
    }
    return text.text
  }

  /// A table for each group, a row for each metric.
  public static var markdown: String {
    groups.map { title, metrics in
      "### \(title)\n\n| metric | kind | labels | what it is |\n| --- | --- | --- | --- |\n"
        + metrics.map { metric in
          let family = metric.family
          let labels = family.labels.map { "`\($0)`" }.joined(separator: ", ")
          return "| `\(family.name)` | \(family.kind.rawValue) | \(labels) | \(family.help) |\n"
        }.joined()
    }.joined(separator: "\n")
  }

  private static let groups: [(title: String, metrics: [Metric])] = [
    ("Process", process), ("Clients", clients), ("Layer", layer), ("Feeds", feeds), ("Reports", reports),
    ("Changes", changes), ("Suspected outages", suspected),
  ]

  // MARK: The metrics

  private static let process: [Metric] = [
    .gauge("outaged_build_info", "1, with the version.", labels: ["version"]) { _ in
      [MetricSample(1, outagedVersion)]
    },
    .gauge("process_start_time_seconds", "When the daemon began, in seconds since 1970.") {
      Double($0.territory.startedAt.millisecondsSinceEpoch) / 1000
    },
    .counter("process_cpu_seconds_total", "Processor time, user and system.") { $0.process.processorSeconds },
    .gauge("process_resident_memory_bytes", "Memory that is resident, mapped files included.") {
      Double($0.process.residentBytes)
    },
    .gauge("process_threads", "Threads.") { Double($0.process.threadCount) },
    .gauge("process_max_fds", "Files and connections that may be open at once.") {
      Double($0.process.openFilesMax)
    },
    .gauge("outaged_territory_bytes", "Memory of the served Territory.") {
      Double($0.territory.status?.territoryBytes ?? 0)
    },
  ]

  private static let clients: [Metric] = [
    .counter("outaged_requests_total", "Well-formed requests, by command.", labels: ["command"]) { figures in
      CommandID.allCases.map { id in
        MetricSample(figures.sum { $0.requests.requests(id) }, CommandTable[id].name)
      }
    },
    .counter(
      "outaged_error_replies_total", "Error replies at the time of the request, by their first word.",
      labels: ["word"]
    ) { figures in
      RequestError.Word.allCases.map { word in
        MetricSample(figures.sum { $0.requests.errors(word) }, word.rawValue)
      }
    },
    .counter("outaged_unknown_keys_total", "Lookups of ids and numbers that the addresses do not have.") {
      $0.total { $0.requests.unknownKeyCount }
    },
    .gauge("outaged_connections", "Connections that are open, by event loop.", labels: ["loop"]) { figures in
      figures.loops.enumerated().map { MetricSample($1.counters.connections, "\($0)") }
    },
    .counter("outaged_connections_accepted_total", "Connections that were accepted.") {
      $0.total { $0.counters.accepted.value }
    },
    .counter(
      "outaged_connections_closed_total", "Connections that were closed, by reason.", labels: ["reason"]
    ) {
      figures in
      CloseReason.allCases.map { reason in
        MetricSample(figures.sum { $0.counters.closed(because: reason).value }, "\(reason)")
      }
    },
    .counter(
      "outaged_accept_pauses_total",
      "Times that accepting paused, because descriptors, memory or `maxConnections` ran out."
    ) { $0.total { $0.counters.acceptPauses.value } },
    .counter("outaged_write_pauses_total", "Times that a client was waited for that did not read.") {
      $0.total { $0.counters.writePauses.value }
    },
    .counter("outaged_received_bytes_total", "Bytes that clients have sent.") {
      $0.total { $0.counters.bytesRead.value }
    },
    .counter("outaged_sent_bytes_total", "Bytes that clients were sent.") {
      $0.total { $0.counters.bytesWritten.value }
    },
    .counter("outaged_loop_turns_total", "Turns of an event loop.", labels: ["loop"]) { figures in
      figures.loops.enumerated().map { MetricSample($1.counters.turns.value, "\($0)") }
    },
  ]

  private static let layer: [Metric] = [
    .gauge("outaged_loading", "1 until the first Territory is served.") {
      $0.territory.status == nil ? 1 : 0
    },
    .gauge("outaged_layer_version", "The number of the served layer; 0 without one.") {
      Double($0.territory.status?.layerNumber ?? 0)
    },
    .gauge(
      "outaged_layer_age_seconds", "Since the served layer was published or confirmed; left out without one."
    ) {
      figures in
      figures.territory.asOf.map { [MetricSample(figures.now.seconds(since: $0))] } ?? []
    },
    .gauge("outaged_layer_stale", "1 while callers are told that the layer may be out of date.") {
      $0.territory.status?.isStale == true ? 1 : 0
    },
    .gauge("outaged_outages", "Outages of the served layer, suspected ones not counted.") {
      Double($0.territory.status?.outages ?? 0)
    },
    .gauge("outaged_service_points", "Service points of the served address load.") {
      Double($0.territory.status?.servicePoints ?? 0)
    },
    .gauge("outaged_service_points_out", "Service points in an outage that is in force.") {
      Double($0.territory.status?.servicePointsOut ?? 0)
    },
    .counter("outaged_publishes_total", "Layers that were published.") { Double($0.territory.publishCount) },
    .counter(
      "outaged_publish_failures_total", "Publishes and other requests of the admin socket that failed."
    ) {
      Double($0.territory.failedPublishCount)
    },
    .counter(
      "outaged_publish_seconds_total",
      "Time of the publishes, to the moment when every loop answers from the new layer; a feed's reading is not in it."
    ) { $0.territory.publishSeconds },
    .gauge("outaged_publish_last_seconds", "Time of the last publish.") { $0.territory.lastPublishSeconds },
  ]

  private static let feeds: [Metric] = [
    .gauge(
      "outaged_feed_held", "1 while a guard holds the feed's newest snapshot back.",
      labels: ["feed", "guard"]
    ) { figures in
      figures.feeds.flatMap { feed in
        FeedHold.allCases.map { MetricSample(feed.hold?.reason == $0 ? 1 : 0, feed.name, $0.rawValue) }
      }
    },
    .counter(
      "outaged_feed_holds_total", "Times that a guard has held something back.", labels: ["feed", "guard"]
    ) {
      figures in
      figures.feeds.flatMap { feed in
        FeedHold.allCases.map { MetricSample(feed.holds[$0, default: 0], feed.name, $0.rawValue) }
      }
    },
    .feedGauge("outaged_feed_confirmed_age_seconds", "Since the feed last said what is served of it.") {
      feed, now in feed.confirmedAt.map { now.seconds(since: $0) }
    },
    .feedGauge("outaged_feed_looked_age_seconds", "Since the source was last looked at.") { feed, now in
      feed.lookedAt.map { now.seconds(since: $0) }
    },
    .feedGauge("outaged_feed_outages", "Outages of the feed's last good snapshot.") { feed, _ in
      Double(feed.outages)
    },
    .feedGauge("outaged_feed_customers", "Customers of the feed's last good snapshot.") { feed, _ in
      Double(feed.customers)
    },
    .feedGauge("outaged_feed_read_last_seconds", "Time in which the last snapshot was read and checked.") {
      feed, _ in feed.readMilliseconds / 1000
    },
    .feedCounter("outaged_feed_snapshots_total", "Snapshots that were found.", \.snapshots),
    .feedCounter("outaged_feed_published_total", "Snapshots that were published.", \.published),
    .feedCounter("outaged_feed_unchanged_total", "Snapshots that confirmed what is served.", \.unchanged),
    .feedCounter("outaged_feed_accepted_total", "Snapshots that were accepted by hand.", \.acceptedByHand),
    .feedCounter(
      "outaged_feed_fields_appeared_total", "Fields that came between two snapshots.", \.fieldsAppeared),
    .feedCounter(
      "outaged_feed_fields_disappeared_total", "Fields that went between two snapshots.", \.fieldsDisappeared),
  ]

  private static let reports: [Metric] = [
    .counter("outaged_reports_stored_total", "Reports that were stored and acknowledged.") {
      Double($0.reports.counts.stored)
    },
    .counter("outaged_reports_duplicates_total", "Reports that were sent again with the same call.") {
      Double($0.reports.counts.duplicates)
    },
    .counter("outaged_reports_repeats_total", "Stored reports that repeat an earlier one of the same place.")
    {
      Double($0.reports.counts.repeats)
    },
    .counter("outaged_reports_refused_total", "Reports that got an error, because they could not be stored.")
    {
      Double($0.reports.counts.failed)
    },
    .counter("outaged_reports_wire_down_total", "Stored reports of a wire that is down.") {
      Double($0.reports.counts.wiresDown)
    },
    .counter("outaged_reports_matched_total", "Reports that a later layer has covered.") {
      Double($0.reports.counts.matched)
    },
    .gauge("outaged_reports_unmatched", "Reports that wait for a layer that covers them.") {
      Double($0.reports.counts.unmatched)
    },
    .gauge(
      "outaged_reports_last_match_delay_seconds",
      "From a report to the layer that covered it, of the last match."
    ) {
      Double($0.reports.counts.lastMatchDelayMilliseconds) / 1000
    },
    .gauge("outaged_reports_last_sequence", "The number of the newest report.") {
      Double($0.reports.counts.lastSequence)
    },
    .counter("outaged_report_commits_total", "Transactions in which reports were stored, one fsync each.") {
      Double($0.reports.counts.commits)
    },
    .counter("outaged_report_commit_seconds_total", "Time of these transactions, fsync included.") {
      $0.reports.counts.commitSeconds
    },
    .counter("outaged_report_spool_files_total", "Files that were spooled.") {
      Double($0.reports.spooledFiles)
    },
    .gauge("outaged_reports_failing", "1 while reports cannot be stored, matched or spooled.") {
      $0.reports.lastError == nil ? 0 : 1
    },
    .gauge(
      "outaged_reports_consumer_lag", "Reports that a consumer has not acknowledged.", labels: ["consumer"]
    ) {
      figures in
      let counts = figures.reports.counts
      return counts.consumers.sorted { $0.key < $1.key }.map {
        MetricSample(counts.lastSequence - $0.value, $0.key)
      }
    },
  ]

  private static let changes: [Metric] = [
    .gauge("outaged_changes_ready", "1 when changes are recorded.") { $0.changes.isReady ? 1 : 0 },
    .gauge("outaged_changes_oldest_sequence", "The number of the oldest change that is kept.") {
      Double($0.changes.oldestSequence)
    },
    .gauge("outaged_changes_next_sequence", "The number that the next change will get.") {
      Double($0.changes.nextSequence)
    },
    .gauge("outaged_changes_layer_version", "The layer whose changes are all there; 0 without one.") {
      Double($0.changes.layerNumber ?? 0)
    },
    .gauge("outaged_changes_last_write_seconds", "Time in which the last changes were found and stored.") {
      $0.changes.lastWriteMilliseconds / 1000
    },
    .gauge("outaged_changes_subscribers", "Connections that have subscribed.") {
      Double($0.changes.subscribers)
    },
    .gauge("outaged_changes_waiting_reads", "Reads that wait for something to come.") {
      Double($0.changes.waitingReads)
    },
    .gauge("outaged_changes_failing", "1 while changes cannot be stored or read.") {
      $0.changes.lastError == nil ? 0 : 1
    },
    .gauge(
      "outaged_changes_consumer_lag", "Changes that a consumer has not acknowledged.", labels: ["consumer"]
    ) {
      figures in
      figures.changes.consumers.map {
        MetricSample(figures.changes.nextSequence - 1 - $0.sequence, $0.name)
      }
    },
  ]

  private static let suspected: [Metric] = [
    .gauge("outaged_suspected_outages", "Outages that are suspected now.") { Double($0.suspected.outages) },
    .gauge("outaged_suspected_unexplained_reports", "Recent reports that no outage of the OMS explains.") {
      Double($0.suspected.unexplainedReports)
    },
    .counter("outaged_suspected_raised_total", "Suspected outages that have come.") {
      Double($0.suspected.raised)
    },
    .counter("outaged_suspected_withdrawn_total", "Suspected outages that have gone.") {
      Double($0.suspected.withdrawn)
    },
  ]
}

extension DaemonFigures {
  fileprivate func total(_ counter: (Loop) -> UInt64) -> Double { Double(sum(counter)) }
}

extension MetricsReport.Metric {
  static func gauge(
    _ name: String, _ help: String, labels: [String] = [],
    _ samples: @escaping @Sendable (DaemonFigures) -> [MetricSample]
  ) -> Self {
    Self(family: MetricFamily(.gauge, name, help, labels: labels), samples: samples)
  }

  static func counter(
    _ name: String, _ help: String, labels: [String],
    _ samples: @escaping @Sendable (DaemonFigures) -> [MetricSample]
  ) -> Self {
    Self(family: MetricFamily(.counter, name, help, labels: labels), samples: samples)
  }

  static func gauge(_ name: String, _ help: String, _ value: @escaping @Sendable (DaemonFigures) -> Double)
    -> Self
  {
    Self(family: MetricFamily(.gauge, name, help)) { [MetricSample(value($0))] }
  }

  static func counter(
    _ name: String, _ help: String, _ value: @escaping @Sendable (DaemonFigures) -> Double
  ) -> Self {
    Self(family: MetricFamily(.counter, name, help)) { [MetricSample(value($0))] }
  }

  /// A feed that has no value has no sample.
  static func feedGauge(
    _ name: String, _ help: String, _ value: @escaping @Sendable (FeedStatus, Timestamp) -> Double?
  ) -> Self {
    gauge(name, help, labels: ["feed"]) { figures in
      figures.feeds.compactMap { feed in value(feed, figures.now).map { MetricSample($0, feed.name) } }
    }
  }

  static func feedCounter(
    _ name: String, _ help: String, _ value: @escaping @Sendable (FeedStatus) -> Int
  ) -> Self {
    counter(name, help, labels: ["feed"]) { figures in
      figures.feeds.map { MetricSample(value($0), $0.name) }
    }
  }
}
