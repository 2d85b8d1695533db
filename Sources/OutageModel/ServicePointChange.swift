// What happens to a service point from one moment to the next, as those who are told of it see it.

/// What a change event tells.
public enum ChangeKind: String, CaseIterable, Sendable {
  /// It was in no outage in force, and now is.
  case outageStarted
  /// Its outage is over, or covers it no longer.
  case restored
  /// Its outage and another have become one.
  case outageMerged
  /// Its outage has become several, and it belongs to another one now.
  case outageSplit
  /// Its outage goes on under another id.
  case outageReplaced
  /// The estimated restoration time has moved, come or gone.
  case ertChanged
  case crewChanged
  /// A caller has reported a line on the ground there.
  case wireDown
}

/// Why power counts as back.
public enum RestorationReason: String, CaseIterable, Sendable {
  /// The OMS says so.
  case restored
  /// The OMS has cancelled the outage.
  case cancelled
  /// The OMS does not list the outage any more.
  case removed
  /// The outage goes on elsewhere, and its area does not cover the service point any more.
  case areaChanged
  /// The service point is not in the address data any more.
  case servicePointRemoved
}

/// Which changes a consumer wants; the empty filter wants all.
public struct ChangeFilter: Hashable, Sendable {
  /// Empty: all.
  public var kinds: Set<ChangeKind> = []
  /// Only those of medical-baseline customers.
  public var criticalOnly = false
  /// Only those of service points on this feeder.
  public var feederId: String?

  public init() {}
}

/// What those who follow the changes have been told of a service point that is out.
public struct ToldOutage: Hashable, Sendable {
  public var outageId: String
  /// The ERT as it was last told; `nil`: no time is known.
  public var estimatedRestorationAt: Timestamp?
  /// When that was: damping counts from here.
  public var ertToldAt: Timestamp
  public var crewStatus: String?

  public init(
    outageId: String, estimatedRestorationAt: Timestamp?, ertToldAt: Timestamp, crewStatus: String?
  ) {
    self.outageId = outageId
    self.estimatedRestorationAt = estimatedRestorationAt
    self.ertToldAt = ertToldAt
    self.crewStatus = crewStatus
  }
}

/// One change of one or more service points, with what was told before and what is told now.
public struct OutageChange: Hashable, Sendable {
  public var kind: ChangeKind
  public var before: ToldOutage?
  public var after: ToldOutage?
  /// For `restored` only.
  public var reason: RestorationReason?

  public init(
    kind: ChangeKind, before: ToldOutage? = nil, after: ToldOutage? = nil, reason: RestorationReason? = nil
  ) {
    self.kind = kind
    self.before = before
    self.after = after
    self.reason = reason
  }
}
