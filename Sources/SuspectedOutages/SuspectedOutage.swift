// What the search finds: reports that agree, and whom they speak for.

import OutageModel

/// An outage that reports tell of and the OMS does not, yet.
public struct SuspectedOutage: Hashable, Sendable {
  /// What the reporters have in common.
  public enum Basis: Hashable, Sendable {
    case transformer(String)
    case feeder(String)
    /// They are close to one another in space and time.
    case neighbourhood
  }

  /// The sequence number of the report that it began with; `SUSPECTED-` and this is its outage id.
  public var number: Int
  public var basis: Basis
  /// Of the reporters, where all have the same.
  public var feederId: String?
  /// Rows of the service points that share the reporters' devices, or that have reported; ascending.
  public var memberRows: [Int]
  /// Where was reported without a service point.
  public var reportedPositions: [LonLat]
  /// Places that have reported; each counts once, however often it reports.
  public var reportCount: Int
  /// Places among them or around them that have since reported that power is back.
  public var restoredCount: Int
  public var firstReportAt: Timestamp
  public var lastReportAt: Timestamp

  public var outageId: String { "SUSPECTED-\(number)" }

  /// How likely the next reporter is to say that power is out, by Laplace's rule of succession (*Essai philosophique sur les probabilités*, 1814):
  /// (out + 1) / (out + back + 2).
  public var confidence: Double {
    Double(reportCount + 1) / Double(reportCount + restoredCount + 2)
  }
}
