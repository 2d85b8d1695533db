// A storm told in steps: outages appear, grow, split, merge, get crews and times, and clear.

import OutageModel

/// A storm over a small territory. Each step is the whole layer that the OMS would publish then, ten minutes after the one before.
public struct StormScript {
  public static let minutesPerStep = 10

  private let plan: TerritoryPlan
  private let start: Timestamp
  private let geos: GEOSContext
  private let positions: [LonLat]
  private let planner: AreaPlanner
  private let details: OutageDetails
  private let mix: AreaMix
  private let stories: [Story]

  /// What happens to one placed area. Steps count from 0.
  private struct Story {
    enum Turn: Hashable { case plain, splits, merges, planned, shutoff }
    var outageId: String
    var area: PlacedArea
    var turn: Turn
    var birth, restored: Int
    var causeIndex: Int
    /// How many of the spans the first of two outages has, before a merger or after a split.
    var firstPart: Int
    var turnStep: Int
    /// The last step of those that have no end within the storm shows them still there.
    func isLive(_ step: Int) -> Bool { step >= birth && step <= restored }
  }

  public init(
    plan: TerritoryPlan, seed: UInt64, start: Timestamp, stepCount: Int, outageCount: Int,
    geos: GEOSContext, positions: [LonLat]
  ) {
    self.plan = plan
    self.start = start
    self.geos = geos
    self.positions = positions
    var mix = AreaMix()
    mix.vertices = 12...120
    mix.reach = 0.8
    mix.multipolygonShare = 0.15
    mix.holeShare = 0.15
    self.mix = mix
    var planner = AreaPlanner(plan: plan, seed: seed, geos: geos, margin: EdgeMargin(positions))
    var random = SplitMix64(seed: seed, keys: 31)
    details = OutageDetails(plan: plan, now: start, random: SplitMix64(seed: seed, keys: 32))

    var stories: [Story] = []
    for index in 0..<outageCount {
      var turn = Story.Turn.plain
      switch index % 8 {
      case 1: turn = .splits
      case 3: turn = .merges
      case 6: turn = index % 16 == 6 ? .planned : .shutoff
      default: break
      }
      var area = planner.next(mix)
      while turn == .splits || turn == .merges, area.shape.spans.count < 4 { area = planner.next(mix) }
      // A storm rises over the first half and is worked off in the second.
      let birth =
        index < 3 ? 0 : min(stepCount - 3, index * stepCount * 7 / (10 * outageCount) + random.below(2))
      let restored = index == 2 ? stepCount + 9 : birth + 5 + random.below(6)
      stories.append(
        Story(
          outageId: "OMS-\(7100 + index * 2)", area: area, turn: turn, birth: birth, restored: restored,
          causeIndex: random.below(OutageDetails.causes.count),
          firstPart: max(1, area.shape.spans.count / 2), turnStep: birth + 3))
    }
    self.planner = planner
    self.stories = stories
  }

  public func time(ofStep step: Int) -> Timestamp {
    start.adding(seconds: Int64(step * Self.minutesPerStep * 60))
  }

  /// The layer at a step, sorted by outage id. `updatedAt` is the step at which anything of the outage last changed.
  public func layer(atStep step: Int) -> [Outage] {
    var current = stories.flatMap { outages(of: $0, at: step) }
    var unchanged = Set(current.map(\.outageId))
    for index in current.indices { current[index].updatedAt = time(ofStep: step) }
    var earlier = step
    while earlier > 0, !unchanged.isEmpty {
      earlier -= 1
      let before = Dictionary(
        uniqueKeysWithValues: stories.flatMap { outages(of: $0, at: earlier) }.map { ($0.outageId, $0) })
      for index in current.indices where unchanged.contains(current[index].outageId) {
        var same = current[index]
        same.updatedAt = nil
        if before[same.outageId] == same {
          current[index].updatedAt = time(ofStep: earlier)
        } else {
          unchanged.remove(same.outageId)
        }
      }
    }
    return current.sorted { $0.outageId < $1.outageId }
  }

  /// One story's outages at a step, without `updatedAt`.
  private func outages(of story: Story, at step: Int) -> [Outage] {
    guard story.isLive(step) else { return [] }
    let spans = story.area.shape.spans
    let parts: [(id: String, spans: [LineSpan])]
    let second = story.outageId + "B"
    let (head, tail) = (Array(spans.prefix(story.firstPart)), Array(spans.dropFirst(story.firstPart)))
    switch story.turn {
    case .splits where step >= story.turnStep: parts = [(story.outageId, head), (second, tail)]
    case .merges where step < story.turnStep: parts = [(story.outageId, head), (second, tail)]
    default: parts = [(story.outageId, Array(spans.prefix(spanCount(of: story, at: step))))]
    }
    return parts.compactMap { part in
      var shape = story.area.shape
      shape.spans = part.spans
      guard let (_, outline) = planner.redrawn(shape, in: story.area.town, vertices: 12...400) else {
        return nil
      }
      return outage(of: story, id: part.id, outline: outline, spans: part.spans.count, at: step)
    }
  }

  private func spanCount(of story: Story, at step: Int) -> Int {
    let full = story.area.shape.spans.count
    guard story.turn == .plain else { return full }
    return switch step - story.birth {
    case 0: max(1, full * 2 / 5)
    case 1: max(1, full * 3 / 5)
    case _ where step == story.restored - 1: max(1, full / 2)
    default: full
    }
  }

  private func outage(of story: Story, id: String, outline: OutageArea, spans: Int, at step: Int) -> Outage {
    var outage = Outage(outageId: id, area: outline)
    let age = step - story.birth
    let born = time(ofStep: story.birth)
    outage.feederId = plan.feederId(story.area.feeder)
    outage.communityDescriptor = details.descriptor(of: story.area)
    outage.customersAffected = customerCount(in: outline, spans: spans, of: positions, geos: geos)
    outage.customersRestored = 0

    switch story.turn {
    case .planned:
      outage.kind = .known(.planned)
      (outage.cause, outage.causeKind) = ("Cable replacement", .known(.planned))
      outage.startedAt = born.adding(seconds: 1800)
      outage.estimatedRestorationAt = born.adding(seconds: 4 * 3600)
      (outage.ertSource, outage.ertConfidence) = (.known(.dispatcher), .known(.high))
      if age >= 3 { outage.crewStatus = .known(.arrived) }
      if step == story.restored { outage.status = .known(.cancelled) }
      return outage
    case .shutoff:
      outage.kind = .known(.publicSafetyShutoff)
      (outage.cause, outage.causeKind) = ("Public safety power shutoff", .known(.weather))
      outage.startedAt = born
    default:
      let found = OutageDetails.causes[story.causeIndex]
      (outage.cause, outage.causeKind) =
        age < 3 ? ("Under investigation", .known(.investigating)) : (found.1, .known(found.0))
      outage.startedAt = born.adding(seconds: -240)
    }

    outage.status = .known(age == 0 ? .predicted : .confirmed)
    switch age {
    case 0: outage.crewStatus = .known(.awaitingCrewAssignment)
    case 1:
      outage.crewStatus = .known(.assigned)
      outage.estimatedRestorationAt = born.adding(seconds: 2 * 3600)
      (outage.ertSource, outage.ertConfidence) = (.known(.calculated), .known(.low))
    case 2:
      outage.crewStatus = .known(.enroute)
      outage.estimatedRestorationAt = born.adding(seconds: 2 * 3600)
      (outage.ertSource, outage.ertConfidence) = (.known(.dispatcher), .known(.low))
    default:
      outage.crewStatus = .known(.arrived)
      // One crew in four promised too much: its time passes before power is back.
      let minutes = story.causeIndex % 4 == 1 ? 40 : 90 + 15 * (story.causeIndex % 3)
      outage.estimatedRestorationAt = born.adding(seconds: Int64(minutes * 60))
      (outage.ertSource, outage.ertConfidence) = (.known(.crew), .known(.high))
    }
    if story.turn == .plain, step == story.restored - 1 {
      outage.status = .known(.partiallyRestored)
      let full = customerCount(in: story.area.outline, spans: spans, of: positions, geos: geos)
      outage.customersRestored = max(0, full - (outage.customersAffected ?? 0))
    }
    if step == story.restored {
      outage.status = .known(.restored)
      outage.crewStatus = .known(.fieldComplete)
      outage.customersRestored = outage.customersAffected
      outage.estimatedRestorationAt = time(ofStep: step)
    }
    return outage
  }
}
