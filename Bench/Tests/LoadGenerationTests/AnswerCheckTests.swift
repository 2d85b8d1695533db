// The checker's own check: it accepts what is right, and notices each thing that can be wrong.

import Glibc
import OutageModel
import Testing

@testable import LoadGeneration

@Suite("Answer check")
struct AnswerCheckTests {
  private static let now = Timestamp(year: 2026, month: 11, day: 24, hour: 18)

  /// Two layers. In the first, SP-1 lies in two outages, of which the one that takes precedence has not begun; SP-2 lies in none.
  private static let plan: LoadPlan = {
    var plan = LoadPlan()
    plan.layers = [
      LoadPlan.Layer(
        path: "a", outageIds: ["OMS-1", "OMS-2"], isOver: [false, false],
        scheduledUntilMilliseconds: [now.adding(seconds: 60).millisecondsSinceEpoch, .min],
        sets: [[], [0, 1]]),
      LoadPlan.Layer(
        path: "b", outageIds: ["OMS-3"], isOver: [true], scheduledUntilMilliseconds: [.min], sets: [[], [0]]),
    ]
    let first = LoadPlan.Location(servicePointId: "SP-1", sets: [1, 0])
    let second = LoadPlan.Location(servicePointId: "SP-2", sets: [0, 1])
    plan.customers = [
      LoadPlan.Customer(
        account: .init(text: "000000000001", locations: [first, second]), phone: nil,
        point: .init(text: "-97.5 35.25", locations: [first]))
    ]
    return plan
  }()

  private static func answer(
    match: String = "inside", version: Int = 7, first: String = "SP-1",
    outages: (primary: String, others: String) = ("OMS-2", "\"OMS-1\""), tail: String = "",
    omitted: String = ""
  ) -> String {
    #"{"match":"\#(match)","layerVersion":\#(version),"asOf":"2026-11-24T18:00:00Z","stale":false,"locations":["#
      + #"{"servicePointId":"\#(first)","accountId":"000000000001","address":"1 \"match\":\"none\" St","match":"inside","#
      + #""outage":{"outageId":"\#(outages.primary)","kind":"unplanned"},"alsoIn":[\#(outages.others)]},"#
      + #"{"servicePointId":"SP-2","accountId":"000000000001","address":"2 Oak St","match":"none","outage":null,"alsoIn":[]}\#(tail)"#
      + #"]\#(omitted),"say":"We know."}"#
  }

  private static func verdict(
    _ body: String?, at now: Timestamp = now, versionMin: Int = 0, lastVersion: Int = 0,
    entryOf customer: RequestKind = .account
  ) -> Verdict {
    let versions = LayerVersions()
    versions.publishEnded(layer: 0, version: 7)
    versions.publishEnded(layer: 1, version: 8)
    let table = RequestTable(plan, seed: 1)
    var check = AnswerCheck(table: table, plan: plan, versions: versions, clock: { now })
    var last = lastVersion
    let entry = table.entries.firstIndex { $0.kind == customer }!
    guard let body else {
      return check.check(nil, entry: entry, versionMin: versionMin, lastVersion: &last)
    }
    return Array(body.utf8).withUnsafeBytes {
      check.check($0, entry: entry, versionMin: versionMin, lastVersion: &last)
    }
  }

  private static func isWrong(_ verdict: Verdict) -> Bool { verdict != .right }

  @Test("A right answer is right, whatever quotes stand in an address")
  func right() {
    #expect(Self.verdict(Self.answer()) == .right)
    #expect(Self.verdict(nil, entryOf: .unknown) == .right)
  }

  @Test("When the planned outage begins, it is the primary one; for a moment both answers pass")
  func clock() {
    let begun = Self.answer(outages: ("OMS-1", "\"OMS-2\""))
    #expect(Self.isWrong(Self.verdict(begun)))
    #expect(Self.verdict(begun, at: Self.now.adding(seconds: 61)) == .right)
    #expect(Self.verdict(Self.answer(), at: Self.now.adding(seconds: 61)) == .right)
    #expect(Self.isWrong(Self.verdict(Self.answer(), at: Self.now.adding(seconds: 90))))
  }

  @Test("Each wrong thing is noticed")
  func wrong() {
    #expect(Self.isWrong(Self.verdict(nil)), "null for a known account")
    #expect(Self.isWrong(Self.verdict(Self.answer(), entryOf: .unknown)), "an answer for an unknown one")
    #expect(Self.isWrong(Self.verdict(Self.answer(match: "none"))), "overall match")
    #expect(Self.isWrong(Self.verdict(Self.answer(first: "SP-9"))), "another service point")
    #expect(Self.isWrong(Self.verdict(Self.answer(outages: ("OMS-3", "\"OMS-1\"")))), "another outage")
    #expect(Self.isWrong(Self.verdict(Self.answer(outages: ("OMS-2", "")))), "one outage less")
    #expect(
      Self.isWrong(Self.verdict(Self.answer(outages: ("OMS-2", "\"OMS-1\",\"OMS-3\"")))), "one more")
    #expect(Self.isWrong(Self.verdict(Self.answer(version: 8))), "another layer's content")
    #expect(Self.isWrong(Self.verdict(Self.answer(version: 9))), "a version that nobody published")
    #expect(
      Self.isWrong(Self.verdict(Self.answer(tail: ",{\"servicePointId\":\"SP-3\"}"))), "one more location")
    #expect(Self.isWrong(Self.verdict(String(Self.answer().dropLast()))), "cut short")
  }

  @Test("An answer from before an acknowledged publish, or from before the connection's last one, is wrong")
  func versions() {
    #expect(Self.verdict(Self.answer(), versionMin: 7, lastVersion: 7) == .right)
    #expect(Self.isWrong(Self.verdict(Self.answer(), versionMin: 8)))
    #expect(Self.isWrong(Self.verdict(Self.answer(), lastVersion: 8)))
  }

  @Test("A layer under way counts for the number that it will get")
  func publishing() {
    let versions = LayerVersions()
    versions.publishEnded(layer: 0, version: 7)
    versions.publishBegins(layer: 1)
    #expect(versions.layer(ofVersion: 8) == 1 && versions.layer(ofVersion: 7) == 0)
    #expect(versions.layer(ofVersion: 6) == nil && versions.acknowledged == 7)
    versions.publishEnded(layer: 1, version: nil)
    #expect(versions.layer(ofVersion: 8) == nil && versions.acknowledged == 7)
  }

  @Test("A plan reads back as it was written")
  func planFile() throws {
    let path = "/tmp/load-plan-\(UInt64.random(in: 0 ... .max)).txt"
    defer { unlink(path) }
    try Self.plan.write(to: path)
    let read = try LoadPlan(contentsOf: path)
    #expect(read.layers.map(\.outageIds) == Self.plan.layers.map(\.outageIds))
    #expect(read.layers.map(\.sets) == Self.plan.layers.map(\.sets))
    #expect(
      read.layers.map(\.scheduledUntilMilliseconds) == Self.plan.layers.map(\.scheduledUntilMilliseconds))
    #expect(read.customers[0].account?.locations.map(\.servicePointId) == ["SP-1", "SP-2"])
    #expect(read.customers[0].account?.locations.map(\.sets) == [[1, 0], [0, 1]])
    #expect(read.customers[0].phone == nil && read.customers[0].point.text == "-97.5 35.25")
  }
}
