// Records what changes after each publish, on the thread that also tells it to those who follow.

import CMemory
import EventLog
import DiskPace
import Foundation
import LayerStore
import Logging
import OutageModel
import Reactor
import Synchronization
import SystemThreads
import Territory
import WireProtocol

/// Everything here but `statistics` and what submits to the thread happens on the feed thread; that makes it safe to share.
final class ChangeFeed: @unchecked Sendable {
  /// What `INFO` tells; read from any thread.
  struct Statistics: Sendable {
    var isReady = false
    var oldestSequence = 1
    var nextSequence = 1
    /// The layer whose changes are all there.
    var layerNumber: Int?
    var heldUntil: Timestamp?
    var waitingReads = 0
    var subscribers = 0
    var lastWriteMilliseconds = 0.0
    var lastError: String?
    var consumers: [ConsumerPosition] = []
  }

  let statistics = Mutex(Statistics())
  let thread = ControlThread(name: "feed", niceness: ControlThread.layerNiceness, isWaitedFor: true)
  let desk: ReportDesk
  let clock: @Sendable () -> Timestamp
  let log: Logger
  let changes: ChangeLog
  private let behind: StandingBack
  private var recorder: ChangeRecorder?
  private var settings: ChangeSettings
  /// What was told last; told again when a held ERT is due, or when it could not be written.
  private var territory: Territory?
  var dueAt: Timestamp?
  var waiters: [Waiter] = []
  var subscribers: [ConnectionID: Subscriber] = [:]
  private let hasNewReports = Atomic<Bool>(false)

  static let failedWriteRetrySeconds: Int64 = 5
  /// What more changes than these take of the heap goes back to the system as soon as they are told.
  private static let manyChanges = 10_000

  /// - Throws: `StoreError`.
  init(
    directory: String, settings: ChangeSettings, pace: WritingPace, behind: StandingBack, desk: ReportDesk,
    log: Logger,
    clock: @escaping @Sendable () -> Timestamp
  ) throws {
    self.settings = settings
    self.behind = behind
    self.desk = desk
    self.log = log
    self.clock = clock
    changes = try ChangeLog(directory: directory, pace: pace)
    desk.journal.observe { [weak self] reports in self?.reportsAreThere(reports) }
  }

  // MARK: From other threads

  /// Takes the Territory that is served from now on, or served still while the clock has moved on.
  /// - Parameter store: where layers are found that were published while nobody wrote changes.
  func serve(_ territory: Territory, store: LayerStore) {
    thread.submit { [self] in advance(to: territory, store: store) }
  }

  func reconfigure(_ settings: ChangeSettings) {
    thread.submit { [self] in
      self.settings = settings
      recorder?.settings = settings
      advance()
    }
  }

  /// Carries out what a consumer asks, and completes its connection.
  func carryOut(
    _ request: FeedRequest, _ version: RESPVersion, for connection: ConnectionID, on loop: EventLoop
  ) {
    thread.submit { [self] in carryOut(request, version, Reader(connection: connection, loop: loop)) }
  }

  /// A connection has closed that had asked for something.
  func forget(_ connection: ConnectionID) {
    thread.submit { [self] in
      subscribers[connection] = nil
      waiters.removeAll { $0.reader.connection == connection }
      plan()
    }
  }

  /// Writes no changes while another process is about to take over and numbers them. Returns when that is so.
  func freeze(_ isFrozen: Bool) {
    let isDone = DispatchSemaphore(value: 0)
    thread.submit { [self] in
      self.isFrozen = isFrozen
      if !isFrozen {
        recordWiresDown()
        advance()
      }
      isDone.signal()
    }
    isDone.wait()
  }

  /// Looks for what another process has left in the journal once it has ended.
  func lookAgain(afterSeconds seconds: Int64) {
    thread.submit { [self] in
      dueAt = min(dueAt ?? .latest, clock().adding(seconds: seconds))
      plan()
    }
  }

  /// Answers those who wait, so that their connections can close. Later reads do not wait.
  func drain() {
    thread.submit { [self] in
      isDraining = true
      wakeWaiters()
    }
  }

  func stop() { thread.stop() }

  var isDraining = false
  private var isFrozen = false

  private func reportsAreThere(_ reports: [OutageReport]) {
    let isEmergency = reports.contains { $0.draft.kind == .wireDown }
    guard isEmergency || !hasNewReports.exchange(true, ordering: .relaxed) else { return }
    thread.submit { [self] in
      hasNewReports.store(false, ordering: .relaxed)
      if isEmergency { recordWiresDown() }
      wakeWaiters()
    }
  }

  // MARK: Recording

  func advance(to territory: Territory, store: LayerStore) {
    do {
      if recorder == nil {
        let recorder = try ChangeRecorder(
          log: changes, servicePoints: territory.servicePoints, settings: settings)
        try catchUp(recorder, to: territory, store)
        self.recorder = recorder
        recordWiresDown()
        noteConsumers()
        statistics.withLock { $0.isReady = true }
      }
    } catch {
      // Without what was told before, everything would be told anew: rather nothing, and loudly.
      note(error, "changes are not recorded")
      return
    }
    self.territory = territory
    advance()
  }

  /// Tells what layers have brought that were published while nobody wrote changes: one after another, as far as the store has kept them.
  private func catchUp(_ recorder: ChangeRecorder, to territory: Territory, _ store: LayerStore) throws {
    guard let told = changes.progress.layerNumber, let current = territory.outages.layer?.number else {
      return
    }
    let missed = try store.versions(of: .outages).filter { told < $0.number && $0.number < current }
    for version in missed.sorted(by: { $0.number < $1.number }) {
      let outages = OutageTable(layer: version, outages: try store.outages(ofVersion: version.number))
      let then = Territory(servicePoints: territory.servicePoints, outages: outages)
      _ = try recorder.advance(to: then, at: version.publishedAt)
      log.info("changes of an earlier layer recorded", metadata: ["layer": "\(version.number)"])
    }
  }

  func advance() {
    guard let recorder, let territory, !isFrozen else { return }
    let now = clock()
    let start = ContinuousClock.now
    let first = changes.nextSequence
    do {
      dueAt = try behind.during { try recorder.advance(to: territory, at: now) }
      statistics.withLock { $0.lastError = nil }
    } catch {
      note(error, "changes not written; tried again in \(Self.failedWriteRetrySeconds) s")
      dueAt = now.adding(seconds: Self.failedWriteRetrySeconds)
    }
    let count = changes.nextSequence - first
    if count > 0 {
      let milliseconds = (ContinuousClock.now - start) / .milliseconds(1)
      statistics.withLock { $0.lastWriteMilliseconds = milliseconds }
      log.info(
        "changes recorded",
        metadata: [
          "layer": "\(territory.outages.layer?.number ?? 0)", "changes": "\(count)",
          "milliseconds": "\(Int(milliseconds))",
        ])
    }
    // What was found to have changed, and with it the Territory before: the next layer may be on its way.
    if count > Self.manyChanges { cmemory_give_back() }
    tellAll()
  }

  func recordWiresDown() {
    guard let recorder, !isFrozen else { return }
    do {
      let reports = try desk.journal.wiresDown(after: changes.progress.reportSequence)
      try recorder.wiresDown(reports, at: clock())
    } catch {
      // They are still in the journal: the next turn finds them.
      note(error, "wires down not written among the changes")
      dueAt = min(dueAt ?? .latest, clock().adding(seconds: Self.failedWriteRetrySeconds))
    }
    tellAll()
  }

  func note(_ error: any Error, _ message: Logger.Message) {
    let text = "\(error)"
    statistics.withLock { $0.lastError = text }
    log.error(message, metadata: ["error": "\(text)"])
  }
}
