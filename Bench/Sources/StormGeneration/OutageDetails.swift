// What is known of an outage besides its area: kind, cause, times, crew, worded as dispatchers word it.

import OutageModel

/// Makes the facts of outages, so that every code of the model occurs and no two outages tell the same story.
public struct OutageDetails {
  let plan: TerritoryPlan
  let now: Timestamp
  var random: SplitMix64

  init(plan: TerritoryPlan, now: Timestamp, random: SplitMix64) {
    (self.plan, self.now, self.random) = (plan, now, random)
  }

  public init(plan: TerritoryPlan, now: Timestamp, seed: UInt64) {
    self.init(plan: plan, now: now, random: SplitMix64(seed: seed, keys: 22))
  }

  static let causes: [(OutageCauseKind, String)] = [
    (.treeDown, "Tree down across our wires"),
    (.equipment, "Transformer failure"),
    (.lineDown, "Power line down"),
    (.vehicle, "Car hit a pole"),
    (.lightingStrike, "Lightning struck our equipment"),
    (.animal, "Squirrel in the substation"),
    (.poleDown, "Pole broken at the base"),
    (.weather, "High wind, gusts of 60 mph"),
    (.fire, "Fire near our lines"),
    (.investigating, "Under investigation"),
    (.other, "Customer's own equipment, \"main\" breaker"),
  ]

  /// One outage of a layer that shows everything at once; `index` walks through the combinations.
  public mutating func outage(
    index: Int, id: String, outline: OutageArea, feeder: Int, descriptor: String, customers: Int
  ) -> Outage {
    var outage = Outage(outageId: id, area: outline)
    outage.feederId = plan.feederId(feeder)
    outage.customersAffected = customers
    // Never absent: a DBF cannot tell an empty number from nought.
    outage.customersRestored = 0
    outage.communityDescriptor = descriptor
    outage.updatedAt = now.adding(seconds: -60 * Int64(1 + random.below(40)))
    switch index % 10 {
    case 3: describePlanned(&outage, index: index / 10)
    case 7 where index % 20 == 7: describeShutoff(&outage, index: index / 20)
    default: describeUnplanned(&outage, index: index)
    }
    if index % 12 == 5 {
      outage.message = "Stay away from downed wires, and call 911. ¡Aléjese de los cables caídos!"
    }
    return outage
  }

  func descriptor(of area: PlacedArea) -> String {
    let spans = area.shape.spans
    let street = PlaceNames.street(row: spans[0].from.row, town: area.town.index)
    let other = PlaceNames.street(row: spans[spans.count - 1].to.row, town: area.town.index)
    return street == other ? "\(street), \(area.town.name)" : "\(street) to \(other), \(area.town.name)"
  }

  private mutating func describePlanned(_ outage: inout Outage, index: Int) {
    outage.kind = .known(.planned)
    outage.cause = "Pole replacement"
    outage.causeKind = .known(.planned)
    outage.ertSource = .known(.dispatcher)
    outage.ertConfidence = .known(.high)
    let hoursToStart = Int64([-1, 16, 40, 3, -2][index % 5])
    outage.startedAt = now.adding(seconds: hoursToStart * 3600)
    outage.estimatedRestorationAt = now.adding(seconds: (hoursToStart + 4) * 3600)
    outage.status = .known(index % 5 == 2 ? .cancelled : .confirmed)
    if hoursToStart < 0 { outage.crewStatus = .known(.arrived) }
  }

  private mutating func describeShutoff(_ outage: inout Outage, index: Int) {
    outage.kind = .known(.publicSafetyShutoff)
    outage.cause = "Public safety power shutoff: red flag warning"
    outage.causeKind = .known(.weather)
    let hoursToStart = Int64([-5, 6, -9][index % 3])
    outage.startedAt = now.adding(seconds: hoursToStart * 3600)
    outage.status = .known(.confirmed)
    if index % 3 != 2 {
      outage.estimatedRestorationAt = now.adding(seconds: (max(0, hoursToStart) + 26) * 3600)
      outage.ertConfidence = .known(.low)
      outage.ertSource = .known(.dispatcher)
    }
    outage.crewStatus = .known(.suspended)
  }

  private mutating func describeUnplanned(_ outage: inout Outage, index: Int) {
    let (kind, text) = Self.causes[index % Self.causes.count]
    outage.causeKind = .known(kind)
    outage.cause = text
    let startedMinutesAgo = Int64(12 + random.below(420))
    outage.startedAt = now.adding(seconds: -60 * startedMinutesAgo)
    let stages: [CrewStatus?] = [
      .arrived, .enroute, .assigned, .awaitingCrewAssignment, .arrived, .suspended, nil,
    ]
    outage.crewStatus = stages[index % stages.count].map(Coded.known)
    outage.status = .known(index % 9 == 4 ? .predicted : .confirmed)

    switch index % 20 {
    case 0, 10, 14: break  // no time given yet
    case 2, 12:
      outage.estimatedRestorationAt = now.adding(seconds: -60 * Int64(5 + random.below(50)))
    default:
      // Restoration times are given in quarters of an hour.
      outage.estimatedRestorationAt = now.adding(seconds: 900 * Int64(2 + random.below(30)))
    }
    if outage.estimatedRestorationAt != nil {
      let crewIsThere = outage.crewStatus == .known(.arrived)
      outage.ertConfidence = .known(crewIsThere ? .high : .low)
      outage.ertSource = .known(crewIsThere ? .crew : index % 2 == 0 ? .calculated : .dispatcher)
    }

    switch index % 15 {
    case 6:
      outage.status = .known(.partiallyRestored)
      outage.customersRestored = (outage.customersAffected ?? 0) / 3
    case 11:
      outage.status = .known(.restored)
      outage.customersRestored = outage.customersAffected
      outage.crewStatus = .known(.fieldComplete)
      outage.estimatedRestorationAt = now.adding(seconds: -600)
    case 14 where index > 30:
      outage.status = .known(.closed)
      outage.customersRestored = outage.customersAffected
      outage.crewStatus = .known(.fieldComplete)
    default: break
    }
  }
}
