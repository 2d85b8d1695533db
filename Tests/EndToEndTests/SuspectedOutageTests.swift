// Suspected outages from the first report to the OMS's polygon, through the sockets of a running daemon.

import Foundation
import OutageDaemon
import Testing
import WireProtocol

@Suite struct SuspectedOutageTests {
  /// What a lookup or a receipt tells of an outage.
  private struct Told: Decodable, Equatable {
    var outageId: String
    var suspected: Bool?
    var confidence: Double?
    var reportCount: Int?
    var status: String
  }

  private struct Reply: Decodable {
    struct Location: Decodable {
      var match: String
      var outage: Told?
      var alsoIn: [String]
    }
    var locations: [Location]
    var say: String
  }

  private struct Receipt: Decodable {
    var report: Int
    var outageKnown: Bool
    var outage: Told?
  }

  private func decode<Value: Decodable>(_ type: Value.Type, _ reply: RESPReply) throws -> Value {
    try JSONDecoder().decode(type, from: Data(try #require(reply.text, "\(reply)").utf8))
  }

  /// Asks until the answer is as it should be; a daemon looks at reports once a second at most.
  private func ask(
    _ client: SocketClient, _ servicePoint: String, until isRight: (Reply) -> Bool
  ) throws -> Reply {
    var reply = try decode(Reply.self, client.ask(["OUTAGE.SERVICEPOINT", servicePoint]))
    for _ in 0..<1500 where !isRight(reply) {
      usleep(20_000)
      reply = try decode(Reply.self, client.ask(["OUTAGE.SERVICEPOINT", servicePoint]))
    }
    try #require(isRight(reply), "\(reply)")
    return reply
  }

  @Test func `neighbours' reports are told to the next caller, outlive a kill, and yield to the OMS`() throws
  {
    let scratch = try ScratchDirectory()
    var addresses = "SERVICE_POINT_ID,ACCOUNT,TRANSFORMER,FEEDER,LON,LAT\n"
    for index in 0..<8 {
      addresses += "SP-\(index),A-\(index),T1,F1,\(-121.75 + Double(index) * 0.0001),38.54\n"
    }
    for index in 8..<40 {
      addresses += "SP-\(index),A-\(index),T\(index),F2,\(-121.60 + Double(index) * 0.01),38.54\n"
    }
    let file = try scratch.file("service-points.csv", addresses)
    let config = try scratch.file("outaged.json", #"{"suspected":{"refreshSeconds":1}}"#)
    let imported = try outaged("import", "addresses", file, "--data", scratch.path, "--config", config)
    try #require(imported.status == 0, "\(imported.output)\(imported.errors)")

    var daemon: RunningDaemon? = try RunningDaemon(data: scratch.path, arguments: ["--config", config])
    var client = try daemon!.client()
    for index in 0..<4 {
      let receipt = try decode(
        Receipt.self, client.ask(["REPORT.ADD", "SERVICEPOINT", "SP-\(index)", "KIND", "out"]))
      #expect(receipt.report == index + 1)
      #expect(!receipt.outageKnown)
    }
    let expected = Told(
      outageId: "SUSPECTED-1", suspected: true, confidence: 0.83, reportCount: 4, status: "predicted")
    let told = try ask(client, "SP-7") { $0.locations[0].outage?.reportCount == 4 }
    #expect(told.locations[0].match == "inside")
    #expect(told.locations[0].outage == expected)
    #expect(told.say.contains("others near you have reported the same"))
    #expect(
      try decode(Reply.self, client.ask(["OUTAGE.SERVICEPOINT", "SP-20"])).locations[0].match == "none")

    daemon!.signal(SIGKILL)
    daemon!.process.waitUntilExit()
    daemon = try RunningDaemon(data: scratch.path, arguments: ["--config", config])
    client = try daemon!.client()
    #expect(try ask(client, "SP-7") { $0.locations[0].outage != nil }.locations[0].outage == expected)
    // It is no outage of the OMS: the next report stays one that nobody has explained.
    let receipt = try decode(
      Receipt.self, client.ask(["REPORT.ADD", "SERVICEPOINT", "SP-5", "KIND", "partial"]))
    #expect(!receipt.outageKnown)
    #expect(receipt.outage?.suspected == true)
    #expect(try #require(client.ask(["INFO", "outages"]).text).contains("\noutages:0\r\n"))

    let layer = try scratch.file(
      "layer.geojson",
      #"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"outageId":"OMS-1","status":"confirmed"},"geometry":{"type":"Polygon","coordinates":[[[-121.751,38.539],[-121.749,38.539],[-121.749,38.541],[-121.751,38.541],[-121.751,38.539]]]}}]}"#
    )
    let published = try outaged("publish", "outages", layer, "--data", scratch.path, "--config", config)
    try #require(published.status == 0, "\(published.output)\(published.errors)")
    let known = try decode(Reply.self, client.ask(["OUTAGE.SERVICEPOINT", "SP-7"]))
    #expect(known.locations[0].outage?.outageId == "OMS-1")
    #expect(known.locations[0].outage?.suspected == nil)
    _ = try ask(client, "SP-7") { $0.locations[0].alsoIn == [] }
    let info = try #require(client.ask(["INFO", "suspected"]).text)
    #expect(info.contains("suspected_outages:0\r\n"))
    #expect(info.contains("suspected_withdrawn:1\r\n"))
    #expect(daemon!.stop() == 0)
  }
}
