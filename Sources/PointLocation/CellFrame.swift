// The square that is divided into cells, and where points lie in it.

internal import CCellParts

/// The square that a cell index divides: a power of two wide, its corner a multiple of a power of two.
struct CellFrame: Sendable, BitwiseCopyable {
  let originX: Double
  let originY: Double
  let size: Double
  private let cellsPerDegree: Double
  /// The width of the smallest cells.
  private let unit: Double
  /// A point is never further than this from the cell that it is placed in: the rounding of `place`, many times over.
  let margin: Double

  init(_ box: Box) {
    guard !box.isEmpty else {
      (originX, originY, size, cellsPerDegree, unit, margin) = (0, 0, 1, 0, 0, 0)
      return
    }
    let greatest = max(
      max(box.minX.magnitude, box.maxX.magnitude), max(box.minY.magnitude, box.maxY.magnitude))
    // A degenerate extent is widened until its cells are wider than the rounding of its coordinates.
    let extent = max(max(box.maxX - box.minX, box.maxY - box.minY), max(greatest * 0x1p-16, 0x1p-100))
    let size = Double(sign: .plus, exponent: (extent * 1.01).exponent + 1, significand: 1)
    let step = size * 0x1p-8
    originX = (box.minX / step).rounded(.down) * step
    originY = (box.minY / step).rounded(.down) * step
    self.size = size
    cellsPerDegree = Double(1 << CellIndex.bits) / size
    unit = size / Double(1 << CellIndex.bits)
    margin = size * 0x1p-34
  }

  /// Where a point lies, in widths of the smallest cells; it may be outside of the frame.
  @inline(__always)
  func cells(x: Double, y: Double) -> SIMD2<Double> {
    (SIMD2(x, y) - SIMD2(originX, originY)) * cellsPerDegree
  }

  /// How vertices become numbers of `FrameVertices`: all but the subtraction is exact, as for `cells`.
  var numbering: ccellparts_frame {
    ccellparts_frame(
      origin_x: originX, origin_y: originY, scale: cellsPerDegree * Double(1 << FrameVertices.fractionBits))
  }

  /// The smallest cell in which a point lies.
  @inline(__always)
  func place(x: Double, y: Double) -> CellPlace? {
    let cells = cells(x: x, y: y)
    let (u, v) = (cells.x, cells.y)
    let side = Double(1 << CellIndex.bits)
    guard u >= 0, v >= 0, u < side, v < side else { return nil }
    return CellPlace(u: u, v: v, column: Int(u), row: Int(v))
  }

  /// The middle of a cell; the references before are its corners, one bit for right and one for upper.
  static let centreReference = 4
  /// References that lie in their cell, tried where an edge touches a corner.
  static let innerReferences = 5..<13
  /// The reference of a frame that is one leaf: outside of all polygons.
  static let outsideReference = 13

  /// Where in its cell the reference point lies, in widths of the cell. The fractions of those that lie in it have no simple form, so that
  /// data with round coordinates does not meet them.
  @inline(__always)
  static func fractions(_ reference: Int) -> (x: Double, y: Double) {
    if reference < centreReference { return (Double(reference & 1), Double(reference >> 1)) }
    if reference == centreReference { return (0.5, 0.5) }
    if reference == outsideReference { return (-1, -1) }
    let x = 0.482_716_049_317 + Double(reference - innerReferences.lowerBound) * 0.007_318_840_597
    return (x, 1.03 - x)
  }

  /// The reference point of a cell, 2^bits of the smallest cells wide, by its corner: the same bits whenever it is asked for, as all but the last addition
  /// is exact.
  @inline(__always)
  func reference(column: Int, row: Int, bits: Int, _ reference: Int) -> (x: Double, y: Double) {
    let (fractions, size) = (Self.fractions(reference), unit * Double(1 << bits))
    return (
      originX + Double(column) * unit + fractions.x * size, originY + Double(row) * unit + fractions.y * size
    )
  }

  /// The reference point of the leaf, 2^bits of the smallest cells wide, that holds one of the smallest cells.
  @inline(__always)
  func reference(_ place: CellPlace, bits: Int, _ reference: Int) -> (x: Double, y: Double) {
    self.reference(
      column: (place.column >> bits) << bits, row: (place.row >> bits) << bits, bits: bits, reference)
  }
}

/// A point's place in a frame.
struct CellPlace: BitwiseCopyable {
  /// In widths of the smallest cells, from the frame's corner.
  let u: Double
  let v: Double
  /// The smallest cell that holds it.
  let column: Int
  let row: Int
}
