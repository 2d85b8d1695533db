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
    var sets = JoinedSets(pointCount: points.count)
    let setOfPoint = FlatArray<UInt32>(count: points.count) { target in
      for start in stride(from: 0, to: points.count, by: CellBatch.size) {
        sets.write(
          to: target.baseAddress! + start, count: min(CellBatch.size, points.count - start),
          xs: points.xs.pointer + start, ys: points.ys.pointer + start, polygons)
      }
    }
    return PointCoverage(setOfPoint: setOfPoint, sets.finished())
  }

  private init(
    setOfPoint: FlatArray<UInt32>, _ sets: (starts: FlatArray<UInt32>, members: FlatArray<UInt32>)
  ) {
    self.init(
      setOfPoint: setOfPoint, setStarts: sets.starts, setMembers: sets.members,
      distinctSetCount: sets.starts.count - 1)
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
    var search = ChangedPolygons(new, changed)
    var isNear = [Bool](repeating: false, count: PointIndex.runCount(points.count))
    for polygon in changed {
      points.tree.visit(new.bounds(of: polygon)) { run in isNear[run] = true }
    }
    let updatedSets = FlatArray<UInt32>(count: points.count) { target in
      for run in isNear.indices {
        let range = run * PointIndex.runLength..<min((run + 1) * PointIndex.runLength, points.count)
        if isNear[run] {
          search.write(
            to: target.baseAddress! + range.lowerBound, old: setOfPoint.pointer + range.lowerBound,
            count: range.count, xs: points.xs.pointer + range.lowerBound,
            ys: points.ys.pointer + range.lowerBound, &sets)
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
    var table = SetTable(setCapacity: setCount, memberCapacity: setMembers.count)
    var numbers = [UInt32](repeating: .max, count: setCount)
    let sets = FlatArray<UInt32>(count: setOfPoint.count) { sets in
      for point in 0..<setOfPoint.count {
        let old = Int(setOfPoint.pointer[point])
        if numbers[old] == .max { numbers[old] = table.intern(polygons(ofSet: UInt32(old))) }
        sets[point] = numbers[old]
      }
    }
    return PointCoverage(setOfPoint: sets, table.finished())
  }
}

/// The sets of the points of a full join.
private struct JoinedSets: ~Copyable {
  private var table: SetTable
  private var batch = CellBatch()
  private var hits = HitList()
  private var last = CellAnswer(entry: 0)
  private var lastSet: UInt32 = 0

  init(pointCount: Int) { table = SetTable(setCapacity: pointCount / 2, memberCapacity: 4 * pointCount) }

  consuming func finished() -> (starts: FlatArray<UInt32>, members: FlatArray<UInt32>) { table.finished() }

  /// Writes the sets of up to `CellBatch.size` points.
  mutating func write(
    to target: UnsafeMutablePointer<UInt32>, count: Int, xs: UnsafePointer<Double>, ys: UnsafePointer<Double>,
    _ polygons: PolygonIndex
  ) {
    if polygons.isLayered {
      for point in 0..<count {
        polygons.covering(x: xs[point], y: ys[point], into: &hits)
        target[point] = table.intern(hits.ids)
      }
      return
    }
    polygons.base.ask(about: xs, ys, count: count, &batch)
    for point in 0..<count {
      let answer = batch.answers[point]
      // Points lie along the Hilbert curve, so that many have the answer of the one before.
      if answer != last || answer.dependsOnPoint {
        last = answer
        lastSet = answer.entry == 0 ? 0 : set(answer, x: xs[point], y: ys[point], polygons)
      }
      target[point] = lastSet
    }
  }

  @inline(never)
  private mutating func set(_ answer: CellAnswer, x: Double, y: Double, _ polygons: PolygonIndex) -> UInt32 {
    hits.removeAll()
    polygons.base.append(answer, x: x, y: y, to: &hits)
    return table.intern(hits.ids)
  }
}

/// Remembers which set the points with an answer have that were in a certain set before; forgets when another takes the place.
private struct AnswerMemo: ~Copyable {
  private struct Entry: BitwiseCopyable {
    var answer = CellAnswer(entry: 0)
    var old: UInt32 = 0
    var set: UInt32 = 0
  }

  private static let size = 4096
  private let entries: UnsafeMutablePointer<Entry>

  init() {
    entries = .allocate(capacity: Self.size)
    entries.initialize(repeating: Entry(), count: Self.size)
  }

  deinit { entries.deallocate() }

  /// The set that was kept, or nil; the empty answer is never kept.
  @inline(__always)
  func set(_ answer: CellAnswer, of old: UInt32) -> UInt32? {
    let entry = entries[Self.place(answer, old)]
    return entry.answer == answer && entry.old == old && !answer.dependsOnPoint ? entry.set : nil
  }

  @inline(__always)
  mutating func keep(_ set: UInt32, _ answer: CellAnswer, of old: UInt32) {
    entries[Self.place(answer, old)] = Entry(answer: answer, old: old, set: set)
  }

  @inline(__always)
  private static func place(_ answer: CellAnswer, _ old: UInt32) -> Int {
    let key = (UInt64(answer.entry) << 32 | UInt64(answer.inside)) ^ UInt64(old) &* 0xD6E8_FEB8_6659_FD93
    return Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 52)
  }
}

/// Finds which of the changed polygons cover a point.
private struct ChangedPolygons: ~Copyable {
  private let index: PolygonIndex
  private let isChanged: [Bool]
  /// Whether the index keeps all of them apart from the rest.
  private let areApart: Bool
  private var batch = CellBatch()
  private var known = AnswerMemo()
  private var gains = HitList()

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

  /// Writes the sets of the points of a run, which were in the sets `old`.
  mutating func write(
    to target: UnsafeMutablePointer<UInt32>, old: UnsafePointer<UInt32>, count: Int,
    xs: UnsafePointer<Double>, ys: UnsafePointer<Double>, _ sets: inout RenamedSets
  ) {
    if !areApart {
      for point in 0..<count {
        index.covering(x: xs[point], y: ys[point], into: &gains)
        gains.keep(where: { isChanged[Int($0)] })
        target[point] = sets.set(old[point], gaining: gains.ids)
      }
      return
    }
    index.changes.ask(about: xs, ys, count: count, &batch)
    for point in 0..<count {
      let answer = batch.answers[point]
      target[point] =
        answer.entry == 0
        ? sets.renamed(old[point]) : set(of: old[point], answer, x: xs[point], y: ys[point], &sets)
    }
  }

  private mutating func set(
    of old: UInt32, _ answer: CellAnswer, x: Double, y: Double, _ sets: inout RenamedSets
  ) -> UInt32 {
    if let set = known.set(answer, of: old) { return set }
    gains.removeAll()
    index.appendChanges(answer, x: x, y: y, to: &gains)
    gains.keep(where: { isChanged[Int($0)] })
    let set = sets.set(old, gaining: gains.ids)
    known.keep(set, answer, of: old)
    return set
  }
}

/// The sets of a join under their polygons' new ids, and new sets behind them.
private struct RenamedSets: ~Copyable {
  private let oldCount: Int
  private var starts: GrowingBuffer<UInt32>
  private var members: GrowingBuffer<UInt32>
  /// By old set: its number, or 0 if nothing is left of it.
  private let numbers: FlatArray<UInt32>
  /// Sets that have gained polygons; set g of them gets the number `oldCount + g - 1`.
  private var gained = SetTable()
  private var merged = HitList()

  init(_ old: PointCoverage, _ newIdOfOld: [UInt32]) {
    oldCount = old.setCount
    let kept = newIdOfOld.filter { $0 != .max }
    // Whether the new ids of the old polygons ascend, so that renamed sets do.
    let ascends = zip(kept, kept.dropFirst()).allSatisfy { $0 < $1 }
    // Room for the gained sets as well.
    starts = GrowingBuffer(capacity: 2 * old.setStarts.count)
    members = GrowingBuffer(capacity: 2 * old.setMembers.count)
    let newStarts = starts.appendUnwritten(old.setCount + 1)
    let newMembers = members.appendUnwritten(old.setMembers.count)
    var count = 0
    numbers = FlatArray(count: old.setCount) { numbers in
      newIdOfOld.withUnsafeBufferPointer { newIdOfOld in
        for set in 0..<old.setCount {
          let first = count
          newStarts[set] = UInt32(first)
          for index in Int(old.setStarts.pointer[set])..<Int(old.setStarts.pointer[set + 1]) {
            let id = newIdOfOld[Int(old.setMembers.pointer[index])]
            newMembers[count] = id
            count += id == .max ? 0 : 1
          }
          numbers[set] = count == first ? 0 : UInt32(set)
          if !ascends {
            var renamed = UnsafeMutableBufferPointer(start: newMembers + first, count: count - first)
            renamed.sort()
          }
        }
      }
    }
    newStarts[old.setCount] = UInt32(count)
    members.removeLast(old.setMembers.count - count)
  }

  /// The number of a set whose point has gained nothing.
  @inline(__always)
  func renamed(_ set: UInt32) -> UInt32 { numbers.pointer[Int(set)] }

  /// The number of the set of a point that was in `set` and has gained polygons.
  mutating func set(_ set: UInt32, gaining gains: UnsafeBufferPointer<UInt32>) -> UInt32 {
    if gains.isEmpty { return renamed(set) }
    merged.removeAll()
    merged.append(
      contentsOf: UnsafeBufferPointer(
        rebasing: members.buffer[Int(starts.pointer[Int(set)])..<Int(starts.pointer[Int(set) + 1])]))
    merged.append(contentsOf: gains)
    merged.sort()
    return UInt32(oldCount) + gained.intern(merged.ids) - 1
  }

  /// All sets, with the new ones behind the renamed ones.
  consuming func finished() -> (starts: FlatArray<UInt32>, members: FlatArray<UInt32>) {
    let base = UInt32(members.count)
    // Set 0 of both is the empty set, and the end of the renamed sets is where the first gained one starts.
    for start in gained.starts.buffer.dropFirst(2) { starts.append(base + start) }
    members.append(from: gained.members.pointer, count: gained.members.count)
    return (starts.finished(), members.finished())
  }
}
