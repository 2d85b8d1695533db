// Makes polygons of rings that come in one flat list, where only the winding tells shells from holes.

/// Puts each counter-clockwise ring, as a hole, behind the smallest clockwise ring that it lies in.
///
/// A hole in no shell becomes a polygon of its own: a server that winds its rings the other way round means a shell by it, and the
/// area is checked afterwards in any case.
func assemblePolygons(_ flat: RawGeometry, into geometry: inout RawGeometry) {
  let rings = (1..<max(1, flat.ringStarts.count)).map { FlatRing(flat, $0 - 1) }.filter { $0.count > 0 }
  geometry.kind = rings.isEmpty ? .missing : .polygonal
  geometry.hasExtraDimensions = flat.hasExtraDimensions
  geometry.notANumber = flat.notANumber
  // A ring with a coordinate that is no number has no area: it is kept, so that the record is refused and not a part of it left out.
  var shells = rings.filter { !($0.doubleArea > 0) }
  var holes: [[FlatRing]] = shells.map { _ in [] }
  let areCandidates = !shells.isEmpty
  for ring in rings where ring.doubleArea > 0 {
    let owner =
      areCandidates
      ? shells.indices.filter { shells[$0].holds(ring, flat) }.min {
        shells[$0].doubleArea.magnitude < shells[$1].doubleArea.magnitude
      } : nil
    if let owner {
      holes[owner].append(ring)
    } else {
      shells.append(ring)
      holes.append([])
    }
  }
  for (shell, holes) in zip(shells, holes) {
    for ring in [shell] + holes {
      geometry.coordinates += flat.coordinates[2 * ring.start..<2 * (ring.start + ring.count)]
      geometry.endRing()
    }
    geometry.endPolygon()
  }
}

/// One ring of the list. Places are of vertices.
private struct FlatRing {
  let start, count: Int
  /// Twice the area, positive where counter-clockwise.
  let doubleArea: Double
  private var west = Double.infinity, south = Double.infinity
  private var east = -Double.infinity, north = -Double.infinity

  init(_ flat: RawGeometry, _ ring: Int) {
    let start = flat.ringStarts[ring]
    let count = flat.ringStarts[ring + 1] - start
    (self.start, self.count) = (start, count)
    var sum = 0.0
    for i in start..<start + count {
      let j = i + 1 < start + count ? i + 1 : start
      let (x, y) = (flat.coordinates[2 * i], flat.coordinates[2 * i + 1])
      (west, south, east, north) = (min(west, x), min(south, y), max(east, x), max(north, y))
      let (x0, y0) = (flat.coordinates[2 * start], flat.coordinates[2 * start + 1])
      sum += (x - x0) * (flat.coordinates[2 * j + 1] - y0) - (flat.coordinates[2 * j] - x0) * (y - y0)
    }
    doubleArea = sum
  }

  /// Most of the other ring's vertices lie inside: a hole may touch its shell, and a vertex on the edge may fall on either side.
  func holds(_ other: FlatRing, _ flat: RawGeometry) -> Bool {
    guard other.west >= west, other.east <= east, other.south >= south, other.north <= north else {
      return false
    }
    let inside = (other.start..<other.start + other.count).count {
      contains(flat.coordinates[2 * $0], flat.coordinates[2 * $0 + 1], flat)
    }
    return 2 * inside > other.count
  }

  private func contains(_ x: Double, _ y: Double, _ flat: RawGeometry) -> Bool {
    var isInside = false
    var j = start + count - 1
    for i in start..<start + count {
      let (xi, yi) = (flat.coordinates[2 * i], flat.coordinates[2 * i + 1])
      let (xj, yj) = (flat.coordinates[2 * j], flat.coordinates[2 * j + 1])
      if (yi > y) != (yj > y), x < (xj - xi) * (y - yi) / (yj - yi) + xi { isInside.toggle() }
      j = i
    }
    return isInside
  }
}
