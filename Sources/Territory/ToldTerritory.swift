// What has been told of each service point so far, and the walk that finds what is to be told now.

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

  /// The groups whose members have changed since the last call, by number: with what they were told and their rows, or `nil` where nobody
  /// is left. To be kept, so that a restart knows them.
  public mutating func takeChangedGroups() -> [(number: UInt32, members: (told: ToldOutage, rows: [UInt32])?)]
  {
    changedGroups.remove(0)
    guard !changedGroups.isEmpty else { return [] }
    var rows: [UInt32: [UInt32]] = [:]
    for number in changedGroups where memberCounts[Int(number)] > 0 {
      rows[number] = []
      rows[number]!.reserveCapacity(memberCounts[Int(number)])
    }
    var isChanged = [Bool](repeating: false, count: groups.count)
    for number in changedGroups { isChanged[Int(number)] = true }
    for row in groupOfRow.indices where isChanged[Int(groupOfRow[row])] {
      rows[groupOfRow[row]]!.append(UInt32(row))
    }
    var taken: [(number: UInt32, members: (told: ToldOutage, rows: [UInt32])?)] = []
    for number in changedGroups.sorted() {
      if let told = groups[Int(number)], let rows = rows[number] {
        taken.append((number, (told, rows)))
      } else {
        if let told = groups[Int(number)] {
          numberOfGroup[told] = nil
          groups[Int(number)] = nil
          freeNumbers.append(number)
        }
        taken.append((number, nil))
      }
    }
    changedGroups.removeAll()
    return taken
  }
}

// MARK: - The walk

extension ToldTerritory {
  /// Finds what is to be told, and takes it as told.
  /// - Parameters:
  ///   - territory: what is true now. Where its service points are other ones than before, they are found again by their ids.
  ///   - now: the moment for which phases and damping are decided.
  /// - Returns: the changes, for each service point in their order: what became of its outage before its ERT before its crew; and the moment at
  ///   which a held ERT is due, `nil` if none is held.
  public mutating func advance(
    to territory: Territory, at now: Timestamp, damping: ERTDamping
  ) -> (changes: [ChangedServicePoints], nextDue: Timestamp?) {
    var changes: [ChangedServicePoints] = []
    if territory.servicePoints !== servicePoints { changes = moveTo(territory.servicePoints, at: now) }
    var walk = Walk(territory: territory, now: now, damping: damping)
    let sets = territory.coverage.setOfPoint
    for row in 0..<groupOfRow.count {
      let (group, set) = (groupOfRow[row], sets.pointer[row])
      if group == 0 && set == 0 { continue }
      walk.visit(row: UInt32(row), group: group, set: set, groups: groups)
    }
    for transition in walk.transitions where !transition.rows.isEmpty {
      let (steps, after) = walk.steps(of: transition)
      let group = intern(after)
      for row in transition.rows { move(Int(row), to: group) }
      for change in steps {
        changes.append(ChangedServicePoints(change: change, table: servicePoints, rows: transition.rows))
      }
    }
    return (Self.inOrder(changes), walk.nextDue)
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
    // There are tens of thousands after a full refresh: they are not moved more than once.
    var ordered: [ChangedServicePoints] = []
    ordered.reserveCapacity(changes.count)
    for place in 0...4 { ordered += changes.lazy.filter { rank($0.change.kind) == place } }
    return ordered
  }

  /// Finds the service points of the old table in the new one; those that have gone are told as restored.
  private mutating func moveTo(_ table: ServicePointTable, at now: Timestamp) -> [ChangedServicePoints] {
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

/// One comparison of what was told with what is true: collects rows by transition, then decides what each transition means.
private struct Walk {
  /// From one told state to one true outage.
  struct Transition {
    var before: ToldOutage?
    /// The number of the primary outage in force; -1 if there is none.
    var outage: Int
    /// Of those that have something to be told.
    var rows: [UInt32] = []
  }

  private let territory: Territory
  private let phases: [OutagePhase]
  private let now: Timestamp
  private let damping: ERTDamping
  private(set) var transitions: [Transition] = []
  private(set) var nextDue: Timestamp?
  /// By set, the group that it was met with last, `unmet` before the first; and what came of it: a transition's number, or `unchanged` where
  /// nothing is to be told. The service points of a set were told the same as a rule.
  private var groupOfSet: [UInt32]
  private var numberOfSet: [Int]
  private var numberOfPair: [UInt64: Int] = [:]
  /// By set, the number of its primary outage in force; -1 if there is none, `unknown` before it was looked for.
  private var outageOfSet: [Int]
  /// For each outage told before those that its service points are in now, and the other way round.
  private var successors: [String: Set<String>] = [:]
  private var predecessors: [String: Set<String>] = [:]

  private static let unchanged = -1
  private static let unknown = -2
  private static let unmet = UInt32.max

  init(territory: Territory, now: Timestamp, damping: ERTDamping) {
    self.territory = territory
    self.now = now
    self.damping = damping
    phases = territory.outages.phases(at: now)
    groupOfSet = Array(repeating: Self.unmet, count: territory.coverage.setCount)
    numberOfSet = Array(repeating: Self.unchanged, count: territory.coverage.setCount)
    outageOfSet = Array(repeating: Self.unknown, count: territory.coverage.setCount)
  }

  @inline(__always)
  mutating func visit(row: UInt32, group: UInt32, set: UInt32, groups: [ToldOutage?]) {
    if groupOfSet[Int(set)] != group {
      numberOfSet[Int(set)] = meet(groups[Int(group)], group, set)
      groupOfSet[Int(set)] = group
    }
    let number = numberOfSet[Int(set)]
    if number != Self.unchanged { transitions[number].rows.append(row) }
  }

  /// What comes of a group and a set.
  private mutating func meet(_ before: ToldOutage?, _ group: UInt32, _ set: UInt32) -> Int {
    let outage = outageInForce(set)
    // Sets that lead to the same outage are one transition.
    let pair = UInt64(group) << 32 | UInt64(UInt32(truncatingIfNeeded: outage + 1))
    if let seen = numberOfPair[pair] { return seen }
    if let before, outage >= 0 {
      let id = territory.outages.outages[outage].outageId
      successors[before.outageId, default: []].insert(id)
      predecessors[id, default: []].insert(before.outageId)
    }
    let number: Int
    if isUnchanged(before, outage) {
      number = Self.unchanged
    } else {
      number = transitions.count
      transitions.append(Transition(before: before, outage: outage))
    }
    numberOfPair[pair] = number
    return number
  }

  private mutating func outageInForce(_ set: UInt32) -> Int {
    if outageOfSet[Int(set)] != Self.unknown { return outageOfSet[Int(set)] }
    let covering = territory.coverage.polygons(ofSet: set)
    var outage = -1
    if !covering.isEmpty {
      let primary = phases.withUnsafeBufferPointer {
        Int(covering[PrimaryOutage.position(in: covering, phases: $0)])
      }
      if phases[primary] == .inForce { outage = primary }
    }
    outageOfSet[Int(set)] = outage
    return outage
  }

  private mutating func isUnchanged(_ before: ToldOutage?, _ outage: Int) -> Bool {
    guard let before else { return outage < 0 }
    guard outage >= 0 else { return false }
    let now = territory.outages.outages[outage]
    return before.outageId == now.outageId && before.crewStatus == now.crewStatus?.text
      && !tellsERT(before, now.estimatedRestorationAt)
  }

  /// Whether the ERT is to be told now; if it is held, notes when it is due.
  private mutating func tellsERT(_ told: ToldOutage, _ new: Timestamp?) -> Bool {
    guard
      let due = damping.dueAt(told: told.estimatedRestorationAt, toldAt: told.ertToldAt, new: new)
    else { return false }
    if due <= now { return true }
    nextDue = min(nextDue ?? due, due)
    return false
  }

  /// What is told of a transition, in order, and what is known by then.
  mutating func steps(of transition: Transition) -> (changes: [OutageChange], after: ToldOutage?) {
    guard transition.outage >= 0 else {
      let before = transition.before!
      return ([OutageChange(kind: .restored, before: before, reason: reason(before.outageId))], nil)
    }
    let outage = territory.outages.outages[transition.outage]
    guard let before = transition.before else {
      // Nobody was told a time yet: the first one is not to be held back.
      let told = ToldOutage(
        outageId: outage.outageId, estimatedRestorationAt: outage.estimatedRestorationAt,
        ertToldAt: outage.estimatedRestorationAt == nil ? .earliest : now,
        crewStatus: outage.crewStatus?.text)
      return ([OutageChange(kind: .outageStarted, after: told)], told)
    }
    var changes: [OutageChange] = []
    var told = before
    if outage.outageId != told.outageId {
      let last = told
      told.outageId = outage.outageId
      changes.append(
        OutageChange(kind: identityChange(last.outageId, told.outageId), before: last, after: told))
    }
    if tellsERT(told, outage.estimatedRestorationAt) {
      let last = told
      told.estimatedRestorationAt = outage.estimatedRestorationAt
      told.ertToldAt = now
      changes.append(OutageChange(kind: .ertChanged, before: last, after: told))
    }
    if outage.crewStatus?.text != told.crewStatus {
      let last = told
      told.crewStatus = outage.crewStatus?.text
      changes.append(OutageChange(kind: .crewChanged, before: last, after: told))
    }
    return (changes, told)
  }

  private func identityChange(_ old: String, _ new: String) -> ChangeKind {
    if predecessors[new]!.count > 1 { return .outageMerged }
    let goesOn = territory.outages.number(ofId: old).map { phases[$0] == .inForce } ?? false
    return goesOn || successors[old]!.count > 1 ? .outageSplit : .outageReplaced
  }

  private func reason(_ id: String) -> RestorationReason {
    guard let number = territory.outages.number(ofId: id) else { return .removed }
    switch phases[number] {
    case .over: return territory.outages.outages[number].status.code == .cancelled ? .cancelled : .restored
    case .inForce, .scheduled: return .areaChanged
    }
  }
}
