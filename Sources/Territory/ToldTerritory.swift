// What has been told of each service point so far.

import OutageModel
import PointLocation

/// Service points to which the same thing has happened.
public struct ChangedServicePoints: Sendable {
  public var change: OutageChange
  /// What `rows` are rows of: an address load that has gone has other ones.
  public var table: ServicePointTable
  /// Ascending.
  public var rows: [UInt32]
}

/// The state of all service points as those who follow the changes know it.
///
/// It, and not the layer before, is what a new Territory is compared with: what was told and what is true meet again after every walk,
/// whatever was held back, missed or repeated in between. Service points with the same state share a group, so that one costs four bytes, and
/// a walk decides once for each pair of a group and a set of covering outages, of which a storm has a few thousand.
public struct ToldTerritory: Sendable {
  public private(set) var servicePoints: ServicePointTable
  /// By row; 0 is the group of those that are not out.
  private var groupOfRow: [UInt32]
  /// By group number; `nil` for group 0 and for free numbers.
  private var groups: [ToldOutage?] = [nil]
  private var memberCounts: [Int] = [0]
  private var numberOfGroup: [ToldOutage: UInt32] = [:]
  private var freeNumbers: [UInt32] = []
  /// Groups whose members have changed since they were last taken.
  private var changedGroups: Set<UInt32> = []

  /// Of whom nothing was told.
  public init(servicePoints: ServicePointTable) {
    self.servicePoints = servicePoints
    groupOfRow = Array(repeating: 0, count: servicePoints.rowCount)
  }

  /// Puts back what was told of a service point; one that is not in the table is passed over.
  public mutating func restore(_ servicePointId: UnsafeBufferPointer<UInt8>, _ told: ToldOutage) {
    guard let row = servicePoints.rows(servicePoint: servicePointId).first else { return }
    move(row, to: intern(told))
  }

  /// What was told of a row; `nil` if it is not out.
  public func told(row: Int) -> ToldOutage? { groups[Int(groupOfRow[row])] }

  // MARK: Groups

  private mutating func intern(_ told: ToldOutage?) -> UInt32 {
    guard let told else { return 0 }
    if let number = numberOfGroup[told] { return number }
    let number: UInt32
    if let free = freeNumbers.popLast() {
      number = free
      groups[Int(free)] = told
    } else {
      number = UInt32(groups.count)
      groups.append(told)
      memberCounts.append(0)
    }
    numberOfGroup[told] = number
    return number
  }

  private mutating func move(_ row: Int, to group: UInt32) {
    let old = groupOfRow[row]
    guard old != group else { return }
    groupOfRow[row] = group
    memberCounts[Int(old)] -= 1
    memberCounts[Int(group)] += 1
    changedGroups.insert(old)
    changedGroups.insert(group)
  }

  /// Hands over the groups whose members have changed since the last call, to be kept, so that a restart knows them.
  /// - Parameter body: called for each, by ascending number, with what its members were told and their rows, ascending; with `nil` and no rows
  ///   where nobody is left. Where it throws, not all is as told, and this value is to be dropped.
  public mutating func takeChangedGroups(
    _ body: (_ number: Int, _ told: ToldOutage?, _ rows: ArraySlice<UInt32>) throws -> Void
  ) rethrows {
    changedGroups.remove(0)
    guard !changedGroups.isEmpty else { return }
    // The rows of one group behind those of another: half a million of them are not to be copied about.
    let numbers = changedGroups.sorted()
    var placeOfGroup = [Int32](repeating: -1, count: groups.count)
    var ends: [Int] = []
    var rowCount = 0
    for (place, number) in numbers.enumerated() {
      placeOfGroup[Int(number)] = Int32(place)
      ends.append(rowCount)
      rowCount += memberCounts[Int(number)]
    }
    var rows = [UInt32](repeating: 0, count: rowCount)
    for row in groupOfRow.indices {
      let place = Int(placeOfGroup[Int(groupOfRow[row])])
      if place < 0 { continue }
      rows[ends[place]] = UInt32(row)
      ends[place] += 1
    }
    var start = 0
    for (place, number) in numbers.enumerated() {
      if start == ends[place], let told = groups[Int(number)] {
        numberOfGroup[told] = nil
        groups[Int(number)] = nil
        freeNumbers.append(number)
      }
      try body(Int(number), groups[Int(number)], rows[start..<ends[place]])
      start = ends[place]
    }
    changedGroups.removeAll()
  }
}

// MARK: - The walk

extension ToldTerritory {
  /// Finds what is to be told. It is told, and taken as told, by `tell`.
  /// - Parameters:
  ///   - territory: what is true now. Where its service points are other ones than before, they are found again by their ids.
  ///   - now: the moment for which phases and damping are decided.
  public mutating func walk(to territory: Territory, at now: Timestamp, damping: ERTDamping) -> ToldWalk {
    let gone = territory.servicePoints === servicePoints ? [] : moveTo(territory.servicePoints)
    var walk = ToldWalk(territory: territory, gone: gone, now: now, damping: damping)
    let sets = territory.coverage.setOfPoint
    for row in 0..<groupOfRow.count {
      let (group, set) = (groupOfRow[row], sets[row])
      if group == 0 && set == 0 { continue }
      walk.visit(row: UInt32(row), group: group, set: set, groups: groups)
    }
    return walk
  }

  /// Tells what a walk has found, and takes it as told.
  ///
  /// What a storm's full refresh has to tell is never all there at once: it would be tens of megabytes.
  /// - Parameters:
  ///   - walk: the last one of this value, before anything else was done with it.
  ///   - body: called for one outage after another, those that have ended first, with all changes of its service points; for each of these in
  ///     their order: what became of its outage before its ERT before its crew. Where it throws, this value is to be dropped.
  public mutating func tell(_ walk: inout ToldWalk, _ body: ([ChangedServicePoints]) throws -> Void) rethrows
  {
    if !walk.gone.isEmpty { try body(walk.gone) }
    walk.endVisits()
    var changes: [ChangedServicePoints] = []
    for (place, transition) in walk.transitions.enumerated() {
      let (steps, after) = walk.steps(of: transition, from: groups[Int(transition.group)])
      let group = intern(after)
      for row in transition.rows { move(Int(row), to: group) }
      for change in steps {
        changes.append(ChangedServicePoints(change: change, table: servicePoints, rows: transition.rows))
      }
      let next = place + 1
      if next < walk.transitions.count && walk.transitions[next].outage == transition.outage { continue }
      try body(Self.inOrder(changes))
      changes.removeAll(keepingCapacity: true)
    }
    walk.endTelling()
  }

  /// By what has happened, so that a service point's outage comes before its ERT and its crew; otherwise as they were found.
  private static func inOrder(_ changes: [ChangedServicePoints]) -> [ChangedServicePoints] {
    func rank(_ kind: ChangeKind) -> Int {
      switch kind {
      case .wireDown: 0
      case .restored: 1
      case .outageStarted, .outageMerged, .outageSplit, .outageReplaced: 2
      case .ertChanged: 3
      case .crewChanged: 4
      }
    }
    return (0...4).flatMap { place in changes.filter { rank($0.change.kind) == place } }
  }

  /// Finds the service points of the old table in the new one; those that have gone are told as restored.
  private mutating func moveTo(_ table: ServicePointTable) -> [ChangedServicePoints] {
    var groupOfNewRow = [UInt32](repeating: 0, count: table.rowCount)
    var gone: [UInt32: [UInt32]] = [:]
    for row in groupOfRow.indices where groupOfRow[row] != 0 {
      var id = servicePoints.string(.servicePointId, row: row)
      if let newRow = id.withUTF8({ table.rows(servicePoint: $0).first }) {
        groupOfNewRow[newRow] = groupOfRow[row]
      } else {
        gone[groupOfRow[row], default: []].append(UInt32(row))
        move(row, to: 0)
      }
    }
    let changes = gone.sorted { $0.key < $1.key }.map { group, rows in
      ChangedServicePoints(
        change: OutageChange(kind: .restored, before: groups[Int(group)], reason: .servicePointRemoved),
        table: servicePoints, rows: rows)
    }
    servicePoints = table
    groupOfRow = groupOfNewRow
    return changes
  }
}
