// One place and what was reported of it, within the time that reports are remembered.

import OutageModel

/// A report as the search sees it.
public struct ReportSign: Hashable, Sendable {
  public var sequence: Int
  /// `nil` for a bare position.
  public var servicePointId: String?
  public var position: LonLat
  public var kind: ReportKind
  public var at: Timestamp

  /// - Returns: `nil` for a report that says nothing here: flickering, one without a place, and one that an outage of the OMS explains.
  public init?(_ report: OutageReport) {
    let draft = report.draft
    guard let position = draft.position, draft.kind.tellsOfSupply, draft.knownOutageId == nil,
      report.match == nil
    else { return nil }
    self.init(
      sequence: report.sequence, servicePointId: draft.servicePointId, position: position, kind: draft.kind,
      at: draft.receivedAt)
  }

  public init(sequence: Int, servicePointId: String?, position: LonLat, kind: ReportKind, at: Timestamp) {
    self.sequence = sequence
    self.servicePointId = servicePointId
    self.position = position
    self.kind = kind
    self.at = at
  }
}

extension ReportKind {
  /// Whether it says that power is there or that it is not. A line on the ground says the latter.
  fileprivate var tellsOfSupply: Bool { self == .restored || saysPowerIsOut || self == .wireDown }
}

/// Where somebody has reported.
struct ReportedPlace {
  /// `nil` for a bare position, and for a service point that the address data has no longer.
  var row: Int?
  var position: LonLat
  var transformer: UInt32?
  var feeder: UInt32?
  /// When power was reported missing since it was last reported back; ascending.
  var outTimes: [Timestamp] = []
  var firstSequence = 0
  var isBack = false

  mutating func take(_ sign: ReportSign) {
    if sign.kind == .restored {
      outTimes = []
      isBack = true
    } else {
      if outTimes.isEmpty { firstSequence = sign.sequence }
      outTimes.append(sign.at)
      isBack = false
    }
  }
}
