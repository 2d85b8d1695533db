// A polygon index after a change of the layer, at a cost that follows what has changed.

/// Where a polygon is found: its slot, in the base or in the changes.
struct PolygonPlace: BitwiseCopyable, Hashable {
  private let word: UInt32

  init(slot: Int, isChange: Bool) { word = UInt32(slot) | (isChange ? 1 << 31 : 0) }

  @inline(__always)
  var slot: Int { Int(word & 0x7FFF_FFFF) }
  @inline(__always)
  var isChange: Bool { word >> 31 != 0 }
}

extension PolygonIndex {
  /// All is built anew when the vertices of the changes and those of what is gone are more than one in so many.
  static let rebuildShare = 4

  /// The index over the next version of the layer: the same answers as those of an index made anew.
  ///
  /// What has not changed stays where it is and is shared with this index. Changes gather beside it; when they are no longer few,
  /// all is built anew.
  /// - Parameters:
  ///   - newIdOfOld: for each id its id in the new layer, or `UInt32.max` if the polygon is gone or its geometry has changed.
  ///   - changedIds: the ids in the new layer of polygons that are new or changed, ascending.
  ///   - changed: their geometries, in the order of `changedIds`.
  ///   - processors: what builds what is new.
  /// - Precondition: together these give each id below their number once.
  public func updated(
    newIdOfOld: [UInt32], changedIds: [UInt32], changed: PolygonSet, _ processors: Processors = .one
  ) -> PolygonIndex {
    precondition(newIdOfOld.count == count, "an id, or none, for each polygon")
    precondition(changedIds.count == changed.count, "an id for each changed polygon")
    var moved = moves(newIdOfOld)
    // Answers ascend by id because slots do: a polygon that would break that order counts as changed.
    let loose = Self.keepAscending(&moved.baseIds)
    moved.changes += loose.map { (id: $0.id, source: .base, slot: $0.slot) }
    for (slot, id) in changedIds.enumerated() { moved.changes.append((id, .changed, slot)) }
    moved.changes.sort { $0.id < $1.id }

    var strayVertices = 0
    for change in moved.changes {
      strayVertices += set(change.source, changed).vertices(of: change.slot).count
    }
    for (slot, id) in moved.baseIds.enumerated() where id == .max {
      strayVertices += base.polygons.vertices(of: slot).count
    }
    let newCount = moved.changes.count + moved.baseIds.count { $0 != .max }
    var sources = [(source: Source, slot: Int)](repeating: (.base, -1), count: newCount)
    func place(_ id: UInt32, _ source: Source, _ slot: Int) {
      precondition(Int(id) < newCount && sources[Int(id)].slot < 0, "each id below their number once")
      sources[Int(id)] = (source, slot)
    }
    for (slot, id) in moved.baseIds.enumerated() where id != .max { place(id, .base, slot) }
    for change in moved.changes { place(change.id, change.source, change.slot) }

    if strayVertices * Self.rebuildShare > base.polygons.vertexCount {
      // Where nothing is as it was, what has changed is the layer.
      return PolygonIndex(changed.count == newCount ? changed : gathered(sources, changed), processors)
    }
    let changes = gathered(moved.changes.map { (source: $0.source, slot: $0.slot) }, changed)
    var places = sources.map { PolygonPlace(slot: $0.slot, isChange: false) }
    for (slot, change) in moved.changes.enumerated() {
      places[Int(change.id)] = PolygonPlace(slot: slot, isChange: true)
    }
    return PolygonIndex(
      base: base, baseIds: FlatArray(moved.baseIds), changes: IndexedPolygons(changes, processors),
      changeIds: FlatArray(moved.changes.map(\.id)), places: FlatArray(places))
  }

  /// The geometries of these places in one set.
  private func gathered(_ sources: [(source: Source, slot: Int)], _ changed: PolygonSet) -> PolygonSet {
    var (rings, vertices) = (0, 0)
    for (source, slot) in sources {
      let set = set(source, changed)
      rings += Int(set.polygonStarts[slot + 1] - set.polygonStarts[slot])
      vertices += set.vertices(of: slot).count
    }
    var builder = PolygonSetBuilder(
      polygonCapacity: sources.count, ringCapacity: rings, vertexCapacity: vertices)
    for (source, slot) in sources { builder.append(slot, of: set(source, changed)) }
    return builder.build()
  }

  /// Where the geometry of a polygon of the new layer comes from.
  private enum Source { case base, changes, changed }

  private func set(_ source: Source, _ changed: PolygonSet) -> PolygonSet {
    switch source {
    case .base: base.polygons
    case .changes: changes.polygons
    case .changed: changed
    }
  }

  /// The new ids of the base's slots, and of what of the changes remains.
  private func moves(_ newIdOfOld: [UInt32]) -> (
    baseIds: [UInt32], changes: [(id: UInt32, source: Source, slot: Int)]
  ) {
    guard isLayered else { return (newIdOfOld, []) }
    let baseIds = baseIds.buffer.map { $0 == .max ? .max : newIdOfOld[Int($0)] }
    var kept: [(id: UInt32, source: Source, slot: Int)] = []
    for (slot, old) in changeIds.buffer.enumerated() where newIdOfOld[Int(old)] != .max {
      kept.append((newIdOfOld[Int(old)], .changes, slot))
    }
    return (baseIds, kept)
  }

  /// Keeps the longest run of ids that ascend, sets the others to `UInt32.max`, and returns those with their slots.
  static func keepAscending(_ ids: inout [UInt32]) -> [(id: UInt32, slot: Int)] {
    var last: UInt32?
    var ascends = true
    for id in ids where id != .max {
      if let last, id <= last { ascends = false }
      last = id
    }
    if ascends { return [] }
    // The longest increasing subsequence, by the ends of the best runs of each length (Fredman 1975).
    var ends: [Int] = []
    var previous = [Int](repeating: -1, count: ids.count)
    for (slot, id) in ids.enumerated() where id != .max {
      var low = 0
      var high = ends.count
      while low < high {
        let middle = (low + high) / 2
        if ids[ends[middle]] < id { low = middle + 1 } else { high = middle }
      }
      previous[slot] = low > 0 ? ends[low - 1] : -1
      if low == ends.count { ends.append(slot) } else { ends[low] = slot }
    }
    var isKept = [Bool](repeating: false, count: ids.count)
    var slot = ends.last ?? -1
    while slot >= 0 {
      isKept[slot] = true
      slot = previous[slot]
    }
    var loose: [(id: UInt32, slot: Int)] = []
    for slot in ids.indices where ids[slot] != .max && !isKept[slot] {
      loose.append((ids[slot], slot))
      ids[slot] = .max
    }
    return loose
  }
}
