// What building asks of eight edges at once, against the same edge by edge.

import CCellParts
import Testing

@testable import PointLocation

@Suite struct CellPartsTests {
  /// Numbers of vertices in, around and far from a cell, many of them on its lines or beside them.
  private static func numbers(corner: Int32, shift: Int32, _ random: inout SeededRandom) -> [Int32] {
    (0..<9).map { _ in
      switch random.int(0..<4) {
      case 0: Int32(random.int(0..<Int(Int32.max)))
      case 1: corner &+ Int32(random.int(-2..<7)) << (shift - 1) &+ Int32(random.int(-9..<10))
      default: corner &+ Int32(random.int(-(2 << Int(shift))..<(6 << Int(shift))))
      }
    }
  }

  @Test(arguments: [8, 9] as [UInt64])
  func `eight edges at once touch parts as one by one`(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var oblique = 0
    for _ in 0..<20_000 {
      let shift = Int32(random.int(7..<27))
      let unitShift = max(0, shift - 10)
      let corner = Int32(random.int(0..<1 << 29))
      let side: Int32 = random.int(0..<2) == 0 ? 2 : 4
      func line() -> Int16 { Int16(random.int(-40..<Int(side) << Int(shift - unitShift))) }
      let grid = ccellparts_grid(
        column: corner, row: corner / 3, unit_shift: unitShift, part_bits: shift - unitShift, side: side,
        meeting_column: line(), meeting_rows: (line(), line(), line(), line()),
        meeting_row_count: Int32(random.int(1..<5)))
      let columns = Self.numbers(corner: grid.column, shift: shift, &random)
      let rows = Self.numbers(corner: grid.row, shift: shift, &random)
      let found = ccellparts_find(columns, rows, grid)
      let expected = ccellparts_find_portable(columns, rows, grid)
      #expect(
        found.lower == expected.lower && found.upper == expected.upper && found.oblique == expected.oblique
          && found.meeting == expected.meeting, "\(grid) \(columns) \(rows)")
      oblique += found.oblique.nonzeroBitCount
    }
    #expect(oblique > 1_000)
  }

  @Test(arguments: [10, 11] as [UInt64])
  func `a leaf's vertices are written eight at once as one by one`(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var certain = 0
    for _ in 0..<20_000 {
      let count = random.int(2..<33)
      // Mostly within 15 bits.
      let axis = ccellparts_axis(
        shift: Int32(random.int(0..<8)), first: Int32(random.int(0..<1 << 20)),
        far_from: Int16(random.int(-8..<20_000)))
      let from = (0..<count + 8).map { _ in
        (axis.first &+ Int32(random.int(random.int(0..<40) == 0 ? -40_000..<80_000 : 0..<0x7FFF)))
          &<< axis.shift
      }
      var (found, expected) = ([Int16](repeating: 0, count: 48), [Int16](repeating: 0, count: 48))
      let isCertain = ccellparts_write(&found, from, Int32(count), axis)
      #expect(isCertain == ccellparts_write_portable(&expected, from, Int32(count), axis))
      certain += Int(isCertain)
      if isCertain != 0 { #expect(found[..<count] == expected[..<count]) }
      let line = axis.far_from
      #expect(
        ccellparts_across(expected, Int32(count), line) & (1 << UInt32(count - 1) - 1)
          == ccellparts_across_portable(expected, Int32(count), line))
    }
    #expect(1_000..<19_000 ~= certain)
  }
}
