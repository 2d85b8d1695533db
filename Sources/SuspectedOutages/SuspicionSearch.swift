// The search itself: from places that have reported to groups that chance does not explain.

import OutageModel
import PointLocation
import Territory

/// Finds groups of places that agree: on one transformer, on much of a feeder, or close together in space and time.
///
/// The last is DBSCAN (Ester, Kriegel, Sander and Xu, *A Density-Based Algorithm for Discovering Clusters*, KDD 1996) with the two distances of
/// ST-DBSCAN (Birant and Kut, 2007), metres and seconds; its least number of neighbours is not fixed but comes from the chance
/// test against the service points within the distance, so that three reports mean more in a hamlet than among towers.
struct SuspicionSearch {
  let settings: SuspicionSettings
  let table: ServicePointTable
  let network: DeviceNetwork
  let test: ChanceTest

  init(_ settings: SuspicionSettings, _ table: ServicePointTable) {
    self.settings = settings
    self.table = table
    network = DeviceNetwork(table)
    test = ChanceTest(settings, customerCount: table.rowCount)
  }

  /// Places that agree, before they are counted and named.
  struct Group {
    var basis: SuspectedOutage.Basis
    /// Indexes of the places that have reported power missing; ascending.
    var out: [Int]
    var transformers: Set<UInt32> = []
    /// Set where the whole feeder is suspected.
    var feeder: UInt32?
  }

  private var windowMilliseconds: Int64 { Int64(settings.windowSeconds) * 1000 }

  /// - Returns: groups without a place in common.
  func groups(of places: [ReportedPlace]) -> [Group] {
    let feeders = suspectedFeeders(places)
    let suspected = Set(feeders.compactMap(\.feeder))
    let rest = places.indices.filter { places[$0].feeder.map { !suspected.contains($0) } ?? true }
    var clusters = neighbourhoods(places, rest)
    var clusterOfPlace: [Int: Int] = [:]
    for (number, cluster) in clusters.enumerated() {
      for place in cluster.out { clusterOfPlace[place] = number }
    }
    var alone: [Group] = []
    for group in suspectedTransformers(places, rest) {
      // Places on one transformer may lie in two neighbourhoods; they stay where they are.
      if let number = group.out.compactMap({ clusterOfPlace[$0] }).first {
        let added = group.out.filter { clusterOfPlace[$0] == nil }
        clusters[number].out = (clusters[number].out + added).sorted()
        clusters[number].transformers.formUnion(group.transformers)
      } else {
        alone.append(group)
      }
    }
    for number in clusters.indices { clusters[number].basis = basis(of: clusters[number], places) }
    return feeders + clusters + alone
  }

  // MARK: Devices

  private func suspectedTransformers(_ places: [ReportedPlace], _ indexes: [Int]) -> [Group] {
    grouped(indexes) { places[$0].transformer }.compactMap { transformer, indexes in
      let out = indexes.filter { !places[$0].outTimes.isEmpty }
      let agreeing = mostInOneWindow(events(out, places) { $0 }, windowMilliseconds: windowMilliseconds)
      let rows = network.transformers.rows(of: transformer)
      let back = indexes.count { places[$0].isBack }
      guard agreeing - back >= test.threshold(customers: rows.count) else { return nil }
      return Group(basis: basis(ofTransformer: transformer), out: out, transformers: [transformer])
    }
  }

  /// A feeder is suspected as a whole where many of its transformers have a reporter; how many each has does not count, so that one lost
  /// transformer, however loudly it is reported, is no lost feeder.
  private func suspectedFeeders(_ places: [ReportedPlace]) -> [Group] {
    grouped(Array(places.indices)) { places[$0].transformer == nil ? nil : places[$0].feeder }
      .compactMap { feeder, indexes in
        let out = indexes.filter { !places[$0].outTimes.isEmpty }
        let agreeing = mostInOneWindow(
          events(out, places) { places[$0].transformer! }, windowMilliseconds: windowMilliseconds)
        let back = Set(indexes.filter { places[$0].isBack }.map { places[$0].transformer! }).count
        let needed = Double(network.transformerCount(ofFeeder: feeder)) * settings.feederShare
        guard Double(agreeing - back) >= needed else { return nil }
        let rows = network.feeders.rows(of: feeder)
        guard agreeing - back >= test.threshold(customers: rows.count) else { return nil }
        let name = table.string(.feederId, row: Int(rows.first!))
        return Group(basis: .feeder(name), out: out, feeder: feeder)
      }
  }

  private func grouped(_ indexes: [Int], by device: (Int) -> UInt32?) -> [(UInt32, [Int])] {
    var groups: [UInt32: [Int]] = [:]
    for index in indexes { if let device = device(index) { groups[device, default: []].append(index) } }
    return groups.sorted { $0.key < $1.key }
  }

  private func events<Key>(
    _ indexes: [Int], _ places: [ReportedPlace], _ key: (Int) -> Key
  ) -> [(at: Timestamp, key: Key)] {
    indexes.flatMap { index in places[index].outTimes.map { ($0, key(index)) } }
  }

  // MARK: Neighbourhoods

  private func neighbourhoods(_ places: [ReportedPlace], _ indexes: [Int]) -> [Group] {
    let grid = PlaceGrid(indexes.map { places[$0].position }, withinMetres: settings.neighbourMetres)
    /// Positions in `indexes` of those that may have the same cause; customers of two feeders have not.
    func neighbours(_ position: Int) -> [Int] {
      let feeder = places[indexes[position]].feeder
      return grid.neighbours(of: position).filter {
        let other = places[indexes[$0]].feeder
        return feeder == nil || other == nil || feeder == other
      }
    }
    var groups: [Group] = []
    var isTaken = [Bool](repeating: false, count: indexes.count)
    for start in indexes.indices where !isTaken[start] {
      let near = neighbours(start)
      guard isCore(start, near, places, indexes) else { continue }
      var group = Group(basis: .neighbourhood, out: [])
      var pending = [(start, near)]
      isTaken[start] = true
      while let (position, near) = pending.popLast() {
        group.out.append(indexes[position])
        if let transformer = places[indexes[position]].transformer { group.transformers.insert(transformer) }
        guard isCore(position, near, places, indexes) else { continue }
        for other in near where !isTaken[other] {
          guard isSoon(places[indexes[position]], places[indexes[other]]) else { continue }
          isTaken[other] = true
          pending.append((other, neighbours(other)))
        }
      }
      group.out.sort()
      groups.append(group)
    }
    return groups
  }

  /// Whether the place has more reporters around it, within one window before or after its own report, than chance explains.
  private func isCore(_ position: Int, _ near: [Int], _ places: [ReportedPlace], _ indexes: [Int]) -> Bool {
    let place = places[indexes[position]]
    let back = near.count { places[indexes[$0]].isBack }
    guard !place.outTimes.isEmpty, near.count - 2 * back >= settings.reportersMin else { return false }
    let soon = near.map { indexes[$0] }.filter { isSoon(place, places[$0]) }
    let agreeing =
      mostInOneWindow(events(soon, places) { $0 }, windowMilliseconds: windowMilliseconds) - back
    guard agreeing >= settings.reportersMin else { return false }
    // Before or after: twice the time in which chance may have brought them.
    return agreeing >= test.threshold(customers: 2 * customers(around: place.position))
  }

  /// Whether the two have reported within one window.
  private func isSoon(_ a: ReportedPlace, _ b: ReportedPlace) -> Bool {
    a.outTimes.contains { time in
      b.outTimes.contains {
        ($0.millisecondsSinceEpoch - time.millisecondsSinceEpoch).magnitude < UInt64(windowMilliseconds)
      }
    }
  }

  private func customers(around position: LonLat) -> Int {
    let half = EarthPlace.halfWidthsDegrees(
      latDegrees: position.latDegrees, metres: settings.neighbourMetres)
    let box = Box(
      minX: position.lonDegrees - half.lon, minY: position.latDegrees - half.lat,
      maxX: position.lonDegrees + half.lon, maxY: position.latDegrees + half.lat)
    let center = EarthPlace(position)
    var count = 0
    table.points.points(in: box) { row in
      if center.distanceMetres(to: EarthPlace(table.position(row: row))) <= settings.neighbourMetres {
        count += 1
      }
    }
    return count
  }

  private func basis(of cluster: Group, _ places: [ReportedPlace]) -> SuspectedOutage.Basis {
    guard cluster.transformers.count == 1, cluster.out.allSatisfy({ places[$0].transformer != nil }) else {
      return .neighbourhood
    }
    return basis(ofTransformer: cluster.transformers.first!)
  }

  private func basis(ofTransformer transformer: UInt32) -> SuspectedOutage.Basis {
    let row = Int(network.transformers.rows(of: transformer).first!)
    return .transformer(table.string(.transformerId, row: row))
  }

  // MARK: Whom a group speaks for

  /// The rows that share its devices, and those of its own places; ascending.
  func memberRows(of group: Group, _ places: [ReportedPlace]) -> [Int] {
    if let feeder = group.feeder { return network.feeders.rows(of: feeder).map(Int.init) }
    var rows = Set(group.out.compactMap { places[$0].row })
    for transformer in group.transformers {
      rows.formUnion(network.transformers.rows(of: transformer).lazy.map(Int.init))
    }
    return rows.sorted()
  }
}
