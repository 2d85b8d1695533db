// The join: which polygons cover each service point.

/// For each point the set of polygons that cover it. Equal sets are stored once, so that a point costs four bytes.
public struct PointCoverage: Sendable {
  /// The number of each point's set; 0 is the empty set.
  public let setOfPoint: FlatArray<UInt32>
  /// Set s has the members `setStarts[s] ..< setStarts[s + 1]`.
  let setStarts: FlatArray<UInt32>
  let setMembers: FlatArray<UInt32>

  public var setCount: Int { setStarts.count - 1 }

  public var byteCount: Int { setOfPoint.byteCount + setStarts.byteCount + setMembers.byteCount }

  /// The polygons of a set, ascending; valid for as long as this value lives.
  public func polygons(ofSet set: UInt32) -> UnsafeBufferPointer<UInt32> {
    let start = Int(setStarts[Int(set)])
    return UnsafeBufferPointer(rebasing: setMembers.buffer[start..<Int(setStarts[Int(set) + 1])])
  }

  /// Finds the polygons that cover each point.
  public static func join(points: PointIndex, polygons: PolygonIndex) -> PointCoverage {
    var table = SetTable()
    var hits = HitList()
    let setOfPoint = FlatArray<UInt32>(count: points.count) { sets in
      for point in 0..<points.count {
        polygons.covering(x: points.xs.pointer[point], y: points.ys.pointer[point], into: &hits)
        sets[point] = table.intern(hits.ids)
      }
    }
    return PointCoverage(setOfPoint: setOfPoint, table)
  }

  /// The join after a change of the layer, at a cost that follows the changed polygons.
  ///
  /// - Parameters:
  ///   - points: the same points as before.
  ///   - new: the index over the new layer.
  ///   - newIdOfOld: for each old polygon its new id, or `UInt32.max` if it is gone or its geometry has changed.
  ///   - changed: the new ids whose geometry is new or changed.
  public func updated(
    points: PointIndex, polygons new: PolygonIndex, newIdOfOld: [UInt32], changed: [UInt32]
  ) -> PointCoverage {
    precondition(points.count == setOfPoint.count, "the points of the join")
    var gains: [UInt64] = []
    for polygon in changed {
      points.points(in: new.polygons.boxes[Int(polygon)]) { point in
        if new.polygons.covers(
          polygon: Int(polygon), x: points.xs.pointer[point], y: points.ys.pointer[point])
        {
          gains.append(UInt64(point) << 32 | UInt64(polygon))
        }
      }
    }
    gains.sort()
    var table = SetTable()
    var members: [UInt32] = []
    var newSetOfOld = [UInt32](repeating: .max, count: setCount)
    var next = 0
    let sets = FlatArray<UInt32>(count: setOfPoint.count) { sets in
      for point in 0..<setOfPoint.count {
        let old = Int(setOfPoint.pointer[point])
        let isGaining = next < gains.count && gains[next] >> 32 == UInt64(point)
        if !isGaining && newSetOfOld[old] != .max {
          sets[point] = newSetOfOld[old]
          continue
        }
        members.removeAll(keepingCapacity: true)
        for polygon in polygons(ofSet: UInt32(old)) where newIdOfOld[Int(polygon)] != .max {
          members.append(newIdOfOld[Int(polygon)])
        }
        while next < gains.count && gains[next] >> 32 == UInt64(point) {
          members.append(UInt32(truncatingIfNeeded: gains[next]))
          next += 1
        }
        members.sort()
        sets[point] = members.withUnsafeBufferPointer { table.intern($0) }
        if !isGaining { newSetOfOld[old] = sets[point] }
      }
    }
    return PointCoverage(setOfPoint: sets, table)
  }

  private init(setOfPoint: FlatArray<UInt32>, _ table: SetTable) {
    self.setOfPoint = setOfPoint
    setStarts = FlatArray(table.starts)
    setMembers = FlatArray(table.members)
  }
}
