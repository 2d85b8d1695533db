// The reading of `REPORT.*` and `CHANGES.*`, and which socket serves them.

import OutageModel
import Testing

@testable import WireProtocol

@Suite struct FeedCommandTests {
  @Test func `a report is read with its options in any order and case`() throws {
    #expect(
      try describe(["report.add", "ACCOUNT", "0088", "KIND", "out"]) == "report account 0088 out")
    #expect(
      try describe([
        "REPORT.ADD", "point", "-121.5", "38", "note", "two words", "call", "C-1", "kind", "WIREDOWN", "lang",
        "es",
      ]) == "report -121.5 38.0 wireDown call=C-1 note=two words lang=es")
    #expect(
      try describe(["REPORT.ADD", "SERVICEPOINT", "SP-1", "KIND", "stillOut"])
        == "report servicePoint SP-1 stillOut")
    #expect(
      CommandTable[.reportAdd].usage
        == "REPORT.ADD <ACCOUNT id | SERVICEPOINT id | POINT lon lat> KIND kind [CALL id] [NOTE text] [LANG tag]"
    )
    #expect(CommandTable[.reportAdd].arity() == -5)
  }

  @Test(arguments: [
    (["REPORT.ADD", "ACCOUNT", "1", "KIND"], "wrong number of arguments; usage: REPORT.ADD <ACCOUNT"),
    (["REPORT.ADD", "ACCOUNT", "1", "CALL", "1"], "expected KIND, found the end"),
    (["REPORT.ADD", "METER", "1", "KIND", "out"], "expected ACCOUNT, SERVICEPOINT or POINT, found 'METER'"),
    (["REPORT.ADD", "ACCOUNT", "", "KIND", "out"], "expected an id of 1 to 256 bytes, found 0"),
    (["REPORT.ADD", "POINT", "200", "1", "KIND", "out"], "expected a longitude from -180 to 180"),
    (
      ["REPORT.ADD", "ACCOUNT", "1", "KIND", "dark"],
      "expected one of out, partial, flickering, wireDown, restored, stillOut after KIND, found 'dark'"
    ),
    (["REPORT.ADD", "ACCOUNT", "1", "KIND", "out", "CALL", "a b"], "a call's id of at most 128 printable"),
    (["REPORT.ADD", "ACCOUNT", "1", "KIND", "out", "KIND", "out"], "once each, found 'KIND'"),
    (
      ["REPORT.ADD", "ACCOUNT", "1", "KIND", "out", "NOTE", String(repeating: "x", count: 1001)],
      "a note of at most 1000 bytes, found 1001"
    ),
  ])
  func `a report that cannot be read says what was expected`(words: [String], part: String) {
    #expect {
      _ = try describe(words)
    } throws: {
      let error = $0 as? RequestError
      return error?.word == .badArgument && error?.text.contains(part) == true
    }
  }

  @Test func `reads, acknowledgements and subscriptions are read with their filters`() throws {
    func read(_ words: String...) throws -> String { try describe(words, role: .feed) }
    var range = FeedRange(from: .sequence(7))
    let filter = ChangeFilter()
    #expect(try read("CHANGES.READ", "7") == "\(FeedRequest.readChanges(range, filter))")
    range.count = 10
    range.blockMilliseconds = 500
    let words = ["COUNT", "10", "BLOCK", "500", "CRITICAL", "FEEDER", "F 1"]
    #expect(
      try read("CHANGES.READ", "7", "COUNT", "10", "BLOCK", "500")
        == "\(FeedRequest.readChanges(range, filter))")
    for kinds in [["KIND", "wireDown", "restored"], ["KIND", "wireDown", "KIND", "restored"]] {
      let text = try describe(["CHANGES.READ", "7"] + words + kinds, role: .feed)
      #expect(text.contains("wireDown") && text.contains("restored") && text.contains("F 1"))
      #expect(text.contains("criticalOnly: true"))
    }
    #expect(
      try read("CHANGES.READ", ">", "CONSUMER", "bot")
        == "\(FeedRequest.readChanges(FeedRange(from: .acknowledged(consumer: "bot")), ChangeFilter()))")
    #expect(try read("CHANGES.SUBSCRIBE") == "\(FeedRequest.subscribe(from: .now, ChangeFilter()))")
    #expect(
      try read("REPORT.ACK", "oms", "12")
        == "\(FeedRequest.acknowledgeReports(consumer: "oms", sequence: 12))")
  }

  @Test(arguments: [
    ["CHANGES.READ", "-1"], ["CHANGES.READ", "x"], ["CHANGES.READ", ">"],
    ["CHANGES.READ", "1", "COUNT", "0"],
    ["CHANGES.READ", "1", "COUNT", "10001"], ["CHANGES.READ", "1", "BLOCK", "60001"],
    ["CHANGES.READ", "1", "KIND", "nothing"], ["CHANGES.ACK", "a b", "1"], ["CHANGES.ACK", "a", "-1"],
    ["CHANGES.SUBSCRIBE", "1", "COUNT", "3"], ["REPORT.READ", "1", "CRITICAL"], ["REPORT.READ"],
  ])
  func `what a feed cannot read is a bad argument`(words: [String]) {
    #expect {
      _ = try describe(words, role: .feed)
    } throws: {
      ($0 as? RequestError)?.word == .badArgument
    }
  }

  @Test func `the feed socket serves feeds and lookups, and no layers; the query socket takes reports only`()
  {
    func word(_ words: [String], _ role: CommandSpec.Role) -> RequestError.Word? {
      do throws(RequestError) {
        _ = try describe(words, role: role)
        return nil
      } catch {
        return error.word
      }
    }
    #expect(word(["CHANGES.READ", "0"], .query) == .notPermitted)
    #expect(word(["REPORT.READ", "0"], .query) == .notPermitted)
    #expect(word(["REPORT.ADD", "ACCOUNT", "1", "KIND", "out"], .query) == nil)
    #expect(word(["CHANGES.READ", "0"], .feed) == nil)
    #expect(word(["OUTAGE.ACCOUNT", "1"], .feed) == nil)
    #expect(word(["LAYER.STATUS"], .feed) == .notPermitted)
    #expect(word(["CHANGES.READ", "0"], .admin) == nil)
  }
}
