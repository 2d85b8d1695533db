// A storm that really happened, snapshot by snapshot through a watched directory.

import Foundation
import LayerStore
import OutageDaemon
import OutageModel
import Testing
import WireProtocol

/// `make replay` sets `REPLAY_SERVICE_POINTS`, `REPLAY_EACH` and `REPLAY_SPEED` for the whole record at many times its speed.
@Suite(.serialized) struct FeedReplayTests {
  private static let recorded = checkout + "/../shared/data"
  private static let folder = recorded + "/bchydro-2022-11"
  private static let snapshots: [String] =
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0.hasSuffix(".json.gz") }
    .sorted()
  private static let isThere = !snapshots.isEmpty

  private static func setting(_ name: String) -> Double? {
    ProcessInfo.processInfo.environment[name].flatMap(Double.init)
  }

  @Test(.enabled(if: isThere, "SKIPPED: ../shared/data is not there, so no recorded storm is replayed"))
  func
    `every snapshot of a recorded storm is published or held by name, and the end is the last one from scratch`()
    throws
  {
    let servicePointCount = Int(Self.setting("REPLAY_SERVICE_POINTS") ?? 20_000)
    let each = Int(Self.setting("REPLAY_EACH") ?? 10)
    // Times the storm's own speed; without it, each follows when the one before is decided on.
    let speed = Self.setting("REPLAY_SPEED")
    let scratch = try ScratchDirectory()
    let addresses = scratch.path + "/addresses.csv"
    let made = try run(
      "/usr/bin/python3", [Self.recorded + "/make_addresses.py", "\(servicePointCount)", addresses])
    try #require(made.status == 0, "\(made)")
    let (inbox, data, fresh) = (scratch.path + "/inbox", scratch.path + "/data", scratch.path + "/fresh")
    for folder in [inbox, data, fresh] {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }
    // Ten minutes of the storm, in which a drop is not believed.
    let window = speed.map { max(1, Int(600 / $0)) } ?? 1
    let config = try scratch.file(
      "outaged.json",
      """
      {"timeZone":"America/Vancouver","feeds":[{"name":"oms","directory":"\(inbox)","pattern":"*.json.gz",
       "intervalSeconds":0.05,"settleSeconds":0.1,"dropWindowSeconds":\(window)}]}
      """)
    for directory in [data, fresh] {
      let imported = try outaged("import", "addresses", addresses, "--data", directory, "--config", config)
      try #require(imported.status == 0, "\(imported)")
    }
    let daemon = try RunningDaemon(data: data, arguments: ["--config", config])

    var names = stride(from: 0, to: Self.snapshots.count, by: each).map { Self.snapshots[$0] }
    if names.last != Self.snapshots.last { names += Self.snapshots.suffix(1) }
    let first = try #require(Self.moment(names[0]))
    let start = Date()
    var outcomes: [String: Int] = [:]
    for (number, name) in names.enumerated() {
      if let speed, let moment = Self.moment(name) {
        // The record's pace; nothing is decided by it.
        let due = start.addingTimeInterval(moment.timeIntervalSince(first) / speed)
        while Date() < due { usleep(20_000) }
      }
      try Self.put(name, into: inbox, slowly: number % 2 == 1)
      let outcome = try waitForFeed(daemon, "oms") {
        $0["last_snapshot"] == name && $0["last_outcome"] != "publishing"
      }
      outcomes[outcome["last_outcome", default: ""], default: 0] += 1
    }
    // A drop at the very end is believed when it has lasted.
    let end = try waitForFeed(daemon, "oms") { $0["state"] == "live" }
    print(
      "recorded storm, replayed over \(servicePointCount) service points: \(names.count) snapshots, "
        + outcomes.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", "))
    #expect(Set(outcomes.keys).isSubset(of: ["published", "unchanged", "dropped"]), "\(outcomes)")
    #expect(outcomes["published", default: 0] > names.count / 2)
    #expect(end["outages"] == "286")

    let published = try outaged(
      "publish", "outages", Self.folder + "/" + names[names.count - 1], "--data", fresh, "--config", config)
    try #require(published.status == 0, "\(published)")
    let accounts = (0..<servicePointCount).map { String(format: "%012d", $0) }
    let replayed = try Self.answers(accounts, daemon)
    let followed = try Self.followed(daemon)
    #expect(daemon.stop() == 0)
    #expect(try Self.stored(data) == Self.stored(fresh))
    let other = try RunningDaemon(data: fresh)
    let scratchBuilt = try Self.answers(accounts, other)
    #expect(replayed == scratchBuilt)
    // From the first snapshot to the last, the changes add up to where every service point stands.
    let out = replayed.joined().filter { $0.match == "inside" }
    let expected = Dictionary(out.map { ($0.servicePointId ?? "", $0.outage?.outageId ?? "") }) { $1 }
    #expect(followed.state == expected)
    #expect(!expected.isEmpty && followed.count > expected.count)
    print(
      "recorded storm: \(followed.count) changes of service points, \(expected.count) of them out at the end")
    #expect(other.stop() == 0)
  }

  /// `20221104T122036Z.json.gz`
  private static func moment(_ name: String) -> Date? {
    let digits = name.prefix(15).filter(\.isNumber)
    guard digits.count == 14 else { return nil }
    func part(_ from: Int, _ count: Int) -> Int { Int(digits.dropFirst(from).prefix(count)) ?? 0 }
    let moment = Timestamp(
      year: part(0, 4), month: part(4, 2), day: part(6, 2), hour: part(8, 2), minute: part(10, 2),
      second: part(12, 2))
    return Date(timeIntervalSince1970: Double(moment.millisecondsSinceEpoch) / 1000)
  }

  /// Renamed into place, or written piece by piece as a slow copy is.
  private static func put(_ name: String, into inbox: String, slowly: Bool) throws {
    let content = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name))
    let path = inbox + "/" + name
    guard slowly else {
      try content.write(to: URL(fileURLWithPath: inbox + "/." + name))
      try #require(rename(inbox + "/." + name, path) == 0)
      return
    }
    _ = FileManager.default.createFile(atPath: path, contents: nil)
    let file = try #require(FileHandle(forWritingAtPath: path))
    let piece = content.count / 3 + 1
    for start in stride(from: 0, to: content.count, by: piece) {
      try file.write(contentsOf: content[start..<min(start + piece, content.count)])
      usleep(30_000)
    }
    try file.close()
  }

  /// For each account, where its service points stand.
  private static func answers(_ accounts: [String], _ daemon: RunningDaemon) throws -> [[Answer.Location]] {
    let client = try daemon.client()
    return try accounts.map { try Answer(client.ask(["OUTAGE.ACCOUNT", $0])).locations }
  }

  /// What somebody knows who has followed all changes: the outage of each service point that is out.
  private static func followed(_ daemon: RunningDaemon) throws -> (count: Int, state: [String: String]) {
    struct Change: Decodable {
      var kind, servicePointId: String
      var outageId: String?
    }
    let feed = try SocketClient(path: daemon.data + "/feed.sock", timeoutSeconds: 90)
    let information = try feed.ask(["INFO", "outages"]).text ?? ""
    let layer = information.split(whereSeparator: \.isNewline).first { $0.hasPrefix("layer_version:") } ?? ""
    for _ in 0..<6000 where try feed.ask(["INFO", "changes"]).text?.contains("changes_\(layer)\r\n") != true {
      usleep(10_000)
    }
    var state: [String: String] = [:]
    var (next, count) = (0, 0)
    while case .array(let parts) = try feed.ask(["CHANGES.READ", "\(next)", "COUNT", "10000"]),
      parts.count == 2,
      case .integer(let following) = parts[0], case .array(let texts) = parts[1], !texts.isEmpty
    {
      next = following
      for text in texts {
        let change = try JSONDecoder().decode(Change.self, from: Data((text.text ?? "").utf8))
        switch change.kind {
        case "restored": state[change.servicePointId] = nil
        case "outageStarted", "outageMerged", "outageSplit", "outageReplaced":
          state[change.servicePointId] = change.outageId
        default: break
        }
        count += 1
      }
    }
    return (count, state)
  }

  private static func stored(_ directory: String) throws -> [Outage] {
    let store = try LayerStore(directory: directory, keepLayers: 20)
    let version = try #require(try store.currentVersion(of: .outages))
    return try store.outages(ofVersion: version.number).sorted { $0.outageId < $1.outageId }
  }
}
