// Every broken fixture, through the built program: its named error, and callers who notice nothing.

import Foundation
import OutageDaemon
import Testing
import WireProtocol

@Suite(.serialized) struct BrokenFileTests {
  private struct Fixture: Decodable {
    var file, imports, outcome, reason: String
    var isPublished: Bool
    var id: String?

    /// What the report or the error has to say.
    var words: [String] {
      switch reason {
      case "none": []
      case "tooManyRejected": ["2 of 100 records rejected"]
      default: [reason, id].compactMap { $0 }
      }
    }
  }

  private static let accounts = (0..<5000).map { padded($0, 12) }

  private static func answers(_ client: SocketClient, to accounts: ArraySlice<String>) throws -> RESPReply {
    try client.ask(["OUTAGE.MACCOUNT"] + accounts)
  }

  @Test func `every broken file gives its named error, and lookups before and after are the same bytes`()
    throws
  {
    let folder = fixtures + "/broken/"
    let broken = try JSONDecoder().decode(
      [Fixture].self, from: Data(contentsOf: URL(fileURLWithPath: folder + "expected.json")))
    try #require(broken.count >= 60)
    let scratch = try ScratchDirectory()
    // Without a zone, as one of the faults is that the file names none.
    let config = try scratch.file(
      "outaged.json", #"{"territoryBounds":[-123.0,37.0,-120.5,39.4],"staleAfterSeconds":604800}"#)
    let data = ["--data", scratch.path, "--config", config]
    let layer = try scratch.file("timeless.geojson", Self.withoutTimes(fixtures + "/outages/outages.geojson"))
    for arguments in [
      ["import", "addresses", fixtures + "/territory/service-points.csv"], ["publish", "outages", layer],
    ] {
      let finished = try run(outagedBinary, arguments + data)
      try #require(finished.status == 0, "\(finished)")
    }
    let daemon = try RunningDaemon(data: scratch.path, arguments: ["--config", config])
    let client = try daemon.client()
    // A request of 64 KiB holds half of them.
    let halves = [Self.accounts[..<2500], Self.accounts[2500...]]
    let before = try halves.map { try Self.answers(client, to: $0) }
    let few = Self.accounts[0..<400]
    let fewBefore = try Self.answers(client, to: few)
    for fixture in broken {
      let path = folder + fixture.file
      if fixture.isPublished {
        // The bounds of this territory would reject a polygon on the other side of the earth.
        let bounds = fixture.reason == "antimeridian" ? [] : ["--config", config]
        let checked = try run(outagedBinary, ["check", path, "--data", scratch.path] + bounds)
        #expect(checked.status == 0, "\(fixture.file): \(checked)")
        #expect(checked.output.contains("An import would take this file."), "\(fixture.file)")
        for word in fixture.words { #expect(checked.output.contains(word), "\(fixture.file): \(checked)") }
        continue
      }
      let command = fixture.imports == "addresses" ? ["import", "addresses"] : ["publish", "outages"]
      let finished = try run(outagedBinary, command + [path] + data)
      #expect(finished.status == 1, "\(fixture.file): \(finished)")
      for word in fixture.words + [fixture.file] {
        #expect(finished.errors.contains(word), "\(fixture.file) lacks \(word): \(finished.errors)")
      }
      #expect(try Self.answers(client, to: few) == fewBefore, "\(fixture.file)")
    }
    #expect(try halves.map { try Self.answers(client, to: $0) } == before)
    #expect(try outaged("status", "--data", scratch.path).output.contains("layer 1,"))
    #expect(daemon.stop() == 0)
  }

  /// The layer without its times, so that the clock does not change what is said of it.
  private static func withoutTimes(_ path: String) throws -> String {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    var collection = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    var features = try #require(collection["features"] as? [[String: Any]])
    for index in features.indices {
      var properties = try #require(features[index]["properties"] as? [String: Any])
      for field in ["startedAt", "estimatedRestorationAt", "updatedAt"] { properties[field] = nil }
      features[index]["properties"] = properties
    }
    collection["features"] = features
    return String(decoding: try JSONSerialization.data(withJSONObject: collection), as: UTF8.self)
  }
}
