// One outage as the OMS publishes it: what is known of it, and the area that it covers.

/// An outage of one layer version (CIM `Outage`). Only the id and the area are mandatory.
public struct Outage: Hashable, Sendable {
  public var outageId: String
  public var kind: Coded<OutageKind> = .known(.unplanned)
  public var status: Coded<OutageStatus> = .known(.confirmed)
  /// The cause as the utility words it.
  public var cause: String?
  public var causeKind: Coded<OutageCauseKind>?
  public var startedAt: Timestamp?
  public var estimatedRestorationAt: Timestamp?
  public var ertConfidence: Coded<ERTConfidence>?
  public var ertSource: Coded<ERTSource>?
  public var crewStatus: Coded<CrewStatus>?
  public var feederId: String?
  public var customersAffected: Int?
  public var customersRestored: Int?
  /// Where it is, as the utility words it (CIM `communityDescriptor`).
  public var communityDescriptor: String?
  /// A text of the utility's for callers.
  public var message: String?
  public var updatedAt: Timestamp?
  /// Set for an outage that callers' reports tell of and the OMS does not; `nil` for the OMS's own.
  public var suspicion: Suspicion?
  public var area: OutageArea

  public init(outageId: String, area: OutageArea) {
    self.outageId = outageId
    self.area = area
  }
}

/// What a suspected outage rests on.
public struct Suspicion: Hashable, Sendable {
  /// How likely the next reporter there is to say that power is out; above 0, below 1.
  public var confidence: Double
  /// Places that have reported.
  public var reportCount: Int

  public init(confidence: Double, reportCount: Int) {
    self.confidence = confidence
    self.reportCount = reportCount
  }
}

/// The estimated restoration time at a given moment: derived, never stored.
public enum ERT: Hashable, Sendable {
  case known(Timestamp)
  /// No time has been given yet.
  case assessing
  /// The time given has passed and power is not reported back: promise nothing.
  case overdue(since: Timestamp)

  /// The `ertStatus` of the caller's answer.
  public var statusText: String {
    switch self {
    case .known: "known"
    case .assessing: "assessing"
    case .overdue: "overdue"
    }
  }
}

/// Where an outage stands on its own time line at a given moment.
public enum OutagePhase: UInt8, Hashable, Sendable, BitwiseCopyable {
  /// Power is out now.
  case inForce
  /// Announced, and its start lies ahead.
  case scheduled
  /// Power was given back, or the outage was closed or cancelled.
  case over
}

extension Outage {
  public var isSuspected: Bool { suspicion != nil }

  public func ert(at now: Timestamp) -> ERT {
    guard let estimatedRestorationAt else { return .assessing }
    return estimatedRestorationAt > now
      ? .known(estimatedRestorationAt) : .overdue(since: estimatedRestorationAt)
  }

  /// A planned outage or a shut-off is scheduled until its start; an unplanned one is in force from the moment it is known.
  public func phase(at now: Timestamp) -> OutagePhase {
    if status.code?.isOver == true { return .over }
    if kind.code != .unplanned, let startedAt, startedAt > now { return .scheduled }
    return .inForce
  }
}
