// Scaffolding until the real indexes are merged: the same interface by brute force.
public struct PolygonSetBuilder {
  var areas: [(coordinates: [Double], ringStarts: [Int32])] = []
  public init() {}
  public mutating func append(coordinates: [Double], ringStarts: [Int32]) -> Int { areas.append((coordinates, ringStarts)); return areas.count - 1 }
  public func build() -> PolygonSet { PolygonSet(areas: areas) }
}
public struct PolygonSet: Sendable { var areas: [(coordinates: [Double], ringStarts: [Int32])] }
public struct HitList: ~Copyable {
  var items: [UInt32] = []
  public init() {}
  public var count: Int { items.count }
  public subscript(i: Int) -> UInt32 { items[i] }
  public var ids: UnsafeBufferPointer<UInt32> { items.withUnsafeBufferPointer { $0 } }
}
public struct NearHit { public var polygon: UInt32; public var distanceMetres: Double }
public struct NearList: ~Copyable {
  var items: [NearHit] = []
  public init() {}
  public var count: Int { items.count }
  public subscript(i: Int) -> NearHit { items[i] }
}
public final class PolygonIndex: Sendable {
  let set: PolygonSet
  public init(_ set: PolygonSet) { self.set = set }
  public var byteCount: Int { 0 }
  public func covering(x: Double, y: Double, into hits: inout HitList) {
    hits.items.removeAll(keepingCapacity: true)
    for (id, a) in set.areas.enumerated() {
      var inside = false
      for r in 0..<a.ringStarts.count - 1 {
        for v in Int(a.ringStarts[r])..<Int(a.ringStarts[r + 1]) - 1 {
          let (x1, y1, x2, y2) = (a.coordinates[2 * v], a.coordinates[2 * v + 1], a.coordinates[2 * v + 2], a.coordinates[2 * v + 3])
          if (y1 > y) != (y2 > y), x < (x2 - x1) * (y - y1) / (y2 - y1) + x1 { inside.toggle() }
        }
      }
      if inside { hits.items.append(UInt32(id)) }
    }
  }
  public func near(x: Double, y: Double, withinMetres: Double, into hits: inout NearList) { hits.items.removeAll() }
}
public final class PointIndex: Sendable {
  public let xs, ys: FlatArray<Double>
  public init(xs: FlatArray<Double>, ys: FlatArray<Double>) { self.xs = xs; self.ys = ys }
  public var byteCount: Int { xs.byteCount + ys.byteCount }
}
public func hilbertOrder(xs: FlatArray<Double>, ys: FlatArray<Double>) -> FlatArray<UInt32> { FlatArray((0..<UInt32(xs.count)).map { $0 }) }
public struct PointCoverage: Sendable {
  public let setOfPoint: FlatArray<UInt32>
  let starts: FlatArray<UInt32>
  let ids: FlatArray<UInt32>
  public var byteCount: Int { 0 }
  public func polygons(ofSet set: UInt32) -> UnsafeBufferPointer<UInt32> {
    UnsafeBufferPointer(start: ids.pointer + Int(starts[Int(set)]), count: Int(starts[Int(set) + 1] - starts[Int(set)]))
  }
  public static func join(points: PointIndex, polygons: PolygonIndex) -> PointCoverage {
    var hits = HitList()
    var known: [[UInt32]: UInt32] = [[]: 0]
    var sets: [UInt32] = []; var starts: [UInt32] = [0, 0]; var ids: [UInt32] = []
    for i in 0..<points.xs.count {
      polygons.covering(x: points.xs[i], y: points.ys[i], into: &hits)
      if let k = known[hits.items] { sets.append(k) } else {
        known[hits.items] = UInt32(known.count); sets.append(UInt32(known.count - 1)); ids += hits.items; starts.append(UInt32(ids.count))
      }
    }
    return PointCoverage(setOfPoint: FlatArray(sets), starts: FlatArray(starts), ids: FlatArray(ids))
  }
  public func updated(points: PointIndex, polygons: PolygonIndex, newIdOfOld: [UInt32], changed: [UInt32]) -> PointCoverage { Self.join(points: points, polygons: polygons) }
}
