// Reads points and polygons from OGC and ISO well-known binary, PostGIS's EWKB, and their hexadecimal text.

/// Reads WKB; what is not readable is said in `geometry.kind`.
func readWellKnownBinary(_ bytes: UnsafeRawBufferPointer, into geometry: inout RawGeometry) {
  var cursor = WellKnownBinaryCursor(bytes: bytes)
  if !cursor.geometry(into: &geometry, depth: 0) {
    if case .other = geometry.kind { return }
    geometry.kind = .unreadable(found: cursor.fault ?? "WKB that is cut off at byte \(bytes.count)")
  } else if geometry.coordinates.isEmpty {
    geometry.kind = .missing
  }
}

/// Reads hexadecimal WKB, also with `\x` or `0x` in front.
func readWellKnownBinary(hexadecimal text: UnsafeBufferPointer<UInt8>, into geometry: inout RawGeometry) {
  var digits = text[...]
  if digits.count >= 2, digits[1] | 32 == UInt8(ascii: "x") { digits = digits.dropFirst(2) }
  var bytes: [UInt8] = []
  bytes.reserveCapacity(digits.count / 2)
  var high: UInt8?
  for digit in digits {
    guard let value = hexadecimalDigit(digit) else {
      geometry.kind = .unreadable(
        found: "\(quoted(String(decoding: [digit], as: UTF8.self))) in hexadecimal WKB")
      return
    }
    if let first = high {
      bytes.append(first << 4 | value)
      high = nil
    } else {
      high = value
    }
  }
  bytes.withUnsafeBytes { readWellKnownBinary($0, into: &geometry) }
}

private struct WellKnownBinaryCursor {
  let bytes: UnsafeRawBufferPointer
  var offset = 0
  var fault: String?
  private var isSwapped = false

  init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// - Returns: false if it cannot be read.
  mutating func geometry(into geometry: inout RawGeometry, depth: Int) -> Bool {
    guard bytes.count - offset >= 5 else { return false }
    guard bytes[offset] <= 1 else {
      fault = "WKB of byte order \(bytes[offset])"
      return false
    }
    isSwapped = bytes[offset] == 0
    offset += 1
    guard let code = uint32() else { return false }
    // EWKB has flags in the high bits, ISO adds thousands.
    var type = code & 0x1fff_ffff
    if code & 0x2000_0000 != 0, uint32() == nil { return false }
    var dimensions = 2
    if code & 0x8000_0000 != 0 { dimensions += 1 }
    if code & 0x4000_0000 != 0 { dimensions += 1 }
    switch type / 1000 {
    case 0: break
    case 1, 2: dimensions += 1
    case 3: dimensions += 2
    default:
      fault = "WKB of type \(code)"
      return false
    }
    type %= 1000
    if dimensions > 2 { geometry.hasExtraDimensions = true }
    switch type {
    case 1 where depth == 0:
      geometry.kind = .point
      guard bytes.count - offset >= 8 * dimensions else { return false }
      let (x, y) = (double(), double())
      // An empty point is written as NaN NaN.
      if !(x.isNaN && y.isNaN) { geometry.coordinates.append(contentsOf: [x, y]) }
      return true
    case 3:
      geometry.kind = .polygonal
      return polygon(dimensions, &geometry)
    case 6 where depth == 0:
      geometry.kind = .polygonal
      guard let count = uint32() else { return false }
      for _ in 0..<count where !self.geometry(into: &geometry, depth: 1) { return false }
      return true
    default:
      let names: [UInt32: String] = [
        1: "POINT", 2: "LINESTRING", 4: "MULTIPOINT", 5: "MULTILINESTRING", 7: "GEOMETRYCOLLECTION",
      ]
      geometry.kind = .other(names[type] ?? "WKB type \(type)")
      return false
    }
  }

  private mutating func polygon(_ dimensions: Int, _ geometry: inout RawGeometry) -> Bool {
    guard let rings = uint32() else { return false }
    for _ in 0..<rings {
      guard let count = uint32(), Int(count) <= (bytes.count - offset) / (8 * dimensions) else {
        return false
      }
      for _ in 0..<count {
        geometry.coordinates.append(double())
        geometry.coordinates.append(double())
        offset += 8 * (dimensions - 2)
      }
      geometry.endRing()
    }
    geometry.endPolygon()
    return true
  }

  private mutating func uint32() -> UInt32? {
    guard bytes.count - offset >= 4 else { return nil }
    let value = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
    offset += 4
    return isSwapped ? value.byteSwapped : value
  }

  /// The caller has checked that there are eight bytes.
  private mutating func double() -> Double {
    let bits = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    offset += 8
    return Double(bitPattern: isSwapped ? bits.byteSwapped : bits)
  }
}
