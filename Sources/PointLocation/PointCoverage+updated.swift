// The join after a change of the layer, at a cost that follows what has changed.

extension PointCoverage {
  /// All is joined anew when the changed polygons are more than one in so many.
  static let joinShare = 4

  /// The join after a change of the layer, at a cost that follows the changed polygons.
  ///
  /// Sets keep their numbers, and are shared with this join where ids have not moved. Points whose polygons are others than before get new sets
  /// behind them. So equal sets may come to stand twice; when the sets have doubled, all are sorted out again.
  /// - Parameters:
  ///   - points: the same points as before.
  ///   - old: the index over the layer of this join.
  ///   - new: the index over the new layer.
  ///   - newIdOfOld: for each old polygon its new id, or `UInt32.max` if it is gone or its geometry has changed.
  ///   - changed: the new ids whose geometry is new or changed.
  public func updated(
    points: PointIndex, from old: PolygonIndex, to new: PolygonIndex, newIdOfOld: [UInt32], changed: [UInt32]
  ) -> PointCoverage {
    precondition(points.count == setOfPoint.count, "the points of the join")
    precondition(newIdOfOld.count == old.count, "an id, or none, for each polygon")
    // Where much has changed, it is no cheaper to look for what has not.
    if changed.count * Self.joinShare > new.count { return Self.join(points: points, polygons: new) }
    let near = Self.nearPoints(points, old, new, newIdOfOld, changed)
    let pageRuns = SetNumbers.pageLength / PointIndex.runLength
    func nearRuns(ofPage page: Int) -> some Sequence<Int> {
      (page * pageRuns..<min((page + 1) * pageRuns, near.count)).lazy.filter { !near[$0].isEmpty }
    }
    let nearPages = (0..<SetNumbers.pageCount(points.count)).filter {
      nearRuns(ofPage: $0).contains { _ in true }
    }
    var search = ChangedPolygons(new, changed)
    var sets = ChangedSets(self, newIdOfOld)
    let updatedSets = setOfPoint.replacing(nearPages) { page, numbers in
      for run in nearRuns(ofPage: page) {
        let start = run * PointIndex.runLength
        search.replace(
          numbers + (start - page * SetNumbers.pageLength), near[run], xs: points.xs.pointer + start,
          ys: points.ys.pointer + start, &sets)
      }
    }
    let updated = PointCoverage(setOfPoint: updatedSets, sets.finished())
    return updated.added.count > base.count + 256 ? updated.sortedOut() : updated
  }

  /// By run, which points lie near what has changed.
  private static func nearPoints(
    _ points: PointIndex, _ old: PolygonIndex, _ new: PolygonIndex, _ newIdOfOld: [UInt32],
    _ changed: [UInt32]
  ) -> [NearPoints] {
    let runCount = PointIndex.runCount(points.count)
    return [NearPoints](unsafeUninitializedCapacity: runCount) { near, count in
      near.initialize(repeating: NearPoints())
      count = runCount
      for (id, newId) in newIdOfOld.enumerated() where newId == .max {
        points.visitRuns(in: old.bounds(of: UInt32(id))) { run, inside in near[run].gone |= inside }
      }
      for id in changed {
        points.visitRuns(in: new.bounds(of: id)) { run, inside in near[run].come |= inside }
      }
    }
  }

  private init(setOfPoint: SetNumbers, _ sets: (base: FlatSets, added: FlatSets)) {
    self.init(setOfPoint: setOfPoint, base: sets.base, added: sets.added)
  }

  /// The same join with equal sets made one, and sets that no point has left out.
  private func sortedOut() -> PointCoverage {
    var table = SetTable(
      setCapacity: setCount, memberCapacity: base.members.count + added.members.count)
    var numbers = [UInt32](repeating: .max, count: setCount)
    let sets = FlatArray<UInt32>(count: setOfPoint.count) { sets in
      for point in 0..<setOfPoint.count {
        let old = Int(setOfPoint[point])
        if numbers[old] == .max { numbers[old] = table.intern(polygons(ofSet: UInt32(old))) }
        sets[point] = numbers[old]
      }
    }
    return PointCoverage(setOfPoint: SetNumbers(sets), base: FlatSets(table))
  }
}

/// Which points of a run lie in the bounds of polygons that are gone, and of polygons that have come: one bit for each.
private struct NearPoints {
  var gone: UInt32 = 0
  var come: UInt32 = 0

  @inline(__always)
  var isEmpty: Bool { gone | come == 0 }
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
    // Where nothing was before and nothing has come, there is nothing: so an entry of zeros is right.
    entries = .allocate(capacity: Self.size)
    entries.initialize(repeating: Entry(), count: Self.size)
  }

  deinit { entries.deallocate() }

  /// The set that was kept, or nil.
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
  /// Those of the index, at hand without counting references.
  private let changes: IndexedPolygons
  private let isChanged: [Bool]
  /// Whether the index keeps all of them apart from the rest.
  private let areApart: Bool
  private var batch = CellBatch()
  private var known = AnswerMemo()
  private var gains = HitList()

  init(_ index: PolygonIndex, _ changed: [UInt32]) {
    self.index = index
    changes = index.changes
    var flags = [Bool](repeating: false, count: index.count)
    var areApart = index.isLayered
    for id in changed {
      flags[Int(id)] = true
      areApart = areApart && index.place(of: id).isChange
    }
    isChanged = flags
    self.areApart = areApart
  }

  /// Replaces the sets of a run's points where they have lost or gained something.
  mutating func replace(
    _ setOfPoint: UnsafeMutablePointer<UInt32>, _ near: NearPoints, xs: UnsafePointer<Double>,
    ys: UnsafePointer<Double>, _ sets: inout ChangedSets
  ) {
    if areApart { changes.ask(about: xs, ys, neighbours: near.come, &batch) }
    for point in SetBits(near.gone | near.come) {
      let mayGain = near.come >> UInt32(point) & 1 != 0
      let old = setOfPoint[point]
      if mayGain && !areApart {
        index.covering(x: xs[point], y: ys[point], into: &gains)
        gains.keep(where: { isChanged[Int($0)] })
        setOfPoint[point] = sets.set(of: old, gaining: gains.ids)
        continue
      }
      var answer = CellAnswer(entry: 0)
      if mayGain {
        if changes.cells.mayHit(batch.answers[point]) { answer = batch.answers[point] }
        let mayLose = near.gone >> UInt32(point) & 1 != 0
        if answer.entry == 0 && !mayLose { continue }
      }
      setOfPoint[point] =
        known.set(answer, of: old) ?? set(of: old, answer, x: xs[point], y: ys[point], &sets)
    }
  }

  @inline(never)
  private mutating func set(
    of old: UInt32, _ answer: CellAnswer, x: Double, y: Double, _ sets: inout ChangedSets
  ) -> UInt32 {
    gains.removeAll()
    if answer.entry != 0 {
      index.appendChanges(answer, x: x, y: y, to: &gains)
      gains.keep(where: { isChanged[Int($0)] })
    }
    let set = sets.set(of: old, gaining: gains.ids)
    known.keep(set, answer, of: old)
    return set
  }
}

/// The sets of a join under their polygons' new ids, and new sets behind them.
private struct ChangedSets: ~Copyable {
  private let old: PointCoverage
  private let newIdOfOld: FlatArray<UInt32>
  private let moved: Moved
  /// The sets that have come; set s of them, but for the empty one, gets the number `old.setCount + s - 1`.
  private var come: SetTable
  private var members = HitList()

  /// What has become of the ids of the polygons that stay.
  private enum Moved { case none, inOrder, anyhow }

  init(_ old: PointCoverage, _ newIdOfOld: [UInt32]) {
    self.old = old
    self.newIdOfOld = FlatArray(newIdOfOld)
    let kept = newIdOfOld.indices.filter { newIdOfOld[$0] != .max }
    let staysPut = kept.allSatisfy { newIdOfOld[$0] == $0 }
    let ascends = zip(kept, kept.dropFirst()).allSatisfy { newIdOfOld[$0] < newIdOfOld[$1] }
    moved = staysPut ? .none : ascends ? .inOrder : .anyhow
    come = SetTable(setCapacity: old.base.count / 2, memberCapacity: old.base.members.count / 8)
  }

  /// The number of the set of a point that was in `set` and has gained polygons, or none.
  mutating func set(of set: UInt32, gaining gains: UnsafeBufferPointer<UInt32>) -> UInt32 {
    let before = old.polygons(ofSet: set)
    members.removeAll()
    var place = members.reserve(before.count)
    for id in before {
      let new = newIdOfOld.pointer[Int(id)]
      place[0] = new
      place += new == .max ? 0 : 1
    }
    members.finish(at: place)
    if gains.isEmpty && members.count == before.count { return set }
    if moved == .anyhow { members.sort() }
    _ = members.reserve(gains.count)
    for gain in gains { members.insert(gain, from: 0) }
    // Most points of a polygon that is drawn anew have it again.
    if moved == .none && members.equals(before) { return set }
    if members.count == 0 { return 0 }
    // By what it is made of, which is less than what it is.
    let number = come.intern(members.ids, hash: SetTable.hash(gains) ^ set &* 0x9E37_79B9)
    return UInt32(old.setCount) + number - 1
  }

  /// All sets under the new ids.
  consuming func finished() -> (base: FlatSets, added: FlatSets) {
    if moved == .none { return (old.base, old.added.appending(come)) }
    let ascends = moved == .inOrder
    return (
      old.base.renamed(newIdOfOld, ascends: ascends),
      old.added.renamed(newIdOfOld, ascends: ascends).appending(come)
    )
  }
}
