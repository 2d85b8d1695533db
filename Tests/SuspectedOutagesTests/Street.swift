// A made-up neighbourhood whose distances and devices are known, and reports from it.

import OutageModel
import SuspectedOutages
import Territory

/// Service points along streets, 10 m apart, with their devices.
struct Street {
  static let noon = Timestamp(year: 2026, month: 11, day: 24, hour: 12)
  static let metresPerDegree = 111_195.0
  private var builder = ServicePointTableBuilder()
  private var positions: [String: LonLat] = [:]
  private var reportCount = 0

  static func position(eastMetres: Double, northMetres: Double = 0) -> LonLat {
    LonLat(lonDegrees: eastMetres / metresPerDegree, latDegrees: northMetres / metresPerDegree)
  }

  /// Adds service points `PREFIX-0`, `PREFIX-1`, ...
  mutating func add(
    _ prefix: String, count: Int, eastMetres: Double, northMetres: Double = 0, transformer: String? = nil,
    feeder: String? = nil
  ) {
    for index in 0..<count {
      let position = Self.position(
        eastMetres: eastMetres + 10 * Double(index), northMetres: northMetres)
      var point = ServicePoint(servicePointId: "\(prefix)-\(index)", position: position)
      point.transformerId = transformer
      point.feederId = feeder
      positions[point.servicePointId] = position
      builder.append(point)
    }
  }

  func territory(_ outages: [Outage] = []) -> Territory {
    Territory(
      servicePoints: builder.build(addressVersion: 1),
      outages: OutageTable(
        layer: LayerVersion(
          kind: .outages, number: 1, publishedAt: Self.noon, source: "", sha256: "", recordCount: 0,
          vertexCount: 0), outages: outages))
  }

  /// A report of a service point, at a minute after noon.
  mutating func report(_ id: String, minute: Double, _ kind: ReportKind = .out) -> ReportSign {
    reportCount += 1
    var draft = ReportDraft(
      kind: kind, receivedAt: Self.noon.adding(seconds: Int64(minute * 60)))
    draft.servicePointId = id
    draft.position = positions[id]
    return ReportSign(OutageReport(sequence: reportCount, draft: draft))!
  }

  static func box(west: Double, east: Double, south: Double = -50, north: Double = 50) -> OutageArea {
    let corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    var area = OutageArea()
    area.append(polygon: [corners.map { position(eastMetres: $0.0, northMetres: $0.1) }])
    return area
  }
}

extension SuspicionTracker {
  init(_ signs: [ReportSign]) {
    self.init(SuspicionSettings())
    for sign in signs { add(sign) }
  }

  mutating func evaluate(in territory: Territory, minute: Double) -> [SuspectedOutage] {
    evaluate(in: territory, at: Street.noon.adding(seconds: Int64(minute * 60)))
  }
}
