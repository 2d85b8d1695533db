// On which side of a line does a point lie? Exactly, after J. R. Shewchuk, "Adaptive Precision Floating-Point Arithmetic and
// Fast Robust Geometric Predicates", Discrete & Computational Geometry 18 (1997).

/// The sign of the area of the triangle a, b, c: +1 if c lies left of the line from a to b, -1 if right of it, 0 if on it.
///
/// Exact for all finite coordinates, the smallest included: beside 0 the next number is 5e-324. For the side of a point that is asked about there is
/// `pointSide`.
@inline(__always)
func orientation(
  _ ax: Double, _ ay: Double, _ bx: Double, _ by: Double, _ cx: Double, _ cy: Double
) -> Int {
  certainOrientation(ax, ay, bx, by, cx, cy) ?? exactOrientation(ax, ay, bx, by, cx, cy)
}

/// The sign of `orientation` where rounded arithmetic can tell it.
@inline(__always)
func certainOrientation(
  _ ax: Double, _ ay: Double, _ bx: Double, _ by: Double, _ cx: Double, _ cy: Double
) -> Int? {
  let left = (ax - cx) * (by - cy)
  let right = (ay - cy) * (bx - cx)
  let determinant = left - right
  // Shewchuk's bound A, with a product of equal signs or not: |left| + |right| is never less than the exact sum of magnitudes.
  // The last term is far above what products lose when they underflow; where they overflow, no comparison holds.
  let bound = 3.330_669_073_875_471_6e-16 * (left.magnitude + right.magnitude) + 0x1p-900
  if determinant > bound { return 1 }
  if determinant < -bound { return -1 }
  return nil
}

/// The sign of `orientation`, from the exact sum of its six products.
@inline(never)
func exactOrientation(
  _ ax: Double, _ ay: Double, _ bx: Double, _ by: Double, _ cx: Double, _ cy: Double
) -> Int {
  let areOrdinary =
    isOrdinary(ax) && isOrdinary(ay) && isOrdinary(bx) && isOrdinary(by) && isOrdinary(cx) && isOrdinary(cy)
  return areOrdinary
    ? determinantSign(Expansion(), ax, ay, bx, by, cx, cy)
    : determinantSign(WideSum(), ax, ay, bx, by, cx, cy)
}

/// A sum of products without rounding.
private protocol ExactSum {
  mutating func add(_ a: Double, times b: Double)
  /// +1, 0 or -1.
  var sign: Int { get }
}

/// The sign of the determinant, summed up from nothing by one of the two ways.
@inline(__always)
private func determinantSign(
  _ nothing: some ExactSum, _ ax: Double, _ ay: Double, _ bx: Double, _ by: Double, _ cx: Double, _ cy: Double
) -> Int {
  var sum = nothing
  sum.add(ax, times: by)
  sum.add(-ax, times: cy)
  sum.add(-cx, times: by)
  sum.add(-ay, times: bx)
  sum.add(ay, times: cx)
  sum.add(cy, times: bx)
  return sum.sign
}

/// Whether products with other ordinary numbers, and their rounding errors, neither overflow nor underflow.
private func isOrdinary(_ value: Double) -> Bool {
  value == 0 || value.magnitude >= 0x1p-400 && value.magnitude <= 0x1p400
}

/// A sum of products of any finite doubles without rounding: an integer in units of 2^-2148, the smallest product. Slow, for what is rare.
private struct WideSum: ExactSum {
  // Two's complement, lowest word first; the greatest product ends below 2^2048.
  private var words = InlineArray<68, UInt64>(repeating: 0)

  mutating func add(_ a: Double, times b: Double) {
    if a == 0 || b == 0 { return }
    let (high, low) = Self.significand(a).multipliedFullWidth(by: Self.significand(b))
    let offset = Self.exponent(a) + Self.exponent(b) + 2148
    let shift = UInt64(offset % 64)
    let isNegative = a.sign != b.sign
    // A shift by 64 gives 0.
    let parts = (low << shift, high << shift | low >> (64 - shift), high >> (64 - shift))
    addWord(parts.0, at: offset / 64, isNegative)
    addWord(parts.1, at: offset / 64 + 1, isNegative)
    addWord(parts.2, at: offset / 64 + 2, isNegative)
  }

  var sign: Int {
    if words[67] >> 63 != 0 { return -1 }
    for index in 0..<68 where words[index] != 0 { return 1 }
    return 0
  }

  /// Adds, or subtracts, one word and carries as far as needed.
  private mutating func addWord(_ word: UInt64, at index: Int, _ isNegative: Bool) {
    var word = word
    var index = index
    while word != 0 && index < 68 {
      let (sum, carries) =
        isNegative
        ? words[index].subtractingReportingOverflow(word) : words[index].addingReportingOverflow(word)
      words[index] = sum
      word = carries ? 1 : 0
      index += 1
    }
  }

  /// The value is its significand, an integer, times 2^exponent.
  private static func significand(_ value: Double) -> UInt64 {
    value.significandBitPattern | (value.exponentBitPattern == 0 ? 0 : 1 << 52)
  }

  private static func exponent(_ value: Double) -> Int { max(1, Int(value.exponentBitPattern)) - 1075 }
}

/// A sum of doubles without rounding: components that do not overlap, of increasing magnitude (Shewchuk, section 2.2).
private struct Expansion: ExactSum {
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
