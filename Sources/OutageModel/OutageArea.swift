// The area of an outage: a valid polygon or multipolygon in WGS 84 degrees, held flat.

/// A position on WGS 84 (EPSG:4326), longitude first.
public struct LonLat: Hashable, Sendable, BitwiseCopyable {
  public var lonDegrees: Double
  public var latDegrees: Double

  public init(lonDegrees: Double, latDegrees: Double) {
    self.lonDegrees = lonDegrees
    self.latDegrees = latDegrees
  }
}

/// A multipolygon (OGC Simple Features: valid, rings closed, rings of one polygon touch at points only) in WGS 84 degrees.
///
/// `coordinates` holds longitude, latitude, longitude, ... of all rings after one another, each ring's last vertex equal to
/// its first. Ring `r` has the vertices `ringStarts[r] ..< ringStarts[r + 1]`; polygon `p` has the rings
/// `polygonStarts[p] ..< polygonStarts[p + 1]`, its shell first (counter-clockwise), then its holes (clockwise).
public struct OutageArea: Hashable, Sendable {
  public private(set) var coordinates: [Double] = []
  public private(set) var ringStarts: [Int32] = [0]
  public private(set) var polygonStarts: [Int32] = [0]

  public init() {}

  /// An area from its flat form; `nil` if the arrays do not fit together. That rings are closed is the caller's to know.
  public init?(coordinates: [Double], ringStarts: [Int32], polygonStarts: [Int32]) {
    func rise(_ starts: [Int32], to end: Int) -> Bool {
      guard starts.first == 0, Int(starts[starts.count - 1]) == end else { return false }
      for index in 1..<max(1, starts.count) where starts[index] < starts[index - 1] { return false }
      return true
    }
    guard coordinates.count % 2 == 0, rise(ringStarts, to: coordinates.count / 2),
      rise(polygonStarts, to: ringStarts.count - 1)
    else { return nil }
    self.coordinates = coordinates
    self.ringStarts = ringStarts
    self.polygonStarts = polygonStarts
  }

  /// An area of these polygons: of each its shell, then its holes, each a closed ring.
  public init(polygons: [[[LonLat]]]) {
    // Areas are most of what a layer holds, so that they take no more room than they need.
    coordinates.reserveCapacity(2 * polygons.joined().reduce(0) { $0 + $1.count })
    ringStarts.reserveCapacity(1 + polygons.reduce(0) { $0 + $1.count })
    polygonStarts.reserveCapacity(1 + polygons.count)
    for polygon in polygons { append(polygon: polygon) }
  }

  /// Adds a polygon: its shell, then its holes, each a closed ring.
  public mutating func append(polygon rings: [[LonLat]]) {
    for ring in rings {
      // A position is two doubles side by side.
      ring.withUnsafeBytes { coordinates.append(contentsOf: $0.bindMemory(to: Double.self)) }
      ringStarts.append(Int32(coordinates.count / 2))
    }
    polygonStarts.append(Int32(ringStarts.count - 1))
  }

  public var polygonCount: Int { polygonStarts.count - 1 }
  public var ringCount: Int { ringStarts.count - 1 }
  public var vertexCount: Int { coordinates.count / 2 }
  public var isEmpty: Bool { polygonCount == 0 }

  /// The rings of one polygon, shell first.
  public func rings(ofPolygon polygon: Int) -> [[LonLat]] {
    (polygonStarts[polygon]..<polygonStarts[polygon + 1]).map { ring in
      (ringStarts[Int(ring)]..<ringStarts[Int(ring) + 1]).map { vertex in
        LonLat(
          lonDegrees: coordinates[2 * Int(vertex)], latDegrees: coordinates[2 * Int(vertex) + 1])
      }
    }
  }
}
