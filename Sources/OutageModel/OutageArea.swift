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
/// Its coordinates are longitude, latitude, longitude, ... of all rings after one another, each ring's last vertex equal to
/// its first. Ring `r` has the vertices `ringStarts[r] ..< ringStarts[r + 1]`; polygon `p` has the rings
/// `polygonStarts[p] ..< polygonStarts[p + 1]`, its shell first (counter-clockwise), then its holes (clockwise).
public struct OutageArea: Sendable {
  private var storage = AreaCoordinates.none
  public private(set) var ringStarts: [Int32] = [0]
  public private(set) var polygonStarts: [Int32] = [0]

  public init() {}

  /// An area from its flat form; `nil` if the parts do not fit together. That rings are closed is the caller's to know.
  public init?(_ coordinates: AreaCoordinates, ringStarts: [Int32], polygonStarts: [Int32]) {
    func rise(_ starts: [Int32], to end: Int) -> Bool {
      guard starts.first == 0, Int(starts[starts.count - 1]) == end else { return false }
      for index in 1..<max(1, starts.count) where starts[index] < starts[index - 1] { return false }
      return true
    }
    guard coordinates.count % 2 == 0, rise(ringStarts, to: coordinates.count / 2),
      rise(polygonStarts, to: ringStarts.count - 1)
    else { return nil }
    storage = coordinates
    self.ringStarts = ringStarts
    self.polygonStarts = polygonStarts
  }

  /// An area of these polygons: of each its shell, then its holes, each a closed ring.
  public init(polygons: [[[LonLat]]]) {
    ringStarts.reserveCapacity(1 + polygons.reduce(0) { $0 + $1.count })
    polygonStarts.reserveCapacity(1 + polygons.count)
    var vertexCount = 0
    for rings in polygons {
      for ring in rings {
        vertexCount += ring.count
        ringStarts.append(Int32(vertexCount))
      }
      polygonStarts.append(Int32(ringStarts.count - 1))
    }
    storage = AreaCoordinates(count: 2 * vertexCount) { target in
      var rest = UnsafeMutableRawBufferPointer(target)
      for rings in polygons {
        for ring in rings {
          // A position is two doubles side by side.
          ring.withUnsafeBytes { ring in
            rest.copyMemory(from: ring)
            rest = UnsafeMutableRawBufferPointer(rebasing: rest[ring.count...])
          }
        }
      }
    }
  }

  /// Adds a polygon: its shell, then its holes, each a closed ring. All coordinates are copied.
  public mutating func append(polygon rings: [[LonLat]]) {
    self = OutageArea(polygons: (0..<polygonCount).map { self.rings(ofPolygon: $0) } + [rings])
  }

  /// Longitude, latitude, longitude, ... in degrees: a copy.
  public var coordinates: [Double] { withCoordinates { Array($0) } }

  /// Calls `body` with the coordinates where they lie; they must not be used after that.
  public func withCoordinates<Result>(
    _ body: (UnsafeBufferPointer<Double>) throws -> Result
  ) rethrows -> Result {
    try storage.withBuffer(body)
  }

  /// Has the coordinates lie in somebody else's memory, if the same stand there: see `AreaCoordinates`.
  public func lean(on owner: any AnyObject & Sendable, at start: UnsafePointer<Double>) {
    storage.lean(on: owner, at: start)
  }

  public var polygonCount: Int { polygonStarts.count - 1 }
  public var ringCount: Int { ringStarts.count - 1 }
  public var vertexCount: Int { storage.count / 2 }
  public var isEmpty: Bool { polygonCount == 0 }

  /// The rings of one polygon, shell first.
  public func rings(ofPolygon polygon: Int) -> [[LonLat]] {
    withCoordinates { coordinates in
      (polygonStarts[polygon]..<polygonStarts[polygon + 1]).map { ring in
        (ringStarts[Int(ring)]..<ringStarts[Int(ring) + 1]).map { vertex in
          LonLat(
            lonDegrees: coordinates[2 * Int(vertex)], latDegrees: coordinates[2 * Int(vertex) + 1])
        }
      }
    }
  }
}

extension OutageArea: Hashable {
  public static func == (a: OutageArea, b: OutageArea) -> Bool {
    guard a.ringStarts == b.ringStarts, a.polygonStarts == b.polygonStarts else { return false }
    return a.storage === b.storage
      || a.withCoordinates { a in b.withCoordinates { b in a.elementsEqual(b) } }
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(ringStarts)
    hasher.combine(polygonStarts)
    withCoordinates { for degrees in $0 { hasher.combine(degrees) } }
  }
}
