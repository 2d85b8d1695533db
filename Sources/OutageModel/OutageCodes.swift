// The coded words of an outage, spelt as in IEC 61968 CIM where it has one, and the value that keeps an unknown word as text.

/// A coded value as a feed gave it: one of the known codes, or the utility's own text where no table maps it.
public enum Coded<Code: RawRepresentable & Hashable & Sendable>: Hashable, Sendable
where Code.RawValue == String {
  case known(Code)
  case other(String)

  /// The code's spelling, or the text as it came. `init(_:)` reads it back.
  public var text: String {
    switch self {
    case .known(let code): code.rawValue
    case .other(let text): text
    }
  }

  public var code: Code? {
    if case .known(let code) = self { code } else { nil }
  }

  public init(_ text: String) {
    self = Code(rawValue: text).map(Coded.known) ?? .other(text)
  }
}

/// Why a customer is without power, in the widest sense.
public enum OutageKind: String, CaseIterable, Sendable {
  case unplanned, planned, publicSafetyShutoff
}

/// CIM `OutageStatusKind`, and `cancelled`, which real feeds need beside it.
public enum OutageStatus: String, CaseIterable, Sendable {
  case predicted, confirmed, partiallyRestored, restored, closed, cancelled

  /// Power is back, or was never cut: nobody inside the area is out because of it.
  public var isOver: Bool { self == .restored || self == .closed || self == .cancelled }
}

/// CIM `OutageCauseKind` (its first five; `lightingStrike` is the standard's own spelling), and what real feeds need beside them.
public enum OutageCauseKind: String, CaseIterable, Sendable {
  case lightingStrike, animal, lineDown, poleDown, treeDown
  case equipment, vehicle, weather, fire, planned, investigating, other
}

/// CIM `ERTConfidenceKind`.
public enum ERTConfidence: String, CaseIterable, Sendable {
  case high, low
}

/// Who or what gave the estimated restoration time.
public enum ERTSource: String, CaseIterable, Sendable {
  case calculated, dispatcher, crew
}

/// CIM `CrewStatusKind`, and `suspended`, which real feeds need beside it.
public enum CrewStatus: String, CaseIterable, Sendable {
  case awaitingCrewAssignment, assigned, enroute, arrived, fieldComplete, suspended
}
