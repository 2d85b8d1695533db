// The immutable snapshot that answers: all service points, all outages of one layer version, and the join between them.

import OutageModel
import PointLocation

/// All service points, all outages of one layer version, and the join between them. Readers only ever see a whole Territory; a refresh builds
/// the next one beside it.
public final class Territory: Sendable {
  public let servicePoints: ServicePointTable
  public let outages: OutageTable
  /// The outages' areas; polygon `i` is outage `i` of the table.
  public let polygons: PolygonIndex
  /// Which outages cover each service point.
  public let coverage: PointCoverage

  /// Builds the areas' index and the join.
  /// - Parameter previous: a Territory whose work can be taken over: only outages whose area is new are indexed and, where
  ///   it has the same service points, joined again.
  /// - Parameter processors: what the areas' index is built by.
  public init(
    servicePoints: ServicePointTable, outages: OutageTable, previous: Territory? = nil,
    _ processors: Processors = .one
  ) {
    self.servicePoints = servicePoints
    self.outages = outages
    guard let previous else {
      polygons = PolygonIndex(Self.areas(of: outages.outages.indices, in: outages), processors)
      coverage = PointCoverage.join(points: servicePoints.points, polygons: polygons)
      return
    }
    let (newIdOfOld, changed) = Self.areaChanges(from: previous.outages, to: outages)
    polygons = previous.polygons.updated(
      newIdOfOld: newIdOfOld, changedIds: changed,
      changed: Self.areas(of: changed.map { Int($0) }, in: outages), processors)
    if previous.servicePoints === servicePoints {
      coverage = previous.coverage.updated(
        points: servicePoints.points, from: previous.polygons, to: polygons, newIdOfOld: newIdOfOld,
        changed: changed)
    } else {
      coverage = PointCoverage.join(points: servicePoints.points, polygons: polygons)
    }
  }

  /// A Territory whose parts are known to fit together.
  init(
    servicePoints: ServicePointTable, outages: OutageTable, polygons: PolygonIndex, coverage: PointCoverage
  ) {
    self.servicePoints = servicePoints
    self.outages = outages
    self.polygons = polygons
    self.coverage = coverage
  }

  /// The same Territory, with its outages as those of a version.
  public func published(as layer: LayerVersion?) -> Territory {
    Territory(
      servicePoints: servicePoints, outages: outages.published(as: layer), polygons: polygons,
      coverage: coverage)
  }

  private static func areas(of numbers: some Collection<Int>, in outages: OutageTable) -> PolygonSet {
    let areas = numbers.map { outages.outages[$0].area }
    var builder = PolygonSetBuilder(
      polygonCapacity: areas.count, ringCapacity: areas.reduce(0) { $0 + $1.ringCount },
      vertexCapacity: areas.reduce(0) { $0 + $1.vertexCount })
    for area in areas {
      area.withCoordinates { _ = builder.append(coordinates: $0, ringStarts: area.ringStarts) }
    }
    let polygons = builder.build()
    // Before the index is built, which needs room.
    for (polygon, area) in areas.enumerated() { area.lean(on: polygons.coordinates(of: polygon)) }
    return polygons
  }

  /// A territory without service points or outages.
  public convenience init() {
    self.init(
      servicePoints: ServicePointTableBuilder().build(addressVersion: 0),
      outages: OutageTable(layer: nil, outages: []))
  }

  private static func areaChanges(
    from old: OutageTable, to new: OutageTable
  ) -> (newIdOfOld: [UInt32], changed: [UInt32]) {
    let comparison = new.comparison(with: old)
    var newIdOfOld = [UInt32](repeating: .max, count: old.count)
    var changed: [UInt32] = []
    for number in 0..<new.count {
      if comparison.hasSameArea[number] {
        newIdOfOld[Int(comparison.oldNumbers[number])] = UInt32(number)
      } else {
        changed.append(UInt32(number))
      }
    }
    return (newIdOfOld, changed)
  }

  /// Has the outages' areas lie in the index's memory, which has the same coordinates: for all copies of the outages, as those that wait for
  /// the next layer to be compared with. For a Territory that is to be served: another one would be kept in memory by them.
  public func shareCoordinates() {
    for number in outages.outages.indices {
      outages.outages[number].area.lean(on: polygons.coordinates(of: UInt32(number)))
    }
  }

  /// Bytes of memory that the service points, the areas and the join hold (the outages' own texts not counted).
  public var byteCount: Int { servicePoints.byteCount + polygons.byteCount + coverage.byteCount }

  /// The outages that cover a service point, by ascending number: in order of precedence within a phase.
  @inlinable
  public func outages(coveringRow row: Int) -> UnsafeBufferPointer<UInt32> {
    coverage.polygons(ofSet: coverage.setOfPoint[row])
  }
}

extension Territory {
  /// How many service points lie in an outage that is in force at a moment.
  public func servicePointsOut(at now: Timestamp) -> Int {
    let phases = outages.phases(at: now)
    // By set, once a service point is found to have it.
    var isOut = [Bool?](repeating: nil, count: coverage.setCount)
    return coverage.setOfPoint.count { set in
      if let known = isOut[Int(set)] { return known }
      let found = coverage.polygons(ofSet: set).contains { phases[Int($0)] == .inForce }
      isOut[Int(set)] = found
      return found
    }
  }
}

/// Chooses the outage that an answer speaks of, where several cover a point.
public enum PrimaryOutage {
  /// The position in `covering` of the primary outage: in force before scheduled before over, then by precedence, which is the order in
  /// which the numbers stand.
  /// - Parameters:
  ///   - covering: outage numbers, ascending, at least one.
  ///   - phases: by outage number.
  @inlinable
  public static func position(
    in covering: UnsafeBufferPointer<UInt32>, phases: UnsafeBufferPointer<OutagePhase>
  ) -> Int {
    var best = 0
    var bestPhase = phases[Int(covering[0])].rawValue
    var position = 1
    while position < covering.count, bestPhase != OutagePhase.inForce.rawValue {
      let phase = phases[Int(covering[position])].rawValue
      if phase < bestPhase { (best, bestPhase) = (position, phase) }
      position += 1
    }
    return best
  }
}

extension OutageArea {
  /// Has the coordinates lie in an index's memory, if the same stand there.
  fileprivate func lean(on coordinates: FlatArray<Double>) {
    if coordinates.count == 2 * vertexCount { lean(on: coordinates.storage, at: coordinates.pointer) }
  }
}
