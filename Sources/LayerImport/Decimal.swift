// Decimal text to the nearest Double, exactly, without a locale or an allocation.

/// Reads the longest decimal number at the front of `p ..< end`.
///
/// Up to 19 digits are gathered in a 64-bit integer. Where that and the power of ten are exact, one division or multiplication
/// rounds once and is right (Clinger, "How to read floating point numbers accurately", 1990): first in Double, then, on x86,
/// in 80 bits, where the result is taken only if it lies clear of the middle between two Doubles. The rest, less than
/// one in a hundred of real coordinates, goes to the standard library's own exact reader.
/// - Returns: the value and the byte behind it; `nil` if there is no number.
@inline(__always)
func readDecimal(_ p: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> (Double, UnsafePointer<UInt8>)? {
  var q = p
  var isNegative = false
  if q < end, q.pointee == UInt8(ascii: "-") {
    isNegative = true
    q += 1
  } else if q < end, q.pointee == UInt8(ascii: "+") {
    q += 1
  }
  var mantissa: UInt64 = 0
  var digits = 0
  var exponent = 0
  let first = q
  while q < end {
    let digit = q.pointee &- 48
    guard digit < 10 else { break }
    mantissa = mantissa &* 10 &+ UInt64(digit)
    q += 1
  }
  digits = q - first
  if q < end, q.pointee == UInt8(ascii: ".") {
    q += 1
    let fraction = q
    while q < end {
      let digit = q.pointee &- 48
      guard digit < 10 else { break }
      mantissa = mantissa &* 10 &+ UInt64(digit)
      q += 1
    }
    exponent = fraction - q
    digits += q - fraction
  }
  guard digits > 0 else { return nil }
  if q < end, q.pointee | 32 == UInt8(ascii: "e") {
    var r = q + 1
    var isDown = false
    if r < end, r.pointee == UInt8(ascii: "-") || r.pointee == UInt8(ascii: "+") {
      isDown = r.pointee == UInt8(ascii: "-")
      r += 1
    }
    let start = r
    var value = 0
    while r < end, r.pointee &- 48 < 10 {
      value = min(value * 10 + Int(r.pointee &- 48), 100_000)
      r += 1
    }
    if r > start {
      exponent += isDown ? -value : value
      q = r
    }
  }
  // Leading zeros count as digits here; that only sends a few more to the slow way.
  if digits <= 19 {
    if mantissa <= 1 << 53, exponent >= -22, exponent <= 22 {
      let value =
        exponent < 0 ? Double(mantissa) / powersOfTen[-exponent] : Double(mantissa) * powersOfTen[exponent]
      return (isNegative ? -value : value, q)
    }
    #if arch(x86_64)
      if exponent <= 0, exponent >= -27 {
        let wide = Float80(mantissa) / widePowersOfTen[-exponent]
        let tail = wide.significandBitPattern & 0x7ff
        if tail < 0x3ff || tail > 0x401 { return (Double(isNegative ? -wide : wide), q) }
      }
    #endif
  }
  let text = String(decoding: UnsafeBufferPointer(start: p, count: q - p), as: UTF8.self)
  // "5." and ".5" are numbers to people, not to Swift.
  guard let value = Double(text) ?? Double("0" + text) ?? Double(text + "0") else { return nil }
  return (value, q)
}

private let powersOfTen: [Double] = [
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
  1e19, 1e20,
  1e21, 1e22,
]

#if arch(x86_64)
  // 10^27 is 5^27 * 2^27, and 5^27 has 63 bits: all of these are exact.
  private let widePowersOfTen: [Float80] = {
    var powers: [Float80] = [1]
    for _ in 0..<27 { powers.append(powers[powers.count - 1] * 10) }
    return powers
  }()
#endif

/// Reads a whole text as a number; also `NaN` and `inf`, which then are found out as such.
func decimal(of bytes: UnsafeBufferPointer<UInt8>) -> Double? {
  guard let base = bytes.baseAddress else { return nil }
  if let (value, rest) = readDecimal(base, base + bytes.count), rest == base + bytes.count { return value }
  switch String(decoding: bytes, as: UTF8.self).lowercased() {
  case "nan", "-nan", "+nan": return .nan
  case "inf", "+inf", "infinity": return .infinity
  case "-inf", "-infinity": return -.infinity
  default: return nil
  }
}
