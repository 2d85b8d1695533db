// What changes for the outages and the service points when one Territory takes the place of another.

import OutageModel
import PointLocation

/// What a publish changes, told before it goes live or after.
public struct TerritoryDifference: Sendable, Equatable {
  /// Outage ids in ascending order of their text.
  public var outagesAdded: [String] = []
  public var outagesChanged: [String] = []
  public var outagesCleared: [String] = []
  /// Outages whose every field is as it was.
  public var outagesUnchanged = 0
  /// Service points that were not in an outage in force, and now are.
  public var servicePointsNewlyOut = 0
  /// Service points that were in an outage in force, and no longer are.
  public var servicePointsRestored = 0
  /// Service points that are out before and after, and whose primary outage gives another ERT.
  public var servicePointsWithChangedERT = 0
  /// Service points that are out afterwards.
  public var servicePointsOut = 0

  public init() {}

  /// Compares at one moment, `now`, so that only the layers differ and not the clock. A service point that only one of the two territories has counts
  /// as not out in the other.
  public init(from old: Territory, to new: Territory, at now: Timestamp) {
    compareOutages(old.outages, new.outages)
    var states = PrimaryStates(old: old, new: new, now: now)
    if old.servicePoints === new.servicePoints {
      for row in 0..<new.servicePoints.rowCount {
        count(
          states.change(
            oldSet: old.coverage.setOfPoint[row], newSet: new.coverage.setOfPoint[row]))
      }
      return
    }
    var oldRowsSeen = 0
    for row in 0..<new.servicePoints.rowCount {
      var id = new.servicePoints.string(.servicePointId, row: row)
      let oldRow = id.withUTF8 { old.servicePoints.rows(servicePoint: $0).first }
      if oldRow != nil { oldRowsSeen += 1 }
      count(
        states.change(
          oldSet: oldRow.map { old.coverage.setOfPoint[$0] } ?? 0,
          newSet: new.coverage.setOfPoint[row]))
    }
    if oldRowsSeen < old.servicePoints.rowCount {
      for row in 0..<old.servicePoints.rowCount {
        var id = old.servicePoints.string(.servicePointId, row: row)
        if id.withUTF8({ new.servicePoints.rows(servicePoint: $0).isEmpty }) {
          count(states.change(oldSet: old.coverage.setOfPoint[row], newSet: 0))
        }
      }
    }
  }

  private mutating func compareOutages(_ old: OutageTable, _ new: OutageTable) {
    let comparison = new.comparison(with: old)
    var isCleared = [Bool](repeating: true, count: old.count)
    for number in 0..<new.count {
      if comparison.oldNumbers[number] < 0 {
        outagesAdded.append(new.outages[number].outageId)
        continue
      }
      isCleared[Int(comparison.oldNumbers[number])] = false
      if comparison.isSame[number] {
        outagesUnchanged += 1
      } else {
        outagesChanged.append(new.outages[number].outageId)
      }
    }
    outagesCleared = isCleared.indices.filter { isCleared[$0] }.map { old.outages[$0].outageId }.sorted()
    outagesAdded.sort()
    outagesChanged.sort()
  }

  private mutating func count(_ change: ServicePointChange) {
    if change.isOut { servicePointsOut += 1 }
    switch change.kind {
    case .none: break
    case .newlyOut: servicePointsNewlyOut += 1
    case .restored: servicePointsRestored += 1
    case .ertChanged: servicePointsWithChangedERT += 1
    }
  }
}

/// What a publish means for one service point.
struct ServicePointChange {
  enum Kind { case none, newlyOut, restored, ertChanged }
  var kind: Kind
  var isOut: Bool
}

/// Compares sets of covering outages, and remembers what it found: a million service points share far fewer pairs of sets, and most sets are
/// of one pair only.
private struct PrimaryStates {
  private let old, new: Territory
  private let oldPhases, newPhases: [OutagePhase]
  /// By old set, the new set that it was met with last; `unmet` before the first.
  private var newSets: [UInt32]
  private var changes: [ServicePointChange]
  /// Pairs of an old set that was met with several new ones.
  private var others: [UInt64: ServicePointChange] = [:]

  private static let unmet = UInt32.max

  init(old: Territory, new: Territory, now: Timestamp) {
    self.old = old
    self.new = new
    oldPhases = old.outages.phases(at: now)
    newPhases = new.outages.phases(at: now)
    newSets = Array(repeating: Self.unmet, count: old.coverage.setCount)
    changes = Array(
      repeating: ServicePointChange(kind: .none, isOut: false), count: old.coverage.setCount)
  }

  @inline(__always)
  mutating func change(oldSet: UInt32, newSet: UInt32) -> ServicePointChange {
    if oldSet == 0 && newSet == 0 { return ServicePointChange(kind: .none, isOut: false) }
    if newSets[Int(oldSet)] == newSet { return changes[Int(oldSet)] }
    let change = newSets[Int(oldSet)] == Self.unmet ? decide(oldSet, newSet) : another(oldSet, newSet)
    newSets[Int(oldSet)] = newSet
    changes[Int(oldSet)] = change
    return change
  }

  private mutating func another(_ oldSet: UInt32, _ newSet: UInt32) -> ServicePointChange {
    let key = UInt64(oldSet) << 32 | UInt64(newSet)
    if let change = others[key] { return change }
    let change = decide(oldSet, newSet)
    others[key] = change
    return change
  }

  private func decide(_ oldSet: UInt32, _ newSet: UInt32) -> ServicePointChange {
    let before = outageInForce(old, oldPhases, oldSet)
    let after = outageInForce(new, newPhases, newSet)
    let kind: ServicePointChange.Kind =
      switch (before, after) {
      case (nil, nil): .none
      case (nil, _): .newlyOut
      case (_, nil): .restored
      case (let before?, let after?):
        old.outages.outages[before].estimatedRestorationAt
          == new.outages.outages[after].estimatedRestorationAt ? .none : .ertChanged
      }
    return ServicePointChange(kind: kind, isOut: after != nil)
  }

  /// The number of the primary outage, if it is in force.
  private func outageInForce(_ territory: Territory, _ phases: [OutagePhase], _ set: UInt32) -> Int? {
    let covering = territory.coverage.polygons(ofSet: set)
    guard !covering.isEmpty else { return nil }
    let number = phases.withUnsafeBufferPointer {
      Int(covering[PrimaryOutage.position(in: covering, phases: $0)])
    }
    return phases[number] == .inForce ? number : nil
  }
}
