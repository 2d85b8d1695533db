// The text of `INFO`: sections of `name:value` lines, as Redis gives them, so that its tools can read them.

import EventLog
import Feeds
import Foundation
import OutageModel
import Reactor
import WireProtocol

/// Renders `INFO`.
struct InfoReport {
  let figures: DaemonFigures

  static let sections = [
    "server", "clients", "memory", "stats", "outages", "feeds", "reports", "changes", "suspected",
  ]

  /// - Parameter wanted: sections in lower case; none, `all`, `everything` and `default` mean all.
  func text(_ wanted: [String]) -> String {
    let isAll = wanted.isEmpty || !Set(wanted).isDisjoint(with: ["all", "everything", "default"])
    return Self.sections.filter { isAll || wanted.contains($0) }.map { section in
      let lines = self.lines(section).map { "\($0.0):\($0.1)\r\n" }.joined()
      return "# \(section.prefix(1).uppercased())\(section.dropFirst())\r\n" + lines
    }.joined(separator: "\r\n")
  }

  private func lines(_ section: String) -> [(String, Any)] {
    let territory = figures.territory
    switch section {
    case "server":
      return [
        ("outaged_version", outagedVersion), ("process_id", getpid()),
        ("uptime_in_seconds", Int(figures.now.seconds(since: territory.startedAt))),
        ("event_loops", figures.loops.count),
        ("query_socket", figures.querySocket), ("admin_socket", figures.adminSocket),
      ]
    case "clients":
      return [
        ("connected_clients", sum { $0.connections }), ("accept_pauses", sum { $0.acceptPauses.value }),
      ]
        + figures.loops.enumerated().map { ("loop_\($0)_connections", $1.counters.connections) }
    case "memory":
      return [
        ("used_memory_rss", figures.process.residentBytes),
        ("territory_bytes", territory.status?.territoryBytes ?? 0),
      ]
    case "stats":
      return [
        ("total_connections_received", sum { $0.accepted.value }),
        ("total_commands_processed", sum { $0.requests.value }),
        (
          "total_error_replies",
          figures.sum { loop in RequestError.Word.allCases.reduce(0) { $0 + loop.requests.errors($1) } }
        ),
        ("total_net_input_bytes", sum { $0.bytesRead.value }),
        ("total_net_output_bytes", sum { $0.bytesWritten.value }),
        ("write_pauses", sum { $0.writePauses.value }),
      ]
        + CloseReason.allCases.map { reason in
          ("closed_\(reason)", sum { $0.closed(because: reason).value })
        }
    case "feeds":
      let feeds = figures.feeds
      return [("feeds", feeds.count), ("feeds_held", feeds.count { $0.hold != nil })] + feeds.flatMap(lines)
    case "reports": return lines(figures.reports)
    case "changes": return lines(figures.changes)
    case "suspected":
      let suspected = figures.suspected
      return [
        ("suspected_outages", suspected.outages), ("suspected_raised", suspected.raised),
        ("suspected_withdrawn", suspected.withdrawn),
        ("suspected_unexplained_reports", suspected.unexplainedReports),
      ]
    default:
      let status = territory.status
      return [
        ("loading", status == nil ? 1 : 0), ("layer_version", status?.layerNumber ?? 0),
        ("as_of", territory.asOf?.iso8601 ?? ""), ("stale", status?.isStale == true ? 1 : 0),
        ("outages", status?.outages ?? 0), ("address_load", status?.addressNumber ?? 0),
        ("service_points", status?.servicePoints ?? 0), ("service_points_out", status?.servicePointsOut ?? 0),
        ("publishes", territory.publishCount), ("failed_publishes", territory.failedPublishCount),
        ("last_error", Self.oneLine(territory.lastError)),
      ]
    }
  }

  /// One line of figures, and one for what holds the newest layer back.
  private func lines(_ feed: FeedStatus) -> [(String, Any)] {
    func age(_ moment: Timestamp?) -> String { moment.map { "\(Int(figures.now.seconds(since: $0)))" } ?? "" }
    let holds = FeedHold.allCases.map { "held_\($0.rawValue)=\(feed.holds[$0, default: 0])" }
    let words = [
      "state=\(feed.hold != nil ? "held" : feed.confirmedAt != nil ? "live" : "waiting")",
      "outages=\(feed.outages)", "customers=\(feed.customers)",
      "confirmed_at=\(feed.confirmedAt?.iso8601 ?? "")", "confirmed_seconds_ago=\(age(feed.confirmedAt))",
      "looked_seconds_ago=\(age(feed.lookedAt))", "last_snapshot=\(feed.lastSnapshot.filter { $0 != "," })",
      "last_outcome=\(feed.lastOutcome)", "snapshots=\(feed.snapshots)",
      "published=\(feed.published)",
      "unchanged=\(feed.unchanged)", "accepted_by_hand=\(feed.acceptedByHand)",
      "fields_appeared=\(feed.fieldsAppeared)", "fields_disappeared=\(feed.fieldsDisappeared)",
      "read_milliseconds=\(Int(feed.readMilliseconds.rounded()))",
    ]
    var lines: [(String, Any)] = [("feed_\(feed.name)", (words + holds).joined(separator: ","))]
    if let hold = feed.hold {
      let text = hold.text.split(whereSeparator: \.isNewline).joined(separator: "; ")
      lines.append(("feed_\(feed.name)_held", "\(hold.reason.rawValue) since \(hold.since.iso8601): \(text)"))
    }
    return lines
  }

  private func lines(_ reports: ReportDesk.Figures) -> [(String, Any)] {
    let counts = reports.counts
    return [
      ("reports_last_sequence", counts.lastSequence), ("reports_stored", counts.stored),
      ("reports_duplicates", counts.duplicates), ("reports_repeats", counts.repeats),
      ("reports_failed", counts.failed), ("reports_wire_down", counts.wiresDown),
      ("reports_matched", counts.matched), ("reports_unmatched", counts.unmatched),
      ("reports_last_match_delay_seconds", counts.lastMatchDelayMilliseconds / 1000),
      ("reports_spooled_files", reports.spooledFiles),
      ("reports_last_error", Self.oneLine(reports.lastError)),
    ]
      + counts.consumers.sorted { $0.key < $1.key }.map { name, sequence in
        ("reports_consumer_\(name)", "sequence=\(sequence),lag=\(counts.lastSequence - sequence)")
      }
  }

  private func lines(_ changes: ChangeFeed.Statistics) -> [(String, Any)] {
    [
      ("changes_ready", changes.isReady ? 1 : 0), ("changes_oldest_sequence", changes.oldestSequence),
      ("changes_next_sequence", changes.nextSequence), ("changes_layer_version", changes.layerNumber ?? 0),
      ("changes_held_until", changes.heldUntil?.iso8601 ?? ""),
      ("changes_subscribers", changes.subscribers), ("changes_waiting_reads", changes.waitingReads),
      ("changes_last_write_milliseconds", Int(changes.lastWriteMilliseconds)),
      ("changes_last_error", Self.oneLine(changes.lastError)),
    ]
      + changes.consumers.map { consumer in
        let lag = changes.nextSequence - 1 - consumer.sequence
        return ("changes_consumer_\(consumer.name)", "sequence=\(consumer.sequence),lag=\(lag)")
      }
  }

  private func sum(_ counter: (LoopCounters) -> UInt64) -> UInt64 { figures.sum { counter($0.counters) } }

  private static func oneLine(_ text: String?) -> String { (text ?? "").replacing("\n", with: "; ") }
}
