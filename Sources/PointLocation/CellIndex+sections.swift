// A cell index to and from flat sections.

extension CellIndex {
  /// Appends the sections of the index; `prefix` stands before their names. The frame and the root's size follow from the polygons and the sections.
  func write(_ prefix: String, to writer: inout SectionWriter) {
    writer.append("\(prefix)cells.root", root)
    writer.append("\(prefix)cells.nodes", nodes)
    writer.append("\(prefix)cells.leaves", leaves)
    writer.append("\(prefix)cells.sets", sets)
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
    guard leaves.count >= CompactLeaf.paddingWords else {
      throw .count(
        section: "\(prefix)cells.leaves", found: leaves.count,
        expected: "at least \(CompactLeaf.paddingWords) elements")
    }
    sets = try reader.take("\(prefix)cells.sets", as: UInt32.self)
    let isSet = try Self.checkSets("\(prefix)cells.sets", sets, memberCount: polygons.count)
    try checkEntries(prefix, polygons, isSet)
  }

  /// Checks the sets, and returns for each word whether a set starts there.
  private static func checkSets(
    _ name: String, _ sets: FlatArray<UInt32>, memberCount: Int
  ) throws(SectionError) -> [Bool] {
    let end = sets.count - setPaddingWords
    guard end > 0, sets.pointer[0] == 0 else {
      throw .count(section: name, found: sets.count, expected: "a first set that is empty")
    }
    var isSet = [Bool](repeating: false, count: end)
    var place = 0
    while place < end {
      isSet[place] = true
      let members = place + 1..<place + 1 + Int(sets.pointer[place])
      guard members.upperBound <= end else {
        throw .element(
          section: name, index: place, found: "\(members.count)",
          expected: "at most \(end - place - 1) members")
      }
      for index in members {
        let member = sets.pointer[index]
        guard index == members.lowerBound || sets.pointer[index - 1] < member, Int(member) < memberCount
        else {
          throw .element(
            section: name, index: index, found: "\(member)", expected: "ascending ids below \(memberCount)")
        }
      }
      place = members.upperBound
    }
    return isSet
  }

  private func checkEntries(
    _ prefix: String, _ polygons: PolygonSet, _ isSet: [Bool]
  ) throws(SectionError) {
    // The bits of a place that are left below a block; -1 where nothing leads to the block.
    var bitsLeft = [Int8](repeating: -1, count: nodes.count / 16)
    let rootFault = fault(
      in: root.buffer, from: 0, after: -1, left: Self.bits - rootBits, polygons, isSet, &bitsLeft)
    if let rootFault { throw fault("\(prefix)cells.root", rootFault, root) }
    // A block comes after the one that leads to it, so that one pass sees all, and no way is a circle.
    for block in 0..<bitsLeft.count where bitsLeft[block] >= 0 {
      let entries = UnsafeBufferPointer(start: nodes.pointer + block * 16, count: 16)
      let left = Int(bitsLeft[block])
      if let index = fault(
        in: entries, from: block * 16, after: block, left: left, polygons, isSet, &bitsLeft)
      {
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
    _ polygons: PolygonSet, _ isSet: [Bool], _ bitsLeft: inout [Int8]
  ) -> Int? {
    for (offset, entry) in entries.enumerated() {
      let value = Int(entry & ~Self.tagMask)
      let fits: Bool
      switch entry & Self.tagMask {
      case 0: fits = value < isSet.count && isSet[value]
      case Self.edgeLeafTag: fits = isEdgeLeaf(at: value, polygons, isSet)
      case Self.compactLeafTag: fits = isCompactLeaf(at: value, polygons, isSet)
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
  private func isEdgeLeaf(at offset: Int, _ polygons: PolygonSet, _ isSet: [Bool]) -> Bool {
    guard leaves.count - offset >= EdgeLeaf.headerWords else { return false }
    let words = leaves.pointer + offset
    let leaf = EdgeLeaf(words)
    let header = leaf.header
    guard leaf.set < isSet.count, isSet[leaf.set], header.runCount > 0,
      header.reference <= CellFrame.outsideReference, header.bits <= Self.bits,
      (leaves.count - offset - EdgeLeaf.headerWords) / EdgeLeaf.runWords >= header.runCount
    else { return false }
    var previous = -1
    for index in 0..<header.runCount {
      let run = words + EdgeLeaf.headerWords + index * EdgeLeaf.runWords
      let head = EdgeRunHead(word: run[0])
      let polygon = Int(head.polygon)
      // The polygon's first run says whether the reference point is inside.
      guard polygon > previous || polygon == previous && !head.holdsReference,
        Self.isRun(from: run[1], edgeCount: head.edgeCount, of: polygon, polygons)
      else { return false }
      previous = polygon
    }
    return true
  }

  /// Whether a compact leaf stands there whole, and its runs are edges of the polygons.
  private func isCompactLeaf(at offset: Int, _ polygons: PolygonSet, _ isSet: [Bool]) -> Bool {
    guard leaves.count - offset >= CompactLeaf.headerWords else { return false }
    let leaf = CompactLeaf(leaves.pointer + offset)
    let header = leaf.header
    guard leaf.set < isSet.count, isSet[leaf.set], 1...CompactLeaf.polygonCountMax ~= header.polygonCount,
      2...CompactLeaf.vertexCountMax ~= header.vertexCount, header.reference < CellFrame.outsideReference,
      header.bits <= Self.bits, CompactLeaf.scaleBitsRange ~= header.scaleBits
    else { return false }
    let edges = UInt64(leaf.edges)
    // Each run has one vertex more than it has edges, and the last vertex has no next one.
    guard edges >> UInt64(header.vertexCount - 1) == 0 else { return false }
    let runCount = header.vertexCount - edges.nonzeroBitCount
    let wordCount = CompactLeaf.wordCount(
      polygonCount: header.polygonCount, vertexCount: header.vertexCount, runCount: runCount)
    // The last leaf's vertices are read with what comes after them.
    guard leaves.count - offset - CompactLeaf.paddingWords >= wordCount else { return false }
    var vertex = 0
    var run = 0
    var previous = -1
    for index in 0..<header.polygonCount {
      let head = leaf.head(index)
      let polygon = Int(head.polygon)
      let end = vertex + Int(head.vertexCount)
      guard polygon > previous, end <= header.vertexCount else { return false }
      previous = polygon
      while vertex < end {
        let edgeCount = (~(edges >> UInt64(vertex))).trailingZeroBitCount
        guard edgeCount > 0, vertex + edgeCount < end,
          Self.isRun(from: leaf.firstVertex(ofRun: run), edgeCount: edgeCount, of: polygon, polygons)
        else { return false }
        vertex += edgeCount + 1
        run += 1
      }
    }
    return vertex == header.vertexCount
  }

  /// Whether so many edges from a vertex on are edges of a polygon.
  private static func isRun(
    from vertex: UInt32, edgeCount: Int, of polygon: Int, _ polygons: PolygonSet
  ) -> Bool {
    guard polygon < polygons.count else { return false }
    let first = polygons.ringStarts.pointer[Int(polygons.polygonStarts.pointer[polygon])]
    let end = polygons.ringStarts.pointer[Int(polygons.polygonStarts.pointer[polygon + 1])]
    return vertex >= first && Int(vertex) + edgeCount < Int(end)
  }
}
