// The join: which polygons cover each service point.

/// For each point the set of polygons that cover it. Points share their sets, so that a point costs four bytes.
public struct PointCoverage: Sendable {
  /// The number of each point's set; 0 is the empty set, and no other set is empty.
  public let setOfPoint: FlatArray<UInt32>
  /// Set s has the members `setStarts[s] ..< setStarts[s + 1]`.
  let setStarts: FlatArray<UInt32>
  let setMembers: FlatArray<UInt32>
  /// How many sets there were when equal ones were last made one.
  let distinctSetCount: Int

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
    var lastHits = HitList()
    var lastSet: UInt32 = 0
    let setOfPoint = FlatArray<UInt32>(count: points.count) { sets in
      for point in 0..<points.count {
        polygons.covering(x: points.xs.pointer[point], y: points.ys.pointer[point], into: &hits)
        // Points lie along the Hilbert curve, so that many have the answer of the one before.
        if !hits.equals(lastHits) {
          lastSet = table.intern(hits.ids)
          swap(&hits, &lastHits)
        }
        sets[point] = lastSet
      }
    }
    return PointCoverage(setOfPoint: setOfPoint, table)
  }

  private init(setOfPoint: FlatArray<UInt32>, _ table: SetTable) {
    self.setOfPoint = setOfPoint
    setStarts = FlatArray(table.starts)
    setMembers = FlatArray(table.members)
    distinctSetCount = table.starts.count - 1
  }

  init(
    setOfPoint: FlatArray<UInt32>, setStarts: FlatArray<UInt32>, setMembers: FlatArray<UInt32>,
    distinctSetCount: Int
  ) {
    self.setOfPoint = setOfPoint
    self.setStarts = setStarts
    self.setMembers = setMembers
    self.distinctSetCount = distinctSetCount
  }
}

extension PointCoverage {
  /// All is joined anew when the changed polygons are more than one in so many.
  static let joinShare = 4

  /// The join after a change of the layer, at a cost that follows the changed polygons.
  ///
  /// Sets keep their numbers and are renamed; points that changed polygons cover get new sets behind them. So equal sets may come to stand
  /// twice; when the sets have doubled, all are sorted out again.
  /// - Parameters:
  ///   - points: the same points as before.
  ///   - new: the index over the new layer.
  ///   - newIdOfOld: for each old polygon its new id, or `UInt32.max` if it is gone or its geometry has changed.
  ///   - changed: the new ids whose geometry is new or changed.
  public func updated(
    points: PointIndex, polygons new: PolygonIndex, newIdOfOld: [UInt32], changed: [UInt32]
  ) -> PointCoverage {
    precondition(points.count == setOfPoint.count, "the points of the join")
    // Where much has changed, it is no cheaper to look for what has not.
    if changed.count * Self.joinShare > new.count { return Self.join(points: points, polygons: new) }
    var sets = RenamedSets(self, newIdOfOld)
    let search = ChangedPolygons(new, changed)
    var isNear = [Bool](repeating: false, count: PointIndex.runCount(points.count))
    for polygon in changed {
      points.tree.visit(new.bounds(of: polygon)) { run in isNear[run] = true }
    }
    var gains = HitList()
    let updatedSets = FlatArray<UInt32>(count: points.count) { target in
      for run in isNear.indices {
        let range = run * PointIndex.runLength..<min((run + 1) * PointIndex.runLength, points.count)
        if isNear[run] {
          for point in range {
            search.covering(x: points.xs.pointer[point], y: points.ys.pointer[point], into: &gains)
            target[point] = sets.set(setOfPoint.pointer[point], gaining: gains)
          }
        } else {
          for point in range { target[point] = sets.renamed(setOfPoint.pointer[point]) }
        }
      }
    }
    let (starts, members) = sets.finished()
    let updated = PointCoverage(
      setOfPoint: updatedSets, setStarts: starts, setMembers: members, distinctSetCount: distinctSetCount)
    return updated.setCount > 2 * distinctSetCount + 4096 ? updated.sortedOut() : updated
  }

  /// The same join with equal sets made one, and sets that no point has left out.
  private func sortedOut() -> PointCoverage {
    var table = SetTable()
    var numbers = [UInt32](repeating: .max, count: setCount)
    let sets = FlatArray<UInt32>(count: setOfPoint.count) { sets in
      for point in 0..<setOfPoint.count {
        let old = Int(setOfPoint.pointer[point])
        if numbers[old] == .max { numbers[old] = table.intern(polygons(ofSet: UInt32(old))) }
        sets[point] = numbers[old]
      }
    }
    return PointCoverage(setOfPoint: sets, table)
  }
}

/// Finds which of the changed polygons cover a point.
private struct ChangedPolygons {
  private let index: PolygonIndex
  private let isChanged: [Bool]
  /// Whether the index keeps all of them apart from the rest.
  private let areApart: Bool

  init(_ index: PolygonIndex, _ changed: [UInt32]) {
    self.index = index
    var flags = [Bool](repeating: false, count: index.count)
    var areApart = index.isLayered
    for id in changed {
      flags[Int(id)] = true
      areApart = areApart && index.place(of: id).isChange
    }
    isChanged = flags
    self.areApart = areApart
  }

  @inline(__always)
  func covering(x: Double, y: Double, into hits: inout HitList) {
    if areApart {
      index.coveringChanges(x: x, y: y, into: &hits)
    } else {
      index.covering(x: x, y: y, into: &hits)
    }
    if hits.count > 0 { hits.keep(where: { isChanged[Int($0)] }) }
  }
}

/// The sets of a join under their polygons' new ids, and new sets behind them.
private struct RenamedSets: ~Copyable {
  private let old: PointCoverage
  private let newIdOfOld: [UInt32]
  /// Whether the new ids of the old polygons ascend, so that renamed sets do.
  private let ascends: Bool
  private var starts: GrowingBuffer<UInt32>
  private var members: GrowingBuffer<UInt32>
  /// By old set: its number, or 0 if nothing is left of it.
  private var numbers: [UInt32]
  /// Sets that have gained polygons; set g of them gets the number `old.setCount + g - 1`.
  private var gained = SetTable()
  private var lastOld: UInt32 = .max
  private var lastGains = HitList()
  private var lastSet: UInt32 = 0
  private var merged: [UInt32] = []

  init(_ old: PointCoverage, _ newIdOfOld: [UInt32]) {
    self.old = old
    self.newIdOfOld = newIdOfOld
    let kept = newIdOfOld.filter { $0 != .max }
    ascends = zip(kept, kept.dropFirst()).allSatisfy { $0 < $1 }
    starts = GrowingBuffer(capacity: old.setStarts.count + old.setStarts.count / 8)
    members = GrowingBuffer(capacity: old.setMembers.count + old.setMembers.count / 8)
    numbers = (0..<UInt32(old.setCount)).map { $0 }
    for set in 0..<old.setCount {
      starts.append(UInt32(members.count))
      let first = members.count
      rename(set)
      if members.count == first { numbers[set] = 0 }
    }
    starts.append(UInt32(members.count))
  }

  /// Appends what is left of an old set.
  @inline(__always)
  private mutating func rename(_ set: Int) {
    let first = members.count
    newIdOfOld.withUnsafeBufferPointer { newIdOfOld in
      for index in Int(old.setStarts.pointer[set])..<Int(old.setStarts.pointer[set + 1]) {
        let id = newIdOfOld[Int(old.setMembers.pointer[index])]
        if id != .max { members.append(id) }
      }
    }
    if !ascends {
      var renamed = UnsafeMutableBufferPointer(rebasing: members.mutableBuffer[first...])
      renamed.sort()
    }
  }

  /// The number of a set whose point has gained nothing.
  @inline(__always)
  func renamed(_ set: UInt32) -> UInt32 { numbers[Int(set)] }

  /// The number of the set of a point that was in `set` and has gained polygons.
  mutating func set(_ set: UInt32, gaining gains: borrowing HitList) -> UInt32 {
    if gains.count == 0 { return renamed(set) }
    if set == lastOld && gains.equals(lastGains) { return lastSet }
    merged.removeAll(keepingCapacity: true)
    merged.append(
      contentsOf: members.buffer[Int(starts.pointer[Int(set)])..<Int(starts.pointer[Int(set) + 1])])
    merged.append(contentsOf: gains.ids)
    merged.sort()
    lastSet = UInt32(old.setCount) + merged.withUnsafeBufferPointer { gained.intern($0) } - 1
    lastOld = set
    lastGains.replace(by: gains)
    return lastSet
  }

  /// All sets, with the new ones behind the renamed ones.
  consuming func finished() -> (starts: FlatArray<UInt32>, members: FlatArray<UInt32>) {
    let base = UInt32(members.count)
    // Set 0 of both is the empty set, and the end of the renamed sets is where the first gained one starts.
    for start in gained.starts.dropFirst(2) { starts.append(base + start) }
    gained.members.withUnsafeBufferPointer {
      if let first = $0.baseAddress { members.append(from: first, count: $0.count) }
    }
    return (starts.finished(), members.finished())
  }
}
