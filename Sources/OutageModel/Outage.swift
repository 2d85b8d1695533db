// One outage as the OMS publishes it: what is known of it, and the area that it covers.

/// An outage of one layer version (CIM `Outage`). Only the id and the area are mandatory.
///
/// A value, whose copies share their fields until one of them is changed: tables, stores and comparisons copy tens of thousands, each with two
/// dozen references, and from one layer to the next most are the same copy.
public struct Outage: Sendable {
  private var storage: Storage

  public init(outageId: String, area: OutageArea) {
    storage = Storage(Fields(outageId: outageId, area: area))
  }

  private struct Fields: Hashable, Sendable {
    var outageId: String
    var kind: Coded<OutageKind> = .known(.unplanned)
    var status: Coded<OutageStatus> = .known(.confirmed)
    var cause: String?
    var causeKind: Coded<OutageCauseKind>?
    var startedAt: Timestamp?
    var estimatedRestorationAt: Timestamp?
    var ertConfidence: Coded<ERTConfidence>?
    var ertSource: Coded<ERTSource>?
    var crewStatus: Coded<CrewStatus>?
    var feederId: String?
    var customersAffected: Int?
    var customersRestored: Int?
    var communityDescriptor: String?
    var message: String?
    var updatedAt: Timestamp?
    var suspicion: Suspicion?
    var area: OutageArea
  }

  // Invariant: the fields change only while one copy alone holds them.
  private final class Storage: @unchecked Sendable {
    @exclusivity(unchecked) var fields: Fields

    init(_ fields: Fields) { self.fields = fields }
  }

  /// The fields of this copy alone.
  private var own: Fields {
    _read { yield storage.fields }
    _modify {
      if !isKnownUniquelyReferenced(&storage) { storage = Storage(storage.fields) }
      yield &storage.fields
    }
  }
}

extension Outage {
  public var outageId: String {
    get { storage.fields.outageId }
    set { own.outageId = newValue }
  }
  public var kind: Coded<OutageKind> {
    get { storage.fields.kind }
    set { own.kind = newValue }
  }
  public var status: Coded<OutageStatus> {
    get { storage.fields.status }
    set { own.status = newValue }
  }
  /// The cause as the utility words it.
  public var cause: String? {
    get { storage.fields.cause }
    set { own.cause = newValue }
  }
  public var causeKind: Coded<OutageCauseKind>? {
    get { storage.fields.causeKind }
    set { own.causeKind = newValue }
  }
  public var startedAt: Timestamp? {
    get { storage.fields.startedAt }
    set { own.startedAt = newValue }
  }
  public var estimatedRestorationAt: Timestamp? {
    get { storage.fields.estimatedRestorationAt }
    set { own.estimatedRestorationAt = newValue }
  }
  public var ertConfidence: Coded<ERTConfidence>? {
    get { storage.fields.ertConfidence }
    set { own.ertConfidence = newValue }
  }
  public var ertSource: Coded<ERTSource>? {
    get { storage.fields.ertSource }
    set { own.ertSource = newValue }
  }
  public var crewStatus: Coded<CrewStatus>? {
    get { storage.fields.crewStatus }
    set { own.crewStatus = newValue }
  }
  public var feederId: String? {
    get { storage.fields.feederId }
    set { own.feederId = newValue }
  }
  public var customersAffected: Int? {
    get { storage.fields.customersAffected }
    set { own.customersAffected = newValue }
  }
  public var customersRestored: Int? {
    get { storage.fields.customersRestored }
    set { own.customersRestored = newValue }
  }
  /// Where it is, as the utility words it (CIM `communityDescriptor`).
  public var communityDescriptor: String? {
    get { storage.fields.communityDescriptor }
    set { own.communityDescriptor = newValue }
  }
  /// A text of the utility's for callers.
  public var message: String? {
    get { storage.fields.message }
    set { own.message = newValue }
  }
  public var updatedAt: Timestamp? {
    get { storage.fields.updatedAt }
    set { own.updatedAt = newValue }
  }
  /// Set for an outage that callers' reports tell of and the OMS does not; `nil` for the OMS's own.
  public var suspicion: Suspicion? {
    get { storage.fields.suspicion }
    set { own.suspicion = newValue }
  }
  public var area: OutageArea {
    get { storage.fields.area }
    set { own.area = newValue }
  }
}

extension Outage: Hashable {
  public static func == (a: Outage, b: Outage) -> Bool {
    a.storage === b.storage || a.storage.fields == b.storage.fields
  }

  public func hash(into hasher: inout Hasher) { hasher.combine(storage.fields) }
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
