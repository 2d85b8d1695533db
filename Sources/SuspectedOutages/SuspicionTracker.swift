// Remembers recent reports, forgets those that the OMS explains or that have faded, and keeps the numbers of what was suspected.

import OutageModel
import PointLocation
import Territory

/// Follows reports and outage layers, and tells at any moment what is suspected.
///
/// ```swift
/// var tracker = SuspicionTracker(settings)
/// tracker.add(ReportSign(report)!)
/// let suspected = tracker.evaluate(in: territory, at: now)
/// ```
/// What is suspected follows from the recent reports and the OMS's outages alone, so that a tracker which is given the same reports again
/// after a restart finds the same.
public struct SuspicionTracker {
  public let settings: SuspicionSettings
  private var recent: [Recent] = []
  private var search: SuspicionSearch?
  /// By place: the number of what it was suspected to be part of, last time.
  private var numbers: [PlaceKey: Int] = [:]

  /// Reports that are remembered; beyond, the oldest are forgotten first.
  public static let recentMax = 200_000

  private struct Recent {
    var sign: ReportSign
    /// An OMS outage in force has covered it since it came; it never counts again.
    var isExplained = false
  }

  private enum PlaceKey: Hashable {
    case servicePoint(String)
    case position(LonLat)
  }

  public init(_ settings: SuspicionSettings) { self.settings = settings }

  /// Takes a report; one that it has already is taken once.
  public mutating func add(_ sign: ReportSign) { recent.append(Recent(sign: sign)) }

  /// What is suspected now: outages without a reporter in common, by number.
  /// - Parameter territory: with the OMS's outages, and without suspected ones.
  public mutating func evaluate(in territory: Territory, at now: Timestamp) -> [SuspectedOutage] {
    forget(at: now)
    let table = territory.servicePoints
    explain(by: territory, at: now)
    let signs = recent.lazy.filter { !$0.isExplained }.map(\.sign)
    guard signs.count >= settings.reportersMin else {
      numbers = [:]
      return []
    }
    if search?.table !== table { search = SuspicionSearch(settings, table) }
    let search = search!
    var indexOfKey: [PlaceKey: Int] = [:]
    var keys: [PlaceKey] = []
    var places: [ReportedPlace] = []
    for sign in signs {
      let key = sign.servicePointId.map(PlaceKey.servicePoint) ?? .position(sign.position)
      let index = indexOfKey[key, default: places.count]
      if index == places.count {
        indexOfKey[key] = index
        keys.append(key)
        places.append(place(sign, search))
      }
      places[index].take(sign)
    }
    return named(search.groups(of: places), places, keys, search)
  }

  /// When something will fade if nothing is reported; `nil` if there is nothing.
  public var nextFade: Timestamp? {
    recent.lazy.filter { !$0.isExplained }.map {
      $0.sign.at.adding(seconds: Int64(settings.fadeAfterSeconds))
    }
    .min()
  }

  /// Reports that count at present.
  public var reportCount: Int { recent.count { !$0.isExplained } }

  // MARK: Reports

  private mutating func forget(at now: Timestamp) {
    recent.removeAll { $0.sign.at.adding(seconds: Int64(settings.fadeAfterSeconds)) <= now }
    if recent.count > Self.recentMax { recent.removeFirst(recent.count - Self.recentMax) }
    // Of two that are the same, the one that is explained comes first and stays.
    recent.sort {
      ($0.sign.at, $0.sign.sequence, $0.isExplained ? 0 : 1)
        < ($1.sign.at, $1.sign.sequence, $1.isExplained ? 0 : 1)
    }
    var last: Int?
    recent.removeAll { report in
      defer { last = report.sign.sequence }
      return report.sign.sequence == last
    }
  }

  private mutating func explain(by territory: Territory, at now: Timestamp) {
    let phases = territory.outages.phases(at: now)
    var hits = HitList()
    for index in recent.indices where !recent[index].isExplained {
      let sign = recent[index].sign
      if let row = Self.row(sign, territory.servicePoints) {
        recent[index].isExplained = territory.outages(coveringRow: row).contains {
          phases[Int($0)] == .inForce
        }
      } else {
        territory.polygons.covering(x: sign.position.lonDegrees, y: sign.position.latDegrees, into: &hits)
        recent[index].isExplained = hits.ids.contains { phases[Int($0)] == .inForce }
      }
    }
  }

  private static func row(_ sign: ReportSign, _ table: ServicePointTable) -> Int? {
    guard var id = sign.servicePointId else { return nil }
    return id.withUTF8 { table.rows(servicePoint: $0).first }
  }

  private func place(_ sign: ReportSign, _ search: SuspicionSearch) -> ReportedPlace {
    let row = Self.row(sign, search.table)
    return ReportedPlace(
      row: row, position: row.map(search.table.position(row:)) ?? sign.position,
      transformer: row.flatMap(search.network.transformers.device(ofRow:)),
      feeder: row.flatMap(search.network.feeders.device(ofRow:)))
  }

  // MARK: Names

  private mutating func named(
    _ groups: [SuspicionSearch.Group], _ places: [ReportedPlace], _ keys: [PlaceKey],
    _ search: SuspicionSearch
  ) -> [SuspectedOutage] {
    var next: [PlaceKey: Int] = [:]
    var taken: Set<Int> = []
    var result: [SuspectedOutage] = []
    // The larger part of one that has fallen apart keeps its number.
    for group in groups.sorted(by: { $0.out.count > $1.out.count }) {
      let known = group.out.compactMap { numbers[keys[$0]] }.sorted()
      let sequences = group.out.map { places[$0].firstSequence }.sorted()
      let number = (known + sequences).first { !taken.contains($0) }!
      taken.insert(number)
      for place in group.out { next[keys[place]] = number }
      result.append(outage(group, number, places, search))
    }
    numbers = next
    return result.sorted { $0.number < $1.number }
  }

  private func outage(
    _ group: SuspicionSearch.Group, _ number: Int, _ places: [ReportedPlace], _ search: SuspicionSearch
  ) -> SuspectedOutage {
    let rows = search.memberRows(of: group, places)
    let members = Set(rows)
    let times = group.out.flatMap { places[$0].outTimes }
    let feeders = Set(group.out.map { places[$0].feeder })
    return SuspectedOutage(
      number: number, basis: group.basis,
      feederId: feeders.count == 1 && feeders.first! != nil
        ? search.table.string(.feederId, row: places[group.out[0]].row!) : nil,
      memberRows: rows,
      reportedPositions: group.out.filter { places[$0].row == nil }.map { places[$0].position },
      reportCount: group.out.count,
      restoredCount: places.count { $0.isBack && $0.row.map(members.contains) == true },
      firstReportAt: times.min()!, lastReportAt: times.max()!)
  }
}
