// Answers about many points at once, so that they wait for memory together.

internal import CCacheLine

/// What the cells say about up to `size` points. Each step is taken for all of them before the next one, so that their cache misses overlap:
/// group prefetching, after Chen, Ailamaki, Gibbons and Mowry, *Improving Hash Join Performance through Prefetching* (ICDE 2004).
/// Keep one per thread.
struct CellBatch: ~Copyable {
  static let size = 32

  private let places: UnsafeMutablePointer<CellPlace>
  private let units: UnsafeMutablePointer<CompactUnits>
  /// The answers of the last batch.
  let answers: UnsafeMutablePointer<CellAnswer>

  init() {
    places = .allocate(capacity: Self.size)
    places.initialize(repeating: CellPlace(u: 0, v: 0, column: 0, row: 0), count: Self.size)
    units = .allocate(capacity: Self.size)
    units.initialize(repeating: CompactUnits(x: 0, y: 0), count: Self.size)
    answers = .allocate(capacity: Self.size)
    answers.initialize(repeating: CellAnswer(entry: 0), count: Self.size)
  }

  deinit {
    places.deallocate()
    units.deallocate()
    answers.deallocate()
  }

  /// Finds the answers about `count` points.
  mutating func ask(
    _ cells: CellIndex, _ coordinates: UnsafePointer<Double>, xs: UnsafePointer<Double>,
    ys: UnsafePointer<Double>, count: Int
  ) {
    precondition(count <= Self.size, "a batch of points")
    for point in 0..<count {
      answers[point] = CellAnswer(entry: 0)
      guard let place = cells.frame.place(x: xs[point], y: ys[point]) else { continue }
      places[point] = place
      answers[point].entry = cells.rootEntry(place)
    }
    for point in 0..<count {
      answers[point].entry = cells.leafEntry(below: answers[point].entry, places[point])
    }
    // The first and the second line of each leaf, and then the sets.
    for point in 0..<count {
      cells.compactLeaf(answers[point])?.prefetch()
    }
    for point in 0..<count {
      guard let leaf = cells.compactLeaf(answers[point]) else { continue }
      ccacheline_prefetch(cells.sets.pointer + leaf.set)
    }
    for point in 0..<count {
      guard let leaf = cells.compactLeaf(answers[point]) else { continue }
      answers[point].inside = cells.inside(leaf, places[point], coordinates, x: xs[point], y: ys[point])
    }
  }
  /// Finds the answers about some points that lie close together, by an index that is small enough to be at hand: there is nothing to wait for, and
  /// those that follow each other in a leaf are asked about together.
  /// - Parameter points: one bit for each; its answer stands at its own place.
  mutating func ask(
    _ cells: CellIndex, _ coordinates: UnsafePointer<Double>, xs: UnsafePointer<Double>,
    ys: UnsafePointer<Double>, neighbours points: UInt32
  ) {
    for point in SetBits(points) {
      answers[point] = CellAnswer(entry: 0)
      guard let place = cells.frame.place(x: xs[point], y: ys[point]) else { continue }
      places[point] = place
      answers[point].entry = cells.leafEntry(below: cells.rootEntry(place), place)
    }
    var left = points
    while left != 0 {
      let first = answers[left.trailingZeroBitCount]
      var others = left & (left &- 1)
      while others != 0, answers[others.trailingZeroBitCount].entry == first.entry {
        others &= others &- 1
      }
      if let leaf = cells.compactLeaf(first) { ask(leaf, left ^ others, cells, coordinates, xs, ys) }
      left = others
    }
  }

  /// Finds which of a leaf's polygons cover some points of its cell: the same ones where no edge comes between the points.
  @inline(__always)
  private func ask(
    _ leaf: CompactLeaf, _ points: UInt32, _ cells: CellIndex, _ coordinates: UnsafePointer<Double>,
    _ xs: UnsafePointer<Double>, _ ys: UnsafePointer<Double>
  ) {
    let first = points.trailingZeroBitCount
    let unpacked = UnpackedLeaf(leaf, places[first])
    units[first] = unpacked.units(places[first])
    var (least, most) = (units[first], units[first])
    let others = points & (points &- 1)
    for point in SetBits(others) {
      units[point] = unpacked.units(places[point])
      CompactUnits.extend(&least, &most, by: units[point])
    }
    let areAlike = others != 0 && !unpacked.hasEdge(near: least, most)
    for point in SetBits(areAlike ? points ^ others : points) {
      answers[point].inside = cells.inside(
        unpacked, places[point], units[point], coordinates, x: xs[point], y: ys[point])
    }
    if areAlike {
      for point in SetBits(others) { answers[point].inside = answers[first].inside }
    }
  }
}
