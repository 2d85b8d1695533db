// Checks the rings of an area, repairs what GEOS can make valid, and turns them into an OutageArea.

import CGEOS
import OutageModel

/// What was wrong with an area, and where.
struct AreaFault: Sendable {
  var reason: ImportReason
  var found: String?
  /// `lon lat`, degrees.
  var place: String?
}

/// Checks areas in WGS 84 degrees. Owns a GEOS context.
///
/// A valid polygon keeps exactly its input coordinates; only the direction of its rings may change. The rest goes through
/// GEOSMakeValid's structure method, which keeps what lies inside the shells and outside the holes (a hole outside its shell
/// becomes a part, since rings whose order was lost look so), and of its result the polygons are taken.
final class AreaCheck {
  private let context: GEOSContextHandle_t
  private let demandsWinding: Bool
  private var repairs: [AreaFault] = []
  private let fileHash = FileHash()

  private static let ringVertexCountMin = 4
  /// A tenth of a millimetre.
  private static let sliverDegrees = 1e-9
  private static let sliverText = "an area less than 0.1 mm wide"

  /// - Parameter demandsWinding: report a shell that is clockwise; otherwise it is turned silently.
  init(demandsWinding: Bool) {
    self.demandsWinding = demandsWinding
    context = GEOS_init_r()
  }

  deinit { GEOS_finish_r(context) }

  /// What an area is known by, as it came in WGS 84 degrees; and whether its winding counts, on which depends what is reported as repaired.
  func hash(of geometry: RawGeometry) -> ContentHash {
    fileHash.begin()
    geometry.coordinates.withUnsafeBytes { fileHash.update($0) }
    geometry.ringStarts.withUnsafeBytes { fileHash.update($0) }
    geometry.polygonStarts.withUnsafeBytes { fileHash.update($0) }
    withUnsafeBytes(of: demandsWinding) { fileHash.update($0) }
    return fileHash.end()
  }

  /// - Returns: the area with what was repaired, or the reason for which there is none.
  func area(of geometry: RawGeometry) -> AreaOutcome {
    repairs = []
    var polygons = rings(of: geometry)
    var isSplit = false
    if crossesAntimeridian(polygons) {
      for p in polygons.indices {
        for r in polygons[p].indices where !unwrap(&polygons[p][r]) {
          return .failure(
            RejectedArea(AreaFault(reason: .unrepairable, found: "a ring around a pole", place: nil)))
        }
        alignHoles(&polygons[p])
      }
      isSplit = true
    }
    clean(&polygons)
    guard !polygons.isEmpty else {
      return .failure(
        RejectedArea(
          AreaFault(
            reason: .unrepairable, found: "rings of fewer than three distinct vertices",
            place: geometry.coordinates.count >= 2
              ? place(geometry.coordinates[0], geometry.coordinates[1]) : nil)))
    }
    var shape = GEOSShape(context, polygons)
    if !isSplit, shape.isValid, dropSlivers(&polygons) {
      orient(&polygons, reports: demandsWinding)
      return .success((OutageArea(polygons: polygons), repairs))
    }
    guard !polygons.isEmpty else {
      return .failure(RejectedArea(AreaFault(reason: .unrepairable, found: Self.sliverText, place: nil)))
    }
    if !shape.isValid {
      let fault = shape.fault(spike: spike(in: polygons))
      guard let made = shape.madeValid(), !made.polygons().isEmpty else {
        return .failure(
          RejectedArea(AreaFault(reason: .unrepairable, found: fault.found, place: fault.place)))
      }
      repairs.append(fault)
      shape = made
    }
    var repaired = isSplit ? split(shape) : shape.polygons()
    if isSplit {
      repairs.append(AreaFault(reason: .antimeridian, found: "an area across 180 degrees", place: nil))
    }
    // The winding is now GEOS's, not the file's.
    orient(&repaired, reports: false)
    guard dropSlivers(&repaired) else {
      return .failure(RejectedArea(AreaFault(reason: .unrepairable, found: Self.sliverText, place: nil)))
    }
    return .success((OutageArea(polygons: repaired), repairs))
  }

  // MARK: Rings

  private func rings(of geometry: RawGeometry) -> [[[LonLat]]] {
    geometry.coordinates.withUnsafeBufferPointer { xy in
      (1..<geometry.polygonStarts.count).map { polygon in
        (geometry.polygonStarts[polygon - 1]..<geometry.polygonStarts[polygon]).map { ring in
          (geometry.ringStarts[ring]..<geometry.ringStarts[ring + 1]).map {
            LonLat(lonDegrees: xy[2 * $0], latDegrees: xy[2 * $0 + 1])
          }
        }
      }
    }
  }

  /// Closes rings, drops repeated vertices, rings without area and polygons without a shell; notes each kind once.
  private func clean(_ polygons: inout [[[LonLat]]]) {
    var isCollapsed: LonLat?
    for p in polygons.indices {
      for r in polygons[p].indices {
        close(&polygons[p][r])
        dropRepeated(&polygons[p][r])
      }
      guard let shell = polygons[p].first else { continue }
      if shell.count < Self.ringVertexCountMin {
        isCollapsed = shell.first ?? isCollapsed
        polygons[p] = []
      } else if let hole = polygons[p].first(where: { $0.count < Self.ringVertexCountMin }) {
        isCollapsed = hole.first ?? isCollapsed
        polygons[p].removeAll { $0.count < Self.ringVertexCountMin }
      }
    }
    polygons.removeAll(where: \.isEmpty)
    if let at = isCollapsed, !polygons.isEmpty {
      note(.collapsedRing, "a ring of fewer than three distinct vertices", at)
    }
  }

  private func close(_ ring: inout [LonLat]) {
    guard let first = ring.first, let last = ring.last, first != last else { return }
    ring.append(first)
    note(.unclosedRing, "last vertex \(place(last.lonDegrees, last.latDegrees))", first)
  }

  private func dropRepeated(_ ring: inout [LonLat]) {
    var kept = 0
    for index in ring.indices {
      if kept > 0, ring[kept - 1] == ring[index] {
        if kept < Self.ringVertexCountMin, ring.count < Self.ringVertexCountMin { continue }
        note(.duplicatePoints, "the same vertex again", ring[index])
        continue
      }
      ring[kept] = ring[index]
      kept += 1
    }
    ring.removeLast(ring.count - kept)
  }

  private func note(_ reason: ImportReason, _ found: String, _ at: LonLat) {
    guard !repairs.contains(where: { $0.reason == reason }) else { return }
    repairs.append(AreaFault(reason: reason, found: found, place: place(at.lonDegrees, at.latDegrees)))
  }

  /// Shells counter-clockwise, holes clockwise.
  private func orient(_ polygons: inout [[[LonLat]]], reports: Bool) {
    for p in polygons.indices {
      for r in polygons[p].indices {
        let isCounterClockwise = signedArea(polygons[p][r]) > 0
        guard isCounterClockwise != (r == 0) else { continue }
        polygons[p][r].reverse()
        if reports {
          note(.wrongWinding, r == 0 ? "a shell clockwise" : "a hole counter-clockwise", polygons[p][r][0])
        }
      }
    }
  }

  /// Twice the area, about the first vertex so that small rings far from the origin keep their sign.
  private func signedArea(_ ring: [LonLat]) -> Double {
    var sum = 0.0
    let (x0, y0) = (ring[0].lonDegrees, ring[0].latDegrees)
    for index in 1..<ring.count {
      let (a, b) = (ring[index - 1], ring[index])
      sum += (a.lonDegrees - x0) * (b.latDegrees - y0) - (b.lonDegrees - x0) * (a.latDegrees - y0)
    }
    return sum
  }

  /// A vertex where a ring turns back on itself.
  private func spike(in polygons: [[[LonLat]]]) -> LonLat? {
    for ring in polygons.joined() {
      for index in 0..<ring.count - 1 {
        let (a, b, c) = (ring[index == 0 ? ring.count - 2 : index - 1], ring[index], ring[index + 1])
        let (ux, uy) = (a.lonDegrees - b.lonDegrees, a.latDegrees - b.latDegrees)
        let (vx, vy) = (c.lonDegrees - b.lonDegrees, c.latDegrees - b.latDegrees)
        let lengths = (ux * ux + uy * uy) * (vx * vx + vy * vy)
        let cross = ux * vy - uy * vx
        // The tip of a spike whose vertices were rounded is not quite on a line.
        if ux * vx + uy * vy > 0, cross * cross <= lengths * 1e-18 { return b }
      }
    }
    return nil
  }

  /// Vertices on one line make a polygon that is valid to the bit, and narrower than their rounding.
  /// - Returns: false if no polygon is left.
  private func dropSlivers(_ polygons: inout [[[LonLat]]]) -> Bool {
    func isSliver(_ polygon: [[LonLat]]) -> Bool {
      var perimeter = 0.0
      for (a, b) in zip(polygon[0], polygon[0].dropFirst()) {
        perimeter += (a.lonDegrees - b.lonDegrees).magnitude + (a.latDegrees - b.latDegrees).magnitude
      }
      return signedArea(polygon[0]).magnitude <= perimeter * Self.sliverDegrees
    }
    if let sliver = polygons.first(where: isSliver) {
      polygons.removeAll(where: isSliver)
      if !polygons.isEmpty { note(.collapsedRing, Self.sliverText, sliver[0][0]) }
    }
    return !polygons.isEmpty
  }

  // MARK: Antimeridian

  private func crossesAntimeridian(_ polygons: [[[LonLat]]]) -> Bool {
    for ring in polygons.joined() {
      for index in ring.indices {
        if ring[index].lonDegrees.magnitude > 180 { return true }
        if index > 0, (ring[index].lonDegrees - ring[index - 1].lonDegrees).magnitude > 180 { return true }
      }
    }
    return false
  }

  /// Makes the longitudes of a ring go on without a jump; they may leave -180 ... 180.
  /// - Returns: false if the ring goes around a pole.
  private func unwrap(_ ring: inout [LonLat]) -> Bool {
    guard ring.count > 1 else { return true }
    for index in 1..<ring.count {
      let step = ring[index].lonDegrees - ring[index - 1].lonDegrees
      if step > 180 { ring[index].lonDegrees -= 360 * ((step + 180) / 360).rounded(.down) }
      if step < -180 { ring[index].lonDegrees += 360 * ((180 - step) / 360).rounded(.down) }
    }
    let span = (ring.map(\.lonDegrees).max() ?? 0) - (ring.map(\.lonDegrees).min() ?? 0)
    return span < 360 && (ring[0].lonDegrees - ring[ring.count - 1].lonDegrees).magnitude < 180
  }

  /// Puts holes on the same turn of the globe as their shell.
  private func alignHoles(_ polygon: inout [[LonLat]]) {
    guard let shell = polygon.first, !shell.isEmpty else { return }
    let west = shell.map(\.lonDegrees).min() ?? 0
    let east = shell.map(\.lonDegrees).max() ?? 0
    for r in polygon.indices.dropFirst() where !polygon[r].isEmpty {
      let middle = (polygon[r].map(\.lonDegrees).reduce(0, +)) / Double(polygon[r].count)
      let shift: Double = middle < west ? 360 : middle > east ? -360 : 0
      if shift != 0 { for v in polygon[r].indices { polygon[r][v].lonDegrees += shift } }
    }
  }

  /// Cuts at 180 and -180, and moves the pieces into -180 ... 180.
  private func split(_ shape: GEOSShape) -> [[[LonLat]]] {
    var result: [[[LonLat]]] = []
    for turn in [-1.0, 0, 1] {
      for var polygon in shape.clipped(west: 360 * turn - 180, east: 360 * turn + 180) {
        for r in polygon.indices {
          for v in polygon[r].indices { polygon[r][v].lonDegrees -= 360 * turn }
        }
        result.append(polygon)
      }
    }
    return result
  }
}

/// What became of an area.
typealias AreaOutcome = Result<(area: OutageArea, repairs: [AreaFault]), RejectedArea>

/// An area that nothing can be made of.
struct RejectedArea: Error {
  var fault: AreaFault
  init(_ fault: AreaFault) { self.fault = fault }
}

/// `-121.75 38.54`, to seven decimals: a centimetre.
func place(_ lonDegrees: Double, _ latDegrees: Double) -> String {
  func short(_ value: Double) -> String {
    let rounded = (value * 1e7).rounded() / 1e7
    return rounded == rounded.rounded() && rounded.magnitude < 1e9 ? "\(Int(rounded))" : "\(rounded)"
  }
  return "\(short(lonDegrees)) \(short(latDegrees))"
}
