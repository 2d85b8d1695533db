import OutageModel
import TestSupport
import Testing

@testable import EventLog

@Suite struct WaitingReportsTests {
  private func draft(_ second: Int64) -> ReportDraft {
    ReportDraft(kind: .out, receivedAt: Timestamp(millisecondsSinceEpoch: second * 1000))
  }

  private func waiting(_ reports: WaitingReports) -> [Int] {
    var found: [Int] = []
    reports.forEach { sequence, _ in found.append(sequence) }
    return found
  }

  @Test func `The newest wait, up to the bound`() {
    var reports = WaitingReports(countMax: 3)
    for sequence in 1...5 { reports.append(sequence, draft(0)) }
    #expect(waiting(reports) == [3, 4, 5])
    reports.remove(4)
    reports.append(9, draft(0))
    #expect(waiting(reports) == [3, 5, 9])
    #expect(reports.count == 3)
  }

  @Test func `Those that came before a moment wait no more, whatever their numbers`() {
    var reports = WaitingReports(countMax: 10)
    for (sequence, second) in [(1, 5), (2, 1), (3, 7), (4, 2)] {
      reports.append(sequence, draft(Int64(second)))
    }
    reports.removeAll(before: Timestamp(millisecondsSinceEpoch: 5000))
    #expect(waiting(reports) == [1, 3])
    #expect(reports.count == 2)
  }

  @Test(arguments: [1 as UInt64, 2, 3]) func `The same wait as in a dictionary of the newest`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var reports = WaitingReports(countMax: 500)
    var expected: [Int: Int64] = [:]
    var last = 0
    for _ in 0..<40_000 {
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<7:
        last += Int.random(in: 1...3, using: &random)
        let second = Int64(last)
        reports.append(last, draft(second))
        expected[last] = second
        if expected.count > 500 { expected[expected.keys.min()!] = nil }
      default:
        let sequence = Int.random(in: max(0, last - 2000)...last + 1, using: &random)
        reports.remove(sequence)
        expected[sequence] = nil
      }
    }
    #expect(reports.count == expected.count, "seed \(seed)")
    #expect(waiting(reports) == expected.keys.sorted(), "seed \(seed)")
    let moment = Int64(last - 300)
    reports.removeAll(before: Timestamp(millisecondsSinceEpoch: moment * 1000))
    #expect(waiting(reports) == expected.filter { $0.value >= moment }.keys.sorted(), "seed \(seed)")
  }
}
