// The edges of a cell side by side, so that they are divided among its parts many at once.

internal import CCellParts

/// The edges of a cell that is being divided, one lane each, 64 lanes a word.
///
/// Consecutive edges stand in consecutive lanes, and the last vertex of a run has a lane of its own, which is no edge. The edges of a block that lies in
/// one part as a whole share a lane, which starts in the middle of their box and goes to the next lane's start: it is in that part as well, and meets nothing either.
/// Where the grid's units are too coarse to say so, the first edge is asked, and its answer is that of all of them.
/// Its owner frees it.
struct EdgeLanes {
  /// A polygon of the cell, and what has been found of it.
  struct Polygon: BitwiseCopyable {
    let id: UInt32
    /// One bit for each part: whether the polygon holds the part's reference point; above them likewise, whether it touches the part with an edge. In one
    /// word, which the processor hands on from a store to the next load, as it does not a half of one.
    private var marks: UInt32

    init(_ id: UInt32, holding parts: UInt16) {
      self.id = id
      marks = UInt32(parts)
    }

    @inline(__always)
    mutating func cross(_ parts: UInt16) { marks ^= UInt32(parts) }

    @inline(__always)
    mutating func touch(_ part: Int) { marks |= 0x1_0000 &<< UInt32(truncatingIfNeeded: part) }

    @inline(__always)
    func holdsReference(of part: Int) -> Bool { marks &>> UInt32(truncatingIfNeeded: part) & 1 != 0 }

    /// 1 if it covers all of a part, otherwise 0.
    @inline(__always)
    func covers(_ part: Int) -> Int {
      Int(truncatingIfNeeded: (marks & ~(marks &>> 16)) &>> UInt32(truncatingIfNeeded: part) & 1)
    }
  }

  private static let wordLanes = 64
  private static let partCount = 16
  /// Lanes are written sixteen at a time, and read likewise.
  private static let spillLanes = 16
  /// In cells with fewer edges few blocks lie in one part.
  private static let blocksEdgesMin = 1024
  /// The first part of each quarter of 4 by 4 parts, one bit for each.
  private static let quarters: UInt16 = 0x0505

  private(set) var polygons = GrowingBuffer<Polygon>()
  private var count = 0
  private var capacity = 0
  /// Whether a lane may have more than one edge.
  private var hasBlocks = false
  /// Where each lane's edges start, in the units of the grid.
  private var columns = UnsafeMutablePointer<Int16>.allocate(capacity: 0)
  private var rows = UnsafeMutablePointer<Int16>.allocate(capacity: 0)
  /// And at which vertex.
  private var vertices = UnsafeMutablePointer<UInt32>.allocate(capacity: 0)
  /// Each lane's place in `polygons`.
  private var polygonOfLane = UnsafeMutablePointer<UInt32>.allocate(capacity: 0)
  /// One bit for each lane: does it have edges?
  private var edges = UnsafeMutablePointer<UInt64>.allocate(capacity: 0)
  /// For each word of lanes, and for each part, one bit for each lane: does it touch the part?
  private var lanesOfParts = UnsafeMutablePointer<UInt64>.allocate(capacity: 0)
  /// The lanes that have no edges.
  private var ends = GrowingBuffer<UInt32>()

  init() { grow(toLanes: 1024) }

  func free() {
    polygons.free()
    columns.deallocate()
    rows.deallocate()
    vertices.deallocate()
    polygonOfLane.deallocate()
    edges.deallocate()
    lanesOfParts.deallocate()
    ends.free()
  }

  /// Makes room for as many lanes, and those that are read or written behind them.
  @inline(never)
  private mutating func grow(toLanes lanes: Int) {
    capacity = max(2 * capacity, (lanes + Self.spillLanes) / Self.wordLanes * Self.wordLanes + Self.wordLanes)
    Self.move(&columns, count, capacity)
    Self.move(&rows, count, capacity)
    Self.move(&vertices, count, capacity)
    Self.move(&polygonOfLane, count, capacity)
    Self.move(&edges, 0, capacity / Self.wordLanes)
    Self.move(&lanesOfParts, 0, capacity / Self.wordLanes * Self.partCount)
  }

  private static func move<Element: BitwiseCopyable>(
    _ elements: inout UnsafeMutablePointer<Element>, _ count: Int, _ capacity: Int
  ) {
    let moved = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
    moved.update(from: elements, count: count)
    elements.deallocate()
    elements = moved
  }

  var wordCount: Int { (count + Self.wordLanes - 1) / Self.wordLanes }

  /// Replaces the lanes by those of a cell's runs, which ascend by polygon.
  mutating func load(
    _ runs: UnsafeBufferPointer<EdgeRun>, edgeCount: Int, _ source: FrameVertices, _ grid: PartGrid
  ) {
    count = 0
    polygons.removeAll()
    ends.removeAll()
    hasBlocks = edgeCount > Self.blocksEdgesMin
    var polygon = UInt32.max
    for index in 0..<runs.count {
      let run = runs[index]
      if index + 4 < runs.count {
        let next = runs[index + 4]
        source.prefetch(next.firstVertex)
        if hasBlocks { source.prefetchBoxes(next.firstVertex, edgeCount: next.edgeCount) }
      }
      if run.polygon != polygon {
        polygon = run.polygon
        polygons.append(Polygon(polygon, holding: run.holdsReference ? grid.all : 0))
      }
      if hasBlocks && run.edgeCount > FrameVertices.blockEdgeCount {
        let box = source.box(ofPolygon: run.polygon)
        if grid.isInOnePart(box) {
          append(run.firstVertex, box.middle, grid)
          append(run.firstVertex + run.edgeCount, box.middle, grid)
        } else {
          appendBlocks(run, source, grid)
        }
      } else {
        append(run.firstVertex, Int(run.edgeCount) + 1, source, grid)
      }
      ends.append(UInt32(truncatingIfNeeded: count - 1))
    }
    edges.update(repeating: .max, count: wordCount)
    for end in ends.buffer { edges[Int(end) / Self.wordLanes] &= ~(1 &<< UInt64(end)) }
    let lastLanes = UInt64(count % Self.wordLanes)
    if lastLanes > 0 { edges[wordCount - 1] &= ~(.max &<< lastLanes) }
  }

  /// Appends the lanes of a long run: one for each block that lies in one part, whose vertices need not be fetched, as its box says where the lane starts.
  private mutating func appendBlocks(_ run: EdgeRun, _ source: FrameVertices, _ grid: PartGrid) {
    var vertex = run.firstVertex
    let end = vertex + run.edgeCount
    var last: SIMD2<Int32>?
    while vertex < end {
      let (box, next) = Self.block(from: vertex, to: end, source, grid)
      if grid.isInOnePart(box) {
        append(vertex, box.middle, grid)
        last = box.middle
      } else {
        append(vertex, Int(next - vertex), source, grid)
        last = nil
      }
      vertex = next
    }
    append(end, last ?? source.place(of: end), grid)
  }

  /// The edges from a vertex on that are looked at together: as many as share a box, if they lie in one part, otherwise few.
  @inline(__always)
  private static func block(
    from vertex: UInt32, to end: UInt32, _ source: FrameVertices, _ grid: PartGrid
  ) -> (box: FrameBox, next: UInt32) {
    let many = FrameVertices.manyBlocks(from: vertex, to: end)
    if many > 0 {
      let box = source.box(ofManyFrom: vertex)
      if grid.isInOnePart(box) { return (box, vertex + many) }
      source.prefetchVertices(from: vertex, to: vertex + many)
    }
    return (source.box(of: vertex), min(end, FrameVertices.end(ofBlockOf: vertex)))
  }

  /// Appends one lane, which starts at a place.
  @inline(__always)
  private mutating func append(_ vertex: UInt32, _ place: SIMD2<Int32>, _ grid: PartGrid) {
    if count + Self.spillLanes >= capacity { grow(toLanes: count + 1) }
    (columns[count], rows[count]) = grid.units(place)
    vertices[count] = vertex
    polygonOfLane[count] = UInt32(truncatingIfNeeded: polygons.count - 1)
    count += 1
  }

  /// Appends the lanes of so many vertices, sixteen at a time: so most runs end where the processor expects it.
  @inline(__always)
  private mutating func append(_ vertex: UInt32, _ some: Int, _ source: FrameVertices, _ grid: PartGrid) {
    if count + some + Self.spillLanes > capacity { grow(toLanes: count + some) }
    let numbers = source.numbers(from: vertex)
    let polygon = SIMD4(repeating: UInt32(truncatingIfNeeded: polygons.count - 1))
    var four = SIMD4(repeating: vertex) &+ SIMD4(0, 1, 2, 3)
    var done = 0
    repeat {
      let first = count &+ done
      grid.writeUnits(numbers + 2 * done, columns: columns + first, rows: rows + first)
      let (vertices, polygons) = (
        UnsafeMutableRawPointer(vertices + first), UnsafeMutableRawPointer(polygonOfLane + first)
      )
      for offset in stride(from: 0, to: 4 * Self.spillLanes, by: 16) {
        vertices.storeBytes(of: four, toByteOffset: offset, as: SIMD4<UInt32>.self)
        polygons.storeBytes(of: polygon, toByteOffset: offset, as: SIMD4<UInt32>.self)
        four &+= SIMD4(repeating: 4)
      }
      done &+= Self.spillLanes
    } while done < some
    count += some
  }

  /// Finds which parts the edges in a word touch, by their boxes, and what else is to be asked about them.
  @inline(__always)
  mutating func find(_ word: Int, _ grid: PartGrid) -> FoundLanes {
    let first = word * Self.wordLanes
    let found = ccellparts_find(
      lanesOfParts + Self.partCount * word, columns + first, rows + first, edges[word],
      Int32(truncatingIfNeeded: min(Self.wordLanes, count - first)), grid.ownUnits)
    let rows = found.meeting_rows
    return FoundLanes(
      oblique: found.oblique, meetingColumn: found.meeting_column,
      meetingRows: SIMD4(rows.0, rows.1, rows.2, rows.3))
  }

  /// The first vertex of a lane's edges.
  @inline(__always)
  func vertex(_ word: Int, _ lane: Int) -> UInt32 { vertices[word &* Self.wordLanes &+ lane] }

  /// Says that a lane does not touch a part.
  @inline(__always)
  mutating func remove(_ word: Int, _ lane: Int, from part: Int) {
    lanesOfParts[Self.partCount &* word &+ part] &= ~(1 &<< UInt64(truncatingIfNeeded: lane))
  }

  /// Says that a lane lies between the cell's reference point and those of some parts: one bit for each.
  @inline(__always)
  mutating func cross(_ word: Int, _ lane: Int, parts: UInt16) {
    let polygon = Int(polygonOfLane[word &* Self.wordLanes &+ lane])
    polygons.pointer[polygon].cross(parts)
  }

  /// Joins the parts of each quarter of 4 by 4 parts whose edges are few enough for one leaf: its first part then has those of all four.
  /// - Returns: the first parts of those quarters, one bit for each.
  mutating func joinQuarters() -> UInt16 {
    // Lanes that stand for many edges are not counted.
    if hasBlocks { return 0 }
    var joined: UInt16 = 0
    for first in SetBits(Self.quarters) where isLeaf(quarter: first) {
      joined |= 1 &<< UInt16(truncatingIfNeeded: first)
      for word in 0..<wordCount {
        lanesOfParts[Self.partCount &* word &+ first] = lanes(ofQuarter: first, word)
      }
    }
    return joined
  }

  /// The lanes in a word that touch a quarter, given the number of its first part.
  @inline(__always)
  private func lanes(ofQuarter first: Int, _ word: Int) -> UInt64 {
    let parts = lanesOfParts + (Self.partCount &* word &+ first)
    return parts[0] | parts[1] | parts[4] | parts[5]
  }

  @inline(__always)
  private func isLeaf(quarter first: Int) -> Bool {
    var vertexCount = 0
    for word in 0..<wordCount {
      let touching = lanes(ofQuarter: first, word)
      vertexCount &+= (touching | touching &<< 1).nonzeroBitCount &+ Int(touching &>> 63)
      if vertexCount > CompactLeaf.vertexCountMax { return false }
    }
    return true
  }

  /// Puts a part on the stack: the edges that touch it, and the polygons that cover all of it.
  /// - Parameter wholes: those that cover all of the cell.
  @inline(__always)
  mutating func part(_ number: Int, wholes: StackRange, _ stack: inout CellStack) -> CellPart {
    let firstRun = stack.height.runs
    var last = UInt32.max
    var edgeCount = 0
    var before: UInt64 = 0
    for word in 0..<wordCount {
      let touching = lanesOfParts[Self.partCount &* word &+ number]
      defer { before = touching }
      if touching == 0 { continue }
      // The first lane of each run, and its last one.
      var starts = touching & ~(touching &<< 1)
      var ends = touching & ~(touching &>> 1)
      let firstLane = word &* Self.wordLanes
      let runs = stack.nextRuns(room: Self.wordLanes / 2)
      var next = runs
      if before &>> 63 & touching != 0 {
        // The last run of the word before goes on.
        let more = vertices[firstLane &+ ends.trailingZeroBitCount &+ 1] &- vertices[firstLane]
        runs[-1].edgeCount &+= more
        edgeCount &+= Int(more)
        starts &= starts &- 1
        ends &= ends &- 1
      }
      while starts != 0 {
        let lane = firstLane &+ starts.trailingZeroBitCount
        let end = firstLane &+ ends.trailingZeroBitCount &+ 1
        starts &= starts &- 1
        ends &= ends &- 1
        let vertex = vertices[lane]
        let more = vertices[end] &- vertex
        edgeCount &+= Int(more)
        let polygon = polygonOfLane[lane]
        let isNew = polygon != last
        last = polygon
        let entry = polygons.pointer + Int(polygon)
        entry.pointee.touch(number)
        next.initialize(
          to: EdgeRun(
            polygon: entry.pointee.id, holdsReference: isNew && entry.pointee.holdsReference(of: number),
            firstVertex: vertex, edgeCount: more))
        next += 1
      }
      stack.append(writtenRuns: next - runs)
    }
    let covering = stack.merge(wholes, polygons.buffer) { $0.covers(number) }
    return CellPart(
      runs: StackRange(first: firstRun, count: stack.height.runs - firstRun), edgeCount: edgeCount,
      wholes: covering)
  }
}

/// What has been found of the edges in a word of lanes: one bit for each.
struct FoundLanes {
  /// Whether there may be a part that the edge's box touches and its line does not.
  let oblique: UInt64
  /// Whether it may meet the column of the cell's reference point.
  let meetingColumn: UInt64
  /// And each of the lines of reference points.
  let meetingRows: SIMD4<UInt64>
}
