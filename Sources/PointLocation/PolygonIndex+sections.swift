// The indexes and the join to and from flat sections.

extension PolygonIndex {
  /// Appends the sections of the polygons and of all that is built over them; nothing is copied.
  public func write(to writer: inout SectionWriter) {
    base.write("", to: &writer)
    writer.append("polygons.ids", baseIds)
    guard isLayered else { return }
    changes.write("changes.", to: &writer)
    writer.append("changes.ids", changeIds)
  }

  /// An index over sections that `write` made, in memory or mapped from a file.
  ///
  /// No sections, however damaged, make a query read outside of them. Nothing is built but what is compared.
  /// - Throws: `SectionError` for the first thing that does not fit.
  public convenience init(validating reader: inout SectionReader) throws(SectionError) {
    let base = try IndexedPolygons(validating: &reader, "")
    let baseIds = try reader.take("polygons.ids", as: UInt32.self)
    guard baseIds.count > 0 else {
      self.init(
        base: base, baseIds: baseIds, changes: .none, changeIds: FlatArray([]), places: FlatArray([]))
      return
    }
    guard baseIds.count == base.count else {
      throw .count(section: "polygons.ids", found: baseIds.count, expected: "\(base.count) elements, or none")
    }
    let changes = try IndexedPolygons(validating: &reader, "changes.")
    let changeIds: FlatArray<UInt32> = try reader.take("changes.ids", count: changes.count)
    let count = changes.count + baseIds.buffer.count { $0 != .max }
    var places = [PolygonPlace?](repeating: nil, count: count)
    for (section, ids, isChange) in [("polygons.ids", baseIds, false), ("changes.ids", changeIds, true)] {
      var next: UInt32 = 0
      for slot in 0..<ids.count where isChange || ids.pointer[slot] != .max {
        let id = ids.pointer[slot]
        guard id >= next, id < count, places[Int(id)] == nil else {
          throw .element(
            section: section, index: slot, found: "\(id)", expected: "ascending ids, each below \(count) once"
          )
        }
        places[Int(id)] = PolygonPlace(slot: slot, isChange: isChange)
        next = id + 1
      }
    }
    self.init(
      base: base, baseIds: baseIds, changes: changes, changeIds: changeIds,
      places: FlatArray(places.map { $0.unsafelyUnwrapped }))
  }
}

extension IndexedPolygons {
  /// Appends the sections; `prefix` stands before their names.
  fileprivate func write(_ prefix: String, to writer: inout SectionWriter) {
    polygons.write(prefix, to: &writer)
    writer.append("\(prefix)polygons.order", order)
    tree.write("\(prefix)polygons.tree", to: &writer)
    cells.write(prefix, to: &writer)
  }

  fileprivate init(validating reader: inout SectionReader, _ prefix: String) throws(SectionError) {
    let polygons = try PolygonSet(validating: &reader, prefix)
    let order: FlatArray<UInt32> = try reader.take("\(prefix)polygons.order", count: polygons.count)
    var isTaken = [Bool](repeating: false, count: polygons.count)
    for index in 0..<order.count {
      let polygon = Int(order.pointer[index])
      guard polygon < polygons.count, !isTaken[polygon] else {
        throw .element(
          section: "\(prefix)polygons.order", index: index, found: "\(polygon)",
          expected: "each id below \(polygons.count) once")
      }
      isTaken[polygon] = true
    }
    let tree = try PackedRTree(validating: &reader, "\(prefix)polygons.tree", itemCount: polygons.count) {
      polygons.boxes.pointer[Int(order.pointer[$0])]
    }
    let cells = try CellIndex(validating: &reader, prefix, polygons, bounds: tree.bounds)
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
  /// Appends the sections of the join; only numbers of sets that do not stand one after another are copied.
  public func write(to writer: inout SectionWriter) {
    writer.append("coverage.setOfPoint") { [setOfPoint] in setOfPoint.contiguous }
    base.write("coverage.set", to: &writer)
    added.write("coverage.added", to: &writer)
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
    setOfPoint = SetNumbers(try reader.take("coverage.setOfPoint", count: pointCount))
    base = try FlatSets(validating: &reader, "coverage.set")
    added = try FlatSets(validating: &reader, "coverage.added")
    guard base.count > 0, base.members(of: 0).isEmpty else {
      throw .count(section: "coverage.setStarts", found: base.count, expected: "a first set that is empty")
    }
    // Sets that no point has may name what is gone.
    var isChecked = [Bool](repeating: false, count: setCount)
    for point in 0..<pointCount {
      let set = setOfPoint[point]
      guard Int(set) < setCount else {
        throw .element(
          section: "coverage.setOfPoint", index: point, found: "\(set)", expected: "a set below \(setCount)")
      }
      if isChecked[Int(set)] { continue }
      isChecked[Int(set)] = true
      if Int(set) < base.count {
        try base.checkMembers(of: Int(set), "coverage.set", below: polygonCount)
      } else {
        try added.checkMembers(of: Int(set) - base.count, "coverage.added", below: polygonCount)
      }
    }
  }
}
