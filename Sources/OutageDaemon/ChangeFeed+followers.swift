// Those who follow changes: reads that wait, subscriptions, and the clock for both.

import ByteBuffers
import EventLog
import Foundation
import Logging
import OutageModel
import Reactor
import Synchronization
import WireProtocol

extension ChangeFeed {
  /// A reader whose reply is owed.
  struct Reader {
    var connection: ConnectionID
    var loop: EventLoop
  }

  /// A read that found nothing and waits.
  struct Waiter {
    enum Feed { case changes(ChangeFilter), reports }
    var reader: Reader
    var feed: Feed
    var next: Int
    var count: Int
    var deadline: ContinuousClock.Instant
  }

  final class Subscriber {
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
  static let subscribersMax = 64
  static let waitersMax = 1024

  func tellAll() {
    for subscriber in subscribers.values { pump(subscriber) }
    wakeWaiters()
  }

  /// Something has come, or time has passed.
  func wakeWaiters() {
    let now = ContinuousClock.now
    var left: [Waiter] = []
    for var waiter in waiters {
      if !answer(&waiter, mayWait: now < waiter.deadline && !isDraining) { left.append(waiter) }
    }
    waiters = left
    plan()
  }

  /// Sets the clock for what is due next.
  func plan() {
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

  func pump(_ subscriber: Subscriber) {
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
}
