// What operators are told: `outaged status` and `INFO`.

import EventLog
import Foundation
import OutageModel
import TestSupport
import Testing
import WireProtocol

@testable import Feeds
@testable import OutageDaemon
@testable import Reactor

@Suite struct ReportTests {
  @Test func `the status of an empty directory says what to do`() throws {
    let small = try SmallTerritory()
    let report = try StatusReport(directory: "var/outaged", store: small.store, served: nil)
    #expect(
      report.text == """
        Data directory var/outaged
        Not served: no daemon answers on its admin socket
        Addresses: load 1, 4 service points from addresses.csv, 2026-11-24T18:00:00.250Z
        Outage layers kept, newest first:
          none; `outaged publish outages FILE` brings one
        """)
  }

  @Test func `the status lists the layers that can be rolled back to, newest first, and what is served`()
    throws
  {
    struct Status: Decodable {
      struct Served: Decodable { var layer, servicePointsOut: Int, stale: Bool }
      struct Layer: Decodable { var number: Int }
      var served: Served?
      var layers: [Layer]
    }
    let small = try SmallTerritory()
    try small.publish("first.geojson", [SquareOutage(id: "O1", around: [1])])
    try small.publish("second.geojson", [SquareOutage(id: "O1", around: [1, 2])])
    let served = StatusReport.Served(
      layerNumber: 2, addressNumber: 1, servicePoints: 4, servicePointsOut: 2, outages: 1, isStale: true,
      territoryBytes: 5 << 20, processId: 77)
    let report = try StatusReport(directory: "d", store: small.store, served: served)
    let lines = report.text.split(separator: "\n")
    #expect(
      lines[1] == "Serving (process 77): layer 2, STALE, 1 outages, 4 service points, 2 of them out, 5 MiB")
    #expect(lines[4].hasPrefix("  2  2026-11-24T18:00:00Z  1 outages, 10 vertices  second.geojson  sha256 "))
    #expect(lines[5].hasPrefix("  1  "))
    let json = try JSONDecoder().decode(Status.self, from: Data(report.json().utf8))
    #expect(json.layers.map(\.number) == [2, 1])
    #expect(json.served?.layer == 2 && json.served?.servicePointsOut == 2 && json.served?.stale == true)
  }

  private func info(_ change: (inout ControlPlane.Summary) -> Void = { _ in }) -> InfoReport {
    var summary = ControlPlane.Summary(startedAt: moment)
    change(&summary)
    return InfoReport(figures: figures(summary))
  }

  private func figures(_ summary: ControlPlane.Summary, feeds: [FeedStatus] = []) -> DaemonFigures {
    let loop = LoopCounters()
    loop.accepted.add(3)
    loop.requests.add(41)
    loop.closed(because: .peer).add(1)
    let requests = RequestCounters()
    requests.count(.account)
    requests.count(.account)
    requests.count(RequestError.Word.badArgument)
    var reports = ReportDesk.Figures()
    reports.counts.stored = 7
    reports.counts.lastSequence = 9
    reports.counts.consumers = ["oms \"east\"": 4]
    var changes = ChangeFeed.Statistics()
    changes.isReady = true
    return DaemonFigures(
      querySocket: "q.sock", adminSocket: "a.sock", now: moment.adding(seconds: 90),
      loops: [
        DaemonFigures.Loop(counters: loop, requests: requests),
        DaemonFigures.Loop(counters: LoopCounters(), requests: RequestCounters()),
      ], territory: summary, feeds: feeds, reports: reports, changes: changes,
      suspected: SuspicionSummary(outages: 2))
  }

  @Test func `INFO has its sections as Redis has them, all or those that are asked for`() {
    let all = info().text([])
    let headings = [
      "# Server", "# Clients", "# Memory", "# Stats", "# Outages", "# Feeds", "# Reports", "# Changes",
      "# Suspected",
    ]
    for text in [all, info().text(["everything"])] {
      #expect(text.split(separator: "\r\n").filter { $0.hasPrefix("#") }.map(String.init) == headings)
    }
    #expect(all.contains("\r\nuptime_in_seconds:90\r\n"))
    #expect(all.contains("\r\ntotal_commands_processed:41\r\n"))
    #expect(all.contains("\r\nclosed_peer:1\r\n"))
    #expect(all.contains("\r\nloading:1\r\n"))
    #expect(all.contains("\r\ntotal_error_replies:1\r\n"))
    #expect(all.contains("\r\nreports_stored:7\r\n"))
    #expect(all.contains("\r\nreports_consumer_oms \"east\":sequence=4,lag=5\r\n"))
    #expect(all.contains("# Suspected\r\nsuspected_outages:2\r\n"))
    #expect(
      info().text(["clients"]) == """
        # Clients\r\nconnected_clients:2\r\naccept_pauses:0\r\nloop_0_connections:2\r\nloop_1_connections:0\r\n
        """)
    #expect(info().text(["nosuch"]) == "")
  }

  @Test func `INFO tells the layer, and the last failure on one line`() {
    let text = info {
      $0.status = StatusReport.Served(
        layerNumber: 7, addressNumber: 2, servicePoints: 10, servicePointsOut: 3, outages: 4, isStale: false,
        territoryBytes: 1000, processId: 1)
      $0.asOf = Timestamp(iso8601: "2026-11-24T18:02:11Z")
      $0.publishCount = 6
      $0.failedPublishCount = 1
      $0.lastError = "storm.geojson: truncated\nand more"
    }.text(["outages"])
    #expect(
      text.split(separator: "\r\n") == [
        "# Outages", "loading:0", "layer_version:7", "as_of:2026-11-24T18:02:11Z", "stale:0", "outages:4",
        "address_load:2", "service_points:10", "service_points_out:3", "publishes:6", "failed_publishes:1",
        "last_error:storm.geojson: truncated; and more",
      ])
  }

  @Test func `METRICS tells each figure under a name with its unit, as the format wants it`() throws {
    var summary = ControlPlane.Summary(startedAt: moment)
    let empty = try Exposition(MetricsReport.text(figures(summary)))
    #expect(empty["outaged_loading"] == 1)
    #expect(empty.families["outaged_layer_age_seconds"] == nil && empty.families["outaged_feed_held"] == nil)
    summary.status = StatusReport.Served(
      layerNumber: 7, addressNumber: 2, servicePoints: 10, servicePointsOut: 3, outages: 4, isStale: true,
      territoryBytes: 1000, processId: 1)
    summary.asOf = moment.adding(seconds: 30)
    summary.publishCount = 6
    summary.publishSeconds = 1.5
    var feed = FeedStatus(name: "oms", source: "in")
    feed.hold = (.dropped, "fewer", moment)
    feed.holds = [.dropped: 3]
    feed.confirmedAt = moment
    let read = try Exposition(MetricsReport.text(figures(summary, feeds: [feed])))
    #expect(read["outaged_build_info", "version=\(outagedVersion)"] == 1)
    #expect(read["process_start_time_seconds"] == Double(moment.millisecondsSinceEpoch) / 1000)
    #expect(try #require(read["process_resident_memory_bytes"]) > 1_000_000)
    #expect(try #require(read["process_threads"]) >= 1 && #require(read["process_cpu_seconds_total"]) > 0)
    #expect(read["outaged_requests_total", "command=OUTAGE.ACCOUNT"] == 2)
    #expect(read["outaged_requests_total", "command=METRICS"] == 0)
    #expect(read["outaged_error_replies_total", "word=BADARG"] == 1)
    #expect(read["outaged_connections", "loop=0"] == 2 && read["outaged_connections", "loop=1"] == 0)
    #expect(read["outaged_connections_closed_total", "reason=peer"] == 1)
    #expect(read["outaged_loading"] == 0 && read["outaged_layer_stale"] == 1)
    #expect(read["outaged_layer_version"] == 7 && read["outaged_service_points_out"] == 3)
    #expect(read["outaged_layer_age_seconds"] == 60 && read["outaged_publish_seconds_total"] == 1.5)
    #expect(read["outaged_feed_held", "feed=oms", "guard=dropped"] == 1)
    #expect(read["outaged_feed_held", "feed=oms", "guard=emptied"] == 0)
    #expect(read["outaged_feed_holds_total", "feed=oms", "guard=dropped"] == 3)
    #expect(read["outaged_feed_confirmed_age_seconds", "feed=oms"] == 90)
    #expect(read["outaged_reports_consumer_lag", "consumer=oms \"east\""] == 5)
    #expect(read["outaged_changes_ready"] == 1 && read["outaged_suspected_outages"] == 2)
    let rows = MetricsReport.markdown.split(separator: "\n").filter { $0.hasPrefix("| `") }
    for name in read.families.keys {
      #expect(rows.contains { $0.hasPrefix("| `\(name)` | ") }, "\(name) is not in the list")
    }
  }
}
