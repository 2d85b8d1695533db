// The hot path, without a socket: what is answered before the Territory is there, and by which `NEAR`.

import ByteBuffers
import CallerAnswer
import OutageModel
import Territory
import Testing
import WireProtocol

@testable import OutageDaemon

@Suite struct QueryResponderTests {
  private func reply(_ words: String..., state: ServedState) throws -> RESPReply {
    try reply(words, state: state)
  }

  private func reply(_ words: [String], state: ServedState) throws -> RESPReply {
    var responder = QueryResponder(
      state: state, parser: CommandParser(), identity: ServerIdentity(version: "1"),
      information: { _ in "info" })
    let parser = RequestParser()
    var request = ByteBuffer()
    request.appendRequest(words)
    var session = SessionState(id: 1)
    var output = ByteBuffer()
    guard case .request(let arguments, _) = parser.next(in: request.bytes, &session.progress) else {
      Issue.record("no request")
      return .null
    }
    _ = responder.answer(arguments, session: &session, into: &output)
    return try #require(try RESPReply.decode(output.bytes)).reply
  }

  private func state(nearMetres: Double = 0) throws -> ServedState {
    let small = try SmallTerritory()
    try small.publish("first.geojson", [SquareOutage(id: "O1", around: [2])])
    let sheet = AnswerSheet(
      territory: small.publisher.territory, settings: try DaemonConfiguration().answerSettings(), at: moment)
    return ServedState(sheet: sheet, nearMetres: nearMetres, defaultCountryCode: "1")
  }

  @Test(arguments: [
    ["OUTAGE.ACCOUNT", "A1"], ["OUTAGE.PHONE", "5305550100"], ["OUTAGE.METER", "M"],
    ["OUTAGE.SERVICEPOINT", "SP-1"], ["OUTAGE.POINT", "1", "50"], ["OUTAGE.MACCOUNT", "A1"],
    ["OUTAGE.MPOINT", "1", "50"],
  ])
  func `lookups are answered LOADING until the territory is there`(words: [String]) throws {
    let empty = ServedState(sheet: nil, nearMetres: 0, defaultCountryCode: "1")
    let reply =
      words.count == 2
      ? try reply(words[0], words[1], state: empty) : try reply(words[0], words[1], words[2], state: empty)
    guard case .error(let text) = reply else {
      Issue.record("\(reply)")
      return
    }
    #expect(text.hasPrefix("LOADING "))
    #expect(try self.reply("PING", state: empty) == .simple("PONG"))
  }

  @Test func `the query's NEAR goes before the configured one`() throws {
    // 0.6 degrees of longitude from the square's edge, at 50 degrees north: 43 km.
    func match(_ words: String..., nearMetres: Double) throws -> String {
      let state = try state(nearMetres: nearMetres)
      let reply =
        words.isEmpty
        ? try reply("OUTAGE.ACCOUNT", "A1", state: state)
        : try reply("OUTAGE.ACCOUNT", "A1", words[0], words[1], state: state)
      return String((reply.text ?? "").dropFirst(#"{"match":""#.count).prefix { $0 != "\"" })
    }
    #expect(try match(nearMetres: 0) == "none")
    #expect(try match(nearMetres: 50_000) == "near")
    #expect(try match("NEAR", "0", nearMetres: 50_000) == "none")
    #expect(try match("NEAR", "50000", nearMetres: 0) == "near")
    #expect(try match("NEAR", "40000", nearMetres: 50_000) == "none")
  }

  @Test func `a text that cannot be a telephone number is an error, and an unknown one a null`() throws {
    let state = try state()
    #expect(try reply("OUTAGE.PHONE", "(530) 555-0100", state: state) == .null)
    guard case .error(let text) = try reply("OUTAGE.PHONE", "call me", state: state) else {
      Issue.record("no error")
      return
    }
    #expect(text.hasPrefix("BADARG expected a phone number"))
  }

  /// More than are found at once, and not a multiple of it.
  @Test func `positions that are asked for together have the answers that each has for itself`() throws {
    let state = try state(nearMetres: 20_000)
    let positions = (0..<75).map { ["\(1 + 0.03 * Double($0))", "50"] }
    guard case .array(let replies) = try reply(["OUTAGE.MPOINT"] + positions.flatMap { $0 }, state: state)
    else {
      Issue.record("no array")
      return
    }
    let expected = try positions.map { try reply(["OUTAGE.POINT"] + $0, state: state) }
    #expect(replies == expected)
    for match in ["inside", "near", "none"] {
      #expect(
        expected.contains { $0.text?.contains(#""match":"\#(match)""#) == true }, "no position is \(match)")
    }
    let oneWrong = positions.dropLast().flatMap { $0 } + ["1", "91"]
    guard case .error(let text) = try reply(["OUTAGE.MPOINT"] + oneWrong, state: state) else {
      Issue.record("no error")
      return
    }
    #expect(
      text == "BADARG position 75 of 75: expected a latitude from -90 to 90 as a decimal number, found '91'")
  }
}
