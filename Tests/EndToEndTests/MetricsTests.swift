// Metrics of the running daemon: an alarmed feed, the three ways to read them, a reload, and a change of processes.

import Foundation
import FoundationNetworking
import OutageDaemon
import TestSupport
import Testing
import WireProtocol

@Suite(.serialized) struct MetricsTests {
  private func page(_ port: Int, _ path: String) -> String? {
    (try? Data(contentsOf: URL(string: "http://127.0.0.1:\(port)\(path)")!)).map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  /// What the endpoint tells, once it is as wanted.
  private func scrape(_ port: Int, until isWanted: (Exposition) -> Bool = { _ in true }) throws -> Exposition
  {
    for _ in 0..<3000 {
      if let text = page(port, "/metrics") {
        let read = try Exposition(text)
        if isWanted(read) { return read }
      }
      usleep(10_000)
    }
    throw Exposition.Fault(description: "the metrics did not become as expected")
  }

  /// A port that nobody uses at the moment.
  private func freePort() throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
      }
    }
    try #require(status == 0)
    return Int(in_port_t(bigEndian: address.sin_port))
  }

  @Test
  func `a held feed alarms, every way to read tells the same, and the endpoint follows the configuration`()
    throws
  {
    let scratch = try fixtureDirectory()
    let folder = scratch.path + "/in"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let port = try freePort()
    let feed = #"{"name":"oms","directory":"\#(folder)","intervalSeconds":0.05,"settleSeconds":0.1}"#
    func configure(_ metrics: String) throws -> String {
      try scratch.file(
        "metrics.json", #"{"timeZone":"America/Los_Angeles","feeds":[\#(feed)],\#(metrics)}"#)
    }
    let configuration = try configure(#""metrics":{"address":"127.0.0.1:\#(port)"}"#)
    let daemon = try RunningDaemon(data: scratch.path, arguments: ["--config", configuration])
    try FileManager.default.copyItem(
      atPath: fixtures + "/outages/outages.geojson", toPath: folder + "/a.geojson")
    let live = try scrape(port) { $0["outaged_feed_published_total", "feed=oms"] == 1 }
    #expect(live.families["outaged_feed_held"]?.samples.values.allSatisfy { $0 == 0 } == true)
    #expect(live["outaged_outages"] == 60 && live["outaged_publishes_total"] == 1)
    #expect(try #require(live["outaged_publish_seconds_total"]) > 0)

    try FileManager.default.copyItem(
      atPath: fixtures + "/broken/empty-layer.geojson", toPath: folder + "/b.geojson")
    let held = try scrape(port) { $0["outaged_feed_held", "feed=oms", "guard=emptied"] == 1 }
    #expect(held["outaged_feed_held", "feed=oms", "guard=dropped"] == 0)
    #expect(held["outaged_outages"] == 60 && held["outaged_loading"] == 0)

    let client = try daemon.client()
    _ = try client.ask(["OUTAGE.ACCOUNT", "nobody"])
    _ = try client.ask(["OUTAGE.POINT", "1"])
    guard case .error(let refusal) = try client.ask(["METRICS"]) else {
      Issue.record("the query socket answers METRICS")
      return
    }
    #expect(refusal.hasPrefix("NOPERM"))
    let printed = try outaged("metrics", "--data", scratch.path)
    for read in [try Exposition(printed.output), try scrape(port)] {
      #expect(read["outaged_requests_total", "command=OUTAGE.ACCOUNT"] == 1)
      #expect(read["outaged_requests_total", "command=METRICS"] == 1)
      #expect(read["outaged_unknown_keys_total"] == 1)
      #expect(read["outaged_error_replies_total", "word=BADARG"] == 1)
      #expect(read["outaged_error_replies_total", "word=NOPERM"] == 1)
    }
    #expect(page(port, "/health") == "serving\n")

    // A process that takes over gets the address when the old one drains.
    let before = try #require(try scrape(port)["process_start_time_seconds"])
    let next = try RunningDaemon(
      data: scratch.path, arguments: ["--takeover", "--config", configuration], expectsReady: false)
    daemon.process.waitUntilExit()
    #expect(daemon.process.terminationStatus == 0)
    _ = try scrape(port) { ($0["process_start_time_seconds"] ?? 0) > before }
    _ = try configure(#""metrics":{}"#)
    next.signal(SIGHUP)
    for _ in 0..<3000 where page(port, "/health") != nil { usleep(10_000) }
    #expect(page(port, "/health") == nil)
    #expect(next.stop() == 0)
  }

  @Test func `an address that is taken is told in the log, and serving does not hang on it`() throws {
    let scratch = try fixtureDirectory()
    let port = try freePort()
    let configuration = try scratch.file("metrics.json", #"{"metrics":{"address":"127.0.0.1:\#(port)"}}"#)
    let taken = try ScratchDirectory()
    let holder = try RunningDaemon(data: taken.path, arguments: ["--config", configuration])
    _ = try scrape(port)
    let daemon = try RunningDaemon(data: scratch.path, arguments: ["--config", configuration])
    #expect(try daemon.client().ask(["PING"]).text == "PONG")
    for _ in 0..<3000 where !daemon.log.contains("metrics are not offered") { usleep(10_000) }
    #expect(daemon.log.contains("127.0.0.1:\(port): cannot be listened on"), "\(daemon.log)")
    #expect(holder.stop() == 0)
    _ = try scrape(port) { $0["outaged_outages"] == 60 }
    #expect(daemon.stop() == 0)
  }
}
