// An axis-parallel box in degrees, the currency of the R-trees.

/// A closed axis-parallel box; x is the longitude, y the latitude, both in degrees.
public struct Box: Hashable, Sendable, BitwiseCopyable {
  public var minX: Double
  public var minY: Double
  public var maxX: Double
  public var maxY: Double

  public init(minX: Double, minY: Double, maxX: Double, maxY: Double) {
    self.minX = minX
    self.minY = minY
    self.maxX = maxX
    self.maxY = maxY
  }

  /// The box of nothing: it meets no box, and a union with it changes nothing.
  public static let empty = Box(minX: .infinity, minY: .infinity, maxX: -.infinity, maxY: -.infinity)

  public var isEmpty: Bool { !(minX <= maxX && minY <= maxY) }

  /// Whether the boxes share a point; boundaries count. False if either holds a NaN.
  @inline(__always)
  public func intersects(_ other: Box) -> Bool {
    minX <= other.maxX && other.minX <= maxX && minY <= other.maxY && other.minY <= maxY
  }

  /// Whether the point lies in the box or on its boundary.
  @inline(__always)
  public func contains(x: Double, y: Double) -> Bool {
    minX <= x && x <= maxX && minY <= y && y <= maxY
  }

  /// Whether all of `other` lies in this box.
  @inline(__always)
  public func contains(_ other: Box) -> Bool {
    minX <= other.minX && other.maxX <= maxX && minY <= other.minY && other.maxY <= maxY
  }

  @inline(__always)
  mutating func extend(x: Double, y: Double) {
    minX = x < minX ? x : minX
    minY = y < minY ? y : minY
    maxX = x > maxX ? x : maxX
    maxY = y > maxY ? y : maxY
  }

  @inline(__always)
  mutating func extend(_ other: Box) {
    minX = other.minX < minX ? other.minX : minX
    minY = other.minY < minY ? other.minY : minY
    maxX = other.maxX > maxX ? other.maxX : maxX
    maxY = other.maxY > maxY ? other.maxY : maxY
  }
}
