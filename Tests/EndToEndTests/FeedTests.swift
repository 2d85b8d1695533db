// Reports and changes over the sockets: receipts, consumers that resume, pushes, the spool, and kills of everybody.

import ByteBuffers
import Foundation
import OutageDaemon
import OutageModel
import Reactor
import Testing
import WireProtocol

@Suite(.serialized) struct FeedTests {
  /// A change or a report, as far as tests look at it.
  struct Event: Decodable {
    var sequence: Int
    var kind: String
    var servicePointId, outageId, previousOutageId, estimatedRestorationAt, crewStatus, callId: String?
    var report, repeatOf, matchedLayerVersion: Int?
    var matchedOutageId: String?
  }

  struct Receipt: Decodable {
    var safety: Bool
    var say: String
    var report: Int
    var duplicate, `repeat`, outageKnown: Bool
    var servicePointId: String?
    var servicePoints: [String]?
  }

  private static func receipt(_ reply: RESPReply) throws -> Receipt {
    try JSONDecoder().decode(Receipt.self, from: Data(try #require(reply.text, "\(reply)").utf8))
  }

  /// The number to go on from, and the events of a read.
  private static func page(_ reply: RESPReply) throws -> (next: Int, events: [Event]) {
    guard case .array(let parts) = reply, parts.count == 2, case .integer(let next) = parts[0],
      case .array(let texts) = parts[1]
    else {
      Issue.record("no page: \(reply)")
      return (0, [])
    }
    return (
      next, try texts.map { try JSONDecoder().decode(Event.self, from: Data(($0.text ?? "").utf8)) }
    )
  }

  private static func feed(_ daemon: RunningDaemon) throws -> SocketClient {
    try SocketClient(path: daemon.data + "/feed.sock", timeoutSeconds: 90)
  }

  /// Waits until the changes of a layer are recorded.
  private static func waitForChanges(_ daemon: RunningDaemon, layer: Int) throws {
    try waitUntil {
      try feed(daemon).ask(["INFO", "changes"]).text?.contains("changes_layer_version:\(layer)\r\n") == true
    }
  }

  // A service point in exactly one outage of the fixture layer, and one in none.
  private static let known = (account: "000000000098", servicePoint: "SP-000000099")
  private static let unknown = (account: "000000000001", servicePoint: "SP-000000001")

  @Test
  func
    `a report is answered with what is known, once for each call, and the next layer that covers it matches`()
    throws
  {
    let scratch = try fixtureDirectory()
    let spool = scratch.path + "/spool"
    try FileManager.default.createDirectory(atPath: spool, withIntermediateDirectories: false)
    let config = try scratch.file(
      "outaged.json",
      #"{"timeZone":"America/Los_Angeles","reports":{"spoolDirectory":"\#(spool)","spoolIntervalSeconds":1}}"#
    )
    var daemon = try RunningDaemon(data: scratch.path, arguments: ["--config", config])
    let client = try daemon.client()
    let first = try Self.receipt(
      client.ask(["REPORT.ADD", "ACCOUNT", Self.known.account, "KIND", "out", "CALL", "C-1"]))
    #expect(!first.safety && first.outageKnown && first.servicePointId == Self.known.servicePoint)
    let again = try Self.receipt(
      client.ask(["REPORT.ADD", "ACCOUNT", Self.known.account, "KIND", "out", "CALL", "C-1"]))
    #expect(again.duplicate && again.report == first.report)
    let new = try Self.receipt(
      client.ask([
        "REPORT.ADD", "SERVICEPOINT", Self.unknown.servicePoint, "KIND", "out", "NOTE", "a, \"b\"\n",
      ]))
    #expect(!new.outageKnown && !new.repeat && new.say != first.say)
    #expect(
      try Self.receipt(client.ask(["REPORT.ADD", "SERVICEPOINT", Self.unknown.servicePoint, "KIND", "out"]))
        .repeat)
    let reply = try client.ask(["REPORT.ADD", "POINT", "-121.7", "38.5", "KIND", "wireDown", "LANG", "es"])
    #expect(reply.text?.hasPrefix(#"{"safety":true,"say":"Aléjese del cable"#) == true)
    #expect(
      try client.ask(["REPORT.ADD", "ACCOUNT", "nobody", "KIND", "out"]).errorText?.hasPrefix("UNKNOWN ")
        == true)
    #expect(try client.ask(["REPORT.READ", "0"]).errorText?.hasPrefix("NOPERM ") == true)
    // An outage over the whole territory covers what was reported.
    let layer = try scratch.file(
      "all.geojson",
      #"""
      {"type":"FeatureCollection","features":[{"type":"Feature","properties":{"outageId":"OMS-ALL"},"geometry":
      {"type":"Polygon","coordinates":[[[-123,37],[-120,37],[-120,40],[-123,40],[-123,37]]]}}]}
      """#)
    let published = try outaged("publish", "outages", layer, "--data", scratch.path)
    #expect(published.status == 0, "\(published)")
    func reports() throws -> [Event] {
      try Self.page(Self.feed(daemon).ask(["REPORT.READ", "0", "COUNT", "10"])).events
    }
    try waitUntil { try reports().filter { $0.matchedOutageId == "OMS-ALL" }.count == 3 }
    #expect(try reports().map(\.sequence) == [1, 2, 3, 4])
    #expect(try reports().map(\.matchedLayerVersion) == [1, 2, 2, 2])
    #expect(try reports().map(\.repeatOf) == [nil, nil, 2, nil])
    // Each report is in one file of the spool, also after a restart.
    try waitUntil { try !FileManager.default.contentsOfDirectory(atPath: spool).isEmpty }
    #expect(daemon.stop() == 0)
    daemon = try RunningDaemon(data: scratch.path, arguments: ["--config", config])
    _ = try daemon.client().ask(["REPORT.ADD", "SERVICEPOINT", Self.known.servicePoint, "KIND", "restored"])
    #expect(daemon.stop() == 0)
    let names = try FileManager.default.contentsOfDirectory(atPath: spool).sorted()
    let lines = try names.flatMap { name in
      try String(contentsOfFile: spool + "/" + name, encoding: .utf8).components(separatedBy: "\r\n")
        .dropFirst()
        .filter { !$0.isEmpty }
    }
    #expect(lines.compactMap { $0.split(separator: ",").first.flatMap { Int($0) } } == [1, 2, 3, 4, 5])
    #expect(lines[1].contains("\"a, \"\"b\"\"\n\""))
    #expect(names.allSatisfy { $0.hasPrefix("reports-0000") && $0.hasSuffix(".csv") })
  }

  @Test func `a line on the ground is pushed and read at once by those who wait for it`() throws {
    let scratch = try fixtureDirectory()
    let daemon = try RunningDaemon(data: scratch.path)
    try Self.waitForChanges(daemon, layer: 1)
    let descriptor = try UnixListener.connect(to: daemon.data + "/feed.sock")
    defer { close(descriptor) }
    var requests = ByteBuffer()
    requests.appendRequest(["CHANGES.SUBSCRIBE"])
    requests.appendRequest(["HELLO", "3"])
    requests.appendRequest(["CHANGES.SUBSCRIBE", "KIND", "wireDown"])
    requests.appendRequest(["PING"])
    #expect(send(descriptor, requests.bytes.baseAddress, requests.count, 0) == requests.count)
    let reader = ReplyReader(descriptor)
    let replies = reader.replies(4)
    #expect(replies[0].errorText?.contains("HELLO 3") == true)
    #expect(replies[2...] == [.simple("OK"), .simple("PONG")])
    let feed = try Self.feed(daemon)
    let end = try Self.page(feed.ask(["CHANGES.READ", "0", "COUNT", "1", "KIND", "wireDown"])).next
    let reporter = Thread { [query = daemon.querySocket] in
      let client = try? SocketClient(path: query, timeoutSeconds: 60)
      for kind in ["out", "wireDown"] {
        _ = try? client?.ask(["REPORT.ADD", "SERVICEPOINT", Self.known.servicePoint, "KIND", kind])
      }
    }
    reporter.start()
    let read = try Self.page(feed.ask(["CHANGES.READ", String(end), "BLOCK", "60000"]))
    #expect(read.events.map(\.kind) == ["wireDown"] && read.events[0].report == 2)
    guard case .push(let parts) = reader.replies(1).first, parts.count == 3 else {
      Issue.record("no push")
      return
    }
    #expect(parts[0].text == "change" && parts[1] == .integer(end))
    #expect(parts[2].text?.contains(#""kind":"wireDown""#) == true)
    // A client that hangs up while it waits is forgotten at once.
    func waitingReads() throws -> String {
      let lines = (try daemon.client().ask(["INFO", "changes"]).text ?? "").split(whereSeparator: \.isNewline)
      return lines.first { $0.hasPrefix("changes_waiting_reads:") }.map(String.init) ?? ""
    }
    let hangsUp = try UnixListener.connect(to: daemon.data + "/feed.sock")
    let request = "CHANGES.READ \(read.next) BLOCK 60000\r\n"
    #expect(send(hangsUp, request, request.utf8.count, 0) == request.utf8.count)
    for _ in 0..<3000 where try waitingReads() != "changes_waiting_reads:1" { usleep(10_000) }
    #expect(try waitingReads() == "changes_waiting_reads:1")
    close(hangsUp)
    for _ in 0..<3000 where try waitingReads() != "changes_waiting_reads:0" { usleep(10_000) }
    #expect(try waitingReads() == "changes_waiting_reads:0")
    // A read that waits does not keep the daemon from ending.
    let waiting = Thread { [path = daemon.data + "/feed.sock"] in
      let client = try? SocketClient(path: path, timeoutSeconds: 60)
      _ = try? client?.ask(["CHANGES.READ", String(read.next), "BLOCK", "60000"])
    }
    waiting.start()
    let start = ContinuousClock.now
    #expect(daemon.stop() == 0)
    #expect(ContinuousClock.now - start < .seconds(10))
  }

  @Test func `consumers and daemon are killed, and every change comes at least once, in order, and adds up`()
    throws
  {
    let scratch = try fixtureDirectory()
    let config = try scratch.file(
      "outaged.json",
      #"{"timeZone":"America/Los_Angeles","changes":{"ertMinimumMoveSeconds":0,"ertMinimumIntervalSeconds":0,"ertSettleSeconds":0}}"#
    )
    let arguments = ["--config", config]
    var daemon = try RunningDaemon(data: scratch.path, arguments: arguments)
    let output = try scratch.file("changes.jsonl", "")
    func startConsumer() throws -> Process {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: outagedBinary)
      process.arguments = ["changes", "--follow", "--json", "--consumer", "notifier", "--data", scratch.path]
      let file = try #require(FileHandle(forWritingAtPath: output))
      try file.seekToEnd()
      process.standardOutput = file
      process.standardError = FileHandle.nullDevice
      try process.run()
      return process
    }
    var consumer = try startConsumer()
    defer { if consumer.isRunning { consumer.terminate() } }
    for step in 1...12 {
      let number = step < 10 ? "0\(step)" : "\(step)"
      let published = try outaged(
        "publish", "outages", fixtures + "/storm/step-\(number).geojson", "--data", scratch.path, "--config",
        config)
      try #require(published.status == 0, "\(published)")
      if step % 3 == 0 {
        // Right after the reply: the changes may be on the disk or not.
        daemon.signal(SIGKILL)
        daemon.process.waitUntilExit()
        if step == 6 {
          // A layer that is published while no daemon runs is among the changes as well.
          let alone = try outaged(
            "publish", "outages", fixtures + "/outages/outages.geojson", "--data", scratch.path, "--config",
            config)
          try #require(alone.status == 0, "\(alone)")
          #expect(try outaged("rollback", "7", "--data", scratch.path).status == 0)
        }
        daemon = try RunningDaemon(data: scratch.path, arguments: arguments)
      }
      if step % 4 == 0 {
        kill(consumer.processIdentifier, SIGKILL)
        consumer.waitUntilExit()
        consumer = try startConsumer()
      }
    }
    try Self.waitForChanges(daemon, layer: 15)
    let all = try outaged("changes", "--from", "0", "--json", "--data", scratch.path)
    #expect(all.status == 0)
    let events = try all.output.split(separator: "\n").map {
      try JSONDecoder().decode(Event.self, from: Data($0.utf8))
    }
    #expect(events.map(\.sequence) == Array(1...events.count))
    // The consumer: each change at least once, the first time of each in order.
    func consumed() throws -> [Int] {
      try String(contentsOfFile: output, encoding: .utf8).split(separator: "\n").compactMap {
        try? JSONDecoder().decode(Event.self, from: Data($0.utf8)).sequence
      }
    }
    try waitUntil { try consumed().last == events.count }
    var seen = 0
    for sequence in try consumed() {
      #expect(sequence <= seen + 1)
      seen = max(seen, sequence)
    }
    #expect(seen == events.count)
    // What the changes add up to is what is true.
    var states: [String: [String?]] = [:]
    for event in events {
      let id = event.servicePointId ?? ""
      switch event.kind {
      case "outageStarted":
        #expect(states[id] == nil)
        states[id] = [event.outageId, event.estimatedRestorationAt, event.crewStatus]
      case "restored":
        #expect(states[id]?[0] == event.outageId)
        states[id] = nil
      case "outageMerged", "outageSplit", "outageReplaced":
        #expect(states[id]?[0] == event.previousOutageId)
        states[id]?[0] = event.outageId
      case "ertChanged": states[id]?[1] = event.estimatedRestorationAt
      case "crewChanged": states[id]?[2] = event.crewStatus
      default: Issue.record("\(event)")
      }
    }
    struct Truth: Decodable {
      struct Location: Decodable {
        struct Outage: Decodable {
          var outageId, kind, status: String
          var startedAt, estimatedRestorationAt, crewStatus: String?
        }
        var outage: Outage?
      }
      var locations: [Location]
    }
    let client = try daemon.client()
    var truth: [String: [String?]] = [:]
    for number in 0..<5100 {
      let id = "SP-" + String(repeating: "0", count: 9 - String(number).count) + String(number)
      let text = try #require(try client.ask(["OUTAGE.SERVICEPOINT", id]).text)
      guard let outage = try JSONDecoder().decode(Truth.self, from: Data(text.utf8)).locations[0].outage,
        !["restored", "closed", "cancelled"].contains(outage.status),
        outage.kind == "unplanned"
          || outage.startedAt.flatMap({ Timestamp(iso8601: $0) }) ?? .earliest <= systemClock()
      else { continue }
      truth[id] = [outage.outageId, outage.estimatedRestorationAt, outage.crewStatus]
    }
    #expect(states == truth)
    #expect(Set(events.map(\.kind)).count >= 4, "the storm was not much of one")
  }
}

extension RESPReply {
  var errorText: String? {
    if case .error(let text) = self { text } else { nil }
  }
}
