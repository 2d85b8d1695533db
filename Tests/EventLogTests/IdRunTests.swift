// Ids come back as they were packed, whatever they look like and in whatever order they come.

import ByteBuffers
import Foundation
import OutageModel
import Testing

@testable import EventLog

@Suite struct IdRunTests {
  static let runs: [[String]] = [
    ["SP-00000009", "SP-00000010", "SP-00000009", "SP-99999999", "SP-00000000"],
    // Other texts, other widths, none at all.
    ["SP-1", "SP-2", "SP-10", "SQ-11", "SQ-12", "12", "13", "x", "y", "", "z", "0", "00", "01"],
    // As many digits as are taken for a number, and more of them.
    [
      "999999999999999999", "000000000000000000", "1999999999999999999", "1000000000000000000",
      "0000000000000000000000001",
    ],
    ["18446744073709551615", "18446744073709551614", "A18446744073709551615", "A08446744073709551616"],
    ["a\"1", "a\"2", "é7", "é8", "7é", "8é", "a\\1", "a\\2", "\u{1}3", "\u{1}4"],
  ]

  @Test(arguments: runs)
  func `a batch gives back each id and account`(ids: [String]) throws {
    var members = ChangeMembers()
    for feeder in ["F-1", "F-2"] { _ = members.add(feeder: feeder) }
    for (index, id) in ids.enumerated() {
      append(id, ids.reversed()[index], feeder: [0, 1, 1, 2][index % 4], to: &members)
    }
    var reader = ChangeMemberReader(members.bytes.bytes)
    for (index, id) in ids.enumerated() {
      let next = reader.next()
      let member = try #require(next)
      #expect(text(member.servicePointId) == escaped(id))
      #expect(text(member.accountId) == escaped(ids.reversed()[index]))
      #expect(member.feeder == [0, 1, 1, 2][index % 4])
    }
    let end = reader.next()
    #expect(end == nil)
  }

  @Test(arguments: runs)
  func `packed ids give back each id`(ids: [String]) {
    let ids = ids.filter { !$0.isEmpty }
    var packed = PackedIds()
    for var id in ids { id.withUTF8 { packed.append(UnsafeRawBufferPointer($0)) } }
    var found: [String] = []
    PackedIds.forEach(packed.bytes.bytes) { found.append(text($0)) }
    #expect(found == ids)
  }

  @Test func `ids of one shape take a few bytes each`() {
    var packed = PackedIds()
    for number in 0..<1000 {
      var id = "SP-\(100_000_000 + number * 37 % 1000)"
      id.withUTF8 { packed.append(UnsafeRawBufferPointer($0)) }
    }
    #expect(packed.bytes.count < 1000 * 3 + 20)
  }

  /// What logs hold that were written before there were differences.
  @Test func `ids that are packed as they are are read`() throws {
    var bytes = ByteBuffer()
    for text in ["SP-1", "SP-2"] {
      bytes.append(ChangeMembers.isCritical)
      bytes.append(leb128: 1)
      for var id in [text, "A-" + text] { id.withUTF8 { bytes.append(packed: UnsafeRawBufferPointer($0)) } }
    }
    var reader = ChangeMemberReader(bytes.bytes)
    for expected in ["SP-1", "SP-2"] {
      let next = reader.next()
      let member = try #require(next)
      #expect(text(member.servicePointId) == expected && text(member.accountId) == "A-" + expected)
      #expect(member.feeder == 1 && member.isCritical)
    }
    let end = reader.next()
    #expect(end == nil)
  }

  @Test func `differences that lead nowhere end the reading`() {
    for (first, difference) in [("x", 1), ("SP-1", 9), ("SP-1", -2), ("SP-1", .max)] {
      var bytes = ByteBuffer()
      var id = first
      id.withUTF8 { bytes.append(packed: UnsafeRawBufferPointer($0)) }
      bytes.append(0)
      bytes.append(difference: difference)
      var found: [String] = []
      PackedIds.forEach(bytes.bytes) { found.append(text($0)) }
      #expect(found == [first])
    }
  }

  private func append(_ id: String, _ account: String, feeder: Int, to members: inout ChangeMembers) {
    var (id, account) = (id, account)
    id.withUTF8 { id in
      account.withUTF8 { account in
        members.append(
          servicePointId: UnsafeRawBufferPointer(id), accountId: UnsafeRawBufferPointer(account),
          feeder: feeder, isCriticalCustomer: false)
      }
    }
  }

  private func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }
}
