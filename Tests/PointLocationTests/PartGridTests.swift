// Which parts of a cell an edge misses, by whole numbers, against the exact sides of the parts' corners.

import Testing

@testable import PointLocation

@Suite struct PartGridTests {
  @Test(arguments: [3, 4] as [UInt64])
  func `a part that an edge is said to miss lies on one side of it`(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let frame = CellFrame(Box(minX: -95.25, minY: 29.5, maxX: -94.5, maxY: 30.25))
    let cell = Cell.frame
    let grid = PartGrid(
      cell, sideBits: 2, sharesReferences: true,
      firstPart: cell.part(row: 0, column: 0, sideBits: 2, reference: nil), frame)
    let (part, unit) = (frame.size / 4, frame.size * 0x1p-31)
    func corner(_ column: Int, _ row: Int) -> (x: Double, y: Double) {
      (frame.originX + Double(column) * part, frame.originY + Double(row) * part)
    }
    func number(_ x: Double, _ y: Double) -> SIMD2<Int32> { FrameVertices.floor(frame.cells(x: x, y: y)) }
    var (missedCount, keptCount) = (0, 0)
    for _ in 0..<50_000 {
      // Through a corner in which four parts meet, or a few units beside it.
      let through = corner(random.int(1..<4), random.int(1..<4))
      func near() -> Double { random.double(-9...9) * unit }
      let (dx, dy) = (random.double(-0.9...0.9) * part, random.double(-0.9...0.9) * part)
      let (ax, ay) = (through.x - dx + near(), through.y - dy + near())
      let share = random.double(0.001...0.9)
      let (bx, by) = (through.x + share * dx + near(), through.y + share * dy + near())
      let (a, b) = (number(ax, ay), number(bx, by))
      let missed = grid.partsMissed(by: FrameEdge(ax: a.x, ay: a.y, bx: b.x, by: b.y))
      for number in SetBits(missed) {
        let (row, column) = (number >> 2, number & 3)
        let sides = [(0, 0), (1, 0), (0, 1), (1, 1)].map { right, upper in
          let corner = corner(column + right, row + upper)
          return orientation(ax, ay, bx, by, corner.x, corner.y)
        }
        #expect(
          Set(sides).count == 1 && sides[0] != 0,
          "part \(row), \(column) and \(ax) \(ay) \(bx) \(by): \(sides)")
      }
      missedCount += missed == 0 ? 0 : 1
      keptCount += missed == 0 ? 1 : 0
    }
    #expect(missedCount > 1_000 && keptCount > 1_000)
  }
}
