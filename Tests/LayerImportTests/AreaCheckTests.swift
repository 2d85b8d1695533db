// What becomes of an area: valid ones stay as they are, the others are repaired as documented.

import OutageModel
import Testing

@testable import LayerImport

@Suite struct AreaCheckTests {
  /// - Parameter polygons: each a list of rings of x, y, x, y, ...
  private func check(_ polygons: [[[Double]]], demandsWinding: Bool = true) throws -> (
    area: OutageArea, reasons: [ImportReason]
  ) {
    let (area, repairs) = try AreaCheck(demandsWinding: demandsWinding).area(of: geometry(polygons)).get()
    return (area, repairs.map(\.reason))
  }

  private func rejection(_ polygons: [[[Double]]]) -> ImportReason? {
    guard case .failure(let rejected) = AreaCheck(demandsWinding: true).area(of: geometry(polygons)) else {
      return nil
    }
    return rejected.fault.reason
  }

  private func geometry(_ polygons: [[[Double]]]) -> RawGeometry {
    var geometry = RawGeometry()
    geometry.kind = .polygonal
    for rings in polygons {
      for ring in rings {
        geometry.coordinates += ring
        geometry.endRing()
      }
      geometry.endPolygon()
    }
    return geometry
  }

  /// Square degrees, holes taken off.
  private func size(_ area: OutageArea) -> Double {
    var twice = 0.0
    for polygon in 0..<area.polygonCount {
      for ring in area.rings(ofPolygon: polygon) {
        for (a, b) in zip(ring, ring.dropFirst()) {
          twice += a.lonDegrees * b.latDegrees - b.lonDegrees * a.latDegrees
        }
      }
    }
    return twice / 2
  }

  private let square: [Double] = [10, 40, 11, 40, 11, 41, 10, 41, 10, 40]
  private let hole: [Double] = [10.2, 40.2, 10.2, 40.4, 10.4, 40.4, 10.4, 40.2, 10.2, 40.2]

  @Test func `a valid area keeps its vertices to the bit`() throws {
    let odd: [Double] = [
      10.1, 40.000000000000007, 11.3, 40, 11, 41.123456789012345, 10.1, 40.000000000000007,
    ]
    let (area, reasons) = try check([[odd], [square.map { $0 + 5 }, hole.map { $0 + 5 }]])
    #expect(reasons.isEmpty)
    #expect(area.coordinates == odd + square.map { $0 + 5 } + hole.map { $0 + 5 })
    #expect(area.ringStarts == [0, 4, 9, 14])
    #expect(area.polygonStarts == [0, 1, 3])
  }

  @Test func `rings are closed, and vertices that repeat are dropped`() throws {
    let (area, reasons) = try check([[[10, 40, 11, 40, 11, 40, 11, 41, 10, 41]]])
    #expect(reasons == [.unclosedRing, .duplicatePoints])
    #expect(area.coordinates == square)
  }

  @Test func `winding is put right, and reported only where the format demands it`() throws {
    let clockwise: [Double] = [10, 40, 10, 41, 11, 41, 11, 40, 10, 40]
    let (area, reasons) = try check([[clockwise]])
    #expect(reasons == [.wrongWinding])
    #expect(size(area) == 1)
    #expect(try check([[clockwise]], demandsWinding: false).reasons.isEmpty)
    #expect(abs(size(try check([[square, hole.reversedRing]]).area) - 0.96) < 1e-12)
  }

  @Test func `a bow tie becomes its two triangles`() throws {
    let (area, reasons) = try check([[[10, 40, 11, 41, 11, 40, 10, 41, 10, 40]]])
    #expect(reasons.contains(.selfIntersection))
    #expect(area.polygonCount == 2)
    #expect(abs(size(area) - 0.5) < 1e-12)
  }

  @Test func `a spike is cut off and named as one`() throws {
    let (area, reasons) = try check([[[10, 40, 11, 40, 13, 40, 11, 40, 11, 41, 10, 41, 10, 40]]])
    #expect(reasons.contains(.spike))
    #expect(abs(size(area) - 1) < 1e-12)
  }

  @Test func `parts that overlap become one area, counted once`() throws {
    let (area, reasons) = try check([[square], [[10.5, 40, 11.5, 40, 11.5, 41, 10.5, 41, 10.5, 40]]])
    #expect(reasons == [.selfIntersection])
    #expect(abs(size(area) - 1.5) < 1e-12)
  }

  @Test func `a part within a part adds nothing`() throws {
    let (area, reasons) = try check([
      [square], [[10.4, 40.4, 10.6, 40.4, 10.6, 40.6, 10.4, 40.6, 10.4, 40.4]],
    ])
    #expect(reasons == [.nestedShells])
    #expect(abs(size(area) - 1) < 1e-12)
  }

  @Test func `a hole outside its shell becomes a part, as GEOS has it`() throws {
    let (area, reasons) = try check([[square, hole.map { $0 + 5 }]])
    #expect(reasons == [.holeOutsideShell])
    #expect(abs(size(area) - 1.04) < 1e-9)
  }

  /// Fiji's way: longitudes that jump; and longitudes that go on beyond 180.
  @Test(arguments: [
    [179.0, -17, -179, -17, -179, -16, 179, -16, 179, -17],
    [179.0, -17, 181, -17, 181, -16, 179, -16, 179, -17],
    [-181.0, -17, -179, -17, -179, -16, -181, -16, -181, -17],
  ])
  func `an area across the antimeridian is cut there`(ring: [Double]) throws {
    let (area, reasons) = try check([[ring]])
    #expect(reasons == [.antimeridian])
    #expect(area.polygonCount == 2)
    #expect(abs(size(area) - 2) < 1e-9)
    let lons = stride(from: 0, to: area.coordinates.count, by: 2).map { area.coordinates[$0] }
    #expect(lons.allSatisfy { $0.magnitude <= 180 && $0.magnitude >= 179 })
    #expect(lons.contains(180) && lons.contains(-180))
  }

  @Test func `a hole across the antimeridian stays a hole`() throws {
    let (area, _) = try check([
      [
        [178, -18, -178, -18, -178, -14, 178, -14, 178, -18],
        [179, -17, 179, -15, -179, -15, -179, -17, 179, -17],
      ]
    ])
    #expect(abs(size(area) - 12) < 1e-9)
  }

  @Test func `what has no area is rejected`() {
    #expect(rejection([[[10, 40, 11, 41, 12, 42, 10, 40]]]) == .unrepairable)
    #expect(rejection([[[10, 40, 11, 41, 10, 40]]]) == .unrepairable)
    #expect(rejection([[[10, 40]]]) == .unrepairable)
    #expect(rejection([]) == .unrepairable)
    // All around the north pole.
    #expect(rejection([[[0, 80, 120, 80, -120, 80, 0, 80]]]) == .unrepairable)
  }
}

extension [Double] {
  fileprivate var reversedRing: [Double] {
    stride(from: 0, to: count, by: 2).reversed().flatMap { [self[$0], self[$0 + 1]] }
  }
}
