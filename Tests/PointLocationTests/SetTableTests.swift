// Equal sets get one number, also when the table has grown, and none that is from before it was told to forget.

import Testing

@testable import PointLocation

@Suite struct SetTableTests {
  @Test(arguments: [1, 2] as [UInt64])
  func `sets have their numbers again after the table has grown, and forgotten ones get new ones`(
    seed: UInt64
  ) {
    var random = SeededRandom(seed: seed)
    var table = SetTable(setCapacity: 16, memberCapacity: 16)
    let sets = (0..<12_000).map { number in
      [UInt32(number)] + (0..<random.int(0..<5)).map { UInt32(12_000 * ($0 + 1) + random.int(0..<12_000)) }
    }
    func numbers(_ sets: ArraySlice<[UInt32]>) -> [UInt32] {
      sets.map { $0.withUnsafeBufferPointer { table.intern($0) } }
    }
    let before = numbers(sets[..<1_500])
    #expect(before == Array(1...1_500))
    table.forget()
    // Past half of the slots, several times.
    let after = numbers(sets[...])
    #expect(after == (0..<12_000).map { UInt32(1_501 + $0) })
    #expect(numbers(sets[...]) == after && table.setCount == 13_501)
  }
}
