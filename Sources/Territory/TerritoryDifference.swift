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
            oldSet: old.coverage.setOfPoint.pointer[row], newSet: new.coverage.setOfPoint.pointer[row]))
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
          newSet: new.coverage.setOfPoint.pointer[row]))
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
    var before = [String: Int](minimumCapacity: old.count)
    for (number, outage) in old.outages.enumerated() { before[outage.outageId] = number }
    for outage in new.outages {
      guard let number = before.removeValue(forKey: outage.outageId) else {
        outagesAdded.append(outage.outageId)
        continue
      }
      if old.outages[number] == outage {
        outagesUnchanged += 1
      } else {
        outagesChanged.append(outage.outageId)
      }
    }
    outagesCleared = before.keys.sorted()
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

/// Compares sets of covering outages, and remembers what it found: a million service points share a few thousand pairs of sets.
private struct PrimaryStates {
  private let old, new: Territory
  private let oldPhases, newPhases: [OutagePhase]
  private var known: [UInt64: ServicePointChange] = [:]

  init(old: Territory, new: Territory, now: Timestamp) {
    self.old = old
    self.new = new
    oldPhases = old.outages.phases(at: now)
    newPhases = new.outages.phases(at: now)
  }

  mutating func change(oldSet: UInt32, newSet: UInt32) -> ServicePointChange {
    if oldSet == 0 && newSet == 0 { return ServicePointChange(kind: .none, isOut: false) }
    let key = UInt64(oldSet) << 32 | UInt64(newSet)
    if let change = known[key] { return change }
    let before = outageInForce(old, oldPhases, oldSet)
    let after = outageInForce(new, newPhases, newSet)
    let kind: ServicePointChange.Kind =
      switch (before, after) {
      case (nil, nil): .none
      case (nil, _): .newlyOut
      case (_, nil): .restored
      case (let before?, let after?):
        before.estimatedRestorationAt == after.estimatedRestorationAt ? .none : .ertChanged
      }
    let change = ServicePointChange(kind: kind, isOut: after != nil)
    known[key] = change
    return change
  }

  private func outageInForce(_ territory: Territory, _ phases: [OutagePhase], _ set: UInt32) -> Outage? {
    let covering = territory.coverage.polygons(ofSet: set)
    guard !covering.isEmpty else { return nil }
    let number = phases.withUnsafeBufferPointer {
      Int(covering[PrimaryOutage.position(in: covering, phases: $0)])
    }
    return phases[number] == .inForce ? territory.outages.outages[number] : nil
  }
}
