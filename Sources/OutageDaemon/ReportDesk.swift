// Takes reports from the event loops to the journal and their receipts back, and hands them on: to layers that match them and to the spool.

import DiskPace
import EventLog
import Foundation
import LayerStore
import Logging
import OutageModel
import PointLocation
import Reactor
import Synchronization
import Territory
import WireProtocol

/// What the configuration says of reports.
struct ReportDeskSettings: Sendable, Equatable {
  var journal = ReportSettings()
  /// `nil`: nothing is spooled.
  var spool: SpoolSettings?
  var spoolIntervalSeconds = 60
}

/// The journal of reports with those who bring and take them. Any thread may call it.
final class ReportDesk: Sendable {
  let journal: ReportJournal
  private let thread = ControlThread(name: "spool", niceness: 10)
  private let settings: Mutex<ReportDeskSettings>
  private let matchedLayer = Mutex<Int?>(nil)
  private let state = Mutex(State())
  private let replies = Mutex<[Reply]>([])
  private let log: Logger

  private struct State: Sendable {
    var spooledFiles = 0
    var lastError: String?
  }

  /// What a connection is told of its report, once the others of the same commit are there too.
  private struct Reply: Sendable {
    var connection: ConnectionID
    var loop: EventLoop
    var outcome: Result<[UInt8], RequestError>
  }

  /// What `INFO` and `METRICS` tell of reports.
  struct Figures: Sendable {
    var counts = ReportCounts()
    var spooledFiles = 0
    var lastError: String?
  }

  init(
    directory: String, settings: ReportDeskSettings, pace: WritingPace, log: Logger,
    clock: @escaping @Sendable () -> Timestamp
  ) throws {
    journal = try ReportJournal(directory: directory, settings: settings.journal, pace: pace, clock: clock)
    self.settings = Mutex(settings)
    self.log = log
    journal.afterEachCommit { [weak self] in self?.sendReplies() }
    scheduleSpool(afterSeconds: 0)
  }

  func reconfigure(_ settings: ReportDeskSettings) {
    journal.reconfigure(settings.journal)
    self.settings.withLock { $0 = settings }
    scheduleSpool(afterSeconds: 0)
  }

  /// Spools what is new and closes the journal. The loops must have ended.
  func stop() {
    let isDone = DispatchSemaphore(value: 0)
    thread.submit { [self] in
      spool()
      isDone.signal()
    }
    isDone.wait()
    thread.stop()
    journal.stop()
  }

  /// Stores a report and sends its receipt to the connection that waits for it.
  func take(_ intake: ReportIntake, from connection: ConnectionID, on loop: EventLoop) {
    journal.add(intake.draft) { [self] outcome in
      let reply = outcome.map(intake.receipt).mapError {
        RequestError(.failed, "the report is not stored: \($0)")
      }
      replies.withLock { $0.append(Reply(connection: connection, loop: loop, outcome: reply)) }
      switch outcome {
      case .success: noteSuccess()
      case .failure(let error): note(error, "report not stored")
      }
    }
  }

  /// Receipts that a loop sends before it looks for requests again.
  private static let repliesAtOnce = 16

  /// Wakes each loop once for all receipts of a commit: one by one, they would take the core from this thread as often as there are reports.
  private func sendReplies() {
    let replies = replies.withLock { replies in
      defer { replies = [] }
      return replies
    }
    for (_, replies) in Dictionary(grouping: replies, by: \.loop.index) {
      let jobs = stride(from: 0, to: replies.count, by: Self.repliesAtOnce).map { start in
        let part = replies[start..<min(start + Self.repliesAtOnce, replies.count)]
        return { @Sendable (loop: EventLoop) in
          for reply in part {
            loop.complete(reply.connection) { output in
              switch reply.outcome {
              case .success(let receipt): receipt.withUnsafeBytes { output.appendBulk($0) }
              case .failure(let error): output.appendError(error)
              }
            }
          }
        }
      }
      replies[0].loop.submit(jobs)
    }
  }

  private func note(_ error: any Error, _ message: Logger.Message) {
    let text = "\(error)"
    // A full disk fails every report: told once, until it is another error or has passed.
    let isNew = state.withLock { state in
      defer { state.lastError = text }
      return state.lastError != text
    }
    if isNew { log.error(message, metadata: ["error": "\(text)"]) }
  }

  private func noteSuccess() {
    let isNew = state.withLock { state in
      defer { state.lastError = nil }
      return state.lastError != nil
    }
    if isNew { log.notice("reports are stored again") }
  }

  /// A layer is served: looks whether it covers reports that wait for one, on the desk's thread.
  func match(_ territory: Territory, at now: Timestamp) {
    guard let layer = territory.outages.layer else { return }
    let isNew = matchedLayer.withLock { matched in
      defer { matched = layer.number }
      return matched != layer.number
    }
    guard isNew else { return }
    thread.submit { [self] in
      let phases = territory.outages.phases(at: now)
      journal.match(layer: layer) { draft in
        territory.outageInForce(covering: draft, phases: phases).map {
          territory.outages.outages[$0].outageId
        }
      } _: { [self] outcome in
        switch outcome {
        case .success(0): break
        case .success(let count):
          log.info("reports matched", metadata: ["layer": "\(layer.number)", "reports": "\(count)"])
        case .failure(let error): note(error, "reports not matched")
        }
      }
    }
  }

  // MARK: The spool

  private func scheduleSpool(afterSeconds seconds: Double) {
    thread.schedule(afterSeconds: seconds) { [self] in
      spool()
      scheduleSpool(afterSeconds: Double(settings.withLock(\.spoolIntervalSeconds)))
    }
  }

  private func spool() {
    guard let spool = settings.withLock(\.spool) else { return }
    do {
      let names = try ReportSpool(journal: journal, settings: spool).writeNew()
      state.withLock {
        $0.spooledFiles += names.count
        if !names.isEmpty { $0.lastError = nil }
      }
    } catch {
      note(error, "reports not spooled; they are with the next batch")
    }
  }

  /// From any thread.
  var figures: Figures {
    let counts = journal.statistics
    return state.withLock {
      Figures(counts: counts, spooledFiles: $0.spooledFiles, lastError: $0.lastError)
    }
  }
}

extension Territory {
  /// The number of the outage in force that covers the place of a report; `nil` if there is none.
  func outageInForce(covering draft: ReportDraft, phases: [OutagePhase]) -> Int? {
    func primary(_ covering: UnsafeBufferPointer<UInt32>) -> Int? {
      guard !covering.isEmpty else { return nil }
      let number = phases.withUnsafeBufferPointer {
        Int(covering[PrimaryOutage.position(in: covering, phases: $0)])
      }
      return phases[number] == .inForce ? number : nil
    }
    func primary(_ rows: RowList) -> Int? {
      for row in rows {
        if let number = primary(outages(coveringRow: row)) { return number }
      }
      return nil
    }
    if var id = draft.servicePointId {
      let rows = id.withUTF8 { servicePoints.rows(servicePoint: $0) }
      if !rows.isEmpty { return primary(rows) }
    } else if var id = draft.accountId {
      return primary(id.withUTF8 { servicePoints.rows(account: $0) })
    }
    guard let position = draft.position else { return nil }
    var hits = HitList()
    polygons.covering(x: position.lonDegrees, y: position.latDegrees, into: &hits)
    let number = primary(hits.ids)
    // The list has to live for as long as its ids are looked at.
    return hits.count == 0 ? nil : number
  }
}
