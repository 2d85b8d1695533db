// The numbers of the points' sets, page by page, against a plain array.

import Testing

@testable import PointLocation

@Suite struct SetNumbersTests {
  /// Replaces some pages again and again. Versions that came before must stay as they were.
  @Test(arguments: [0, 1, 511, 512, 513, 5_000, 20_480])
  func `replaced pages are new in one version and as they were in all before`(count: Int) {
    var random = SeededRandom(seed: UInt64(count) + 1)
    var expected = (0..<count).map { UInt32($0) }
    var numbers = SetNumbers(FlatArray(expected))
    var versions: [(numbers: SetNumbers, expected: [UInt32])] = [(numbers, expected)]
    let pageCount = SetNumbers.pageCount(count)
    for step in 1...20 {
      let replaced = (0..<pageCount).filter { _ in random.int(0..<8) == 0 }
      numbers = numbers.replacing(replaced) { page, copy in
        let start = page * SetNumbers.pageLength
        let end = min(start + SetNumbers.pageLength, count)
        #expect(
          (start..<end).allSatisfy { copy[$0 - start] == expected[$0] }, "what is to be changed is a copy")
        for point in start..<end where random.int(0..<2) == 0 {
          copy[point - start] = UInt32(step * 100_000 + point)
          expected[point] = copy[point - start]
        }
      }
      versions.append((numbers, expected))
    }
    for (step, version) in versions.enumerated() {
      #expect(version.numbers.count == count)
      let contiguous = version.numbers.contiguous
      let areEqual = (
        version.numbers.elementsEqual(version.expected),
        (0..<count).allSatisfy { contiguous[$0] == version.expected[$0] }
      )
      #expect(areEqual == (true, true), "version \(step)")
      #expect(contiguous.count == count)
      #expect((0..<count).allSatisfy { version.numbers.address(of: $0).pointee == version.expected[$0] })
      // Never more than the numbers themselves and half of them.
      let ownBytes = version.numbers.byteCount - version.numbers.pages.byteCount
      #expect(ownBytes <= 4 * (count + count / 2))
    }
  }

  @Test func `pages that are not replaced are shared`() {
    let numbers = SetNumbers(FlatArray((0..<5_000).map { UInt32($0) }))
    let next = numbers.replacing([3]) { _, copy in copy[0] = 7 }
    for page in 0..<SetNumbers.pageCount(5_000) {
      let start = page * SetNumbers.pageLength
      #expect((next.address(of: start) == numbers.address(of: start)) == (page != 3))
    }
    #expect(next[3 * SetNumbers.pageLength] == 7)
    let same = next.replacing([]) { _, _ in Issue.record("nothing is replaced") }
    #expect(same.byteCount == next.byteCount)
  }

  @Test func `numbers that stand one after another are not copied`() {
    let array = FlatArray((0..<1_000).map { UInt32($0) })
    #expect(SetNumbers(array).contiguous.pointer == array.pointer)
  }
}
