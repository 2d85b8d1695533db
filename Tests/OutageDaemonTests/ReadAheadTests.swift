// Looking at requests to come: how far it goes, and that it stops at what it cannot make sense of.

import ByteBuffers
import CallerAnswer
import OutageModel
import Testing
import WireProtocol

@testable import OutageDaemon

@Suite struct ReadAheadTests {
  private func count(_ requests: [[String]], then rest: String = "") throws -> Int {
    let small = try SmallTerritory()
    try small.publish("first.geojson", [SquareOutage(id: "O1", around: [2])])
    let sheet = AnswerSheet(
      territory: small.publisher.territory, settings: try DaemonConfiguration().answerSettings(), at: moment)
    var input = ByteBuffer()
    for words in requests { input.appendRequest(words) }
    input.append(utf8Of: rest)
    return ReadAhead(CommandParser()).fetch(input.bytes, sheet)
  }

  @Test func `requests of every kind are passed over, lookups of keys that are there and of others fetched`()
    throws
  {
    let requests = [
      ["OUTAGE.ACCOUNT", "A1"], ["outage.account", "nobody", "LANG", "es"], ["PING"], ["OUTAGE.NOSUCH"],
      ["OUTAGE.PHONE", "+15305550100"], ["OUTAGE.PHONE", "call me"], ["OUTAGE.METER", "M"],
      ["OUTAGE.SERVICEPOINT", "SP-2"], ["OUTAGE.ACCOUNT"], ["OUTAGE.ACCOUNT", ""],
      ["OUTAGE.POINT", "1", "2"],
      ["OUTAGE.ACCOUNT", String(repeating: "x", count: 1000)],
    ]
    #expect(try count(requests) == requests.count)
  }

  @Test func `it ends after so many requests, and where a request is not whole, malformed or typed by hand`()
    throws
  {
    let one = ["OUTAGE.ACCOUNT", "A1"]
    #expect(try count(Array(repeating: one, count: 40)) == ReadAhead.requestsMax)
    #expect(try count([one, one], then: "*2\r\n$14\r\nOUTAGE.ACC") == 2)
    #expect(try count([one, one], then: "*2\r\n$-7\r\n") == 2)
    #expect(try count([one, one], then: "*x\r\n") == 2)
    #expect(try count([one], then: "OUTAGE.ACCOUNT A1\r\n") == 1)
    #expect(try count([], then: "") == 0)
  }
}
