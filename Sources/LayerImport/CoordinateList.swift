// Reads areas that are lists of numbers: `lon, lat, lon, lat, ...`, rings not closed as a rule.

/// Reads the text of a list, as a JSON array was passed (numbers with `;` between, inner arrays in brackets) or as a person wrote it.
///
/// One flat list is one ring. Pairs in brackets are the positions of one ring; longer lists in brackets are rings, each a polygon.
func readCoordinateList(_ bytes: UnsafeBufferPointer<UInt8>, into geometry: inout RawGeometry) {
  guard let base = bytes.baseAddress else { return }
  let end = base + bytes.count
  var p = base
  var list: [Double] = []
  var inner: [[Double]] = []
  while p < end {
    switch p.pointee {
    case UInt8(ascii: "["):
      if !list.isEmpty { inner.append(list) }
      list = []
      p += 1
    case UInt8(ascii: "]"):
      if !list.isEmpty { inner.append(list) }
      list = []
      p += 1
    case UInt8(ascii: ","), UInt8(ascii: ";"), 0...0x20: p += 1
    default:
      guard let (value, rest) = readDecimal(p, end) else {
        geometry.kind = .unreadable(
          found: quoted(
            String(decoding: UnsafeBufferPointer(start: p, count: min(24, end - p)), as: UTF8.self)))
        return
      }
      list.append(value)
      p = rest
    }
  }
  if !list.isEmpty { inner.append(list) }
  let arePairs = inner.count > 1 && inner.allSatisfy { $0.count == 2 }
  let rings = arePairs ? [inner.flatMap { $0 }] : inner
  geometry.kind = rings.isEmpty ? .missing : .polygonal
  for ring in rings {
    guard ring.count.isMultiple(of: 2) else {
      geometry.kind = .unreadable(found: "a list of \(ring.count) numbers, which are no pairs")
      return
    }
    geometry.coordinates += ring
    geometry.endRing()
    geometry.endPolygon()
  }
}
