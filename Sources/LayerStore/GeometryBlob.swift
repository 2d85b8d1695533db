// SpatiaLite's BLOB geometry, written and read in place: POINT and MULTIPOLYGON, two dimensions, EPSG:4326, little-endian.

import OutageModel

/// The two geometry classes of the store in SpatiaLite's internal BLOB format (SpatiaLite wiki, *BLOB-Geometry*):
///
///     00 | 01 little-endian | srid | min x, min y, max x, max y | 7C | class | body | FE
///
/// A point's body is x, y. A multipolygon's is a count, and for each polygon 69, its class, its ring count, and for each
/// ring a vertex count and x, y, x, y, ... Counts, classes and the SRID are 32-bit. Doubles are copied bit for bit.
enum GeometryBlob {
  static let srid: Int32 = 4326
  static let pointSizeBytes = 60

  private static let headerSizeBytes = 43
  private static let pointClass: Int32 = 1
  private static let polygonClass: Int32 = 3
  private static let multiPolygonClass: Int32 = 6
}

extension GeometryBlob {
  /// Writes a point into `pointSizeBytes` bytes.
  static func write(_ position: LonLat, into buffer: UnsafeMutableRawBufferPointer) {
    var out = Writer(buffer: buffer)
    out.header(
      .init(
        west: position.lonDegrees, south: position.latDegrees, east: position.lonDegrees,
        north: position.latDegrees), class: pointClass)
    out.put(position.lonDegrees)
    out.put(position.latDegrees)
    out.put(0xFE as UInt8)
    assert(out.offset == pointSizeBytes)
  }

  /// The multipolygon of an area, and what bounds it.
  static func encode(_ area: OutageArea) -> [UInt8] {
    let size =
      headerSizeBytes + 4 + area.polygonCount * 9 + area.ringCount * 4 + area.vertexCount * 16 + 1
    return [UInt8](unsafeUninitializedCapacity: size) { bytes, count in
      var out = Writer(buffer: UnsafeMutableRawBufferPointer(bytes))
      out.header(Bounds(area), class: multiPolygonClass)
      out.put(Int32(area.polygonCount))
      area.withCoordinates { degrees in
        let coordinates = UnsafeRawBufferPointer(degrees)
        for polygon in 0..<area.polygonCount {
          let rings = Int(area.polygonStarts[polygon])..<Int(area.polygonStarts[polygon + 1])
          out.put(0x69 as UInt8)
          out.put(polygonClass)
          out.put(Int32(rings.count))
          for ring in rings {
            let vertices = Int(area.ringStarts[ring])..<Int(area.ringStarts[ring + 1])
            out.put(Int32(vertices.count))
            out.put(bytes: coordinates[vertices.lowerBound * 16..<vertices.upperBound * 16])
          }
        }
      }
      out.put(0xFE as UInt8)
      assert(out.offset == size)
      count = size
    }
  }

  /// The position of a point; `nil` if the bytes are not a point as `write` leaves it.
  static func point(_ bytes: UnsafeRawBufferPointer) -> LonLat? {
    var input = Reader(bytes: bytes)
    guard bytes.count == pointSizeBytes, input.header(class: pointClass), let x = input.double(),
      let y = input.double(), input.byte() == 0xFE
    else { return nil }
    return LonLat(lonDegrees: x, latDegrees: y)
  }

  /// The area of a multipolygon; `nil` if the bytes are not one as `encode` leaves it.
  static func area(_ bytes: UnsafeRawBufferPointer) -> OutageArea? {
    var input = Reader(bytes: bytes)
    guard input.header(class: multiPolygonClass), let polygonCount = input.int32() else { return nil }
    var polygons: [[[LonLat]]] = []
    for _ in 0..<max(0, polygonCount) {
      guard input.byte() == 0x69, input.int32() == polygonClass, let ringCount = input.int32()
      else { return nil }
      var rings: [[LonLat]] = []
      for _ in 0..<max(0, ringCount) {
        guard let vertexCount = input.int32(), let ring = input.ring(vertexCount: Int(vertexCount))
        else { return nil }
        rings.append(ring)
      }
      polygons.append(rings)
    }
    guard input.byte() == 0xFE, input.isAtEnd else { return nil }
    return OutageArea(polygons: polygons)
  }
}

/// A box around coordinates, in degrees.
struct Bounds: Equatable {
  var west = Double.infinity
  var south = Double.infinity
  var east = -Double.infinity
  var north = -Double.infinity

  init(west: Double, south: Double, east: Double, north: Double) {
    (self.west, self.south, self.east, self.north) = (west, south, east, north)
  }

  /// Around nothing yet.
  init() {}

  init(_ area: OutageArea) {
    area.withCoordinates { coordinates in
      for index in stride(from: 0, to: coordinates.count & ~1, by: 2) {
        add(LonLat(lonDegrees: coordinates[index], latDegrees: coordinates[index + 1]))
      }
    }
  }

  mutating func add(_ other: Bounds) {
    west = min(west, other.west)
    east = max(east, other.east)
    south = min(south, other.south)
    north = max(north, other.north)
  }

  mutating func add(_ position: LonLat) {
    west = min(west, position.lonDegrees)
    east = max(east, position.lonDegrees)
    south = min(south, position.latDegrees)
    north = max(north, position.latDegrees)
  }
}

// Every access below is within `buffer`: `Writer`'s callers size it beforehand, `Reader` checks each step.

private struct Writer {
  let buffer: UnsafeMutableRawBufferPointer
  var offset = 0

  mutating func put<Value: BitwiseCopyable>(_ value: Value) {
    buffer.storeBytes(of: value, toByteOffset: offset, as: Value.self)
    offset += MemoryLayout<Value>.size
  }

  mutating func put(bytes: Slice<UnsafeRawBufferPointer>) {
    UnsafeMutableRawBufferPointer(rebasing: buffer[offset...]).copyBytes(from: bytes)
    offset += bytes.count
  }

  mutating func header(_ bounds: Bounds, class geometryClass: Int32) {
    put(0x00 as UInt8)
    put(0x01 as UInt8)
    put(GeometryBlob.srid)
    put(bounds.west)
    put(bounds.south)
    put(bounds.east)
    put(bounds.north)
    put(0x7C as UInt8)
    put(geometryClass)
  }
}

private struct Reader {
  let bytes: UnsafeRawBufferPointer
  var offset = 0

  init(bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  var isAtEnd: Bool { offset == bytes.count }

  mutating func take<Value: BitwiseCopyable>(_ type: Value.Type) -> Value? {
    guard bytes.count - offset >= MemoryLayout<Value>.size else { return nil }
    defer { offset += MemoryLayout<Value>.size }
    return bytes.loadUnaligned(fromByteOffset: offset, as: type)
  }

  mutating func byte() -> UInt8? { take(UInt8.self) }
  mutating func int32() -> Int32? { take(Int32.self) }
  mutating func double() -> Double? { take(Double.self) }

  mutating func header(class geometryClass: Int32) -> Bool {
    guard byte() == 0x00, byte() == 0x01, int32() == GeometryBlob.srid else { return false }
    for _ in 0..<4 { guard double() != nil else { return false } }
    return byte() == 0x7C && int32() == geometryClass
  }

  mutating func ring(vertexCount: Int) -> [LonLat]? {
    guard vertexCount >= 0, (bytes.count - offset) / 16 >= vertexCount else { return nil }
    defer { offset += vertexCount * 16 }
    return (0..<vertexCount).map { vertex in
      LonLat(
        lonDegrees: bytes.loadUnaligned(fromByteOffset: offset + vertex * 16, as: Double.self),
        latDegrees: bytes.loadUnaligned(fromByteOffset: offset + vertex * 16 + 8, as: Double.self))
    }
  }
}
