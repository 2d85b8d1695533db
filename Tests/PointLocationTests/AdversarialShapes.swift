// Polygons and points that are hard to tell apart: for each seed a territory of its own.

import PointLocation

/// The rings of one multipolygon.
struct Shape {
  var coordinates: [Double] = []
  var ringStarts: [Int32] = [0]

  mutating func addRing(_ ring: [Double]) {
    coordinates += ring + ring.prefix(2)
    ringStarts.append(Int32(coordinates.count / 2))
  }
}

extension PolygonSet {
  /// One polygon for each shape.
  init(of shapes: some Collection<Shape>) {
    var builder = PolygonSetBuilder()
    for shape in shapes { builder.append(coordinates: shape.coordinates, ringStarts: shape.ringStarts) }
    self = builder.build()
  }
}

/// Makes territories whose polygons are hard for floating-point arithmetic, and all but a few of them valid for GEOS.
struct AdversarialShapes {
  static let kindCount = 14
  var random: SeededRandom
  /// The middle and the half width of the territory; powers of two and halves of them put vertices on the borders of cells.
  let middleX: Double
  let middleY: Double
  let reach: Double
  let isOnGrid: Bool

  init(seed: UInt64) {
    random = SeededRandom(seed: seed)
    let places = [(0.0, 0.0), (-97.5, 35.25), (13.377, 52.516), (179, 89), (-179.5, -89.5), (1e-9, -1e-9)]
    let place = places[random.int(0..<places.count)]
    middleX = place.0
    middleY = place.1
    reach = [0x1p-30, 0x1p-10, 0.1, 0.5, 1][random.int(0..<5)]
    isOnGrid = random.int(0..<2) == 0
  }

  /// The number of the kind with an edge past the origin.
  static let pastTheOrigin = 12

  mutating func shape() -> Shape { shape(ofKind: random.int(0..<Self.kindCount)) }

  mutating func shape(ofKind kind: Int) -> Shape {
    switch kind {
    case 0: star(holes: 0)
    case 1: star(holes: 1)
    case 2: stairs()
    case 3: spikes()
    case 4: neck()
    case 5: touchingHoles()
    case 6: sliver()
    case 7: comb()
    case 8: twoParts()
    case 9: collinearRun()
    case 10: onePoint()
    case 11: line()
    case Self.pastTheOrigin: pastTheOrigin()
    default: world()
    }
  }

  /// Points on and beside the vertices, the edges, their rows and columns, the borders of cells, and anywhere.
  mutating func point(_ polygons: PolygonSet) -> (x: Double, y: Double) {
    func vertex(_ index: Int) -> (Double, Double) {
      (polygons.coordinates[2 * index], polygons.coordinates[2 * index + 1])
    }
    let index = random.int(0..<polygons.vertexCount)
    var (x, y) = vertex(index)
    let other = vertex(random.int(0..<polygons.vertexCount))
    switch random.int(0..<9) {
    case 0: break
    case 8:
      if let point = pointBesideLine(vertex(index), vertex(min(index + 1, polygons.vertexCount - 1))) {
        return point
      }
    case 1, 2:
      let next = vertex(min(index + 1, polygons.vertexCount - 1))
      let share = random.int(0..<3) == 0 ? 0.5 : random.double(0...1)
      (x, y) = (x + (next.0 - x) * share, y + (next.1 - y) * share)
    case 3: x = other.0
    case 4: x = middleX + random.double(-1.1...1.1) * reach
    case 5: y = middleY + random.double(-1.1...1.1) * reach
    case 6:
      // Corners and borders of cells are multiples of powers of two.
      let step = Double(sign: .plus, exponent: reach.exponent - random.int(0..<12), significand: 1)
      x = (x / step).rounded() * step
      if random.int(0..<2) == 0 { y = (y / step).rounded() * step }
    default:
      (x, y) = (middleX + random.double(-1.1...1.1) * reach, middleY + random.double(-1.1...1.1) * reach)
    }
    switch random.int(0..<9) {
    case 0: x = x.nextUp
    case 1: x = x.nextDown
    case 2: y = y.nextUp
    case 3: y = y.nextDown
    default: break
    }
    return (x, y)
  }

  /// A point as close to the line through a and b as doubles have one, near the origin. If the line passes there, coordinates have places there far
  /// beneath those of a and b, and the determinant of the three is a part of its products that no two doubles can hold.
  private mutating func pointBesideLine(
    _ a: (x: Double, y: Double), _ b: (x: Double, y: Double)
  ) -> (x: Double, y: Double)? {
    let (dx, dy) = (b.x - a.x, b.y - a.y)
    if dx == 0 { return nil }
    let x = random.double(-2...2) * Double(sign: .plus, exponent: -random.int(1..<110), significand: 1)
    // a.x * b.y - a.y * b.x without cancellation (Kahan).
    let product = a.y * b.x
    let cross = (-product).addingProduct(a.x, b.y) + product.addingProduct(-a.y, b.x)
    var y = (x * dy - cross) / dx
    for _ in 0..<random.int(0..<4) { y = random.int(0..<2) == 0 ? y.nextUp : y.nextDown }
    return (x, y)
  }

  private mutating func place() -> (x: Double, y: Double, radius: Double) {
    (
      snapped(middleX + random.double(-0.6...0.6) * reach),
      snapped(middleY + random.double(-0.6...0.6) * reach),
      random.double(0.02...0.4) * reach
    )
  }

  private func snapped(_ value: Double) -> Double {
    guard isOnGrid else { return value }
    let step = Double(sign: .plus, exponent: reach.exponent - 8, significand: 1)
    return (value / step).rounded() * step
  }

  private mutating func starRing(_ x: Double, _ y: Double, _ radius: Double, vertices: Int) -> [Double] {
    // Directions by a rational turn around the square: no trigonometry, still ascending.
    (0..<vertices).flatMap { vertex -> [Double] in
      let turn = (Double(vertex) + random.double(0...0.9)) / Double(vertices) * 4
      let part = turn - turn.rounded(.down)
      let corners = [(1.0, 0.0), (0, 1), (-1, 0), (0, -1), (1, 0)]
      let (from, to) = (corners[Int(turn)], corners[Int(turn) + 1])
      let length = radius * random.double(0.6...1)
      return [
        x + (from.0 + (to.0 - from.0) * part) * length, y + (from.1 + (to.1 - from.1) * part) * length,
      ]
    }
  }

  private mutating func star(holes: Int) -> Shape {
    let (x, y, radius) = place()
    var shape = Shape()
    shape.addRing(starRing(x, y, radius, vertices: random.int(3..<200)))
    if holes > 0 { shape.addRing(starRing(x, y, radius * 0.2, vertices: random.int(3..<40))) }
    return shape
  }

  /// Rows and columns shared by many vertices.
  private mutating func stairs() -> Shape {
    let (x, y, radius) = place()
    let steps = random.int(2..<16)
    let step = radius / 16
    var ring = [x, y]
    for index in 0..<steps {
      ring += [x + Double(index + 1) * step, y + Double(index) * step]
      ring += [x + Double(index + 1) * step, y + Double(index + 1) * step]
    }
    ring += [x, y + Double(steps) * step]
    var shape = Shape()
    shape.addRing(ring)
    return shape
  }

  /// A box with spikes whose base is one ulp wide.
  private mutating func spikes() -> Shape {
    let (x, y, radius) = place()
    var ring = [x, y]
    for index in 1..<random.int(2..<6) {
      let base = x + radius * Double(index) / 6
      ring += [base, y, base + random.double(-0.01...0.01) * radius, y - radius * random.double(0.01...0.5)]
      ring += [base.nextUp, y]
    }
    ring += [x + radius, y, x + radius, y + radius, x, y + radius]
    var shape = Shape()
    shape.addRing(ring)
    return shape
  }

  /// Two boxes joined by a strip that is one ulp high.
  private mutating func neck() -> Shape {
    let (x, y, radius) = place()
    let middle = y + radius / 2
    var shape = Shape()
    shape.addRing([
      x, y, x + radius, y, x + radius, middle, x + 2 * radius, middle, x + 2 * radius, y, x + 3 * radius, y,
      x + 3 * radius, y + radius, x + 2 * radius, y + radius, x + 2 * radius, middle.nextUp, x + radius,
      middle.nextUp,
      x + radius, y + radius, x, y + radius,
    ])
    return shape
  }

  /// Holes that touch the shell and each other in a vertex.
  private mutating func touchingHoles() -> Shape {
    let (x, y, radius) = place()
    let quarter = radius / 4
    var shape = Shape()
    shape.addRing([x, y, x + radius, y, x + radius, y + radius, x, y + radius])
    shape.addRing([
      x, y + 2 * quarter, x + quarter, y + quarter, x + 2 * quarter, y + 2 * quarter, x + quarter,
      y + 3 * quarter,
    ])
    shape.addRing([
      x + 2 * quarter, y + 2 * quarter, x + 3 * quarter, y + quarter, x + 3.5 * quarter, y + 2 * quarter,
      x + 3 * quarter, y + 3 * quarter,
    ])
    return shape
  }

  private mutating func sliver() -> Shape {
    let (x, y, radius) = place()
    let dx = random.double(-1...1) * radius
    let dy = random.double(-1...1) * radius
    var shape = Shape()
    shape.addRing([x, y, x + dx, y + dy, (x + dx * 0.5).nextUp, (y + dy * 0.5).nextDown])
    return shape
  }

  /// Long teeth side by side, so that many edges share each cell.
  private mutating func comb() -> Shape {
    let (x, y, radius) = place()
    let teeth = random.int(2..<40)
    let slope = random.double(-1...1)
    var ring = [x, y - radius]
    for tooth in 0..<teeth {
      let left = x + radius * Double(tooth) / Double(teeth) * 0.01
      let right = x + radius * (Double(tooth) + 0.5) / Double(teeth) * 0.01
      ring += [left, y - radius * 0.5, left + slope * radius, y + radius]
      ring += [right + slope * radius, y + radius, right, y - radius * 0.5]
    }
    ring += [x + radius * 0.01, y - radius]
    var shape = Shape()
    shape.addRing(Self.reversed(ring))
    return shape
  }

  private mutating func twoParts() -> Shape {
    var shape = Shape()
    let (x, y, radius) = place()
    shape.addRing([x, y, x + radius, y, x + radius, y + radius])
    // Touches the first part in one vertex.
    shape.addRing([x + radius, y + radius, x + 2 * radius, y + radius, x + 2 * radius, y + 2 * radius])
    return shape
  }

  private mutating func collinearRun() -> Shape {
    let (x, y, radius) = place()
    let step = radius / 32
    var ring: [Double] = []
    for index in 0..<32 { ring += [x + Double(index) * step, y] }
    for index in 0..<32 { ring += [x + 32 * step, y + Double(index) * step] }
    for index in 0..<32 { ring += [x + Double(32 - index) * step, y + Double(32 - index) * step] }
    var shape = Shape()
    shape.addRing(ring)
    return shape
  }

  /// A ring without extent; GEOS does not call it valid, so that only our two ways are compared on it.
  private mutating func onePoint() -> Shape {
    let (x, y, _) = place()
    var shape = Shape()
    shape.addRing([x, y, x, y, x, y])
    return shape
  }

  /// A ring without area, along one line and back.
  private mutating func line() -> Shape {
    let (x, y, radius) = place()
    let dx = [1.0, 0, 1, -0.5][random.int(0..<4)] * radius
    let dy = [0.0, 1, 1, 0.25][random.int(0..<4)] * radius
    var shape = Shape()
    shape.addRing([x, y, x + dx, y + dy, x + dx * 0.5, y + dy * 0.5])
    return shape
  }

  /// A triangle with an edge through the origin, or within the rounding of its ends.
  private mutating func pastTheOrigin() -> Shape {
    let (x, y) = (random.double(-180...180) * reach, random.double(-90...90) * reach)
    let share = random.int(0..<3) == 0 ? 0x1p-3 : random.double(0.01...1)
    var shape = Shape()
    shape.addRing([x, y, -x * share, -y * share, -y * random.double(0.1...1), x * random.double(0.1...1)])
    return shape
  }

  /// The whole world, and its corners.
  private mutating func world() -> Shape {
    var shape = Shape()
    guard reach >= 1 else { return star(holes: 1) }
    shape.addRing([-180, -90, 180, -90, 180, 90, -180, 90])
    shape.addRing([middleX - 0.25, middleY - 0.25, middleX + 0.25, middleY - 0.25, middleX, middleY + 0.25])
    return shape
  }

  private static func reversed(_ ring: [Double]) -> [Double] {
    stride(from: ring.count - 2, through: 0, by: -2).flatMap { [ring[$0], ring[$0 + 1]] }
  }
}
