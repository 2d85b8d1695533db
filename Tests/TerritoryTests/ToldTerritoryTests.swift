// The walk that finds what is to be told, against a brute force that keeps a state for each service point.

import OutageModel
import TestSupport
import Testing

@testable import Territory

extension ToldTerritory {
  /// Walks and tells; checks that an outage is told at once and not in parts, and those that have ended first.
  fileprivate mutating func advance(
    to territory: Territory, at now: Timestamp, damping: ERTDamping
  ) -> (changes: [ChangedServicePoints], nextDue: Timestamp?) {
    var walk = walk(to: territory, at: now, damping: damping)
    let findsNothing = walk.isEmpty
    var all: [ChangedServicePoints] = []
    var toldIds: Set<String?> = []
    tell(&walk) { changes in
      #expect(!changes.isEmpty)
      let ids = Set(changes.map { $0.change.after?.outageId })
      #expect(ids.isDisjoint(with: toldIds) || ids == [nil] && toldIds == [nil])
      toldIds.formUnion(ids)
      all += changes
    }
    #expect(findsNothing == all.isEmpty)
    return (all, walk.nextDue)
  }

  /// The groups that have changed, by number.
  fileprivate mutating func takeChangedGroups() -> [(
    number: UInt32, members: (told: ToldOutage, rows: [UInt32])?
  )] {
    var taken: [(number: UInt32, members: (told: ToldOutage, rows: [UInt32])?)] = []
    takeChangedGroups { number, told, rows in
      #expect((told == nil) == rows.isEmpty)
      taken.append((UInt32(number), told.map { ($0, Array(rows)) }))
    }
    return taken
  }
}

@Suite struct ToldTerritoryTests {
  static let start = Timestamp(year: 2026, month: 11, day: 24, hour: 18)

  static func table(_ side: Int, version: Int = 1, without: Set<String> = []) -> ServicePointTable {
    var builder = ServicePointTableBuilder()
    for x in 0..<side {
      for y in 0..<side where !without.contains("SP-\(x)-\(y)") {
        builder.append(
          ServicePoint(
            servicePointId: "SP-\(x)-\(y)", position: LonLat(lonDegrees: Double(x), latDegrees: Double(y))))
      }
    }
    return builder.build(addressVersion: version)
  }

  /// An outage over whole squares of the grid, so that no service point lies on an edge.
  static func outage(
    _ id: String, x: ClosedRange<Int>, y: ClosedRange<Int>, ert: Timestamp? = nil, crew: CrewStatus? = nil,
    status: OutageStatus = .confirmed
  ) -> Outage {
    let (west, east) = (Double(x.lowerBound) - 0.5, Double(x.upperBound) + 0.5)
    let (south, north) = (Double(y.lowerBound) - 0.5, Double(y.upperBound) + 0.5)
    var area = OutageArea()
    area.append(polygon: [
      [(west, south), (east, south), (east, north), (west, north), (west, south)].map {
        LonLat(lonDegrees: $0.0, latDegrees: $0.1)
      }
    ])
    var outage = Outage(outageId: id, area: area)
    outage.estimatedRestorationAt = ert
    outage.crewStatus = crew.map { .known($0) }
    outage.status = .known(status)
    return outage
  }

  static func territory(_ table: ServicePointTable, _ outages: [Outage], previous: Territory? = nil)
    -> Territory
  {
    Territory(
      servicePoints: table, outages: OutageTable(layer: nil, outages: outages), previous: previous)
  }

  /// Events of each service point, as texts.
  static func events(_ changes: [ChangedServicePoints]) -> [String: [OutageChange]] {
    var events: [String: [OutageChange]] = [:]
    for changed in changes {
      for row in changed.rows {
        events[changed.table.string(.servicePointId, row: Int(row)), default: []].append(changed.change)
      }
    }
    return events
  }

  /// What the brute force keeps for one service point: no groups, no sets, no memory of pairs.
  struct BruteForce {
    var told: [String: ToldOutage] = [:]
    let damping: ERTDamping

    /// - Parameter now: for each service point its primary outage in force.
    mutating func advance(
      _ ids: [String], _ outages: [Outage], primary: (String) -> Outage?, at now: Timestamp
    ) -> [String: [OutageChange]] {
      var successors: [String: Set<String>] = [:]
      var predecessors: [String: Set<String>] = [:]
      for id in ids {
        guard let before = told[id], let after = primary(id) else { continue }
        successors[before.outageId, default: []].insert(after.outageId)
        predecessors[after.outageId, default: []].insert(before.outageId)
      }
      var events: [String: [OutageChange]] = [:]
      for id in ids {
        let outage = primary(id)
        guard var state = told[id] else {
          if let outage {
            let hasERT = outage.estimatedRestorationAt != nil
            let state = ToldOutage(
              outageId: outage.outageId, estimatedRestorationAt: outage.estimatedRestorationAt,
              ertToldAt: hasERT ? now : .earliest, crewStatus: outage.crewStatus?.text)
            told[id] = state
            events[id] = [OutageChange(kind: .outageStarted, after: state)]
          }
          continue
        }
        guard let outage else {
          let listed = outages.first { $0.outageId == state.outageId }
          let reason: RestorationReason =
            switch listed?.status.code {
            case nil: .removed
            case .cancelled: .cancelled
            case .restored, .closed: .restored
            default: .areaChanged
            }
          events[id] = [OutageChange(kind: .restored, before: state, reason: reason)]
          told[id] = nil
          continue
        }
        var changes: [OutageChange] = []
        func change(_ kind: ChangeKind, _ edit: (inout ToldOutage) -> Void) {
          let before = state
          edit(&state)
          changes.append(OutageChange(kind: kind, before: before, after: state))
        }
        if state.outageId != outage.outageId {
          let old = state.outageId
          let goesOn = outages.contains { $0.outageId == old && $0.status.code?.isOver != true }
          let kind: ChangeKind =
            predecessors[outage.outageId]!.count > 1
            ? .outageMerged : goesOn || successors[old]!.count > 1 ? .outageSplit : .outageReplaced
          change(kind) { $0.outageId = outage.outageId }
        }
        if let due = damping.dueAt(
          told: state.estimatedRestorationAt, toldAt: state.ertToldAt, new: outage.estimatedRestorationAt),
          due <= now
        {
          change(.ertChanged) {
            $0.estimatedRestorationAt = outage.estimatedRestorationAt
            $0.ertToldAt = now
          }
        }
        if state.crewStatus != outage.crewStatus?.text {
          change(.crewChanged) { $0.crewStatus = outage.crewStatus?.text }
        }
        told[id] = state
        if !changes.isEmpty { events[id] = changes }
      }
      return events
    }
  }

  @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
  func `every walk tells what a brute force tells, and remembers the same`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let side = 12
    let table = Self.table(side)
    let ids = (0..<table.rowCount).map { table.string(.servicePointId, row: $0) }
    let damping = seed.isMultiple(of: 2) ? ERTDamping.none : ERTDamping()
    var told = ToldTerritory(servicePoints: table)
    var brute = BruteForce(damping: damping)
    /// A replica that knows only what it is told.
    var replica: [String: ToldOutage] = [:]
    var kept: [UInt32: (ToldOutage, Set<String>)] = [:]
    var outages: [Outage] = []
    var previous: Territory?
    var now = Self.start
    for step in 0..<60 {
      // A layer that grows, moves, is told anew and clears.
      func span() -> ClosedRange<Int> {
        let low = Int.random(in: 0..<side, using: &random)
        return low...min(side - 1, low + Int.random(in: 0...5, using: &random))
      }
      for index in outages.indices.reversed() {
        switch Int.random(in: 0..<10, using: &random) {
        case 0: outages.remove(at: index)
        case 1: outages[index].status = .known(.restored)
        case 2: outages[index].status = .known(.cancelled)
        case 3, 4:
          let minutes = Int64.random(in: -20...200, using: &random)
          outages[index].estimatedRestorationAt =
            minutes < 0 ? nil : Self.start.adding(seconds: 3600 + minutes * 60)
        case 5: outages[index].crewStatus = .known(CrewStatus.allCases.randomElement(using: &random)!)
        case 6: outages[index].area = Self.outage("", x: span(), y: span()).area
        case 7:
          if !outages.contains(where: { $0.outageId == "R\(step)" }) { outages[index].outageId = "R\(step)" }
        default: break
        }
      }
      for number in 0..<Int.random(in: 0...2, using: &random) {
        outages.append(
          Self.outage("O\(step)-\(number)", x: span(), y: span(), ert: Self.start.adding(seconds: 7200)))
      }
      now = now.adding(seconds: Int64.random(in: 1...900, using: &random))
      let territory = Self.territory(table, outages, previous: previous)
      previous = territory
      // The primary outage, by looking at every outage in the table's order of precedence.
      func primary(_ id: String) -> Outage? {
        let parts = id.split(separator: "-").compactMap { Double($0) }
        func covers(_ outage: Outage) -> Bool {
          let ring = outage.area.rings(ofPolygon: 0)[0]
          return ring[0].lonDegrees < parts[0] && parts[0] < ring[2].lonDegrees
            && ring[0].latDegrees < parts[1] && parts[1] < ring[2].latDegrees
        }
        return territory.outages.outages.first { $0.phase(at: now) == .inForce && covers($0) }
      }
      let expected = brute.advance(ids, outages, primary: primary, at: now)
      let (changes, _) = told.advance(to: territory, at: now, damping: damping)
      let found = Self.events(changes)
      try #require(found == expected, "seed \(seed), step \(step)")
      for (id, events) in found {
        for event in events {
          try #require(event.before == replica[id], "seed \(seed), step \(step): \(id)")
          replica[id] = event.after
        }
      }
      for row in 0..<table.rowCount { try #require(told.told(row: row) == brute.told[ids[row]]) }
      try #require(replica == brute.told)
      for (number, members) in told.takeChangedGroups() {
        kept[number] = members.map { ($0.told, Set($0.rows.map { ids[Int($0)] })) }
      }
      // What is kept of the groups is all that a restart needs.
      var restored = ToldTerritory(servicePoints: table)
      for (state, members) in kept.values {
        for var id in members { id.withUTF8 { restored.restore($0, state) } }
      }
      for row in 0..<table.rowCount { try #require(restored.told(row: row) == told.told(row: row)) }
    }
    #expect(!replica.isEmpty || brute.told.isEmpty)
  }

  @Test func `an ERT that flaps is told a few times an hour, and its last state in the end`() {
    let table = Self.table(4)
    var told = ToldTerritory(servicePoints: table)
    let (early, late) = (Self.start.adding(seconds: 7200), Self.start.adding(seconds: 14_400))
    var now = Self.start
    func step(_ ert: Timestamp?, _ seconds: Int64) -> (told: Timestamp??, due: Timestamp?) {
      now = now.adding(seconds: seconds)
      let outage = Self.outage("O", x: 0...3, y: 0...3, ert: ert)
      let (changes, due) = told.advance(
        to: Self.territory(table, [outage]), at: now, damping: ERTDamping())
      #expect(changes.allSatisfy { $0.rows.count == 16 })
      return (changes.first.map { $0.change.after?.estimatedRestorationAt }, due)
    }
    #expect(step(nil, 0).told == .some(nil))
    #expect(step(early, 60).told == early, "the first time that is known is told at once")
    var tellings = 0
    for flap in 0..<60 where step(flap.isMultiple(of: 2) ? late : early, 60).told != nil { tellings += 1 }
    #expect(tellings <= 3)
    let last = told.told(row: 0)?.estimatedRestorationAt == late ? early : late
    let held = step(last, 1)
    #expect(held.told == nil && held.due != nil)
    #expect(step(last, Int64(held.due!.seconds(since: now))).told == last)
    // A small move waits for longer, one that moves back is not told.
    let small = step(last.adding(seconds: 120), 1300)
    #expect(small.told == nil && small.due == now.adding(seconds: 3600 - 1300))
    #expect(step(last, 60) == (nil, nil))
    _ = step(last.adding(seconds: 120), 60)
    #expect(step(last.adding(seconds: 120), 3600).told == last.adding(seconds: 120))
  }

  @Test func `nested, joined, renamed and parted outages have their names`() {
    let table = Self.table(6)
    var told = ToldTerritory(servicePoints: table)
    func kinds(_ outages: [Outage]) -> [String: Set<ChangeKind>] {
      let (changes, _) = told.advance(
        to: Self.territory(table, outages), at: Self.start, damping: .none)
      return Self.events(changes).mapValues { Set($0.map(\.kind)) }
    }
    let west = Self.outage("W", x: 0...1, y: 0...5)
    let east = Self.outage("E", x: 4...5, y: 0...5)
    #expect(kinds([west, east])["SP-0-0"] == [.outageStarted])
    #expect(kinds([west, east]).isEmpty)
    // Both become one, which is larger.
    let joined = kinds([Self.outage("J", x: 0...5, y: 0...5)])
    #expect(joined["SP-0-0"] == [.outageMerged] && joined["SP-5-0"] == [.outageMerged])
    #expect(joined["SP-2-0"] == [.outageStarted])
    // A part of it gets an outage of its own, then both get other ids, then the part goes back.
    #expect(
      kinds([Self.outage("J", x: 0...5, y: 0...5), Self.outage("P", x: 0...1, y: 0...1)])
        == ["SP-0-0", "SP-0-1", "SP-1-0", "SP-1-1"].reduce(into: [:]) { $0[$1] = [.outageSplit] })
    #expect(
      Set(kinds([Self.outage("J2", x: 0...5, y: 0...5), Self.outage("P2", x: 0...1, y: 0...1)]).values)
        == [[.outageReplaced]])
    #expect(kinds([Self.outage("J2", x: 0...5, y: 0...5)])["SP-0-0"] == [.outageMerged])
    #expect(kinds([])["SP-0-0"] == [.restored])
  }

  @Test func `another address load keeps what was told, and those who are gone are told as restored`() {
    let table = Self.table(4)
    var told = ToldTerritory(servicePoints: table)
    let outage = Self.outage("O", x: 0...3, y: 0...3)
    _ = told.advance(to: Self.territory(table, [outage]), at: Self.start, damping: .none)
    let smaller = Self.table(4, version: 2, without: ["SP-1-1", "SP-2-2"])
    let (changes, _) = told.advance(
      to: Self.territory(smaller, [outage]), at: Self.start, damping: .none)
    let events = Self.events(changes)
    #expect(Set(events.keys) == ["SP-1-1", "SP-2-2"])
    #expect(events.values.allSatisfy { $0.map(\.reason) == [.servicePointRemoved] })
    let (back, _) = told.advance(to: Self.territory(table, [outage]), at: Self.start, damping: .none)
    #expect(Set(Self.events(back).keys) == ["SP-1-1", "SP-2-2"])
  }

  @Test func `a planned outage is told when its time comes, by the clock alone`() {
    let table = Self.table(2)
    var told = ToldTerritory(servicePoints: table)
    var outage = Self.outage("O", x: 0...1, y: 0...1)
    outage.kind = .known(.planned)
    outage.startedAt = Self.start.adding(seconds: 600)
    let territory = Self.territory(table, [outage])
    #expect(told.advance(to: territory, at: Self.start, damping: .none).changes.isEmpty)
    let (changes, _) = told.advance(to: territory, at: Self.start.adding(seconds: 600), damping: .none)
    #expect(changes.map(\.change.kind) == [.outageStarted])
    #expect(changes.map(\.rows.count) == [4])
  }
}
