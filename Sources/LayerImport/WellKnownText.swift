// Reads points and polygons from OGC well-known text, also PostGIS's EWKT.

/// `POLYGON ((x y, x y, ...), (...))`, `MULTIPOLYGON`, `POINT`, with or without Z and M; `SRID=4326;` in front is passed over.
func readWellKnownText(_ bytes: UnsafeBufferPointer<UInt8>, into geometry: inout RawGeometry) {
  guard let base = bytes.baseAddress else { return }
  var cursor = WellKnownTextCursor(p: base, end: base + bytes.count)
  cursor.read(into: &geometry)
}

private struct WellKnownTextCursor {
  var p: UnsafePointer<UInt8>
  let end: UnsafePointer<UInt8>

  mutating func read(into geometry: inout RawGeometry) {
    let start = p
    var type = word()
    if type == "SRID" {
      while p < end, p.pointee != UInt8(ascii: ";") { p += 1 }
      if p < end { p += 1 }
      type = word()
    }
    let next = word()
    let isEmpty = next == "EMPTY" || !next.isEmpty && word() == "EMPTY"
    for suffix in ["ZM", "Z", "M"] where type.hasSuffix(suffix) && type != "M" {
      type.removeLast(suffix.count)
    }
    let levels: Int
    switch type {
    case "POINT": (geometry.kind, levels) = (.point, 1)
    case "POLYGON": (geometry.kind, levels) = (.polygonal, 3)
    case "MULTIPOLYGON": (geometry.kind, levels) = (.polygonal, 4)
    case "LINESTRING", "MULTILINESTRING", "MULTIPOINT", "GEOMETRYCOLLECTION", "CIRCULARSTRING",
      "CURVEPOLYGON",
      "MULTISURFACE", "COMPOUNDCURVE", "TIN", "TRIANGLE", "POLYHEDRALSURFACE":
      geometry.kind = .other(type)
      return
    default:
      let text = String(
        decoding: UnsafeBufferPointer(start: start, count: min(64, end - start)), as: UTF8.self)
      geometry.kind = .unreadable(found: quoted(text))
      return
    }
    if isEmpty {
      geometry.kind = .missing
      return
    }
    let ok = levels == 1 ? open() && position(&geometry) && close() : list(levels - 1, &geometry)
    skipSpace()
    if !ok || p < end {
      let rest = String(decoding: UnsafeBufferPointer(start: p, count: min(24, end - p)), as: UTF8.self)
      geometry.kind = .unreadable(
        found: rest.isEmpty ? "\(type) text that is cut off" : "\(type) text with \(quoted(rest))")
    } else if geometry.coordinates.isEmpty {
      geometry.kind = .missing
    }
  }

  /// A list in brackets: of positions (1), rings (2) or polygons (3).
  private mutating func list(_ level: Int, _ geometry: inout RawGeometry) -> Bool {
    guard open() else { return false }
    repeat {
      guard level == 1 ? position(&geometry) : list(level - 1, &geometry) else { return false }
    } while comma()
    if level == 1 { geometry.endRing() }
    if level == 2 { geometry.endPolygon() }
    return close()
  }

  private mutating func position(_ geometry: inout RawGeometry) -> Bool {
    var count = 0
    while true {
      skipSpace()
      guard p < end, p.pointee != UInt8(ascii: ","), p.pointee != UInt8(ascii: ")") else { break }
      let value: Double
      if let (number, rest) = readDecimal(p, end) {
        value = number
        p = rest
      } else {
        let start = p
        if p.pointee == UInt8(ascii: "-") { p += 1 }
        let special = word()
        guard ["NAN", "INF", "INFINITY"].contains(special) else {
          p = start
          return false
        }
        value = special == "NAN" ? .nan : .infinity
      }
      if count < 2 { geometry.coordinates.append(value) } else { geometry.hasExtraDimensions = true }
      count += 1
    }
    return count >= 2 && count <= 4
  }

  private mutating func word() -> String {
    skipSpace()
    let start = p
    while p < end, (p.pointee | 32) &- UInt8(ascii: "a") < 26 { p += 1 }
    return String(decoding: UnsafeBufferPointer(start: start, count: p - start), as: UTF8.self).uppercased()
  }

  private mutating func skipSpace() { while p < end, p.pointee <= 0x20 { p += 1 } }

  private mutating func pass(_ byte: UInt8) -> Bool {
    skipSpace()
    guard p < end, p.pointee == byte else { return false }
    p += 1
    return true
  }

  private mutating func open() -> Bool { pass(UInt8(ascii: "(")) }
  private mutating func close() -> Bool { pass(UInt8(ascii: ")")) }
  private mutating func comma() -> Bool { pass(UInt8(ascii: ",")) }
}
