// What look-ups by key rest on: lines of slots, hashes, digits at a text's end, and decimal digits.

import CCacheLine
import CDigits
import TestSupport
import Testing

@testable import Territory

@Suite struct KeyIndexTests {
  @Test(arguments: [1, 2] as [UInt64])
  func `a line is compared at once as it is slot by slot`(seed: UInt64) {
    #expect(KeyIndex.lineSlots == Int(ccacheline_slots))
    var random = SeededGenerator(seed: seed)
    for _ in 0..<20_000 {
      let mask = UInt32.max << UInt32.random(in: 0...32, using: &random)
      let tag = UInt32.random(in: 0...3, using: &random) << 30 & mask
      let line = (0..<16).map { _ in
        Bool.random(using: &random)
          ? 0 : UInt32.random(in: 0...3, using: &random) << 30 | UInt32.random(in: 0...2, using: &random)
      }
      let found = ccacheline_find(line, mask, tag)
      #expect(found == ccacheline_find_portable(line, mask, tag), "seed \(seed), \(line), \(mask), \(tag)")
    }
  }

  @Test(arguments: [0, 1, 11, 12, 13, 500])
  func `keys that all have the same home are found, and the row of each group is its own`(count: Int) {
    // One hash for all, so that lines overflow, past the last one to the first; every third key is that of two rows.
    let keys = (0..<count).map { $0 % 3 == 2 ? $0 - 1 : $0 }
    for hash: UInt64 in [0, .max] {
      let index = KeyIndex(
        entries: count, rowCount: count, row: { UInt32($0) }, hash: { _ in hash },
        sameKey: { keys[$0] == keys[$1] }, precedes: <)
      for key in 0..<count {
        let rows = index.find(hash: hash) { keys[$0] == key }
        #expect(Array(rows) == keys.indices.filter { keys[$0] == key })
      }
      #expect(index.find(hash: hash) { _ in false }.isEmpty)
    }
  }

  @Test(arguments: [1, 97] as [Int])
  func `a key that is there has one row read for it, nearly always, and one that is not has none`(step: Int) {
    let count = 60_000
    let hashes = (0..<2 * count).map { number in
      Array("0000\(10_000_000 + number * step)".utf8).withUnsafeBufferPointer {
        hashNumber(PackedText(bareNumber: $0)!.bits)
      }
    }
    // As many bits of the hash as there are where five million rows are.
    let index = KeyIndex(
      entries: count, rowCount: 5_000_000, row: { UInt32($0) }, hash: { hashes[$0] }, sameKey: { $0 == $1 },
      precedes: <)
    var (readForThose, readForOthers) = (0, 0)
    for number in 0..<count {
      let rows = index.find(hash: hashes[number]) {
        readForThose += 1
        return $0 == number
      }
      #expect(Array(rows) == [number])
      let none = index.find(hash: hashes[count + number]) { _ in
        readForOthers += 1
        return false
      }
      #expect(none.isEmpty)
    }
    // Twelve keys a line and nine bits: chance reads 0.012 and 0.024 too many.
    #expect(Double(readForThose) / Double(count) < 1.03)
    #expect(Double(readForOthers) / Double(count) < 0.05)
  }

  @Test(arguments: [1, 2, 3, 7, 10, 97, 1000, 65_536] as [UInt64])
  func `numbers at equal steps leave more lines with room than chance would`(step: UInt64) {
    let (lineCount, first) = (5000, 10_000_000_000 as UInt64)
    var counts = [Int](repeating: 0, count: lineCount)
    for number in 0..<UInt64(12 * lineCount) {
      let key = PackedText(suffixPattern: 12, number: first + number * step)
      counts[KeyIndex.home(hashNumber(key.bits), lineCount: UInt64(lineCount))] += 1
    }
    // Chance fills 15 of a hundred (Poisson, 12 keys a line).
    let fullCount = counts.count { $0 >= KeyIndex.lineSlots }
    #expect(fullCount < lineCount / 10, "step \(step): \(fullCount) lines are full")
  }

  @Test(arguments: [3, 4] as [UInt64])
  func `digits at a text's end are counted and read as one by one`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let others = Array("aZ/:; \u{7f}é°".utf8)
    for _ in 0..<20_000 {
      let digitCount = Int.random(in: 0...20, using: &random)
      let digits = (0..<digitCount).map { _ in UInt8.random(in: 48...57, using: &random) }
      let head = (0..<Int.random(in: 0...20, using: &random)).map { _ in others.randomElement(using: &random)!
      }
      let text = head + digits
      if text.count < 8 { continue }
      let expected = min(digitCount, 13)
      let found = text.withUnsafeBufferPointer { TextShape.trailingDigits($0) }
      let portable = text.withUnsafeBufferPointer { cdigits_ending_portable($0.baseAddress!, $0.count) }
      #expect(found.count == expected, "seed \(seed), \(text)")
      #expect(found.number == text.suffix(expected).reduce(0) { $0 * 10 + UInt64($1 - 48) }, "\(text)")
      #expect(Int(portable.count) == found.count && portable.number == found.number, "\(text)")
    }
  }

  @Test(arguments: [5] as [UInt64])
  func `numbers are written with all their digits, and with as many as are asked for`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var powers: [UInt64] = [1]
    for _ in 0..<15 { powers.append(powers.last! * 10) }
    var numbers: [UInt64] = [0, 9_999_999_999_999_999]
    for power in powers { numbers += [power - 1, power, power + 1] }
    for _ in 0..<20_000 {
      numbers.append(UInt64.random(in: 0..<powers.randomElement(using: &random)!, using: &random))
    }
    for number in numbers {
      var room = [UInt8](repeating: 0, count: 40)
      let count = room.withUnsafeMutableBufferPointer { writeDecimal(number, to: $0.baseAddress!) }
      #expect(String(decoding: room[..<count], as: UTF8.self) == "\(number)")
      let digits = Int.random(in: count...16, using: &random)
      room.withUnsafeMutableBufferPointer { writeDecimal(number, digits: digits, to: $0.baseAddress!) }
      let padded = String(repeating: "0", count: digits - count) + "\(number)"
      #expect(String(decoding: room[..<digits], as: UTF8.self) == padded)
    }
  }
}
