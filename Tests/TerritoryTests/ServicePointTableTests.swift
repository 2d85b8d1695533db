// The packed table gives back every text that it was given, and finds every key and no other.

import OutageModel
import TestSupport
import Testing

@testable import Territory

@Suite struct ServicePointTableTests {
  private static let texts = [
    "A", "1234567", "12345678", "1234567890123", "12345678901234", "SP-00088121", "SP-88121", "000000088121",
    "00000000000000000042",
    "12 Oak St",
    "0012 Oak St", "12345678901234 Long Rd", "Straße 9 München", "Unit 4B", "9", "0", "00", "SP-", "-1",
    "日本橋1丁目2",
    String(repeating: "x", count: 65), String(repeating: "y", count: 200) + "7", "ends with 9999999999999",
    "ends with 99999999999999", "9999999999 Elm", "999999999 Elm", "1 ", "a\"quote\\", "tab\there and more",
  ]

  @Test(arguments: texts)
  func `a text comes back as it was`(text: String) {
    var builder = ServicePointTableBuilder()
    var point = ServicePoint(servicePointId: text, position: LonLat(lonDegrees: 1, latDegrees: 2))
    point.accountId = text
    point.addressLine = text
    point.unit = text
    point.city = text
    builder.append(point)
    let table = builder.build(addressVersion: 1)
    for column in [.servicePointId, .accountId, .addressLine, .unit, .city] as [ServicePointTable.TextColumn]
    {
      #expect(table.string(column, row: 0) == text)
    }
    #expect(table.string(.meterId, row: 0) == "")
    #expect(table.find(account: text) == [text])
    #expect(table.find(account: text + "0") == [])
    #expect(table.find(account: "0" + text) == [])
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `every key leads to its rows and to no other`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var builder = ServicePointTableBuilder()
    var byAccount: [String: [String]] = [:]
    var byPhone: [String: [String]] = [:]
    for number in 0..<5000 {
      let id = "SP\(number)"
      var point = ServicePoint(
        servicePointId: id,
        position: LonLat(
          lonDegrees: .random(in: -180...180, using: &random),
          latDegrees: .random(in: -90...90, using: &random)))
      if Int.random(in: 0..<10, using: &random) > 0 {
        let account =
          "\(["A", "AC-", "", "Konto "].randomElement(using: &random)!)\(Int.random(in: 0..<3000, using: &random))"
        point.accountId = account
        if !account.isEmpty { byAccount[account, default: []].append(id) }
      }
      point.phones = (0..<Int.random(in: 0...3, using: &random)).map { _ in
        "+1530555\(1000 + Int.random(in: 0..<900, using: &random))"
      }
      for phone in Set(point.phones) { byPhone[phone, default: []].append(id) }
      point.meterId = "M\(number * 7)"
      builder.append(point)
    }
    let table = builder.build(addressVersion: 1)
    for (account, ids) in byAccount {
      #expect(table.find(account: account) == ids.sorted(), "seed \(seed), account \(account)")
    }
    for (phone, ids) in byPhone {
      let found = table.rows(phoneDigits: phoneDigits(phone)!).map { table.string(.servicePointId, row: $0) }
      #expect(found == ids.sorted(), "seed \(seed), phone \(phone)")
    }
    for number in 0..<5000 {
      var meter = "M\(number * 7)"
      let rows = meter.withUTF8 { table.rows(meter: $0) }
      #expect(rows.map { table.string(.servicePointId, row: $0) } == ["SP\(number)"])
      var other = "M\(number * 7 + 1)"
      #expect(other.withUTF8 { table.rows(meter: $0).isEmpty })
    }
    #expect(table.rows(phoneDigits: 15_305_550_000).isEmpty)
    #expect(table.rows(phoneDigits: 0).isEmpty)
  }

  @Test
  func `keys that differ in their prefix or in their number of digits, or lie in the heap, are told apart`() {
    let long = String(repeating: "k", count: 70)
    let keys =
      ["", "0", "00", "A", "AB", "SP-", "SP-0", "A-very-long-prefix-"].map { $0 + "12345678" }
      + [
        long, long + "1", long + "12345678", "x" + long, "12 Oak St", "123 Oak St", "13 Oak St",
        "Oak St at it",
      ]
    var builder = ServicePointTableBuilder()
    for key in keys {
      var point = ServicePoint(servicePointId: "id of " + key, position: LonLat(lonDegrees: 1, latDegrees: 2))
      point.accountId = key
      builder.append(point)
    }
    let table = builder.build(addressVersion: 1)
    for key in keys { #expect(table.find(account: key) == ["id of " + key]) }
    for key in [
      "B12345678", "000012345678", "12345679", "12345678 ", long + "2", "x" + long + "k", "12 Elm St",
    ] {
      #expect(table.find(account: key) == [])
    }
  }

  @Test func `an account with very many service points is found in order`() {
    var builder = ServicePointTableBuilder()
    for number in 0..<20_000 {
      var point = ServicePoint(
        servicePointId: "LAMP-\(100_000 + number)",
        position: LonLat(lonDegrees: Double(number % 141) / 10, latDegrees: Double(number / 141) / 10))
      point.accountId = "CITY"
      builder.append(point)
    }
    let table = builder.build(addressVersion: 1)
    #expect(table.find(account: "CITY") == (0..<20_000).map { "LAMP-\(100_000 + $0)" })
  }

  @Test func `an empty table finds nothing`() {
    let table = ServicePointTableBuilder().build(addressVersion: 0)
    #expect(table.rowCount == 0)
    #expect(table.find(account: "A") == [])
    #expect(table.rows(phoneDigits: 15_305_550_100).isEmpty)
  }
}

extension ServicePointTable {
  /// The service-point ids of an account.
  func find(account: String) -> [String] {
    var account = account
    return account.withUTF8 { rows(account: $0) }.map { string(.servicePointId, row: $0) }
  }
}
