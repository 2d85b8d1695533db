// All outages of one layer version, in the order in which they take precedence.

import OutageModel
import PointLocation

/// The outages of one layer version, sorted by precedence: of two outages that cover a point, the one with the lower number is the
/// primary one, if both are in the same phase.
///
/// The order is: unplanned, then public-safety shut-off, then planned, then suspected; then the smaller area; then the later start; then the id, by
/// its UTF-8 bytes. A kind that no table knows counts as unplanned.
public struct OutageTable: Sendable {
  /// The layer's version; `nil` before anything was published.
  public private(set) var layer: LayerVersion?
  public let outages: [Outage]
  /// Square metres, by number; on the sphere of WGS 84's mean radius, good to about one percent, which is enough to rank by.
  public let areasSquareMetres: [Double]
  private let numberOfId: [String: Int32]
  private let timeline: OutageTimeline
  private let content = OutageTableContent()
  /// With the table that this one was made after.
  private let compared: OutageComparison?

  public var count: Int { outages.count }

  /// - Parameter previous: a table whose sizes of areas are taken over where an outage's area is the same.
  /// - Precondition: no outage id stands twice.
  public init(layer: LayerVersion?, outages: [Outage], previous: OutageTable? = nil) {
    let comparison = previous.map { OutageComparison(from: $0, to: outages) }
    let areas = outages.indices.map { place in
      if let previous, let comparison, comparison.hasSameArea[place] {
        return previous.areasSquareMetres[Int(comparison.oldNumbers[place])]
      }
      return outages[place].area.squareMetres
    }
    // Numbers are sorted and not outages, which have two dozen fields to move.
    let ranks = outages.indices.map { Rank(outages[$0], areaSquareMetres: areas[$0], number: $0) }.sorted()
    self.init(
      layer: layer, ranked: ranks.map { outages[$0.number] },
      areasSquareMetres: ranks.map(\.areaSquareMetres),
      comparison: comparison?.inOrder(ranks.map(\.number)))
  }

  /// Outages that are in order of precedence already, with their areas.
  init(
    layer: LayerVersion?, ranked outages: [Outage], areasSquareMetres: [Double],
    comparison: OutageComparison? = nil
  ) {
    self.layer = layer
    self.outages = outages
    self.areasSquareMetres = areasSquareMetres
    var numbers = [String: Int32](minimumCapacity: outages.count)
    for number in outages.indices { numbers[outages[number].outageId] = Int32(number) }
    numberOfId = numbers
    timeline = OutageTimeline(outages)
    compared = comparison
  }

  /// The same outages as those of a version.
  public func published(as layer: LayerVersion?) -> OutageTable {
    var table = self
    table.layer = layer
    return table
  }

  /// The number of the outage with an id.
  public func number(ofId id: String) -> Int? { numberOfId[id].map { Int($0) } }

  /// How each outage here stands to those of an older table; at no cost if this table was made after that one.
  public func comparison(with old: OutageTable) -> OutageComparison {
    if let compared, compared.content === old.content { return compared }
    if content === old.content { return OutageComparison(sameAs: old) }
    return OutageComparison(from: old, to: outages)
  }

  /// The phase of each outage at a moment, by number.
  public func phases(at now: Timestamp) -> [OutagePhase] { timeline.phases(at: now) }

  /// The first moment after `now` at which some outage's phase or ERT status changes by the clock alone; `nil` if none will.
  public func nextChange(after now: Timestamp) -> Timestamp? { timeline.nextChange(after: now) }

  fileprivate var identity: OutageTableContent { content }
}

/// Stands for the outages of a table: a table and its copies have the same.
private final class OutageTableContent: Sendable {}

/// How the outages of one table stand to those of an older one.
public struct OutageComparison: Sendable {
  fileprivate let content: OutageTableContent
  /// By number: that of the outage with the same id in the older table; -1 where there is none.
  public let oldNumbers: [Int32]
  /// By number: whether every field is as it was.
  public let isSame: [Bool]
  /// By number: whether the area is as it was.
  public let hasSameArea: [Bool]

  fileprivate init(from old: OutageTable, to outages: [Outage]) {
    content = old.identity
    var numbers = [Int32](repeating: -1, count: outages.count)
    var isSame = [Bool](repeating: false, count: outages.count)
    var hasSameArea = isSame
    for place in outages.indices {
      guard let number = old.number(ofId: outages[place].outageId) else { continue }
      numbers[place] = Int32(number)
      isSame[place] = old.outages[number] == outages[place]
      hasSameArea[place] = isSame[place] || old.outages[number].area == outages[place].area
    }
    oldNumbers = numbers
    self.isSame = isSame
    self.hasSameArea = hasSameArea
  }

  fileprivate init(sameAs old: OutageTable) {
    let all = [Bool](repeating: true, count: old.count)
    self.init(
      content: old.identity, oldNumbers: (0..<Int32(old.count)).map { $0 }, isSame: all, hasSameArea: all)
  }

  private init(
    content: OutageTableContent, oldNumbers: [Int32], isSame: [Bool], hasSameArea: [Bool]
  ) {
    self.content = content
    self.oldNumbers = oldNumbers
    self.isSame = isSame
    self.hasSameArea = hasSameArea
  }

  /// Of the same outages, put into the order of these numbers.
  fileprivate func inOrder(_ numbers: [Int]) -> OutageComparison {
    OutageComparison(
      content: content, oldNumbers: numbers.map { oldNumbers[$0] }, isSame: numbers.map { isSame[$0] },
      hasSameArea: numbers.map { hasSameArea[$0] })
  }
}

/// What the clock alone changes of a table's outages.
private struct OutageTimeline: Sendable {
  private let isOver: [Bool]
  /// When an outage that is not over comes into force; `.earliest` where it always was.
  private let inForceFrom: [Timestamp]
  /// At which an outage begins or its ERT passes, ascending.
  private let moments: [Timestamp]

  init(_ outages: [Outage]) {
    isOver = outages.indices.map { outages[$0].status.code?.isOver == true }
    inForceFrom = outages.indices.map {
      outages[$0].phase(at: .earliest) == .scheduled ? outages[$0].startedAt ?? .earliest : .earliest
    }
    var moments: [Timestamp] = []
    for number in outages.indices where !isOver[number] {
      if let moment = outages[number].startedAt { moments.append(moment) }
      if let moment = outages[number].estimatedRestorationAt { moments.append(moment) }
    }
    self.moments = moments.sorted()
  }

  func phases(at now: Timestamp) -> [OutagePhase] {
    isOver.indices.map { isOver[$0] ? .over : inForceFrom[$0] > now ? .scheduled : .inForce }
  }

  func nextChange(after now: Timestamp) -> Timestamp? {
    var low = 0
    var high = moments.count
    while low < high {
      let middle = (low + high) / 2
      if moments[middle] > now { high = middle } else { low = middle + 1 }
    }
    return low < moments.count ? moments[low] : nil
  }
}

/// What an outage's place in the order of precedence depends on.
private struct Rank: Comparable {
  let kind: Int
  let areaSquareMetres: Double
  let startedAt: Timestamp
  let outageId: String
  /// Where it stands before.
  let number: Int

  init(_ outage: Outage, areaSquareMetres: Double, number: Int) {
    kind = outage.rank
    self.areaSquareMetres = areaSquareMetres
    startedAt = outage.startedAt ?? .earliest
    outageId = outage.outageId
    self.number = number
  }

  static func < (a: Rank, b: Rank) -> Bool {
    if a.kind != b.kind { return a.kind < b.kind }
    if a.areaSquareMetres != b.areaSquareMetres { return a.areaSquareMetres < b.areaSquareMetres }
    if a.startedAt != b.startedAt { return a.startedAt > b.startedAt }
    return a.outageId.utf8.lexicographicallyPrecedes(b.outageId.utf8)
  }
}

extension Outage {
  fileprivate var rank: Int {
    if isSuspected { return 3 }
    return switch kind.code {
    case .unplanned, nil: 0
    case .publicSafetyShutoff: 1
    case .planned: 2
    }
  }
}

extension OutageArea {
  /// The area on a sphere of radius 6,371,008.8 m, by the line integral of Chamberlain and Duquette, *Some Algorithms for Polygons on a
  /// Sphere* (2007).
  public var squareMetres: Double {
    let radiansPerDegree = Double.pi / 180
    var total = 0.0
    withCoordinates { coordinates in
      for polygon in 0..<polygonCount {
        var shellLessHoles = 0.0
        for ring in polygonStarts[polygon]..<polygonStarts[polygon + 1] {
          let vertices = Int(ringStarts[Int(ring)])..<Int(ringStarts[Int(ring) + 1])
          let sum = lineIntegral(
            UnsafeBufferPointer(rebasing: coordinates[vertices.lowerBound * 2..<vertices.upperBound * 2]))
          let isShell = ring == polygonStarts[polygon]
          shellLessHoles += isShell ? sum.magnitude : -sum.magnitude
        }
        total += shellLessHoles
      }
    }
    return max(0, total) * radiansPerDegree * 6_371_008.8 * 6_371_008.8 / 2
  }
}

/// The sum of the edges' differences in longitude, in degrees, times the sum of the sines of their latitudes.
/// - Parameter ring: longitude, latitude, longitude, ... in degrees, closed.
private func lineIntegral(_ ring: UnsafeBufferPointer<Double>) -> Double {
  guard ring.count >= 4 else { return 0 }
  let radiansPerDegree = Double.pi / 180
  var sum = 0.0
  var (lon1, sine1) = (ring[0], sines(SIMD4(repeating: ring[1] * radiansPerDegree))[0])
  // Four latitudes at once: of each, the steps are those of one alone, so that sizes that were kept compare with new ones to the bit.
  for start in stride(from: 2, to: ring.count, by: 8) {
    let count = min(4, (ring.count - start) / 2)
    var latitudes = SIMD4<Double>.zero
    for lane in 0..<count { latitudes[lane] = ring[start + 2 * lane + 1] }
    let sines = sines(latitudes * radiansPerDegree)
    for lane in 0..<count {
      let lon2 = ring[start + 2 * lane]
      sum += (lon2 - lon1) * (sine1 + sines[lane])
      (lon1, sine1) = (lon2, sines[lane])
    }
  }
  return sum
}

/// The sines of -π/2 ... π/2, by their Taylor polynomial of degree 15 (error below 1e-11), so that the result is the same on every
/// machine and needs no C library.
@inline(__always)
private func sines(_ x: SIMD4<Double>) -> SIMD4<Double> {
  let square = x * x
  var term = x
  var sum = x
  for k in stride(from: 2.0, through: 14, by: 2) {
    term *= -square / (k * (k + 1))
    sum += term
  }
  return sum
}
