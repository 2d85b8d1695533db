// The indexes and the join to and from flat sections.

extension PolygonIndex {
  /// Appends the sections of the polygons and of all that is built over them; nothing is copied.
  public func write(to writer: inout SectionWriter) {
    polygons.write(to: &writer)
    writer.append("polygons.order", order)
    tree.write("polygons.tree", to: &writer)
    cells.write(to: &writer)
  }

  /// An index over sections that `write` made, in memory or mapped from a file.
  ///
  /// No sections, however damaged, make a query read outside of them. Nothing is built but what is compared.
  /// - Throws: `SectionError` for the first thing that does not fit.
  public convenience init(validating reader: inout SectionReader) throws(SectionError) {
    let polygons = try PolygonSet(validating: &reader)
    let order: FlatArray<UInt32> = try reader.take("polygons.order", count: polygons.count)
    var isTaken = [Bool](repeating: false, count: polygons.count)
    for index in 0..<order.count {
      let polygon = Int(order.pointer[index])
      guard polygon < polygons.count, !isTaken[polygon] else {
        throw .element(
          section: "polygons.order", index: index, found: "\(polygon)",
          expected: "each id below \(polygons.count) once")
      }
      isTaken[polygon] = true
    }
    let tree = try PackedRTree(validating: &reader, "polygons.tree", itemCount: polygons.count) {
      polygons.boxes.pointer[Int(order.pointer[$0])]
    }
    let cells = try CellIndex(validating: &reader, polygons, bounds: tree.bounds)
    self.init(polygons: polygons, tree: tree, order: order, cells: cells)
  }
}

extension PointIndex {
  /// Appends the sections of the points and their tree; nothing is copied.
  public func write(to writer: inout SectionWriter) {
    writer.append("points.xs", xs)
    writer.append("points.ys", ys)
    tree.write("points.tree", to: &writer)
  }

  /// An index over sections that `write` made, in memory or mapped from a file.
  /// - Throws: `SectionError` for the first thing that does not fit.
  public convenience init(validating reader: inout SectionReader) throws(SectionError) {
    let xs = try reader.take("points.xs", as: Double.self)
    let ys: FlatArray<Double> = try reader.take("points.ys", count: xs.count)
    let tree = try PackedRTree(validating: &reader, "points.tree", itemCount: Self.runCount(xs.count)) {
      Self.bounds(ofRun: $0, xs, ys)
    }
    self.init(xs: xs, ys: ys, tree: tree)
  }
}

extension PointCoverage {
  /// Appends the sections of the join; nothing is copied.
  public func write(to writer: inout SectionWriter) {
    writer.append("coverage.setOfPoint", setOfPoint)
    writer.append("coverage.setStarts", setStarts)
    writer.append("coverage.setMembers", setMembers)
  }

  /// A join over sections that `write` made, in memory or mapped from a file.
  ///
  /// - Parameters:
  ///   - pointCount: how many points it must be of.
  ///   - polygonCount: how many polygons it may name.
  /// - Throws: `SectionError` for the first thing that does not fit.
  public init(
    validating reader: inout SectionReader, pointCount: Int, polygonCount: Int
  ) throws(SectionError) {
    setOfPoint = try reader.take("coverage.setOfPoint", count: pointCount)
    (setStarts, setMembers) = try reader.takeSets("coverage", memberCount: polygonCount)
    for point in 0..<pointCount where Int(setOfPoint.pointer[point]) >= setStarts.count - 1 {
      throw .element(
        section: "coverage.setOfPoint", index: point, found: "\(setOfPoint.pointer[point])",
        expected: "a set below \(setStarts.count - 1)")
    }
  }
}
