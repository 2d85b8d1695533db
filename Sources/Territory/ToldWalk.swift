// The walk that finds what is to be told now.

import OutageModel
import PointLocation

/// One comparison of what was told with what is true: collects rows by transition, then decides what each transition means.
///
/// `ToldTerritory.walk` makes it, and `ToldTerritory.tell` uses it up.
public struct ToldWalk {
  /// From one told state to one true outage.
  struct Transition {
    /// Of those that were told the same before.
    var group: UInt32
    /// The number of the primary outage in force. Where there is none: a negative number that all have in common who were in the same outage
    /// before.
    var outage: Int32
    /// Of those that have something to be told, ascending.
    var rows: [UInt32] = []
  }

  /// Of service points that are there no more.
  let gone: [ChangedServicePoints]
  private let territory: Territory
  private let phases: [OutagePhase]
  private let now: Timestamp
  private let damping: ERTDamping
  private(set) var transitions: [Transition] = []
  /// The moment at which a held ERT is due, `nil` if none is held; known when all has been told.
  public private(set) var nextDue: Timestamp?
  /// By set, the group that it was met with last, `unmet` before the first; and what came of it: a transition's number, or `unchanged` where
  /// nothing is to be told. The service points of a set were told the same as a rule.
  private var groupOfSet: [UInt32]
  private var numberOfSet: [Int32]
  private var numberOfPair: [UInt64: Int32] = [:]
  /// By set, the number of its primary outage in force; -1 if there is none, `unknown` before it was looked for.
  private var outageOfSet: [Int32]
  /// For each outage told before those that its service points are in now, and the other way round by number.
  private var successors: [String: Others] = [:]
  private var predecessors: [Int32: Others] = [:]
  /// Of outages whose service points are in none any more, the negative numbers of their transitions.
  private var endedNumbers: [String: Int32] = [:]

  /// One outage that goes with another, and whether there are more of them.
  private struct Others {
    let first: String
    var areMany = false

    mutating func add(_ outageId: String) { areMany = areMany || outageId != first }
  }

  private static let unchanged: Int32 = -1
  private static let unknown: Int32 = -2
  private static let unmet = UInt32.max

  init(territory: Territory, gone: [ChangedServicePoints], now: Timestamp, damping: ERTDamping) {
    self.territory = territory
    self.gone = gone
    self.now = now
    self.damping = damping
    phases = territory.outages.phases(at: now)
    groupOfSet = Array(repeating: Self.unmet, count: territory.coverage.setCount)
    numberOfSet = Array(repeating: Self.unchanged, count: territory.coverage.setCount)
    outageOfSet = Array(repeating: Self.unknown, count: territory.coverage.setCount)
  }

  /// Whether there is nothing to be told.
  public var isEmpty: Bool { gone.isEmpty && transitions.isEmpty }

  @inline(__always)
  mutating func visit(row: UInt32, group: UInt32, set: UInt32, groups: [ToldOutage?]) {
    if groupOfSet[Int(set)] != group {
      numberOfSet[Int(set)] = meet(groups[Int(group)], group, set)
      groupOfSet[Int(set)] = group
    }
    let number = numberOfSet[Int(set)]
    if number != Self.unchanged { transitions[Int(number)].rows.append(row) }
  }

  /// What comes of a group and a set.
  private mutating func meet(_ before: ToldOutage?, _ group: UInt32, _ set: UInt32) -> Int32 {
    let outage = outageInForce(set)
    // Sets that lead to the same outage are one transition.
    let pair = UInt64(group) << 32 | UInt64(UInt32(truncatingIfNeeded: outage + 1))
    if let seen = numberOfPair[pair] { return seen }
    if let before, outage >= 0 {
      let id = territory.outages.outages[Int(outage)].outageId
      successors[before.outageId, default: Others(first: id)].add(id)
      predecessors[outage, default: Others(first: before.outageId)].add(before.outageId)
    }
    let number: Int32
    if isUnchanged(before, outage) {
      number = Self.unchanged
    } else {
      number = Int32(transitions.count)
      transitions.append(Transition(group: group, outage: outage < 0 ? endedNumber(before!) : outage))
    }
    numberOfPair[pair] = number
    return number
  }

  private mutating func endedNumber(_ before: ToldOutage) -> Int32 {
    if let number = endedNumbers[before.outageId] { return number }
    let number = -1 - Int32(endedNumbers.count)
    endedNumbers[before.outageId] = number
    return number
  }

  private mutating func outageInForce(_ set: UInt32) -> Int32 {
    if outageOfSet[Int(set)] != Self.unknown { return outageOfSet[Int(set)] }
    let covering = territory.coverage.polygons(ofSet: set)
    var outage: Int32 = -1
    if !covering.isEmpty {
      let primary = phases.withUnsafeBufferPointer {
        Int(covering[PrimaryOutage.position(in: covering, phases: $0)])
      }
      if phases[primary] == .inForce { outage = Int32(primary) }
    }
    outageOfSet[Int(set)] = outage
    return outage
  }

  private mutating func isUnchanged(_ before: ToldOutage?, _ outage: Int32) -> Bool {
    guard let before else { return outage < 0 }
    guard outage >= 0 else { return false }
    let now = territory.outages.outages[Int(outage)]
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

  /// All rows were visited: puts the transitions of an outage together, in the order in which they were found, and lets go of what found them.
  mutating func endVisits() {
    (groupOfSet, numberOfSet, outageOfSet, numberOfPair) = ([], [], [], [:])
    transitions.sort { ($0.outage, $0.rows[0]) < ($1.outage, $1.rows[0]) }
  }

  /// All is told.
  mutating func endTelling() { transitions = [] }

  /// What is told of a transition, in order, and what is known by then.
  mutating func steps(
    of transition: Transition, from before: ToldOutage?
  ) -> (changes: [OutageChange], after: ToldOutage?) {
    guard transition.outage >= 0 else {
      let before = before!
      return ([OutageChange(kind: .restored, before: before, reason: reason(before.outageId))], nil)
    }
    let outage = territory.outages.outages[Int(transition.outage)]
    guard let before else {
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
        OutageChange(kind: identityChange(last.outageId, transition.outage), before: last, after: told))
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

  private func identityChange(_ old: String, _ new: Int32) -> ChangeKind {
    if predecessors[new]!.areMany { return .outageMerged }
    let goesOn = territory.outages.number(ofId: old).map { phases[$0] == .inForce } ?? false
    return goesOn || successors[old]!.areMany ? .outageSplit : .outageReplaced
  }

  private func reason(_ id: String) -> RestorationReason {
    guard let number = territory.outages.number(ofId: id) else { return .removed }
    switch phases[number] {
    case .over: return territory.outages.outages[number].status.code == .cancelled ? .cancelled : .restored
    case .inForce, .scheduled: return .areaChanged
    }
  }
}
