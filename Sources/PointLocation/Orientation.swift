// On which side of a line does a point lie? Exactly, after J. R. Shewchuk, "Adaptive Precision Floating-Point Arithmetic and
// Fast Robust Geometric Predicates", Discrete & Computational Geometry 18 (1997).

/// The sign of the area of the triangle a, b, c: +1 if c lies left of the line from a to b, -1 if right of it, 0 if on it.
///
/// Exact for finite coordinates whose products neither overflow nor underflow (differences in degrees from 1e-140 up to 1e150).
@inline(__always)
func orientation(
  _ ax: Double, _ ay: Double, _ bx: Double, _ by: Double, _ cx: Double, _ cy: Double
) -> Int {
  let left = (ax - cx) * (by - cy)
  let right = (ay - cy) * (bx - cx)
  let determinant = left - right
  // Shewchuk's bound A, with a product of equal signs or not: |left| + |right| is never less than the exact sum of magnitudes.
  let bound = 3.330_669_073_875_471_6e-16 * (left.magnitude + right.magnitude)
  if determinant > bound { return 1 }
  if determinant < -bound { return -1 }
  return exactOrientation(ax, ay, bx, by, cx, cy)
}

/// The sign of `orientation`, from the exact sum of its six products.
@inline(never)
func exactOrientation(
  _ ax: Double, _ ay: Double, _ bx: Double, _ by: Double, _ cx: Double, _ cy: Double
) -> Int {
  var sum = Expansion()
  sum.add(ax, times: by)
  sum.add(-ax, times: cy)
  sum.add(-cx, times: by)
  sum.add(-ay, times: bx)
  sum.add(ay, times: cx)
  sum.add(cy, times: bx)
  return sum.sign
}

/// A sum of doubles without rounding: components that do not overlap, of increasing magnitude (Shewchuk, section 2.2).
private struct Expansion {
  // Six products of two components each.
  private var components = InlineArray<12, Double>(repeating: 0)
  private var count = 0

  /// Adds a product exactly: its rounded value and its rounding error.
  mutating func add(_ a: Double, times b: Double) {
    let product = a * b
    grow((-product).addingProduct(a, b))
    grow(product)
  }

  /// The sign of the component of greatest magnitude is the sign of the sum.
  var sign: Int {
    var index = count - 1
    while index >= 0 {
      if components[index] > 0 { return 1 }
      if components[index] < 0 { return -1 }
      index -= 1
    }
    return 0
  }

  /// Grow-Expansion with Two-Sum at each step.
  private mutating func grow(_ value: Double) {
    var carry = value
    for index in 0..<count {
      let component = components[index]
      let sum = carry + component
      let virtual = sum - carry
      components[index] = (carry - (sum - virtual)) + (component - virtual)
      carry = sum
    }
    components[count] = carry
    count += 1
  }
}
