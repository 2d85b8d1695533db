// A feed as a whole, over a directory, a command and a server on loopback: what it publishes, holds and confirms.

import Foundation
import LayerImport
import OutageModel
import Testing

@testable import Feeds

/// A folder of its own, and a feed whose clocks the test moves.
final class FeedBench {
  let folder: String
  var feed: Feed
  var lastLayer: FeedLayer?
  var now = Timestamp(year: 2026, month: 11, day: 24)
  private final class Clock { var seconds = 0.0 }
  private let clock: Clock

  init(_ change: (inout FeedConfiguration) -> Void = { _ in }) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "feed-\(UUID().uuidString)").path
    for part in ["in", "scratch"] {
      try FileManager.default.createDirectory(atPath: "\(folder)/\(part)", withIntermediateDirectories: true)
    }
    self.folder = folder
    var configuration = FeedConfiguration(
      name: "test", source: .directory(path: "\(folder)/in", pattern: nil))
    change(&configuration)
    let clock = Clock()
    self.clock = clock
    feed = Feed(configuration, scratchDirectory: "\(folder)/scratch") { clock.seconds }
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// A layer of one square an outage, ten customers each.
  static func layer(_ ids: [Int], extra: String = "", customers: Int = 10) -> String {
    let features = ids.map { id in
      let x = Double(id) * 0.01 + 5
      return
        #"{"type":"Feature","properties":{"outageId":"O\#(id)","customersAffected":\#(customers)\#(extra)},"geometry":"#
        + #"{"type":"Polygon","coordinates":[[[\#(x),5],[\#(x + 0.005),5],[\#(x + 0.005),5.01],[\#(x),5]]]}}"#
    }
    return #"{"type":"FeatureCollection","features":[\#(features.joined(separator: ","))]}"#
  }

  func put(_ text: String, as name: String = "layer.geojson") throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/in/\(name)"))
  }

  /// Looks twice, so that what is there has settled, and publishes what comes.
  /// - Returns: what came of it in a word.
  func step(seconds: Int64 = 60, publishes: Bool = true) -> String {
    for _ in 0..<2 {
      clock.seconds += Double(seconds) / 2
      now = now.adding(seconds: seconds / 2)
      switch feed.look(at: now) {
      case .nothing: continue
      case .confirmed: return "confirmed"
      case .held(let hold, _): return hold.rawValue
      case .layer(let layer):
        lastLayer = layer
        if publishes { feed.didPublish(layer) }
        return "layer \(layer.outages.count)"
      }
    }
    return "nothing"
  }
}

@Suite("Feeds")
struct FeedTests {
  @Test("a snapshot is published, and the same content in any order is only a confirmation")
  func unchanged() throws {
    let bench = try FeedBench()
    #expect(bench.step() == "nothing")
    try bench.put(FeedBench.layer([1, 2, 3]))
    #expect(bench.step() == "layer 3")
    #expect(bench.step() == "nothing")
    try bench.put(FeedBench.layer([3, 1, 2]), as: "next.geojson")
    #expect(bench.step() == "confirmed")
    #expect(bench.feed.status.unchanged == 1 && bench.feed.status.published == 1)
    try bench.put(FeedBench.layer([3, 1, 2], customers: 11), as: "next.geojson")
    #expect(bench.step() == "layer 3")
  }

  @Test("each broken snapshot is held by its guard, and what was accepted stays")
  func guards() throws {
    let bench = try FeedBench()
    let whole = FeedBench.layer(Array(1...100))
    try bench.put(whole)
    #expect(bench.step() == "layer 100")
    let cases: [(String, String)] = [
      (String(whole.dropLast(whole.count / 3)), "halfFile"), ("", "halfFile"),
      ("<html>503</html>", "unreadable"), (FeedBench.layer([]), "emptied"),
      (FeedBench.layer(Array(1...50)), "dropped"),
      (
        whole.replacing("\"outageId\":\"O7\"", with: "\"id\":null").replacing(
          "\"outageId\":\"O8\"", with: "\"id\":null"), "tooManyRejected"
      ),
    ]
    for (text, guardName) in cases {
      try bench.put(text)
      #expect(bench.step(seconds: 2) == guardName)
      #expect(bench.feed.status.hold?.reason.rawValue == guardName)
      #expect(bench.feed.status.outages == 100)
    }
    try bench.put(FeedBench.layer(Array(1...101)))
    #expect(bench.step() == "layer 101")
    #expect(bench.feed.status.hold == nil)
    #expect(bench.feed.status.holds[.halfFile] == 2 && bench.feed.status.holds[.dropped] == 1)
  }

  @Test("a directory that is not there is unreachable until it is")
  func unreachable() throws {
    let bench = try FeedBench()
    try FileManager.default.moveItem(atPath: "\(bench.folder)/in", toPath: "\(bench.folder)/away")
    #expect(bench.step() == "unreachable")
    try FileManager.default.moveItem(atPath: "\(bench.folder)/away", toPath: "\(bench.folder)/in")
    #expect(bench.step() == "nothing")
    #expect(bench.feed.status.hold == nil && bench.feed.status.holds[.unreachable] == 1)
  }

  @Test("a drop is believed once it has lasted for the window")
  func dropLasts() throws {
    let bench = try FeedBench()
    try bench.put(FeedBench.layer(Array(1...100)))
    #expect(bench.step() == "layer 100")
    try bench.put(FeedBench.layer(Array(1...10)))
    #expect(bench.step() == "dropped")
    #expect(bench.step() == "nothing")
    #expect(bench.step(seconds: 1200) == "layer 10")
  }

  @Test("what is held can be accepted by hand, also after a failure to get the next one")
  func accept() throws {
    let bench = try FeedBench()
    #expect(throws: FeedError.nothingHeld("test")) { try bench.feed.accept(at: bench.now) }
    try bench.put(FeedBench.layer(Array(1...100)))
    #expect(bench.step() == "layer 100")
    try bench.put(#"[{"id":1,"pol"#)
    #expect(bench.step(seconds: 2) == "halfFile")
    #expect(throws: FeedError.self) { try bench.feed.accept(at: bench.now) }
    try bench.put(FeedBench.layer([]))
    #expect(bench.step(seconds: 2) == "emptied")
    try bench.put(#"[{"id":1,"pol"#)
    #expect(bench.step(seconds: 2) == "halfFile")
    let layer = try bench.feed.accept(at: bench.now)
    bench.feed.didPublish(layer)
    #expect(layer.outages.isEmpty && bench.feed.status.hold == nil && bench.feed.status.outages == 0)
  }

  @Test("a layer that could not be stored is tried again, not with each look")
  func notStored() throws {
    let bench = try FeedBench()
    try bench.put(FeedBench.layer([1]))
    #expect(bench.step(publishes: false) == "layer 1")
    let layer = try #require(bench.lastLayer)
    struct Full: Error {}
    bench.feed.didNotPublish(layer, Full(), at: bench.now)
    #expect(bench.step(seconds: 2) == "nothing")
    #expect(bench.step(seconds: 60) == "layer 1")
  }

  @Test("a field that disappears, even one that a profile asks for, is told once and breaks nothing")
  func fields() throws {
    let bench = try FeedBench { $0.options.mapping = ["cause": "why"] }
    for (ids, extra) in [([1], ",\"why\":\"wind\""), ([2], ""), ([3], ""), ([4], ",\"crew\":\"x\"")] {
      try bench.put(FeedBench.layer(ids, extra: extra))
      #expect(bench.step() == "layer 1")
    }
    let notes = bench.feed.takeNotes()
    #expect(notes.filter { $0.contains("why has disappeared") }.count == 1, "\(notes)")
    #expect(notes.filter { $0.contains("crew has appeared") }.count == 1, "\(notes)")
    #expect(bench.feed.status.fieldsDisappeared == 1 && bench.feed.status.fieldsAppeared == 1)
  }

  // MARK: Commands

  @Test("a command's output is a layer; one that fails, takes too long or writes too much is unreachable")
  func commands() throws {
    func run(_ script: String, seconds: Double = 20, bytes: Int = 1 << 20) throws -> (String, FeedStatus) {
      let bench = try FeedBench {
        $0.source = .command(["/bin/sh", "-c", script])
        $0.timeoutSeconds = seconds
        $0.sizeBytesMax = bytes
      }
      return (bench.step(), bench.feed.status)
    }
    #expect(try run("echo '\(FeedBench.layer([1, 2]))'").0 == "layer 2")
    let (failed, status) = try run("echo no route >&2; exit 7")
    #expect(failed == "unreachable")
    #expect(status.hold?.text.contains("status 7: no route") == true, "\(status.hold?.text ?? "")")
    #expect(
      try run("sleep 60 & sleep 60", seconds: 0.2).1.hold?.text.contains("not done after 0.2 s") == true)
    #expect(try run("yes", bytes: 100_000).1.hold?.text.contains("more than 100000 bytes") == true)
    #expect(try run("kill -9 $$").1.hold?.text.contains("signal 9") == true)
    let missing = try FeedBench { $0.source = .command(["/no/such/program"]) }
    #expect(missing.step() == "unreachable")
  }

  // MARK: The digest

  @Test("the digest of a layer depends on each part of an outage and not on the order")
  func digest() {
    func outage(_ id: String, _ x: Double) -> Outage {
      var area = OutageArea()
      area.append(polygon: [
        [(x, 0.0), (x + 1, 0), (x + 1, 1), (x, 0)].map { LonLat(lonDegrees: $0.0, latDegrees: $0.1) }
      ])
      return Outage(outageId: id, area: area)
    }
    let layer = [outage("A", 1), outage("B", 2)]
    let digest = LayerDigest.hexadecimal(of: layer)
    #expect(digest == LayerDigest.hexadecimal(of: layer.reversed()))
    var digests: Set = [digest, LayerDigest.hexadecimal(of: [layer[0]]), LayerDigest.hexadecimal(of: [])]
    let changes: [(inout Outage) -> Void] = [
      { $0.outageId = "C" }, { $0.kind = .known(.planned) }, { $0.status = .other("x") }, { $0.cause = "" },
      { $0.cause = "wind" }, { $0.causeKind = .known(.fire) }, { $0.startedAt = .earliest },
      { $0.estimatedRestorationAt = .earliest }, { $0.ertConfidence = .known(.high) },
      { $0.ertSource = .known(.crew) },
      { $0.crewStatus = .known(.arrived) }, { $0.feederId = "wind" }, { $0.customersAffected = 0 },
      { $0.customersRestored = 0 }, { $0.communityDescriptor = "wind" }, { $0.message = "wind" },
      { $0.updatedAt = .earliest }, { $0.area = outage("A", 1.0000001).area },
    ]
    for change in changes {
      var changed = layer
      change(&changed[0])
      #expect(digests.insert(LayerDigest.hexadecimal(of: changed)).inserted)
    }
  }
}
