// The Hilbert curve: an order in which things near each other in the plane are near each other in memory.

/// The position of a cell of a 65,536 x 65,536 grid along the Hilbert curve.
@inline(__always)
func hilbertPosition(_ column: UInt32, _ row: UInt32) -> UInt32 {
  var x = column
  var y = row
  var position: UInt32 = 0
  for level in stride(from: UInt32(15), through: 0, by: -1) {
    let right = x >> level & 1
    let upper = y >> level & 1
    position = position << 2 | (3 &* right) ^ upper
    // The curve in a lower quadrant runs along the other axis, and in the right one of them backwards.
    let isLower = upper &- 1
    let flip = isLower & (0 &- right)
    let exchange = (x ^ y) & isLower
    x ^= exchange ^ flip
    y ^= exchange ^ flip
  }
  return position
}

/// Maps coordinates within a box to cells of the curve's grid.
struct HilbertGrid {
  private let minX: Double
  private let minY: Double
  private let perX: Double
  private let perY: Double

  init(_ box: Box) {
    minX = box.minX
    minY = box.minY
    // A territory of one point, or of points on one line, has no extent on an axis.
    perX = box.maxX > box.minX ? 65_535 / (box.maxX - box.minX) : 0
    perY = box.maxY > box.minY ? 65_535 / (box.maxY - box.minY) : 0
  }

  @inline(__always)
  func position(x: Double, y: Double) -> UInt32 {
    hilbertPosition(cell((x - minX) * perX), cell((y - minY) * perY))
  }

  @inline(__always)
  private func cell(_ value: Double) -> UInt32 {
    value > 0 ? UInt32(min(value, 65_535)) : 0
  }
}

/// The order of points along the Hilbert curve over their extent: element i says which point comes i-th. Ties keep their order;
/// points that are not finite are placed anywhere.
public func hilbertOrder(xs: FlatArray<Double>, ys: FlatArray<Double>) -> FlatArray<UInt32> {
  precondition(xs.count == ys.count, "as many ys as xs")
  var box = Box.empty
  for index in 0..<xs.count where xs.pointer[index].isFinite && ys.pointer[index].isFinite {
    box.extend(x: xs.pointer[index], y: ys.pointer[index])
  }
  let grid = HilbertGrid(box)
  return orderByKey(count: xs.count) { grid.position(x: xs.pointer[$0], y: ys.pointer[$0]) }
}

/// The indices 0 ..< count in ascending order of their keys; equal keys keep their order.
func orderByKey(count: Int, _ key: (Int) -> UInt32) -> FlatArray<UInt32> {
  // A radix sort, least significant digit first, on words of key and index.
  let digitBits = 11
  var from = UnsafeMutablePointer<UInt64>.allocate(capacity: max(1, count))
  var to = UnsafeMutablePointer<UInt64>.allocate(capacity: max(1, count))
  defer {
    from.deallocate()
    to.deallocate()
  }
  for index in 0..<count { from[index] = UInt64(key(index)) << 32 | UInt64(UInt32(index)) }
  for pass in 0..<3 {
    let shift = UInt64(32 + pass * digitBits)
    var starts = [Int](repeating: 0, count: 1 << digitBits)
    for index in 0..<count { starts[Int(from[index] >> shift & 0x7FF)] += 1 }
    var sum = 0
    for digit in starts.indices {
      let digitCount = starts[digit]
      starts[digit] = sum
      sum += digitCount
    }
    for index in 0..<count {
      let digit = Int(from[index] >> shift & 0x7FF)
      to[starts[digit]] = from[index]
      starts[digit] += 1
    }
    swap(&from, &to)
  }
  return FlatArray(count: count) { order in
    for index in 0..<count { order[index] = UInt32(truncatingIfNeeded: from[index]) }
  }
}
