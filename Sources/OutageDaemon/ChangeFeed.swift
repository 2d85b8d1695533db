// Those who follow changes and reports: reads, waits, acknowledgements and subscriptions, on a thread of their own.

import ByteBuffers
import EventLog
import Foundation
import LayerStore
import Logging
import OutageModel
import Reactor
import Synchronization
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
  private let thread = ControlThread(name: "feed", niceness: 5)
  private let desk: ReportDesk
  private let clock: @Sendable () -> Timestamp
  private let log: Logger
  private let changes: ChangeLog
  private var recorder: ChangeRecorder?
  private var settings: ChangeSettings
  /// What was told last; told again when a held ERT is due, or when it could not be written.
  private var territory: Territory?
  private var dueAt: Timestamp?
  private var waiters: [Waiter] = []
  private var subscribers: [ConnectionID: Subscriber] = [:]
  private let hasNewReports = Atomic<Bool>(false)

  /// A reader whose reply is owed.
  private struct Reader {
    var connection: ConnectionID
    var loop: EventLoop
  }

  /// A read that found nothing and waits.
  private struct Waiter {
    enum Feed { case changes(ChangeFilter), reports }
    var reader: Reader
    var feed: Feed
    var next: Int
    var count: Int
    var deadline: ContinuousClock.Instant
  }

  private final class Subscriber {
    let reader: Reader
    let filter: ChangeFilter
    var next: Int
    /// A push is on its way to the loop.
    var isPushing = false
    /// The client does not read: not before this moment.
    var retryAt: ContinuousClock.Instant?

    init(_ reader: Reader, _ filter: ChangeFilter, next: Int) {
      self.reader = reader
      self.filter = filter
      self.next = next
    }
  }

  /// A reply, at most; further events come with the next read.
  static let replyBytesMax = 8 << 20
  /// Pushed at a time to one subscriber.
  static let pushBytesMax = 64 << 10
  static let pushCountMax = 512
  static let congestedRetry = Duration.milliseconds(50)
  static let failedWriteRetrySeconds: Int64 = 5
  static let subscribersMax = 64
  static let waitersMax = 1024

  /// - Throws: `StoreError`.
  init(
    directory: String, settings: ChangeSettings, desk: ReportDesk, log: Logger,
    clock: @escaping @Sendable () -> Timestamp
  ) throws {
    self.settings = settings
    self.desk = desk
    self.log = log
    self.clock = clock
    changes = try ChangeLog(directory: directory)
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

  private var isDraining = false
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

  private func advance(to territory: Territory, store: LayerStore) {
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

  private func advance() {
    guard let recorder, let territory, !isFrozen else { return }
    let now = clock()
    let start = ContinuousClock.now
    let first = changes.nextSequence
    do {
      dueAt = try recorder.advance(to: territory, at: now)
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
    tellAll()
  }

  private func recordWiresDown() {
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

  private func note(_ error: any Error, _ message: Logger.Message) {
    let text = "\(error)"
    statistics.withLock { $0.lastError = text }
    log.error(message, metadata: ["error": "\(text)"])
  }

  // MARK: Telling

  private func tellAll() {
    for subscriber in subscribers.values { pump(subscriber) }
    wakeWaiters()
  }

  /// Something has come, or time has passed.
  private func wakeWaiters() {
    let now = ContinuousClock.now
    var left: [Waiter] = []
    for var waiter in waiters {
      if !answer(&waiter, mayWait: now < waiter.deadline && !isDraining) { left.append(waiter) }
    }
    waiters = left
    plan()
  }

  /// Sets the clock for what is due next.
  private func plan() {
    let now = ContinuousClock.now
    var next: ContinuousClock.Instant?
    func consider(_ moment: ContinuousClock.Instant?) {
      if let moment { next = min(next ?? moment, moment) }
    }
    for waiter in waiters { consider(waiter.deadline) }
    for subscriber in subscribers.values { consider(subscriber.retryAt) }
    if let dueAt { consider(now + .seconds(max(0.05, dueAt.seconds(since: clock())))) }
    statistics.withLock {
      $0.oldestSequence = changes.oldestSequence
      $0.nextSequence = changes.nextSequence
      $0.layerNumber = changes.progress.layerNumber
      $0.heldUntil = dueAt
      $0.waitingReads = waiters.count
      $0.subscribers = subscribers.count
    }
    guard let next else { return }
    thread.schedule(afterSeconds: (next - now) / .seconds(1)) { [self] in tick() }
  }

  private func tick() {
    if let due = dueAt, due <= clock() {
      dueAt = nil
      recordWiresDown()
      advance()
    }
    let now = ContinuousClock.now
    for subscriber in subscribers.values where subscriber.retryAt.map({ $0 <= now }) == true {
      subscriber.retryAt = nil
      pump(subscriber)
    }
    wakeWaiters()
  }

  private func pump(_ subscriber: Subscriber) {
    guard !subscriber.isPushing, subscriber.retryAt == nil else { return }
    var messages = ByteBuffer()
    let next: Int
    do {
      let page = try changes.read(
        from: subscriber.next, count: Self.pushCountMax, filter: subscriber.filter,
        bytesMax: Self.pushBytesMax)
      for (index, sequence) in page.sequences.enumerated() {
        messages.appendPushHeader(3, .v3)
        messages.appendBulk("change")
        messages.appendInteger(sequence)
        messages.appendBulk(page.text(index))
      }
      next = page.next
    } catch {
      note(error, "changes not read for a subscriber")
      subscriber.retryAt = .now + .seconds(1)
      return
    }
    guard !messages.isEmpty else {
      subscriber.next = next
      return
    }
    subscriber.isPushing = true
    let bytes = Array(messages.bytes)
    let reader = subscriber.reader
    let isThere = reader.loop.submit { [self] loop in
      let outcome = loop.push(to: reader.connection) { output in bytes.withUnsafeBytes { output.append($0) } }
      thread.submit { [self] in pushed(reader.connection, outcome, next) }
    }
    if !isThere { subscribers[reader.connection] = nil }
  }

  private func pushed(_ connection: ConnectionID, _ outcome: PushOutcome, _ next: Int) {
    guard let subscriber = subscribers[connection] else { return }
    subscriber.isPushing = false
    switch outcome {
    case .accepted:
      subscriber.next = next
      pump(subscriber)
    case .congested:
      subscriber.retryAt = .now + Self.congestedRetry
      plan()
    case .gone: subscribers[connection] = nil
    }
  }

  // MARK: Requests

  private func carryOut(_ request: FeedRequest, _ version: RESPVersion, _ reader: Reader) {
    do {
      switch request {
      case .readChanges(let range, let filter):
        let from = try start(range.from)
        read(reader, .changes(filter), from: from, range)
      case .readReports(let range): read(reader, .reports, from: try startOfReports(range.from), range)
      case .acknowledgeChanges(let consumer, let sequence):
        guard let position = try changes.acknowledge(consumer, through: sequence, at: clock()) else {
          throw RequestError(
            .badArgument,
            "expected a change that there is, up to \(changes.nextSequence - 1), found \(sequence)")
        }
        noteConsumers()
        reply(reader) { $0.appendInteger(position) }
      case .acknowledgeReports(let consumer, let sequence):
        desk.journal.acknowledge(consumer, through: sequence) { [self] outcome in
          switch outcome {
          case .success(let position?): reply(reader) { $0.appendInteger(position) }
          case .success(nil):
            fail(reader, RequestError(.badArgument, "expected a report that there is, found \(sequence)"))
          case .failure(let error): fail(reader, RequestError(.failed, "\(error)"))
          }
        }
      case .subscribe(let from, let filter):
        guard version == .v3 else {
          throw RequestError(
            .badArgument, "expected RESP3 for pushes: send HELLO 3 first, or use CHANGES.READ")
        }
        guard subscribers.count < Self.subscribersMax || subscribers[reader.connection] != nil else {
          throw RequestError(.tooBig, "\(Self.subscribersMax) connections have subscribed already")
        }
        let subscriber = Subscriber(reader, filter, next: try start(from))
        subscribers[reader.connection] = subscriber
        reply(reader) { $0.appendSimple("OK") }
        pump(subscriber)
        plan()
      case .unsubscribe:
        subscribers[reader.connection] = nil
        reply(reader) { $0.appendSimple("OK") }
        plan()
      }
    } catch let error as RequestError {
      fail(reader, error)
    } catch {
      fail(reader, RequestError(.failed, "\(error)"))
    }
  }

  /// The number that a read of the changes begins with.
  /// - Throws: `GONE` for a number that is kept no longer, `BADARG` for one that lies ahead.
  private func start(_ from: FeedStart) throws -> Int {
    let sequence: Int
    switch from {
    case .now: return changes.nextSequence
    case .sequence(let number): sequence = number
    case .acknowledged(let consumer):
      let position = try changes.position(of: consumer)
      sequence = position == 0 ? 0 : position + 1
    }
    if sequence == 0 { return changes.oldestSequence }
    guard sequence >= changes.oldestSequence else {
      throw RequestError(
        .gone,
        "changes before \(changes.oldestSequence) are kept no longer, found \(sequence); begin with 0 and ask for those whom you told"
      )
    }
    guard sequence <= changes.nextSequence else {
      throw RequestError(
        .badArgument,
        "expected at most \(changes.nextSequence), the number of the next change, found \(sequence)")
    }
    return sequence
  }

  private func startOfReports(_ from: FeedStart) throws -> Int {
    switch from {
    case .now: return desk.journal.statistics.lastSequence + 1
    case .sequence(let number): return number
    case .acknowledged(let consumer): return try desk.journal.position(of: consumer) + 1
    }
  }

  private func read(_ reader: Reader, _ feed: Waiter.Feed, from: Int, _ range: FeedRange) {
    var waiter = Waiter(
      reader: reader, feed: feed, next: from, count: range.count,
      deadline: .now + .milliseconds(range.blockMilliseconds))
    let mayWait = range.blockMilliseconds > 0 && !isDraining && waiters.count < Self.waitersMax
    if !answer(&waiter, mayWait: mayWait) {
      waiters.append(waiter)
      plan()
    }
  }

  /// Replies if there is something, or nothing to wait for.
  /// - Returns: whether it has replied.
  private func answer(_ waiter: inout Waiter, mayWait: Bool) -> Bool {
    var output = ByteBuffer()
    do {
      switch waiter.feed {
      case .changes(let filter):
        let page = try changes.read(
          from: waiter.next, count: waiter.count, filter: filter, bytesMax: Self.replyBytesMax)
        waiter.next = page.next
        if page.sequences.isEmpty && mayWait { return false }
        output.appendArrayHeader(2)
        output.appendInteger(page.next)
        output.appendArrayHeader(page.sequences.count)
        for index in page.sequences.indices { output.appendBulk(page.text(index)) }
      case .reports:
        let reports = try desk.journal.reports(from: waiter.next, limit: waiter.count)
        if reports.isEmpty && mayWait { return false }
        output.appendArrayHeader(2)
        output.appendInteger(reports.last.map { $0.sequence + 1 } ?? waiter.next)
        output.appendArrayHeader(reports.count)
        var text = ByteBuffer()
        for report in reports {
          text.removeAll()
          report.appendJSON(to: &text)
          output.appendBulk(text.bytes)
        }
      }
    } catch {
      fail(waiter.reader, RequestError(.failed, "\(error)"))
      return true
    }
    let bytes = Array(output.bytes)
    reply(waiter.reader) { output in bytes.withUnsafeBytes { output.append($0) } }
    return true
  }

  private func reply(_ reader: Reader, _ write: @escaping @Sendable (inout ByteBuffer) -> Void) {
    reader.loop.submit { $0.complete(reader.connection, reply: write) }
  }

  private func fail(_ reader: Reader, _ error: RequestError) {
    reply(reader) { $0.appendError(error) }
  }

  private func noteConsumers() {
    guard let consumers = try? changes.consumers() else { return }
    statistics.withLock { $0.consumers = consumers }
  }
}
