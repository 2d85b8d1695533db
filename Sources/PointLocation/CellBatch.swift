// Answers about many points at once, so that they wait for memory together.

internal import CCacheLine

/// What the cells say about up to `size` points. Each step is taken for all of them before the next one, so that their cache misses overlap:
/// group prefetching, after Chen, Ailamaki, Gibbons and Mowry, *Improving Hash Join Performance through Prefetching* (ICDE 2004).
/// Keep one per thread.
struct CellBatch: ~Copyable {
  static let size = 32

  private let places: UnsafeMutablePointer<CellPlace>
  /// The answers of the last batch.
  let answers: UnsafeMutablePointer<CellAnswer>

  init() {
    places = .allocate(capacity: Self.size)
    places.initialize(repeating: CellPlace(u: 0, v: 0, column: 0, row: 0), count: Self.size)
    answers = .allocate(capacity: Self.size)
    answers.initialize(repeating: CellAnswer(entry: 0), count: Self.size)
  }

  deinit {
    places.deallocate()
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
}
