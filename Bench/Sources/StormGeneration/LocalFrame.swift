// A town's own flat frame in metres, turned along its streets, and the way from it to WGS 84 and back.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif
import OutageModel

/// A point of a town's frame: metres along and across its streets.
public struct PlanePoint: Hashable, Sendable {
  public var xMetres: Double
  public var yMetres: Double

  public init(_ xMetres: Double, _ yMetres: Double) {
    self.xMetres = xMetres
    self.yMetres = yMetres
  }
}

/// An equirectangular frame around an origin: within 10 km of it true to a few metres, which is all that made-up streets need.
public struct LocalFrame: Sendable {
  public let origin: LonLat
  public let rotationRadians: Double

  public static let metresPerLatDegree = 111_000.0

  public static func metresPerLonDegree(latDegrees: Double) -> Double {
    111_320 * cos(latDegrees * .pi / 180)
  }

  public init(origin: LonLat, rotationRadians: Double) {
    self.origin = origin
    self.rotationRadians = rotationRadians
  }

  /// The position on WGS 84, rounded to seven decimals: what is written is what was checked.
  public func lonLat(_ point: PlanePoint) -> LonLat {
    let (c, s) = (cos(rotationRadians), sin(rotationRadians))
    let east = point.xMetres * c - point.yMetres * s
    let north = point.xMetres * s + point.yMetres * c
    return LonLat(
      lonDegrees: Self.sevenDecimals(
        origin.lonDegrees + east / Self.metresPerLonDegree(latDegrees: origin.latDegrees)),
      latDegrees: Self.sevenDecimals(origin.latDegrees + north / Self.metresPerLatDegree))
  }

  static func sevenDecimals(_ degrees: Double) -> Double {
    (degrees * 1e7).rounded() / 1e7
  }
}
