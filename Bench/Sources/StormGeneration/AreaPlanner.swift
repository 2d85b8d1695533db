// Finds room for each new outage: a free part of a feeder, or, for the share that is wanted so, a part that lies over another outage.

import OutageModel

/// An area that was placed, with what is needed to grow, shrink and split it.
public struct PlacedArea: Sendable {
  public var shape: FeederArea
  public var town: Town
  public var cells: ClosedRange<Int>
  public var outline: OutageArea
  /// The index of the area over which it was laid on purpose.
  public var overIndex: Int?
  /// Global number of the feeder that feeds most of it.
  public var feeder: Int { town.feeders.lowerBound + cells.lowerBound }
}

/// What share of a layer is to look how.
public struct AreaMix: Sendable {
  /// Share that overlaps an earlier area or lies within it.
  public var overlapShare = 0.15
  public var multipolygonShare = 0.08
  public var holeShare = 0.08
  /// Distinct vertices, drawn so that each doubling is about equally frequent.
  public var vertices = 12...400
  /// The smallest of so many draws counts: more draws, smaller areas.
  public var draws = 1
  /// How much line an area follows for its vertices: with less, rounder corners make up for it.
  public var reach = 1.0

  public init() {}
}

/// Places one area after another; the same seed and calls give the same areas.
public struct AreaPlanner {
  public let plan: TerritoryPlan
  let geos: GEOSContext
  let margin: EdgeMargin?
  private(set) var random: SplitMix64
  private var taken: Set<StreetNode> = []
  public private(set) var placed: [PlacedArea] = []

  /// - Parameter margin: where given, areas are redrawn until no service point lies closer to an edge than the margin.
  public init(plan: TerritoryPlan, seed: UInt64, geos: GEOSContext, margin: EdgeMargin?) {
    self.plan = plan
    self.geos = geos
    self.margin = margin
    random = SplitMix64(seed: seed, keys: 21)
  }

  /// Places the next area.
  public mutating func next(_ mix: AreaMix) -> PlacedArea {
    let (low, high) = (Double(mix.vertices.lowerBound), Double(mix.vertices.upperBound))
    let wantsOverlap = !placed.isEmpty && random.chance(mix.overlapShare)
    let wantsParts = random.chance(mix.multipolygonShare)
    let loopChance = random.chance(mix.holeShare) ? 1.0 : 0.08
    var attempt = 0
    while true {
      attempt += 1
      // A crowded territory has no free place left: then the area lies where chance puts it.
      let ignoresOthers = attempt > 60
      let draws = (0..<mix.draws).map { _ in logUniform(high / low) }
      let target = low * draws.min()!
      guard
        let area = candidate(
          vertices: Int(target), over: wantsOverlap, parts: wantsParts, loopChance: loopChance,
          ignoresOthers: ignoresOthers, mix: mix),
        mix.vertices.contains(area.outline.distinctVertexCount)
      else { continue }
      taken.formUnion(area.shape.nodes)
      placed.append(area)
      return area
    }
  }

  /// The same spans drawn with other widths until the outline is valid, within the vertex limit and clear of service points; `nil` if none is.
  func redrawn(_ shape: FeederArea, in town: Town, vertices: ClosedRange<Int>) -> (FeederArea, OutageArea)? {
    var shape = shape
    for _ in 0..<16 {
      if let outline = shape.outline(in: town, geos: geos) {
        let count = outline.distinctVertexCount
        if count > vertices.upperBound {
          guard shape.quadrantSegments > 2 else { return nil }
          shape.quadrantSegments -= 1
          continue
        }
        if count < vertices.lowerBound {
          shape.quadrantSegments += 1
          continue
        }
        if margin?.isKept(by: outline) ?? true { return (shape, outline) }
      }
      shape.halfWidthMetres += shape.halfWidthMetres > 36 ? -13.3 : 0.9
    }
    return nil
  }

  /// Redraws with rounder ends where the outline has far fewer vertices than wanted.
  private func sized(_ shape: FeederArea, in town: Town, vertices: Int, _ mix: AreaMix) -> (
    FeederArea, OutageArea
  )? {
    guard let drawn = redrawn(shape, in: town, vertices: mix.vertices) else { return nil }
    let count = drawn.1.distinctVertexCount
    guard count * 5 < vertices * 4 else { return drawn }
    var rounder = shape
    rounder.quadrantSegments = Int32(min(40, Int(shape.quadrantSegments) * vertices / count))
    return redrawn(rounder, in: town, vertices: mix.vertices)
  }

  private mutating func candidate(
    vertices: Int, over: Bool, parts: Bool, loopChance: Double, ignoresOthers: Bool,
    mix: AreaMix
  ) -> PlacedArea? {
    let quadrantSegments = Int32(vertices < 20 ? 3 : 3 + random.below(min(6, 1 + vertices / 25)))
    let spanCount = max(
      vertices < 15 ? 1 : 3, Int(Double(vertices) / Double(quadrantSegments * 2) * mix.reach))
    let halfWidthMetres = random.uniform(27..<35)

    if over {
      let index = random.below(placed.count)
      let host = placed[index]
      let start = host.shape.spans[random.below(host.shape.spans.count)]
      let isNested = random.chance(0.5)
      let spans =
        isNested
        ? Array(host.shape.spans.prefix(max(1, min(spanCount, host.shape.spans.count / 2))))
        : FeederArea.growth(
          in: host.town, cells: host.cells, start: start.from, spanCount: spanCount,
          avoiding: ignoresOthers ? [] : taken.subtracting(host.shape.nodes), loopChance: loopChance,
          random: &random)
      let shape = FeederArea(
        spans: spans,
        halfWidthMetres: isNested
          ? max(12, host.shape.halfWidthMetres - random.uniform(5..<9)) : halfWidthMetres,
        quadrantSegments: quadrantSegments)
      guard !spans.isEmpty, let (drawn, outline) = sized(shape, in: host.town, vertices: vertices, mix) else {
        return nil
      }
      return PlacedArea(shape: drawn, town: host.town, cells: host.cells, outline: outline, overIndex: index)
    }

    let feeder = random.below(plan.feederCount)
    let town = plan.town(ofFeeder: feeder)
    let cell = feeder - town.feeders.lowerBound
    // What needs more lines than one feeder has takes the next as well: a substation's outage.
    let spansOfCell = town.feederRows * (town.feederColumns + 1)
    let last = min(town.feeders.count - 1, cell + spanCount * 3 / 2 / spansOfCell)
    let cells = cell...max(cell, last)
    let avoided = ignoresOthers ? [] : taken
    let corner = town.node(cell: cell, column: 0, row: 0)
    func someNode() -> StreetNode {
      StreetNode(
        town: town.index, column: corner.column + random.below(town.feederColumns + 1),
        row: corner.row + random.below(town.feederRows))
    }
    let start = someNode()
    guard !avoided.contains(start) else { return nil }
    var spans = FeederArea.growth(
      in: town, cells: cells, start: start, spanCount: parts ? max(1, spanCount / 2) : spanCount,
      avoiding: avoided, loopChance: loopChance, random: &random)
    if parts {
      let nodes = Set(spans.flatMap { [$0.from, $0.to] })
      let island = someNode()
      guard !nodes.contains(island), !avoided.contains(island) else { return nil }
      spans += FeederArea.growth(
        in: town, cells: cells, start: island, spanCount: max(1, spanCount / 2),
        avoiding: avoided.union(nodes),
        loopChance: loopChance, random: &random)
    }
    guard !spans.isEmpty, spans.count * 2 >= spanCount else { return nil }
    // A feeder's outage is seldom one straight street.
    let nodes = spans.flatMap { [$0.from, $0.to] }
    let isStraight = Set(nodes.map(\.row)).count == 1 || Set(nodes.map(\.column)).count == 1
    guard !isStraight || spanCount == 1 else { return nil }
    let shape = FeederArea(
      spans: spans, halfWidthMetres: halfWidthMetres, quadrantSegments: quadrantSegments)
    guard let (drawn, outline) = sized(shape, in: town, vertices: vertices, mix) else { return nil }
    if parts, outline.polygonCount < 2 { return nil }
    if loopChance == 1, outline.ringCount == outline.polygonCount { return nil }
    return PlacedArea(shape: drawn, town: town, cells: cells, outline: outline, overIndex: nil)
  }

  /// A factor in `1 ..< ratio` whose logarithm is uniform, made of square roots only: they are exact on every machine, `pow` is not.
  private mutating func logUniform(_ ratio: Double) -> Double {
    let bits = random.next()
    var (factor, root) = (1.0, ratio)
    for bit in 0..<12 {
      root = root.squareRoot()
      if bits >> UInt64(bit) & 1 == 1 { factor *= root }
    }
    return factor
  }
}
