// On which side of an edge does a point lie that is asked about? As GEOS has it, down to the last bit.

/// The side of the edge from a to b on which the point lies: +1 left, -1 right, 0 if the point counts as on the edge.
///
/// It is that of `orientation` but for points so close to the edge that GEOS's double-double arithmetic rounds their side away, or gives a point on
/// the edge one: where the determinant is less than about 2^-100 of its products. GEOS `covers` is the truth here, and it sums up these sides, each
/// by itself; so whoever takes the side of the point that is asked about from here, and all other sides exactly, has its answer.
///
/// Such a point lies between the edge's ends, within 2^-98 of its length, and so within the margin by which edges are taken to touch a
/// cell (`CellFrame.margin`): the leaf that holds the point has the edge.
@inline(__always)
func pointSide(
  _ ax: Double, _ ay: Double, _ bx: Double, _ by: Double, _ x: Double, _ y: Double
) -> Int {
  certainOrientation(ax, ay, bx, by, x, y) ?? roundedOrientation(ax, ay, bx, by, x, y)
}

/// The steps of GEOS's `CGAlgorithmsDD::orientationIndex` (3.9 and later): a filter, then differences, products and their difference as double-doubles.
@inline(never)
func roundedOrientation(
  _ ax: Double, _ ay: Double, _ bx: Double, _ by: Double, _ x: Double, _ y: Double
) -> Int {
  let left = (ax - x) * (by - y)
  let right = (ay - y) * (bx - x)
  let determinant = left - right
  let sum = (left + right).magnitude
  // Products of different signs leave no doubt. Where products are so small that they lose places, or overflow, GEOS cannot tell: the exact side stands.
  guard left > 0 && right > 0 || left < 0 && right < 0, sum > 0x1p-900 && sum < 0x1p900 else {
    return exactOrientation(ax, ay, bx, by, x, y)
  }
  func sign(_ value: Double) -> Int { value > 0 ? 1 : value < 0 ? -1 : 0 }
  if determinant.magnitude >= 1e-15 * sum { return sign(determinant) }
  let (edgeX, edgeY) = (DoubleDouble(bx) + DoubleDouble(-ax), DoubleDouble(by) + DoubleDouble(-ay))
  let (pointX, pointY) = (DoubleDouble(x) + DoubleDouble(-bx), DoubleDouble(y) + DoubleDouble(-by))
  let difference = edgeX * pointY + -(edgeY * pointX)
  return difference.high == 0 ? sign(difference.low) : sign(difference.high)
}

/// A sum of two doubles, the second at most half a unit in the last place of the first (Dekker 1971).
///
/// Sums and products lose about the last three of 106 bits, and which they lose depends on the order of the steps: it is that of GEOS's `DD`.
private struct DoubleDouble {
  let high: Double
  let low: Double

  init(_ value: Double) { (high, low) = (value, 0) }

  /// The sum of two numbers of which the first is the greater one.
  private init(_ high: Double, adding low: Double) {
    self.high = high + low
    self.low = low + (high - self.high)
  }

  private init(high: Double, low: Double) { (self.high, self.low) = (high, low) }

  static prefix func - (value: DoubleDouble) -> DoubleDouble {
    DoubleDouble(high: -value.high, low: -value.low)
  }

  static func + (a: DoubleDouble, b: DoubleDouble) -> DoubleDouble {
    let highs = exactSum(a.high, b.high)
    let lows = exactSum(a.low, b.low)
    let sum = DoubleDouble(highs.sum, adding: highs.error + lows.sum)
    return DoubleDouble(sum.high, adding: lows.error + sum.low)
  }

  static func * (a: DoubleDouble, b: DoubleDouble) -> DoubleDouble {
    let product = a.high * b.high
    // What GEOS finds by splitting both factors is exact, and so the same.
    let error = (-product).addingProduct(a.high, b.high)
    return DoubleDouble(product, adding: error + (a.high * b.low + a.low * b.high))
  }

  /// A rounded sum and its rounding error (Knuth).
  private static func exactSum(_ a: Double, _ b: Double) -> (sum: Double, error: Double) {
    let sum = a + b
    let virtual = sum - a
    return (sum, (b - virtual) + (a - (sum - virtual)))
  }
}
