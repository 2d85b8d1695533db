// What operators are told: `outaged status` and `INFO`.

import Foundation
import OutageModel
import Testing

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
    let loop = LoopCounters()
    loop.accepted.add(3)
    loop.requests.add(41)
    loop.closed(because: .peer).add(1)
    return InfoReport(
      version: "1.2.3", querySocket: "q.sock", adminSocket: "a.sock", summary: summary,
      loops: [loop, LoopCounters()], now: moment.adding(seconds: 90),
      reports: [("reports_stored", 7)], changes: [("changes_ready", 1)],
      suspected: [("suspected_outages", 2)])
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
    #expect(all.contains("# Reports\r\nreports_stored:7\r\n"))
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
}
