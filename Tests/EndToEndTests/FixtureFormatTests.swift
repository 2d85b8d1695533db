// The same territory and the same layer in every format and coordinate system give the same answers.

import Foundation
import OutageDaemon
import Testing
import WireProtocol

@Suite(.serialized) struct FixtureFormatTests {
  /// What the generator computed with GEOS: service point → covering outages.
  private struct Expected: Decodable { var outagesByServicePoint: [String: [String]] }

  /// Files of one folder that are layers of their own.
  private static func layers(_ folder: String, prefix: String) -> [String] {
    let sidecars = ["prj", "dbf", "shx", "cpg", "json"]
    return ((try? FileManager.default.contentsOfDirectory(atPath: fixtures + "/" + folder)) ?? []).sorted()
      .filter { $0.hasPrefix(prefix) && !sidecars.contains(($0 as NSString).pathExtension) }
  }

  /// The coordinate system of a file that cannot say it.
  private static func crs(_ file: String) -> [String] {
    file.contains("epsg2227") && file.contains(".csv") ? ["--crs", "EPSG:2227"] : []
  }

  /// The whole answer for every service point, by id.
  private static func answers(_ client: SocketClient) throws -> [String: String] {
    var answers: [String: String] = [:]
    for number in 0..<5100 {
      let id = "SP-" + padded(number, 9)
      answers[id] = try client.ask(["OUTAGE.SERVICEPOINT", id]).text
    }
    return answers
  }

  /// Without what must differ between two publishes.
  private static func comparable(_ text: String) -> Substring {
    guard let start = text.range(of: "\"locations\"") else { return text[...] }
    return text[start.lowerBound...]
  }

  /// The answers are the reference's, to the letter; what the clock alone has changed between the two (an ERT that has passed) is not the file's, and
  /// the reference is taken again.
  /// - Parameters:
  ///   - take: brings a file in.
  private static func expectSame(
    _ file: String, as referenceFile: String, _ reference: inout [String: String], _ client: SocketClient,
    take: (String) throws -> Void
  ) throws {
    var differing: [String] = []
    for _ in 0..<3 {
      try take(file)
      let answers = try answers(client)
      differing = reference.keys.filter {
        comparable(answers[$0] ?? "none") != comparable(reference[$0] ?? "")
      }
      if differing.isEmpty, answers.count == reference.count { return }
      try take(referenceFile)
      reference = try Self.answers(client)
    }
    Issue.record(
      "\(file): other answers for \(differing.count) service points: \(differing.sorted().prefix(5))")
  }

  @Test func `every outage file gives the answers that GEOS expects, to the letter the same`() throws {
    let expected = try JSONDecoder().decode(
      Expected.self, from: Data(contentsOf: URL(fileURLWithPath: fixtures + "/outages/expected.json")))
    let scratch = try fixtureDirectory()
    let config = fixtures + "/outaged.json"
    let daemon = try RunningDaemon(data: scratch.path, arguments: ["--config", config])
    let client = try daemon.client()
    var reference = try Self.answers(client)
    #expect(reference.count == 5100)
    for (id, text) in reference {
      let answer = try JSONDecoder().decode(Answer.self, from: Data(text.utf8))
      #expect(answer.locations[0].outageIds == expected.outagesByServicePoint[id] ?? [], "\(id)")
    }
    let files = Self.layers("outages", prefix: "outages")
    #expect(files.count >= 9)
    for file in files {
      try Self.expectSame(file, as: "outages.geojson", &reference, client) { file in
        let published = try run(
          outagedBinary,
          ["publish", "outages", fixtures + "/outages/" + file, "--data", scratch.path, "--config", config]
            + Self.crs(file))
        #expect(published.status == 0, "\(file): \(published)")
      }
    }
  }

  @Test func `every address file gives the same answers`() throws {
    let config = fixtures + "/outaged.json"
    let scratch = try fixtureDirectory()
    let daemon = try RunningDaemon(data: scratch.path, arguments: ["--config", config])
    let client = try daemon.client()
    var reference = try Self.answers(client)
    let files = Self.layers("territory", prefix: "service-points")
    #expect(files.count >= 7)
    for file in files {
      try Self.expectSame(file, as: "service-points.csv", &reference, client) { file in
        let imported = try run(
          outagedBinary,
          [
            "import", "addresses", fixtures + "/territory/" + file, "--data", scratch.path, "--config",
            config,
          ]
            + Self.crs(file))
        #expect(imported.status == 0, "\(file): \(imported)")
      }
    }
  }
}
