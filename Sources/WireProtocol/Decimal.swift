// Reads decimal numbers from bytes: strict, correctly rounded, and without allocation for numbers as people write them.

/// Numbers in a request's bytes.
enum Decimal {
  private static let powersOfTen: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19,
    1e20, 1e21, 1e22,
  ]

  /// Reads `[+-]digits[.digits][e[+-]digits]`: nothing else (no spaces, no `inf`, `nan`, `0x`, no bare point).
  ///
  /// Up to 2^53 in at most 18 digits with an exponent of at most 22 either way, both the digits and the power of ten are exact
  /// doubles, so that one division or multiplication rounds correctly (W. D. Clinger, "How to read floating point numbers
  /// accurately", 1990). Anything else goes to the standard library, which rounds correctly as well.
  /// - Returns: `nil` if the bytes are no such number, or if it is not finite.
  static func double(_ bytes: Bytes) -> Double? {
    let count = bytes.count
    guard count > 0, let start = bytes.baseAddress else { return nil }
    func byte(_ offset: Int) -> UInt8 { start.load(fromByteOffset: offset, as: UInt8.self) }
    var offset = 0
    let isNegative = byte(0) == UInt8(ascii: "-")
    if isNegative || byte(0) == UInt8(ascii: "+") { offset = 1 }
    var mantissa: UInt64 = 0
    var digitCount = 0
    let integerStart = offset
    while offset < count, byte(offset) &- 0x30 < 10 {
      mantissa = mantissa &* 10 &+ UInt64(byte(offset) &- 0x30)
      if mantissa > 0 { digitCount &+= 1 }
      offset &+= 1
    }
    guard offset > integerStart else { return nil }
    var exponent = 0
    if offset < count, byte(offset) == UInt8(ascii: ".") {
      offset &+= 1
      let fractionStart = offset
      while offset < count, byte(offset) &- 0x30 < 10 {
        mantissa = mantissa &* 10 &+ UInt64(byte(offset) &- 0x30)
        if mantissa > 0 { digitCount &+= 1 }
        offset &+= 1
      }
      guard offset > fractionStart else { return nil }
      exponent = fractionStart - offset
    }
    guard offset == count, digitCount <= 18, mantissa <= 1 << 53, exponent >= -22 else {
      return slowDouble(bytes, exponentFrom: offset)
    }
    let magnitude = Double(mantissa) / powersOfTen[-exponent]
    return isNegative ? -magnitude : magnitude
  }

  /// What `double` did not finish: an exponent, or more digits than fit.
  @inline(never)
  private static func slowDouble(_ bytes: Bytes, exponentFrom: Int) -> Double? {
    var offset = exponentFrom
    if offset < bytes.count {
      guard bytes[offset] | 0x20 == UInt8(ascii: "e") else { return nil }
      offset += 1
      if offset < bytes.count, bytes[offset] == UInt8(ascii: "-") || bytes[offset] == UInt8(ascii: "+") {
        offset += 1
      }
      guard offset < bytes.count, bytes[offset...].allSatisfy({ $0 &- 0x30 < 10 }) else { return nil }
    }
    // A number may have as many digits as a request has bytes; none that people write has more than this.
    guard bytes.count <= 1024, let value = Double(String(decoding: bytes, as: UTF8.self)), value.isFinite
    else {
      return nil
    }
    return value
  }

  /// Reads `[-]digits` that fit into an `Int`.
  static func integer(_ bytes: Bytes) -> Int? {
    guard let first = bytes.first else { return nil }
    let isNegative = first == UInt8(ascii: "-")
    let digits = isNegative ? Bytes(rebasing: bytes.dropFirst()) : bytes
    guard !digits.isEmpty else { return nil }
    var value = 0
    for byte in digits {
      let digit = byte &- 0x30
      guard digit < 10 else { return nil }
      let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
      let (next, overflow2) = shifted.subtractingReportingOverflow(Int(digit))
      guard !overflow, !overflow2 else { return nil }
      value = next
    }
    if isNegative { return value }
    return value == Int.min ? nil : -value
  }
}
