// The units of a compact leaf: its cell's width is a power of two of them, so that 16 bits are enough for a coordinate.

/// The units of a compact leaf.
struct CompactGrid {
  /// The corner of the leaf's cell, in widths of the smallest cells.
  let column: Double
  let row: Double
  private let scaleBits: Int
  private let unitsPerSmallest: Double
  /// What the corner of the cell has for both coordinates.
  let corner: Int

  @inline(__always)
  init(bits: Int, scaleBits: Int, column: Int, row: Int) {
    self.column = Double((column >> bits) << bits)
    self.row = Double((row >> bits) << bits)
    self.scaleBits = scaleBits
    unitsPerSmallest = Double(bitPattern: UInt64(1023 + scaleBits - bits) << 52)
    corner = ((1 << 15) - (1 << scaleBits)) / 2
  }

  /// The number of the unit in which something lies that is so many of the smallest cells from the corner, inside of the cell.
  @inline(__always)
  func number(_ cells: Double) -> Int16 { Int16(truncatingIfNeeded: corner + Int(cells * unitsPerSmallest)) }

  /// The unit in which a reference point lies.
  @inline(__always)
  func reference(_ reference: Int) -> (x: Int16, y: Int16) {
    if reference <= CellFrame.centreReference {
      // In halves of the cell, for each reference one after another: no branch, which would go either way.
      let (x, y) = (0b01_10_00_10_00 >> (2 * reference) & 3, 0b01_10_10_00_00 >> (2 * reference) & 3)
      return (
        Int16(truncatingIfNeeded: corner + x << (scaleBits - 1)),
        Int16(truncatingIfNeeded: corner + y << (scaleBits - 1))
      )
    }
    let fractions = CellFrame.fractions(reference)
    let units = Double(bitPattern: UInt64(1023 + scaleBits) << 52)
    return (
      Int16(truncatingIfNeeded: corner + Int(fractions.x * units)),
      Int16(truncatingIfNeeded: corner + Int(fractions.y * units))
    )
  }
}

/// The units in which x and y of a point lie.
struct CompactUnits: BitwiseCopyable {
  var x: Int16
  var y: Int16

  /// The least box that holds this one's and another's.
  @inline(__always)
  static func extend(_ least: inout CompactUnits, _ most: inout CompactUnits, by point: CompactUnits) {
    least = CompactUnits(x: min(least.x, point.x), y: min(least.y, point.y))
    most = CompactUnits(x: max(most.x, point.x), y: max(most.y, point.y))
  }
}
