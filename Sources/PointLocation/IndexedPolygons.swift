// Polygons with all that is built over them; each is named by its slot, its place in the set.

/// A set of polygons, the packed R-tree over their bounds and the cell index over their edges.
struct IndexedPolygons: Sendable {
  let polygons: PolygonSet
  /// Items are slots in the order of `order`.
  let tree: PackedRTree
  let order: FlatArray<UInt32>
  let cells: CellIndex

  static let none = IndexedPolygons(PolygonSetBuilder().build(), .one)

  init(_ polygons: PolygonSet, _ processors: Processors) {
    self.polygons = polygons
    var extent = Box.empty
    for box in polygons.boxes.buffer { extent.extend(box) }
    let grid = HilbertGrid(extent)
    let boxes = polygons.boxes
    let order = orderByKey(count: boxes.count) { slot in
      let box = boxes.pointer[slot]
      return grid.position(x: (box.minX + box.maxX) / 2, y: (box.minY + box.maxY) / 2)
    }
    self.order = order
    tree = PackedRTree(itemCount: boxes.count) { boxes.pointer[Int(order.pointer[$0])] }
    cells = CellIndex(polygons, bounds: extent, processors)
  }

  /// Parts that are known to fit together.
  init(polygons: PolygonSet, tree: PackedRTree, order: FlatArray<UInt32>, cells: CellIndex) {
    self.polygons = polygons
    self.tree = tree
    self.order = order
    self.cells = cells
  }

  var count: Int { polygons.count }

  var byteCount: Int { polygons.byteCount + tree.byteCount + order.byteCount + cells.byteCount }

  /// Appends the slots of the polygons that cover a point, ascending.
  @inline(__always)
  func covering(x: Double, y: Double, into hits: inout HitList) {
    cells.covering(polygons.coordinates.pointer, x: x, y: y, into: &hits)
  }

  /// What the leaf that holds a point says about it, for `append`.
  @inline(__always)
  func answer(x: Double, y: Double) -> CellAnswer {
    cells.answer(polygons.coordinates.pointer, x: x, y: y)
  }

  /// The same for up to `CellBatch.size` points at once.
  @inline(__always)
  func ask(
    about xs: UnsafePointer<Double>, _ ys: UnsafePointer<Double>, count: Int, _ batch: inout CellBatch
  ) {
    batch.ask(cells, polygons.coordinates.pointer, xs: xs, ys: ys, count: count)
  }

  /// The same for points that lie close together, where the index is small: one bit for each.
  func ask(
    about xs: UnsafePointer<Double>, _ ys: UnsafePointer<Double>, neighbours points: UInt32,
    _ batch: inout CellBatch
  ) {
    batch.ask(cells, polygons.coordinates.pointer, xs: xs, ys: ys, neighbours: points)
  }

  /// Appends the slots of the polygons that an answer about a point stands for, ascending.
  @inline(__always)
  func append(_ answer: CellAnswer, x: Double, y: Double, to hits: inout HitList) {
    cells.append(answer, polygons.coordinates.pointer, x: x, y: y, to: &hits)
  }
}
