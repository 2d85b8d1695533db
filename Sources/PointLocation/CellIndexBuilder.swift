// Builds a cell index: splits cells where edges crowd, and keeps track of which polygons hold each cell's reference point.

/// Consecutive edges of one polygon.
private struct EdgeRun: BitwiseCopyable {
  /// The polygon, with `CellIndex.insideBit` in its first run of a cell if it holds the cell's reference point.
  var polygon: UInt32
  var firstVertex: UInt32
  var edgeCount: UInt32
}

/// A square of the tree and its reference point, which lies on no edge that touches the square.
private struct Cell {
  var minX: Double
  var minY: Double
  var size: Double
  var referenceX: Double
  var referenceY: Double
}

/// The parts of a cell that is being split; kept for each depth, so that building allocates little.
private final class SplitScratch {
  var runs = [[EdgeRun]](repeating: [], count: 16)
  var edgeCounts = [Int](repeating: 0, count: 16)
  /// The polygons that have edges in the cell and cover all of a part, without touching it with an edge; ascending.
  var wholes = [[UInt32]](repeating: [], count: 16)
  /// The polygons that cover all of the part that is being built.
  var merged: [UInt32] = []
  var cells = [Cell]()

  func reset() {
    for part in 0..<16 {
      runs[part].removeAll(keepingCapacity: true)
      wholes[part].removeAll(keepingCapacity: true)
      edgeCounts[part] = 0
    }
    cells.removeAll(keepingCapacity: true)
  }
}

struct CellIndexBuilder {
  /// A cell with no more edges is not split.
  static let leafEdgesMax = 8
  /// A split that multiplies the edges by more (long edges, which many parts share) must be paid from the budget.
  static let freeGrowth = 2

  private let polygons: PolygonSet
  private let coordinates: UnsafePointer<Double>
  private let frame: CellFrame
  /// How many more copies of edges costly splits may make: it bounds the memory by the number of edges.
  private var budget: Int
  private var nodes: [UInt32] = []
  private var leaves: [UInt32] = []
  private var table = SetTable()
  private let scratch: [SplitScratch]

  static func build(_ polygons: PolygonSet, bounds: Box) -> CellIndex {
    var builder = CellIndexBuilder(polygons, bounds)
    return builder.build()
  }

  private init(_ polygons: PolygonSet, _ bounds: Box) {
    self.polygons = polygons
    coordinates = polygons.coordinates.pointer
    frame = CellFrame(bounds)
    budget = 2 * polygons.vertexCount + 1024
    scratch = (0...CellIndex.bits / 2).map { _ in SplitScratch() }
  }

  private mutating func build() -> CellIndex {
    var runs: [EdgeRun] = []
    var edgeCount = 0
    for polygon in 0..<polygons.count {
      for ring in Int(polygons.polygonStarts[polygon])..<Int(polygons.polygonStarts[polygon + 1]) {
        let first = polygons.ringStarts[ring]
        let count = polygons.ringStarts[ring + 1] - first - 1
        runs.append(EdgeRun(polygon: UInt32(polygon), firstVertex: first, edgeCount: count))
        edgeCount += Int(count)
      }
    }
    // Outside of all polygons, so that no inside bit is set.
    let cell = Cell(
      minX: frame.originX, minY: frame.originY, size: frame.size, referenceX: frame.originX - frame.size,
      referenceY: frame.originY - frame.size)
    let top = entry(cell, runs: runs, edgeCount: edgeCount, wholes: [], depth: 0)
    let (rootBits, root) = flattenTop(top)
    return CellIndex(
      frame: frame, rootBits: rootBits, root: root, nodes: FlatArray(nodes), leaves: FlatArray(leaves),
      setStarts: FlatArray(table.starts), setMembers: FlatArray(table.members))
  }

  /// Writes a cell and all below it, and returns its entry.
  private mutating func entry(
    _ cell: Cell, runs: [EdgeRun], edgeCount: Int, wholes: [UInt32], depth: Int
  ) -> UInt32 {
    if edgeCount <= Self.leafEdgesMax || depth == CellIndex.bits / 2 {
      return leaf(cell, runs, wholes)
    }
    let parts = scratch[depth]
    guard split(cell, runs, into: parts) else { return leaf(cell, runs, wholes) }
    let growth = parts.edgeCounts.reduce(0, +) - edgeCount * Self.freeGrowth
    if growth > 0 {
      if growth > budget { return leaf(cell, runs, wholes) }
      budget -= growth
    }
    let block = nodes.count / 16
    precondition(block < 1 << 30, "too many cells")
    nodes.append(contentsOf: repeatElement(0, count: 16))
    for part in 0..<16 {
      merge(wholes, parts.wholes[part], into: &parts.merged)
      nodes[block * 16 + part] = entry(
        parts.cells[part], runs: parts.runs[part], edgeCount: parts.edgeCounts[part], wholes: parts.merged,
        depth: depth + 1)
    }
    return CellIndex.nodeTag | UInt32(block)
  }

  private mutating func leaf(_ cell: Cell, _ runs: [EdgeRun], _ wholes: [UInt32]) -> UInt32 {
    let set = wholes.withUnsafeBufferPointer { table.intern($0) }
    precondition(set < 1 << 30 && leaves.count < 1 << 30, "too many cells")
    if runs.isEmpty { return set }
    let offset = leaves.count
    let x = cell.referenceX.bitPattern
    let y = cell.referenceY.bitPattern
    leaves.append(set)
    leaves.append(UInt32(runs.count))
    leaves.append(UInt32(truncatingIfNeeded: x))
    leaves.append(UInt32(truncatingIfNeeded: x >> 32))
    leaves.append(UInt32(truncatingIfNeeded: y))
    leaves.append(UInt32(truncatingIfNeeded: y >> 32))
    for run in runs {
      leaves.append(run.polygon)
      leaves.append(run.firstVertex)
      leaves.append(run.edgeCount)
    }
    return CellIndex.edgeLeafTag | UInt32(offset)
  }

  /// Copies the entries of the upper levels into one square, as long as that is no larger than what lies below.
  private func flattenTop(_ top: UInt32) -> (Int, FlatArray<UInt32>) {
    var levels = 0
    while levels < 5 && 16 << (4 * levels) <= max(1, nodes.count) { levels += 1 }
    let side = 1 << (2 * levels)
    let root = FlatArray<UInt32>(count: side * side) { root in
      for row in 0..<side {
        for column in 0..<side {
          var entry = top
          var shift = 2 * levels
          while shift > 0 && entry & CellIndex.tagMask == CellIndex.nodeTag {
            shift -= 2
            let child = (row >> shift & 3) << 2 | column >> shift & 3
            entry = nodes[Int(entry & ~CellIndex.tagMask) << 4 | child]
          }
          root[row * side + column] = entry
        }
      }
    }
    return (2 * levels, root)
  }

  private func merge(_ a: [UInt32], _ b: [UInt32], into result: inout [UInt32]) {
    result.removeAll(keepingCapacity: true)
    var i = 0
    var j = 0
    while i < a.count && j < b.count {
      if a[i] < b[j] {
        result.append(a[i])
        i += 1
      } else {
        result.append(b[j])
        j += 1
      }
    }
    result.append(contentsOf: a[i...])
    result.append(contentsOf: b[j...])
  }
}

extension CellIndexBuilder {
  /// Divides a cell into 4 by 4 parts. False if no reference points were found that miss all edges.
  private func split(_ cell: Cell, _ runs: [EdgeRun], into parts: SplitScratch) -> Bool {
    // Fractions without a simple form: data with round coordinates does not meet them.
    var fraction = 0.482_716_049_317
    for _ in 0..<8 {
      if divide(cell, runs, fraction: fraction, into: parts) { return true }
      fraction += 0.007_318_840_597
    }
    return false
  }

  private func divide(_ cell: Cell, _ runs: [EdgeRun], fraction: Double, into parts: SplitScratch) -> Bool {
    parts.reset()
    let size = cell.size / 4
    let referenceXs = SIMD4<Double>(0, 1, 2, 3) * size + (cell.minX + fraction * size)
    let referenceYs = SIMD4<Double>(0, 1, 2, 3) * size + (cell.minY + (1.03 - fraction) * size)
    for part in 0..<16 {
      parts.cells.append(
        Cell(
          minX: cell.minX + Double(part & 3) * size, minY: cell.minY + Double(part >> 2) * size, size: size,
          referenceX: referenceXs[part & 3], referenceY: referenceYs[part >> 2]))
    }
    let perSize = 1 / size
    let margin = frame.margin
    var index = 0
    while index < runs.count {
      let polygon = runs[index].polygon & ~CellIndex.insideBit
      let inside: UInt32 = runs[index].polygon & CellIndex.insideBit != 0 ? 0xFFFF : 0
      // One bit a part: does the polygon hold the part's reference point, and does it touch the part with an edge?
      var holds = inside
      var touches: UInt32 = 0
      repeat {
        let run = runs[index]
        var edge = coordinates + 2 * Int(run.firstVertex)
        var (ax, ay) = (edge[0], edge[1])
        for vertex in run.firstVertex..<run.firstVertex + run.edgeCount {
          edge += 2
          let (bx, by) = (edge[0], edge[1])
          // Where the edge lies, a margin wider than it is.
          let left = (min(ax, bx) - margin - cell.minX) * perSize
          let right = (max(ax, bx) + margin - cell.minX) * perSize
          let lower = (min(ay, by) - margin - cell.minY) * perSize
          let upper = (max(ay, by) + margin - cell.minY) * perSize
          let firstColumn = left > 0 ? Int(min(left, 4)) : 0
          let lastColumn = right >= 0 ? Int(min(right, 3)) : -1
          let firstRow = lower > 0 ? Int(min(lower, 4)) : 0
          let lastRow = upper >= 0 ? Int(min(upper, 3)) : -1
          if firstColumn == lastColumn && firstRow == lastRow {
            let part = firstRow << 2 | firstColumn
            append(vertex, of: polygon, to: part, parts, &touches)
          } else if firstColumn <= lastColumn && firstRow <= lastRow {
            for row in firstRow...lastRow {
              for column in firstColumn...lastColumn {
                let part = row << 2 | column
                if mayTouch(ax, ay, bx, by, parts.cells[part]) {
                  append(vertex, of: polygon, to: part, parts, &touches)
                }
              }
            }
          }
          if (ax > cell.referenceX) != (bx > cell.referenceX) {
            let side = orientation(ax, ay, bx, by, cell.referenceX, cell.referenceY)
            for row in 0..<4
            where PathCrossing.cornerSide(ax, ay, bx, by, cell.referenceX, referenceYs[row]) != side {
              holds ^= 0xF << UInt32(4 * row)
            }
          }
          if firstRow <= lastRow {
            for row in firstRow...lastRow {
              let y = referenceYs[row]
              if ay == y || by == y { return false }
              if (ay > y) == (by > y) { continue }
              let side = PathCrossing.cornerSide(ax, ay, bx, by, cell.referenceX, y)
              for column in 0..<4 {
                let partSide = orientation(ax, ay, bx, by, referenceXs[column], y)
                if partSide == 0 { return false }
                if partSide != side { holds ^= 1 << UInt32(4 * row + column) }
              }
            }
          }
          (ax, ay) = (bx, by)
        }
        index += 1
      } while index < runs.count && runs[index].polygon == polygon
      for part in 0..<16 where holds >> UInt32(part) & 1 != 0 {
        if touches >> UInt32(part) & 1 == 0 {
          parts.wholes[part].append(polygon)
        } else {
          // The polygon's first run in the part carries the bit.
          var first = parts.runs[part].count - 1
          while first > 0 && parts.runs[part][first - 1].polygon == polygon { first -= 1 }
          parts.runs[part][first].polygon |= CellIndex.insideBit
        }
      }
    }
    return true
  }

  @inline(__always)
  private func append(
    _ vertex: UInt32, of polygon: UInt32, to part: Int, _ parts: SplitScratch, _ touches: inout UInt32
  ) {
    parts.edgeCounts[part] += 1
    touches |= 1 << UInt32(part)
    let last = parts.runs[part].count - 1
    if last >= 0 {
      let run = parts.runs[part][last]
      if run.polygon == polygon && run.firstVertex + run.edgeCount == vertex {
        parts.runs[part][last].edgeCount += 1
        return
      }
    }
    parts.runs[part].append(EdgeRun(polygon: polygon, firstVertex: vertex, edgeCount: 1))
  }

  /// Whether the line through an edge may touch the cell or its margin; false only if it certainly does not.
  @inline(__always)
  private func mayTouch(_ ax: Double, _ ay: Double, _ bx: Double, _ by: Double, _ cell: Cell) -> Bool {
    let half = cell.size / 2
    let dx = bx - ax
    let dy = by - ay
    let fromMiddleX = cell.minX + half - ax
    let fromMiddleY = cell.minY + half - ay
    let offset = (dx * fromMiddleY - dy * fromMiddleX).magnitude
    let reach = (half + frame.margin) * (dx.magnitude + dy.magnitude)
    // The differences are rounded by less than the margin's thousandth; the products by less than 2^-51 of themselves.
    let error = (dx * fromMiddleY).magnitude * 0x1p-50 + (dy * fromMiddleX).magnitude * 0x1p-50
    return offset <= reach * 1.001 + error
  }
}
