// The reports that no outage covers so far.

import OutageModel

/// Reports that wait for a layer, by number, the newest up to a bound. Adding one takes the same short time, however many there are.
struct WaitingReports: Sendable {
  private struct Entry: Sendable {
    var sequence: Int
    /// `nil` once it waits no more.
    var draft: ReportDraft?
  }

  /// Ascending by number.
  private var entries: [Entry] = []
  /// The entries before it wait no more.
  private var start = 0
  private(set) var count = 0
  private let countMax: Int

  init(countMax: Int) { self.countMax = countMax }

  /// - Precondition: the number is higher than those before.
  mutating func append(_ sequence: Int, _ draft: ReportDraft) {
    precondition(
      entries.last.map { $0.sequence < sequence } ?? true, "reports come in the order of their numbers")
    entries.append(Entry(sequence: sequence, draft: draft))
    count += 1
    while count > countMax { removeFirst() }
  }

  mutating func remove(_ sequence: Int) {
    var low = start
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].sequence < sequence { low = middle + 1 } else { high = middle }
    }
    guard low < entries.count, entries[low].sequence == sequence, entries[low].draft != nil else { return }
    entries[low].draft = nil
    count -= 1
    dropDone()
  }

  /// Has those wait no more that came before `moment`.
  mutating func removeAll(before moment: Timestamp) {
    for index in start..<entries.count {
      if let draft = entries[index].draft, draft.receivedAt < moment {
        entries[index].draft = nil
        count -= 1
      }
    }
    dropDone()
  }

  /// Each report that waits, by ascending number.
  func forEach(_ body: (_ sequence: Int, _ draft: ReportDraft) -> Void) {
    for entry in entries[start...] { if let draft = entry.draft { body(entry.sequence, draft) } }
  }

  private mutating func removeFirst() {
    dropDone()
    entries[start].draft = nil
    count -= 1
    dropDone()
  }

  private mutating func dropDone() {
    while start < entries.count, entries[start].draft == nil { start += 1 }
    // Moved seldom enough that it costs each report little.
    if start > 1024, start > entries.count / 2 {
      entries.removeFirst(start)
      start = 0
    }
  }
}
