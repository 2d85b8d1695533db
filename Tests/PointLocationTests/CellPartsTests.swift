// What building asks of many edges at once, against the same edge by edge.

import CCellParts
import Testing

@testable import PointLocation

@Suite struct CellPartsTests {
  /// Numbers of vertices in, around and far from a cell, many of them on its lines or beside them.
  private static func vertices(
    _ grid: ccellparts_grid, shift: Int32, count: Int, _ random: inout SeededRandom
  ) -> [Int32] {
    (0..<2 * count).map { index in
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
  func `many edges at once touch parts as one by one`(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var (oblique, meeting) = (0, 0)
    for _ in 0..<5_000 {
      let shift = Int32(random.int(7..<27))
      let unitShift = max(0, shift - 10)
      let corner = Int32(random.int(0..<1 << 29))
      let side: Int32 = random.int(0..<2) == 0 ? 2 : 4
      func line() -> Int16 { Int16(random.int(-40..<Int(side) << Int(shift - unitShift))) }
      let grid = ccellparts_grid(
        column: corner, row: corner / 3, unit_shift: unitShift, part_bits: shift - unitShift, side: side,
        meeting_column: line(), meeting_rows: (line(), line(), line(), line()),
        meeting_row_count: Int32(random.int(1..<5)))
      let count = random.int(1..<65)
      let vertices = Self.vertices(grid, shift: shift, count: 88, &random)
      let nothing = [Int16](repeating: 0, count: 88)
      var (columns, rows, expectedColumns, expectedRows) = (nothing, nothing, nothing, nothing)
      for first in stride(from: 0, to: 80, by: 16) {
        Self.at(first, vertices, &columns, &rows) { ccellparts_write_units($1, $2, $0, grid) }
        Self.at(first, vertices, &expectedColumns, &expectedRows) {
          ccellparts_write_units_portable($1, $2, $0, grid)
        }
      }
      #expect(columns == expectedColumns && rows == expectedRows)
      let edges = random.next() & (.max >> UInt64(64 - count))
      let noParts = [UInt64](repeating: .max, count: 16)
      var (parts, expectedParts) = (noParts, noParts)
      let found = ccellparts_find(&parts, columns, rows, edges, Int32(count), grid)
      let expected = ccellparts_find_portable(&expectedParts, columns, rows, edges, Int32(count), grid)
      #expect(
        parts == expectedParts && found.oblique == expected.oblique
          && found.meeting_column == expected.meeting_column && found.meeting_rows == expected.meeting_rows,
        "\(grid) \(vertices.prefix(2 * count + 2)) \(edges)")
      oblique += found.oblique.nonzeroBitCount
      meeting += found.meeting_column.nonzeroBitCount
    }
    #expect(oblique > 1_000 && meeting > 1_000)
  }

  /// Calls `body` with where so many vertices, columns and rows end.
  private static func at(
    _ first: Int, _ vertices: [Int32], _ columns: inout [Int16], _ rows: inout [Int16],
    _ body: (UnsafePointer<Int32>, UnsafeMutablePointer<Int16>, UnsafeMutablePointer<Int16>) -> Void
  ) {
    vertices.withUnsafeBufferPointer { vertices in
      columns.withUnsafeMutableBufferPointer { columns in
        rows.withUnsafeMutableBufferPointer { rows in
          body(
            vertices.baseAddress! + 2 * first, columns.baseAddress! + first, rows.baseAddress! + first)
        }
      }
    }
  }

  @Test func `vertices become numbers two at once as one by one`() {
    var random = SeededRandom(seed: 12)
    for _ in 0..<20_000 {
      let frame = ccellparts_frame(
        origin_x: Double(random.int(-180..<180)), origin_y: Double(random.int(-90..<90)), scale: 0x1p20)
      let count = random.int(1..<9)
      let last = count - random.int(0..<2)
      let isWhole = random.int(0..<4) == 0
      let coordinates = (0..<20).map { index in
        let offset = random.double(0...2000)
        return (index % 2 == 0 ? frame.origin_x : frame.origin_y) + (isWhole ? offset.rounded() : offset)
      }
      let (nothing, noBounds) = ([Int32](repeating: -1, count: 20), [Int32](repeating: -1, count: 4))
      var (numbers, expectedNumbers, bounds, expectedBounds) = (nothing, nothing, noBounds, noBounds)
      ccellparts_number(&numbers, &bounds, coordinates, Int64(count), Int64(last), frame)
      ccellparts_number_portable(
        &expectedNumbers, &expectedBounds, coordinates, Int64(count), Int64(last), frame)
      #expect(numbers == expectedNumbers && bounds == expectedBounds)
      let columns = stride(from: 0, through: 2 * last, by: 2).map {
        Int32((coordinates[$0] - frame.origin_x) * frame.scale)
      }
      #expect(bounds[0] == columns.min() && bounds[2] == columns.max())
      #expect(numbers[2 * count] == -1)
    }
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
        ccellparts_across(expectedColumns, line) == ccellparts_across_portable(expectedColumns, line))
    }
    #expect(1_000..<19_000 ~= certain)
  }
}
