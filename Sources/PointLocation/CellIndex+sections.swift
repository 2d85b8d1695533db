// A cell index to and from flat sections.

extension CellIndex {
  /// Appends the sections of the index; `prefix` stands before their names. The frame and the root's size follow from the polygons and the sections.
  func write(_ prefix: String, to writer: inout SectionWriter) {
    writer.append("\(prefix)cells.root", root)
    writer.append("\(prefix)cells.nodes", nodes)
    writer.append("\(prefix)cells.leaves", leaves)
    writer.append("\(prefix)cells.setStarts", setStarts)
    writer.append("\(prefix)cells.setMembers", setMembers)
  }

  /// Checks that no query can leave the arrays or walk in a circle. That the cells say what is true of the polygons is for
  /// the file's checksum to vouch for.
  init(
    validating reader: inout SectionReader, _ prefix: String, _ polygons: PolygonSet, bounds: Box
  ) throws(SectionError) {
    frame = CellFrame(bounds)
    root = try reader.take("\(prefix)cells.root", as: UInt32.self)
    rootBits = root.count.trailingZeroBitCount / 2
    guard root.count > 0, rootBits <= Self.bits, root.count == 1 << (2 * rootBits) else {
      throw .count(section: "\(prefix)cells.root", found: root.count, expected: "a power of four")
    }
    nodes = try reader.take("\(prefix)cells.nodes", as: UInt32.self)
    guard nodes.count % 16 == 0 else {
      throw .count(section: "\(prefix)cells.nodes", found: nodes.count, expected: "blocks of 16")
    }
    leaves = try reader.take("\(prefix)cells.leaves", as: UInt32.self)
    (setStarts, setMembers) = try reader.takeSets("\(prefix)cells", memberCount: polygons.count)
    try checkEntries(prefix, polygons)
  }

  private func checkEntries(_ prefix: String, _ polygons: PolygonSet) throws(SectionError) {
    // The bits of a place that are left below a block; -1 where nothing leads to the block.
    var bitsLeft = [Int8](repeating: -1, count: nodes.count / 16)
    let rootFault = fault(
      in: root.buffer, from: 0, after: -1, left: Self.bits - rootBits, polygons, &bitsLeft)
    if let rootFault { throw fault("\(prefix)cells.root", rootFault, root) }
    // A block comes after the one that leads to it, so that one pass sees all, and no way is a circle.
    for block in 0..<bitsLeft.count where bitsLeft[block] >= 0 {
      let entries = UnsafeBufferPointer(start: nodes.pointer + block * 16, count: 16)
      let left = Int(bitsLeft[block])
      if let index = fault(in: entries, from: block * 16, after: block, left: left, polygons, &bitsLeft) {
        throw fault("\(prefix)cells.nodes", index, nodes)
      }
    }
  }

  private func fault(_ section: String, _ index: Int, _ entries: FlatArray<UInt32>) -> SectionError {
    .element(
      section: section, index: index, found: "0x" + String(entries[index], radix: 16),
      expected: "a set, a leaf of edges or a later block")
  }

  /// The index, counted from `first`, of the first entry that cannot stand there.
  private func fault(
    in entries: UnsafeBufferPointer<UInt32>, from first: Int, after block: Int, left: Int,
    _ polygons: PolygonSet, _ bitsLeft: inout [Int8]
  ) -> Int? {
    let setCount = setCount
    for (offset, entry) in entries.enumerated() {
      let value = Int(entry & ~Self.tagMask)
      let fits: Bool
      switch entry & Self.tagMask {
      case 0: fits = value < setCount
      case Self.edgeLeafTag: fits = isLeaf(at: value, polygons)
      case Self.nodeTag:
        fits = value > block && value < bitsLeft.count && left >= 2 && bitsLeft[value] < 0
        if fits { bitsLeft[value] = Int8(left - 2) }
      default: fits = false
      }
      if !fits { return first + offset }
    }
    return nil
  }

  /// Whether an edge leaf stands there whole, and its runs are edges of the polygons.
  private func isLeaf(at offset: Int, _ polygons: PolygonSet) -> Bool {
    guard leaves.count - offset >= Self.leafHeaderWords else { return false }
    let leaf = leaves.pointer + offset
    let header = LeafHeader(word: leaf[1])
    guard Int(leaf[0]) < setCount, header.runCount > 0, header.reference <= CellFrame.outsideReference,
      header.level <= Self.bits / 2,
      (leaves.count - offset - Self.leafHeaderWords) / Self.runWords >= header.runCount
    else { return false }
    var previous = -1
    for index in 0..<header.runCount {
      let run = leaf + Self.leafHeaderWords + index * Self.runWords
      let head = EdgeRunHead(word: run[0])
      let polygon = Int(head.polygon)
      guard polygon >= previous, polygon < polygons.count else { return false }
      // The polygon's first run says whether the reference point is inside.
      if polygon == previous && head.holdsReference { return false }
      previous = polygon
      let first = polygons.ringStarts.pointer[Int(polygons.polygonStarts.pointer[polygon])]
      let end = polygons.ringStarts.pointer[Int(polygons.polygonStarts.pointer[polygon + 1])]
      guard run[1] >= first, Int(run[1]) + head.edgeCount < Int(end) else { return false }
    }
    return true
  }
}
