// Keeps service points clear of every area's edge, so that no rounding or reprojection can move one across.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif
import OutageModel

/// Positions bucketed by a hundredth of a degree.
public struct EdgeMargin: Sendable {
  public static let marginMetres = 0.6
  private struct Cell: Hashable { var lon, lat: Int }
  private var cells: [Cell: [LonLat]] = [:]

  public init(_ positions: some Sequence<LonLat>) {
    for position in positions { cells[Self.cell(position), default: []].append(position) }
  }

  /// Whether every position is at least `marginMetres` away from all edges of the area.
  public func isKept(by area: OutageArea) -> Bool {
    distanceMetres(of: area) >= Self.marginMetres
  }

  /// The least distance between an edge of the area and a position; at most what lies in the buckets that the edges cross.
  public func distanceMetres(of area: OutageArea) -> Double {
    var least = Double.infinity
    for polygon in 0..<area.polygonCount {
      for ring in area.rings(ofPolygon: polygon) {
        for (a, b) in zip(ring, ring.dropFirst()) { least = min(least, distance(a, b)) }
      }
    }
    return least
  }

  private func distance(_ a: LonLat, _ b: LonLat) -> Double {
    let pad = 0.00001
    let low = Self.cell(
      LonLat(
        lonDegrees: min(a.lonDegrees, b.lonDegrees) - pad, latDegrees: min(a.latDegrees, b.latDegrees) - pad))
    let high = Self.cell(
      LonLat(
        lonDegrees: max(a.lonDegrees, b.lonDegrees) + pad, latDegrees: max(a.latDegrees, b.latDegrees) + pad))
    let lonScale = LocalFrame.metresPerLonDegree(latDegrees: a.latDegrees)
    let (dx, dy) = (
      (b.lonDegrees - a.lonDegrees) * lonScale, (b.latDegrees - a.latDegrees) * LocalFrame.metresPerLatDegree
    )
    let squaredLength = dx * dx + dy * dy
    var least = Double.infinity
    for lon in low.lon...high.lon {
      for lat in low.lat...high.lat {
        for position in cells[Cell(lon: lon, lat: lat)] ?? [] {
          let (px, py) = (
            (position.lonDegrees - a.lonDegrees) * lonScale,
            (position.latDegrees - a.latDegrees) * LocalFrame.metresPerLatDegree
          )
          let t = squaredLength == 0 ? 0 : max(0, min(1, (px * dx + py * dy) / squaredLength))
          least = min(least, hypot(px - t * dx, py - t * dy))
        }
      }
    }
    return least
  }

  private static func cell(_ position: LonLat) -> Cell {
    Cell(
      lon: Int((position.lonDegrees * 100).rounded(.down)),
      lat: Int((position.latDegrees * 100).rounded(.down)))
  }
}
