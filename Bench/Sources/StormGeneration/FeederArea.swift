// The part of the street grid that an outage has darkened, and the polygon that a GIS team would draw around it.

import OutageModel

/// A stretch of line between two neighbouring crossings.
public struct LineSpan: Hashable, Comparable, Sendable {
  public var from, to: StreetNode

  public static func < (a: Self, b: Self) -> Bool { (a.from, a.to) < (b.from, b.to) }
}

/// The spans that are out, in the order in which the outage took them, and how widely the area is drawn around them.
public struct FeederArea: Sendable {
  public var spans: [LineSpan]
  public var halfWidthMetres: Double
  public var quadrantSegments: Int32

  public var nodes: Set<StreetNode> { Set(spans.flatMap { [$0.from, $0.to] }) }
}

extension FeederArea {
  /// Walks out from a crossing along trunk, laterals and ties, a span at a time, without touching the nodes in `avoiding`.
  ///
  /// The trunk runs across the streets at the middle of each feeder cell and laterals along every street; one avenue in five
  /// ties two streets, which closes loops and so leaves holes.
  static func growth(
    in town: Town, cells: ClosedRange<Int>, start: StreetNode, spanCount: Int,
    avoiding taken: Set<StreetNode>, keeping begun: [LineSpan] = [], loopChance: Double,
    random: inout SplitMix64
  ) -> [LineSpan] {
    let bounds = cells.map { cell in
      let corner = town.node(cell: cell, column: 0, row: 0)
      return (
        columns: corner.column...(corner.column + town.feederColumns),
        rows: corner.row...(corner.row + town.feederRows - 1)
      )
    }
    func inside(_ node: StreetNode) -> Bool {
      bounds.contains { $0.columns.contains(node.column) && $0.rows.contains(node.row) }
    }
    var spans = begun
    var reached = Set(begun.flatMap { [$0.from, $0.to] })
    reached.insert(start)
    var frontier: [LineSpan] = []
    func extend(from node: StreetNode, random: inout SplitMix64) {
      let trunk = node.column % town.feederColumns == town.feederColumns / 2
      for (columns, rows) in [(1, 0), (-1, 0), (0, 1), (0, -1)] {
        var next = node
        next.column += columns
        next.row += rows
        guard inside(next), !taken.contains(next) else { continue }
        if rows != 0, !trunk, !random.chance(loopChance) { continue }
        frontier.append(LineSpan(from: min(node, next), to: max(node, next)))
      }
    }
    for node in reached.sorted() { extend(from: node, random: &random) }
    while spans.count < spanCount, !frontier.isEmpty {
      // The younger half of the frontier is drawn from more often: long branches, not discs.
      let index =
        random.chance(0.6)
        ? frontier.count - 1 - random.below((frontier.count + 1) / 2) : random.below(frontier.count)
      let span = frontier.remove(at: index)
      guard !spans.contains(span) else { continue }
      if reached.contains(span.from), reached.contains(span.to), !random.chance(loopChance * 2) { continue }
      spans.append(span)
      for node in [span.from, span.to] where reached.insert(node).inserted {
        extend(from: node, random: &random)
      }
    }
    return spans
  }

  /// The polygon or multipolygon around the spans, in WGS 84 with seven decimals, shells counter-clockwise; `nil` where rounding or GEOS left it invalid.
  func outline(in town: Town, geos: GEOSContext) -> OutageArea? {
    let lines = spans.map { (town.position($0.from), town.position($0.to)) }
    let polygons = geos.corridor(
      along: lines, halfWidthMetres: halfWidthMetres, quadrantSegments: quadrantSegments)
    guard !polygons.isEmpty else { return nil }
    let area = OutageArea(
      polygons: polygons.map { rings in
        rings.enumerated().map { index, ring in
          var vertices: [LonLat] = []
          for vertex in ring.map(town.frame.lonLat) where vertices.last != vertex { vertices.append(vertex) }
          return (signedArea(vertices) > 0) == (index == 0) ? vertices : vertices.reversed()
        }
      })
    return geos.isValid(area) ? area : nil
  }
}

/// Twice the area that a closed ring encloses, in square degrees; positive if it runs counter-clockwise.
func signedArea(_ ring: [LonLat]) -> Double {
  zip(ring, ring.dropFirst()).reduce(0) { sum, edge in
    sum + (edge.0.lonDegrees - ring[0].lonDegrees) * (edge.1.latDegrees - ring[0].latDegrees)
      - (edge.1.lonDegrees - ring[0].lonDegrees) * (edge.0.latDegrees - ring[0].latDegrees)
  }
}

extension OutageArea {
  /// Vertices without each ring's repeated last one.
  public var distinctVertexCount: Int { vertexCount - ringCount }
}
