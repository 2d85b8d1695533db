// Notices when a feed's fields change.

/// The columns that a feed has ever had. Each that comes or goes is told once.
struct KnownFields: Sendable {
  private var known: Set<String> = []
  private var toldMissing: Set<String> = []

  /// - Returns: columns that are new, and columns that are no longer there; both empty for the first layer.
  mutating func compare(_ columns: [String]) -> (appeared: [String], disappeared: [String]) {
    // A layer without a record has no columns to speak of.
    guard !columns.isEmpty else { return ([], []) }
    let now = Set(columns)
    guard !known.isEmpty else {
      known = now
      return ([], [])
    }
    let appeared = now.subtracting(known).sorted()
    let disappeared = known.subtracting(now).subtracting(toldMissing).sorted()
    known.formUnion(now)
    toldMissing.formUnion(disappeared)
    return (appeared, disappeared)
  }
}
