// The text of `INFO`: sections of `name:value` lines, as Redis gives them, so that its tools can read them.

import Feeds
import Foundation
import OutageModel
import Reactor

/// Renders `INFO` from the loops' counters and the control plane's summary.
struct InfoReport {
  var version: String
  var querySocket: String
  var adminSocket: String
  var summary: ControlPlane.Summary
  var loops: [LoopCounters]
  var feeds: [FeedStatus] = []
  var now: Timestamp
  var reports: [(String, Any)]
  var changes: [(String, Any)]
  var suspected: [(String, Any)]

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
    switch section {
    case "server":
      return [
        ("outaged_version", version), ("process_id", getpid()),
        ("uptime_in_seconds", Int(now.seconds(since: summary.startedAt))), ("event_loops", loops.count),
        ("query_socket", querySocket), ("admin_socket", adminSocket),
      ]
    case "clients":
      return [
        ("connected_clients", sum { $0.connections }), ("accept_pauses", sum { $0.acceptPauses.value }),
      ]
        + loops.enumerated().map { ("loop_\($0)_connections", $1.connections) }
    case "memory":
      let pages = Self.residentPages()
      return [
        ("used_memory_rss", pages * Int(sysconf(Int32(_SC_PAGESIZE)))),
        ("territory_bytes", summary.status?.territoryBytes ?? 0),
      ]
    case "stats":
      return [
        ("total_connections_received", sum { $0.accepted.value }),
        ("total_commands_processed", sum { $0.requests.value }),
        ("total_net_input_bytes", sum { $0.bytesRead.value }),
        ("total_net_output_bytes", sum { $0.bytesWritten.value }),
        ("write_pauses", sum { $0.writePauses.value }),
      ]
        + CloseReason.allCases.map { reason in
          ("closed_\(reason)", sum { $0.closed(because: reason).value })
        }
    case "feeds":
      return [("feeds", feeds.count), ("feeds_held", feeds.count { $0.hold != nil })] + feeds.flatMap(lines)
    case "reports": return reports
    case "changes": return changes
    case "suspected": return suspected
    default:
      let status = summary.status
      return [
        ("loading", status == nil ? 1 : 0), ("layer_version", status?.layerNumber ?? 0),
        ("as_of", summary.asOf?.iso8601 ?? ""), ("stale", status?.isStale == true ? 1 : 0),
        ("outages", status?.outages ?? 0), ("address_load", status?.addressNumber ?? 0),
        ("service_points", status?.servicePoints ?? 0), ("service_points_out", status?.servicePointsOut ?? 0),
        ("publishes", summary.publishCount), ("failed_publishes", summary.failedPublishCount),
        ("last_error", (summary.lastError ?? "").replacingOccurrences(of: "\n", with: "; ")),
      ]
    }
  }

  /// One line of figures, and one for what holds the newest layer back.
  private func lines(_ feed: FeedStatus) -> [(String, Any)] {
    func age(_ moment: Timestamp?) -> String { moment.map { "\(Int(now.seconds(since: $0)))" } ?? "" }
    let holds = FeedHold.allCases.map { "held_\($0.rawValue)=\(feed.holds[$0, default: 0])" }
    let figures = [
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
    var lines: [(String, Any)] = [("feed_\(feed.name)", (figures + holds).joined(separator: ","))]
    if let hold = feed.hold {
      let text = hold.text.split(whereSeparator: \.isNewline).joined(separator: "; ")
      lines.append(("feed_\(feed.name)_held", "\(hold.reason.rawValue) since \(hold.since.iso8601): \(text)"))
    }
    return lines
  }

  private func sum(_ counter: (LoopCounters) -> UInt64) -> UInt64 { loops.reduce(0) { $0 + counter($1) } }

  private static func residentPages() -> Int {
    let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    return text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
  }
}
