// What those who follow changes and reports ask for, and the replies.

import ByteBuffers
import EventLog
import Foundation
import OutageModel
import Reactor
import Synchronization
import WireProtocol

extension ChangeFeed {
  func carryOut(_ request: FeedRequest, _ version: RESPVersion, _ reader: Reader) {
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
  func answer(_ waiter: inout Waiter, mayWait: Bool) -> Bool {
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

  func noteConsumers() {
    guard let consumers = try? changes.consumers() else { return }
    statistics.withLock { $0.consumers = consumers }
  }
}
