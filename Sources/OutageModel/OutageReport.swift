// What a caller tells of the power at a place: the report as it was taken, numbered and kept.

/// What a caller reports (CIM `TroubleTicket`, as a customer would say it).
public enum ReportKind: String, CaseIterable, Sendable {
  /// No power.
  case out
  /// Some of the rooms or appliances have power.
  case partial
  /// Lights dim or flicker.
  case flickering
  /// A line lies on the ground or hangs low: a danger to life, whatever else is known.
  case wireDown
  /// Power is back.
  case restored
  /// Power was said to be back, and is not.
  case stillOut

  /// Whether somebody may be hurt: told at once, and before everything else.
  public var isSafetyEmergency: Bool { self == .wireDown }

  /// Whether it says that power is missing there.
  public var saysPowerIsOut: Bool { self == .out || self == .partial || self == .stillOut }
}

/// One report as a caller gave it, before it is numbered.
public struct ReportDraft: Hashable, Sendable {
  public var kind: ReportKind
  /// The call or contact that it came by: the same call, kind and place is the same report, however often it is sent.
  public var callId: String?
  /// `nil` for a bare position, and for an account with several service points, where the caller has not said which.
  public var servicePointId: String?
  public var accountId: String?
  /// Of the service point, or as given; `nil` for an account with several service points.
  public var position: LonLat?
  /// Of the service point, where known.
  public var transformerId: String?
  public var feederId: String?
  public var isCriticalCustomer = false
  public var note: String?
  public var receivedAt: Timestamp
  /// The outage layer that was served then; `nil` before the first.
  public var layerNumber: Int?
  /// The outage in force that covered the place then; `nil` where none was known.
  public var knownOutageId: String?

  public init(kind: ReportKind, receivedAt: Timestamp) {
    self.kind = kind
    self.receivedAt = receivedAt
  }

  /// What the report is about, as one text: reports of one kind with equal places are repetitions of one another.
  public var place: String {
    if let servicePointId { return "s" + servicePointId }
    if let accountId { return "a" + accountId }
    guard let position else { return "" }
    return "p\(position.lonDegrees) \(position.latDegrees)"
  }
}

/// A report that is on the disk.
public struct OutageReport: Hashable, Sendable {
  /// 1, 2, 3, ... in the order in which they were stored; never used again.
  public var sequence: Int
  public var draft: ReportDraft
  /// The first report of this place and kind within the repeat window; `nil` if this is the first. Repetitions are kept and not counted.
  public var repeatOf: Int?
  public var match: ReportMatch?

  public init(sequence: Int, draft: ReportDraft, repeatOf: Int? = nil, match: ReportMatch? = nil) {
    self.sequence = sequence
    self.draft = draft
    self.repeatOf = repeatOf
    self.match = match
  }
}

/// The OMS's outage that turned out to cover a reported place.
public struct ReportMatch: Hashable, Sendable {
  public var outageId: String
  public var layerNumber: Int
  /// From the report to the layer's publication; 0 where the outage was known when the report came.
  public var delayMilliseconds: Int64

  public init(outageId: String, layerNumber: Int, delayMilliseconds: Int64) {
    self.outageId = outageId
    self.layerNumber = layerNumber
    self.delayMilliseconds = delayMilliseconds
  }
}
