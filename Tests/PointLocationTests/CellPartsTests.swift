// What building asks of eight edges at once, against the same edge by edge.

import CCellParts
import Testing

@testable import PointLocation

@Suite struct CellPartsTests {
  /// Numbers of vertices in, around and far from a cell, many of them on its lines or beside them.
  private static func vertices(_ grid: ccellparts_grid, shift: Int32, _ random: inout SeededRandom) -> [Int32]
  {
    (0..<18).map { index in
      let corner = index % 2 == 0 ? grid.column : grid.row
      let number: Int32 =
        switch random.int(0..<4) {
        case 0: Int32(random.int(0..<Int(Int32.max)))
        case 1: corner &+ Int32(random.int(-2..<7)) << (shift - 1) &+ Int32(random.int(-9..<10))
        default: corner &+ Int32(random.int(-(2 << Int(shift))..<(6 << Int(shift))))
        }
      return number
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
      let vertices = Self.vertices(grid, shift: shift, &random)
      let found = ccellparts_find(vertices, grid)
      let expected = ccellparts_find_portable(vertices, grid)
      #expect(
        found.lower == expected.lower && found.upper == expected.upper && found.oblique == expected.oblique
          && found.meeting == expected.meeting, "\(grid) \(vertices)")
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
      let leaf = ccellparts_leaf(
        shift: Int32(random.int(0..<8)), first_column: Int32(random.int(0..<1 << 20)),
        first_row: Int32(random.int(0..<1 << 20)), far_from: Int16(random.int(-8..<20_000)))
      let from = (0..<2 * (count + 8)).map { number in
        ((number % 2 == 0 ? leaf.first_column : leaf.first_row)
          &+ Int32(random.int(random.int(0..<80) == 0 ? -40_000..<80_000 : 0..<0x7FFF)))
          &<< leaf.shift
      }
      let nothing = [Int16](repeating: 0, count: 48)
      var (columns, rows, expectedColumns, expectedRows) = (nothing, nothing, nothing, nothing)
      let isCertain = ccellparts_write(&columns, &rows, from, Int32(count), leaf)
      #expect(
        isCertain == ccellparts_write_portable(&expectedColumns, &expectedRows, from, Int32(count), leaf))
      certain += Int(isCertain)
      if isCertain != 0 {
        #expect(columns[..<count] == expectedColumns[..<count] && rows[..<count] == expectedRows[..<count])
      }
      let line = leaf.far_from
      #expect(
        ccellparts_across(expectedColumns, Int32(count), line) & (1 << UInt32(count - 1) - 1)
          == ccellparts_across_portable(expectedColumns, Int32(count), line))
    }
    #expect(1_000..<19_000 ~= certain)
  }
}
