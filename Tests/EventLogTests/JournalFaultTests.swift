// A kill in the middle of any write of the journals, and a disk that is full from any write on: what was acknowledged is there, once.

import Foundation
import Glibc
import LayerStore
import OutageModel
import SystemCallFaults
import Testing

@testable import EventLog

@Suite(.serialized) struct JournalFaultTests {
  static let reports = 60
  static let start = Timestamp(year: 2026, month: 11, day: 24, hour: 18)

  static func journal(_ directory: String) throws -> ReportJournal {
    // So few keys in memory that some move to the disk meanwhile.
    try ReportJournal(directory: directory, settings: ReportSettings(), recentMax: 10, clock: { start })
  }

  static func draft(_ number: Int) -> ReportDraft {
    var draft = ReportDraft(kind: .out, receivedAt: start)
    draft.servicePointId = "SP-\(number)"
    draft.callId = "C-\(number)"
    draft.note = String(repeating: "x", count: 400)
    return draft
  }

  /// Adds one report after another, so that each run makes the same writes, and writes down each that is acknowledged: with one system call,
  /// so that a kill cannot part it.
  static func addReports(_ directory: String) throws {
    let acknowledged = open(directory + "/acknowledged", O_WRONLY | O_CREAT | O_APPEND, 0o600)
    let journal = try journal(directory)
    for number in 0..<reports {
      guard (try? journal.addAndWait(draft(number))) != nil else { continue }
      let line = "C-\(number)\n"
      _ = line.withCString { write(acknowledged, $0, strlen($0)) }
    }
    journal.stop()
  }

  static func acknowledged(_ directory: String) throws -> [String] {
    guard let text = try? String(contentsOfFile: directory + "/acknowledged", encoding: .utf8) else {
      return []
    }
    return text.split(separator: "\n").map(String.init)
  }

  /// Every acknowledged report is there, none twice, and the journal works on.
  static func verify(_ directory: String, _ what: String) throws -> Int {
    let journal = try journal(directory)
    let calls = try journal.reports(from: 0, limit: .max).map { $0.draft.callId ?? "" }
    try #require(Set(calls).count == calls.count, "\(what): one is there twice")
    let acknowledged = try acknowledged(directory)
    try #require(Set(acknowledged).subtracting(calls).isEmpty, "\(what): acknowledged, and not there")
    for number in 0..<reports { _ = try journal.addAndWait(draft(number)) }
    let all = try journal.reports(from: 0, limit: .max)
    try #require(all.count == reports, "\(what)")
    try #require(all.map(\.sequence) == all.map(\.sequence).sorted())
    journal.stop()
    return acknowledged.count
  }

  static func countCalls(_ work: String) async throws -> Int {
    let directory = TemporaryDirectory()
    let result = try await #require(processExitsWith: .success, observing: [\.standardOutputContent]) {
      [path = directory.path as String, work = work as String] in
      SystemCallFault.arm(.kill, atCall: .max)
      if work == "reports" {
        try JournalFaultTests.addReports(path)
      } else {
        try JournalFaultTests.addChanges(path)
      }
      print("calls=\(SystemCallFault.callCount);")
    }
    let output = String(decoding: result.standardOutputContent, as: UTF8.self)
    return try #require(
      output.split(separator: "calls=").last?.split(separator: ";").first.flatMap { Int($0) })
  }

  @Test func `a kill in the middle of any write loses no acknowledged report and doubles none`() async throws
  {
    let calls = try await Self.countCalls("reports")
    #expect(calls > 60)
    var counts: Set<Int> = []
    for round in 0..<20 {
      let call = 1 + calls * round / 20
      let directory = TemporaryDirectory()
      await #expect(processExitsWith: .signal(SIGKILL), "call \(call) of \(calls)") {
        [path = directory.path as String, call = call as Int] in
        SystemCallFault.arm(.kill, atCall: call)
        try JournalFaultTests.addReports(path)
      }
      counts.insert(try Self.verify(directory.path, "call \(call) of \(calls)"))
    }
    #expect(counts.count > 5, "the kills were not spread over the work: \(counts)")
  }

  @Test
  func `on a full disk no report is acknowledged that is not there, and all are taken when there is room`()
    async throws
  {
    let calls = try await Self.countCalls("reports")
    for round in 0..<12 {
      let call = 1 + calls * round / 12
      let directory = TemporaryDirectory()
      await #expect(processExitsWith: .success, "call \(call) of \(calls)") {
        [path = directory.path as String, call = call as Int] in
        SystemCallFault.arm(.diskFull, atCall: call)
        do {
          try JournalFaultTests.addReports(path)
        } catch let error as StoreError {
          guard case .diskFull = error else { throw error }
        }
        let refused = JournalFaultTests.reports - (try JournalFaultTests.acknowledged(path).count)
        try #require(refused > 0 || call > 40, "nothing was refused")
        SystemCallFault.disarm()
        _ = try JournalFaultTests.verify(path, "call \(call)")
      }
    }
  }

  // MARK: Changes

  /// Events of each transaction.
  static let changesPerLayer = 300
  static let layers = 12

  /// Writes a layer's changes, each with the layer's number in it.
  static func addChanges(_ directory: String) throws {
    let log = try ChangeLog(directory: directory)
    let first = (log.progress.layerNumber ?? 0) + 1
    guard first <= layers else { return }
    for layer in first...layers {
      try log.append(progress: ChangeProgress(layerNumber: layer), keepFrom: .earliest) { writer in
        var members = ChangeMembers()
        for number in 0..<changesPerLayer {
          var id = "SP-\(layer)-\(number)"
          id.withUTF8 {
            members.append(
              servicePointId: UnsafeRawBufferPointer($0),
              accountId: UnsafeRawBufferPointer(start: nil, count: 0),
              feeder: 0, isCriticalCustomer: false)
          }
        }
        try writer.append(kind: .outageStarted, at: start, body: "\"kind\":\"outageStarted\"", members)
      }
    }
  }

  @Test
  func
    `a kill in the middle of any write leaves each layer's changes whole or not there, and numbers are not used twice`()
    async throws
  {
    let calls = try await Self.countCalls("changes")
    for round in 0..<12 {
      let call = 1 + calls * round / 12
      let directory = TemporaryDirectory()
      await #expect(processExitsWith: .signal(SIGKILL), "call \(call) of \(calls)") {
        [path = directory.path as String, call = call as Int] in
        SystemCallFault.arm(.kill, atCall: call)
        try JournalFaultTests.addChanges(path)
      }
      let before = try ChangeLog(directory: directory.path)
      let done = before.progress.layerNumber ?? 0
      #expect(before.nextSequence == 1 + done * Self.changesPerLayer, "call \(call) of \(calls)")
      // It goes on where it was.
      try Self.addChanges(directory.path)
      let log = try ChangeLog(directory: directory.path)
      let page = try log.read(from: 0, count: .max, filter: ChangeFilter(), bytesMax: .max)
      #expect(page.sequences == Array(1...Self.layers * Self.changesPerLayer))
      for (index, sequence) in page.sequences.enumerated() where sequence % 37 == 0 {
        let text = String(decoding: page.text(index), as: UTF8.self)
        let (layer, number) = (sequence - 1).quotientAndRemainder(dividingBy: Self.changesPerLayer)
        #expect(text.contains("\"SP-\(layer + 1)-\(number)\""))
      }
    }
  }
}
