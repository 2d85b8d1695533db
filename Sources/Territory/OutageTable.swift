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
  public let layer: LayerVersion?
  public let outages: [Outage]
  /// Square metres, by number; on the sphere of WGS 84's mean radius, good to about one percent, which is enough to rank by.
  public let areasSquareMetres: [Double]

  public var count: Int { outages.count }

  /// - Parameter previous: a table whose sizes of areas are taken over where an outage's area is the same.
  /// - Precondition: no outage id stands twice.
  public init(layer: LayerVersion?, outages: [Outage], previous: OutageTable? = nil) {
    let areas = Self.areasSquareMetres(of: outages, previous)
    // Numbers are sorted and not outages, which have two dozen fields to move.
    let ranks = outages.indices.map { Rank(outages[$0], areaSquareMetres: areas[$0], number: $0) }.sorted()
    self.layer = layer
    self.outages = ranks.map { outages[$0.number] }
    self.areasSquareMetres = ranks.map(\.areaSquareMetres)
  }

  private static func areasSquareMetres(of outages: [Outage], _ previous: OutageTable?) -> [Double] {
    guard let previous else { return outages.map(\.area.squareMetres) }
    var numberOfId = [String: Int](minimumCapacity: previous.count)
    for (number, outage) in previous.outages.enumerated() { numberOfId[outage.outageId] = number }
    return outages.map { outage in
      if let number = numberOfId[outage.outageId], previous.outages[number].area == outage.area {
        return previous.areasSquareMetres[number]
      }
      return outage.area.squareMetres
    }
  }

  /// Outages that are in order of precedence already, with their areas.
  init(layer: LayerVersion?, ranked outages: [Outage], areasSquareMetres: [Double]) {
    self.layer = layer
    self.outages = outages
    self.areasSquareMetres = areasSquareMetres
  }

  /// The phase of each outage at a moment, by number.
  public func phases(at now: Timestamp) -> [OutagePhase] { outages.map { $0.phase(at: now) } }

  /// The first moment after `now` at which some outage's phase or ERT status changes by the clock alone; `nil` if none will.
  public func nextChange(after now: Timestamp) -> Timestamp? {
    var next: Timestamp?
    for outage in outages where outage.status.code?.isOver != true {
      for moment in [outage.startedAt, outage.estimatedRestorationAt] {
        if let moment, moment > now, moment < next ?? .latest { next = moment }
      }
    }
    return next
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
    for polygon in 0..<polygonCount {
      var shellLessHoles = 0.0
      for ring in polygonStarts[polygon]..<polygonStarts[polygon + 1] {
        var sum = 0.0
        for vertex in Int(
          ringStarts[Int(ring)])..<max(Int(ringStarts[Int(ring)]), Int(ringStarts[Int(ring) + 1]) - 1)
        {
          let (lon1, lat1) = (coordinates[2 * vertex], coordinates[2 * vertex + 1])
          let (lon2, lat2) = (coordinates[2 * vertex + 2], coordinates[2 * vertex + 3])
          sum += (lon2 - lon1) * (sine(lat1 * radiansPerDegree) + sine(lat2 * radiansPerDegree))
        }
        let isShell = ring == polygonStarts[polygon]
        shellLessHoles += isShell ? sum.magnitude : -sum.magnitude
      }
      total += shellLessHoles
    }
    return max(0, total) * radiansPerDegree * 6_371_008.8 * 6_371_008.8 / 2
  }
}

/// The sine of an angle in -π/2 ... π/2, by its Taylor polynomial of degree 15 (error below 1e-11), so that the result is the same on every
/// machine and needs no C library.
private func sine(_ x: Double) -> Double {
  let square = x * x
  var term = x
  var sum = x
  for k in stride(from: 2.0, through: 14, by: 2) {
    term *= -square / (k * (k + 1))
    sum += term
  }
  return sum
}
