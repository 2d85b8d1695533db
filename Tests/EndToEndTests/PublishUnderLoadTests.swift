// Publishing while callers ask: no error, no answer out of two layers, none from a layer that is over.

import Foundation
import OutageDaemon
import Synchronization
import TestSupport
import Testing
import WireProtocol

@Suite(.serialized) struct PublishUnderLoadTests {
  private struct Expected: Decodable {
    struct Step: Decodable {
      var file: String
      var outagesByServicePoint: [String: [String]]
    }
    var steps: [Step]
  }

  /// What the askers share.
  private final class Watch: Sendable {
    let steps: [Expected.Step]
    /// The newest layer whose publish is acknowledged.
    let acknowledged = Atomic(1)
    let isOver = Atomic(false)
    let answerCount = Atomic(0)
    let layersSeen = Mutex(Set<Int>())
    let faults = Mutex([String]())

    init(_ steps: [Expected.Step]) { self.steps = steps }

    func fault(_ text: String) { faults.withLock { if $0.count < 10 { $0.append(text) } } }
  }

  static let publishCount = 200
  static let connectionCount = 64
  static let seed: UInt64 = 20_261_124

  @Test func `200 publishes while 64 connections ask without pause, and every answer is that of its layer`()
    throws
  {
    let expected = try JSONDecoder().decode(
      Expected.self, from: Data(contentsOf: URL(fileURLWithPath: fixtures + "/storm/expected.json")))
    try #require(expected.steps.count == 12)
    let scratch = try ScratchDirectory()
    let data = ["--data", scratch.path, "--config", fixtures + "/outaged.json"]
    let first = fixtures + "/storm/" + expected.steps[0].file
    for arguments in [
      ["import", "addresses", fixtures + "/territory/service-points.csv"], ["publish", "outages", first],
    ] {
      let finished = try run(outagedBinary, arguments + data)
      try #require(finished.status == 0, "\(finished)")
    }
    let daemon = try RunningDaemon(
      data: scratch.path, arguments: ["--config", fixtures + "/outaged.json"])
    let watch = Watch(expected.steps)
    let askers = DispatchGroup()
    for number in 0..<Self.connectionCount {
      let socket = daemon.querySocket
      askers.enter()
      Thread.detachNewThread {
        defer { askers.leave() }
        do {
          try Self.ask(socket, SeededGenerator(seed: Self.seed + UInt64(number)), watch)
        } catch {
          watch.fault("connection \(number): \(error)")
        }
      }
    }
    let admin = try SocketClient(path: daemon.adminSocket, timeoutSeconds: 60)
    for version in 2...(Self.publishCount + 1) {
      let step = expected.steps[(version - 1) % expected.steps.count]
      let reply = try admin.ask(["LAYER.PUBLISH", fixtures + "/storm/" + step.file])
      let text = reply.text ?? "\(reply)"
      guard text.contains("\"published\":true"), text.contains("\"number\":\(version),") else {
        Issue.record("publish \(version): \(text.prefix(500))")
        break
      }
      watch.acknowledged.store(version, ordering: .sequentiallyConsistent)
    }
    watch.isOver.store(true, ordering: .sequentiallyConsistent)
    askers.wait()
    let faults = watch.faults.withLock { $0 }
    #expect(faults.isEmpty, "seed \(Self.seed)")
    let layers = watch.layersSeen.withLock { $0.count }
    let answers = watch.answerCount.load(ordering: .relaxed)
    print("publishes under load: \(answers) answers out of \(layers) layers")
    #expect(layers > Self.publishCount / 2, "callers heard of too few layers")
    #expect(answers > Self.connectionCount * 20)
    #expect(daemon.stop() == 0)
  }

  /// One connection that asks, checks, and asks again, until all is published.
  private static func ask(_ socket: String, _ seeded: SeededGenerator, _ watch: Watch) throws {
    var random = seeded
    let client = try SocketClient(path: socket, timeoutSeconds: 60)
    var newest = 1
    while !watch.isOver.load(ordering: .sequentiallyConsistent) {
      let acknowledged = watch.acknowledged.load(ordering: .sequentiallyConsistent)
      let number = Int.random(in: 0..<5000, using: &random)
      let words: [String]
      switch number % 3 {
      case 0: words = ["OUTAGE.ACCOUNT", padded(number, 12)]
      case 1: words = ["OUTAGE.SERVICEPOINT", "SP-" + padded(number, 9)]
      default: words = ["OUTAGE.MACCOUNT"] + (0..<4).map { padded((number + 97 * $0) % 5000, 12) }
      }
      let reply = try client.ask(words)
      let answers: [Answer]
      switch reply {
      case .array(let replies): answers = try replies.map { try Answer($0) }
      case .bulk: answers = [try Answer(reply)]
      default: throw ClientError.failed(socket: socket, doing: "\(words)", reason: "\(reply)")
      }
      for answer in answers {
        let version = answer.layerVersion
        if version < max(newest, acknowledged) {
          watch.fault("\(words): layer \(version) after \(newest), \(acknowledged) being acknowledged")
        }
        if version != answers[0].layerVersion { watch.fault("\(words): one reply of two layers") }
        newest = max(newest, version)
        let step = watch.steps[(version - 1) % watch.steps.count]
        for location in answer.locations {
          let id = location.servicePointId ?? ""
          let outages = step.outagesByServicePoint[id] ?? []
          if location.outageIds != outages {
            watch.fault("layer \(version), \(id): \(location.outageIds), expected \(outages)")
          }
        }
        watch.layersSeen.withLock { _ = $0.insert(version) }
      }
      watch.answerCount.add(answers.count, ordering: .relaxed)
    }
  }
}
