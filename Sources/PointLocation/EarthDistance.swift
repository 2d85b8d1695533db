// Distances in metres on the WGS 84 ellipsoid between a point and edges that are straight in longitude and latitude.

/// A place in metres from the Earth's centre (x towards 0° E on the equator, z towards the north pole).
///
/// Up to 50 km a straight line through the Earth is shorter than the geodesic by less than 3 parts in a million, so that distances may be
/// taken in space, where neither the poles nor the date line are special.
package struct EarthPlace {
  package var vector: SIMD3<Double>

  package init(lonDegrees: Double, latDegrees: Double) {
    let lat = sineAndCosine(degrees: latDegrees)
    let lon = sineAndCosine(degrees: lonDegrees)
    let normal = Self.semiMajorMetres / (1 - Self.eccentricitySquared * lat.sine * lat.sine).squareRoot()
    vector = SIMD3(
      normal * lat.cosine * lon.cosine, normal * lat.cosine * lon.sine,
      normal * (1 - Self.eccentricitySquared) * lat.sine)
  }

  static let semiMajorMetres = 6_378_137.0
  static let eccentricitySquared = 6.694_379_990_141_317e-3
  /// The least radius of curvature anywhere on the ellipsoid: the meridian's at the equator.
  package static let leastCurvatureMetres = 6_335_439.0

  package func distanceMetres(to other: EarthPlace) -> Double {
    let between = other.vector - vector
    return (between * between).sum().squareRoot()
  }

  /// The distance to the straight line in space from a to b.
  func distanceMetres(toChord a: EarthPlace, _ b: EarthPlace) -> Double {
    let along = b.vector - a.vector
    let toPoint = vector - a.vector
    let lengthSquared = (along * along).sum()
    let share = lengthSquared > 0 ? min(1, max(0, (along * toPoint).sum() / lengthSquared)) : 0
    let between = toPoint - along * share
    return (between * between).sum().squareRoot()
  }
}

/// The part of the plane of degrees in which everything within a distance of a point must lie: up to three boxes, as the point is met
/// again a full turn to the east and to the west.
struct NearRegion {
  let center: EarthPlace
  let withinMetres: Double
  private let x: Double
  private let y: Double
  private let halfWidthDegrees: Double
  private let halfHeightDegrees: Double

  init(x: Double, y: Double, withinMetres: Double) {
    self.x = x
    self.y = y
    self.withinMetres = withinMetres
    center = EarthPlace(lonDegrees: x, latDegrees: y)
    let angle = withinMetres / EarthPlace.leastCurvatureMetres * 1.001
    halfHeightDegrees = angle * 180 / .pi
    // sin(half width) = sin(angle) / cos(latitude) on a sphere, and asin(s) <= s / sqrt(1 - s * s).
    let ratio = angle / max(sineAndCosine(degrees: y).cosine, 1e-300)
    let holdsPole = y.magnitude + halfHeightDegrees >= 89.999 || ratio >= 0.999
    halfWidthDegrees = holdsPole ? 360 : ratio / (1 - ratio * ratio).squareRoot() * 180 / .pi
  }

  /// The region's box, `turns` full turns to the east.
  func box(turns: Int) -> Box {
    let middle = x + Double(turns) * 360
    return Box(
      minX: middle - halfWidthDegrees, minY: y - halfHeightDegrees,
      maxX: middle + halfWidthDegrees, maxY: y + halfHeightDegrees)
  }

  /// The distance from the centre to the edge if it is less than `limitMetres`, or infinity.
  func distanceMetres(
    toEdge ax: Double, _ ay: Double, _ bx: Double, _ by: Double, limitMetres: Double
  ) -> Double {
    let a = EarthPlace(lonDegrees: ax, latDegrees: ay)
    let b = EarthPlace(lonDegrees: bx, latDegrees: by)
    return distance(ax, ay, a, bx, by, b, limitMetres: limitMetres)
  }

  /// Halves the edge until the line in space is as good as the edge, and drops halves that are too far away.
  private func distance(
    _ ax: Double, _ ay: Double, _ a: EarthPlace, _ bx: Double, _ by: Double, _ b: EarthPlace,
    limitMetres: Double
  ) -> Double {
    let chordMetres = center.distanceMetres(toChord: a, b)
    // A curve strays from its chord by at most an eighth of its greatest second derivative.
    let turn = (bx - ax).magnitude * .pi / 180
    let climb = (by - ay).magnitude * .pi / 180
    let strayMetres = (turn + climb) * (turn + climb) * (EarthPlace.semiMajorMetres * 1.01 / 8)
    if chordMetres - strayMetres > limitMetres { return .infinity }
    if strayMetres <= 0.001 * chordMetres || strayMetres < 0.001 {
      return chordMetres <= limitMetres ? chordMetres : .infinity
    }
    let middleX = (ax + bx) / 2
    let middleY = (ay + by) / 2
    let middle = EarthPlace(lonDegrees: middleX, latDegrees: middleY)
    let first = distance(ax, ay, a, middleX, middleY, middle, limitMetres: limitMetres)
    let second = distance(middleX, middleY, middle, bx, by, b, limitMetres: min(first, limitMetres))
    return min(first, second)
  }
}

/// Sine and cosine to the last bits, without the C library; exact at multiples of 90 degrees.
package func sineAndCosine(degrees: Double) -> (sine: Double, cosine: Double) {
  let turned = degrees.remainder(dividingBy: 360)
  let quarter = (turned / 90).rounded()
  let angle = (turned - quarter * 90) * (.pi / 180)
  // |angle| <= pi / 4: the Taylor series' next terms are below 1e-18.
  let square = angle * angle
  var sine = 0.0
  var cosine = 0.0
  var term = 16
  while term > 0 {
    sine = (1 - sine) * square / Double(term * (term + 1))
    cosine = (1 - cosine) * square / Double(term * (term - 1))
    term -= 2
  }
  sine = angle * (1 - sine)
  cosine = 1 - cosine
  switch Int(quarter) & 3 {
  case 0: return (sine, cosine)
  case 1: return (cosine, -sine)
  case 2: return (-sine, -cosine)
  default: return (-cosine, sine)
  }
}
