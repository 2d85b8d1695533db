// A geometry in the coordinates of one system, and its GeoJSON, WKT and WKB.

import OutageModel

/// Positions in file order: x is longitude or easting.
struct FlatPosition: Hashable {
  var x, y: Double
}

/// What a fixture's record has for a geometry.
enum FlatGeometry: Hashable {
  case point(FlatPosition)
  /// Rings of each polygon, shell first, each closed; shells counter-clockwise.
  case polygons([[[FlatPosition]]])

  init(_ position: LonLat, in system: CoordinateSystem) throws(FixtureError) {
    self = .point(try system.project(position))
  }

  init(_ area: OutageArea, in system: CoordinateSystem) throws(FixtureError) {
    var polygons: [[[FlatPosition]]] = []
    for index in 0..<area.polygonCount {
      var rings: [[FlatPosition]] = []
      for ring in area.rings(ofPolygon: index) {
        var positions: [FlatPosition] = []
        for vertex in ring { positions.append(try system.project(vertex)) }
        rings.append(positions)
      }
      polygons.append(rings)
    }
    self = .polygons(polygons)
  }

  var geoJSON: String {
    switch self {
    case .point(let position): #"{"type":"Point","coordinates":\#(Self.json(position))}"#
    case .polygons(let polygons) where polygons.count == 1:
      #"{"type":"Polygon","coordinates":\#(Self.json(polygons[0]))}"#
    case .polygons(let polygons):
      #"{"type":"MultiPolygon","coordinates":[\#(polygons.map(Self.json).joined(separator: ","))]}"#
    }
  }

  var wkt: String {
    switch self {
    case .point(let position): "POINT(\(position.x) \(position.y))"
    case .polygons(let polygons) where polygons.count == 1: "POLYGON\(Self.wkt(polygons[0]))"
    case .polygons(let polygons): "MULTIPOLYGON(\(polygons.map(Self.wkt).joined(separator: ",")))"
    }
  }

  /// Little-endian WKB (OGC Simple Features); with `asMulti`, even one polygon is written as a multipolygon.
  func wkb(asMulti: Bool = false) -> [UInt8] {
    var bytes: [UInt8] = []
    func head(_ type: UInt32) {
      bytes.append(1)
      bytes.appendLittleEndian(type)
    }
    func polygon(_ rings: [[FlatPosition]]) {
      head(3)
      bytes.appendLittleEndian(UInt32(rings.count))
      for ring in rings {
        bytes.appendLittleEndian(UInt32(ring.count))
        for position in ring {
          bytes.appendLittleEndian(position.x.bitPattern)
          bytes.appendLittleEndian(position.y.bitPattern)
        }
      }
    }
    switch self {
    case .point(let position):
      head(1)
      bytes.appendLittleEndian(position.x.bitPattern)
      bytes.appendLittleEndian(position.y.bitPattern)
    case .polygons(let polygons) where polygons.count == 1 && !asMulti: polygon(polygons[0])
    case .polygons(let polygons):
      head(6)
      bytes.appendLittleEndian(UInt32(polygons.count))
      for rings in polygons { polygon(rings) }
    }
    return bytes
  }

  var wkbHex: String {
    let digits = Array("0123456789ABCDEF".utf8)
    return String(decoding: wkb().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// Least and greatest x and y.
  var bounds: (low: FlatPosition, high: FlatPosition) {
    let positions =
      switch self {
      case .point(let position): [position]
      case .polygons(let polygons): polygons.flatMap { $0.flatMap { $0 } }
      }
    let (xs, ys) = (positions.map(\.x), positions.map(\.y))
    return (FlatPosition(x: xs.min()!, y: ys.min()!), FlatPosition(x: xs.max()!, y: ys.max()!))
  }

  private static func json(_ position: FlatPosition) -> String { "[\(position.x),\(position.y)]" }

  private static func json(_ rings: [[FlatPosition]]) -> String {
    "[" + rings.map { "[" + $0.map(json).joined(separator: ",") + "]" }.joined(separator: ",") + "]"
  }

  private static func wkt(_ rings: [[FlatPosition]]) -> String {
    "(" + rings.map { "(" + $0.map { "\($0.x) \($0.y)" }.joined(separator: ",") + ")" }.joined(separator: ",")
      + ")"
  }
}

extension [UInt8] {
  mutating func appendLittleEndian(_ value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }

  mutating func appendBigEndian(_ value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
  }
}
