// One thread of load: an epoll loop that sends what is due, takes the time of each reply, and checks it.

import ByteBuffers
import CEpoll
import CLoadSystem
import Glibc
import OutageModel
import WireProtocol

/// Nanoseconds of the monotonic clock.
public func monotonicNanoseconds() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// The system's clock.
public func systemTime() -> Timestamp {
  var time = timespec()
  clock_gettime(CLOCK_REALTIME, &time)
  return Timestamp(millisecondsSinceEpoch: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
}

public final class LoadClient {
  private let settings: LoadSettings
  private let table: RequestTable
  private let versions: LayerVersions
  private let address: SocketAddress
  private let epoll = cepoll_create()
  private var connections: [LoadConnection] = []
  private var requests: DueRequests
  private var check: AnswerCheck
  private var result: LoadResult
  private var inFlightCount = 0
  private var nextConnection = 0
  private var dirty: [LoadConnection] = []
  /// Requests that a closing connection did not take: they go out on another one.
  private var unsent: [LoadConnection.Pending] = []
  /// Those to be connected again, and when to try.
  private var closed: [(connection: LoadConnection, retryAt: Int64)] = []
  private let isClosedLoop: Bool
  private var isEnding = false
  private var endedAt: Int64 = 0
  /// The moment from which nanoseconds are counted.
  private var beginning: Int64 = 0

  private static let eventCount: Int32 = 512
  private static let retryNanoseconds: Int64 = 500_000

  /// - Parameters:
  ///   - share, shareCount: which part of the arrivals this thread takes.
  public init(
    _ settings: LoadSettings, table: RequestTable, plan: LoadPlan, versions: LayerVersions, share: Int = 0,
    shareCount: Int = 1
  ) {
    self.settings = settings
    self.table = table
    self.versions = versions
    address = SocketAddress(path: settings.socketPath)
    requests = DueRequests(settings, table: table, share: share, shareCount: shareCount)
    check = AnswerCheck(table: table, plan: plan, versions: versions, clock: systemTime)
    result = LoadResult(
      intervalSeconds: settings.intervalSeconds,
      run: "load-\(settings.seed)-\(share)-\(systemTime().millisecondsSinceEpoch)")
    if case .closed = settings.pace { isClosedLoop = true } else { isClosedLoop = false }
    for index in 0..<settings.connectionCount {
      connections.append(LoadConnection(index: index, depth: settings.depth))
    }
  }

  deinit {
    for connection in connections { connection.close() }
    close(epoll)
  }

  /// Opens all connections.
  public func connect() {
    for connection in connections { open(connection, now: 0) }
    while !closed.isEmpty {
      usleep(1000)
      let waiting = closed
      closed = []
      for (connection, _) in waiting { open(connection, now: 0) }
      if result.failedCount > 1000 { break }
    }
  }

  /// Runs until all is asked and answered.
  /// - Parameter beginning: of the monotonic clock; the same for all threads of a run.
  public func run(beginning: Int64) -> LoadResult {
    self.beginning = beginning
    cload_no_timer_slack()
    let events = cepoll_events(Self.eventCount)
    defer { free(UnsafeMutableRawPointer(events)) }
    let end = Int64(settings.pace.seconds * 1e9)
    let drain = Int64(settings.drainSeconds * 1e9)
    let lastMoment = end + drain
    var churned = 0
    if isClosedLoop { for connection in connections { refill(connection, now: now()) } }
    while true {
      var now = now()
      if !isEnding, now >= end || result.sentCount >= settings.requestCountMax {
        isEnding = true
        endedAt = now
      }
      let isCut = result.sentCount >= settings.requestCountMax
      if !isClosedLoop, !isCut { sendDue(now) }
      let isDone = isEnding && (isClosedLoop || isCut || requests.nextStart == nil)
      if isDone && inFlightCount == 0 || now >= min(lastMoment, isEnding ? endedAt + drain : .max) { break }
      if settings.churnPerSecond > 0, !isEnding {
        let wanted = Int(Double(now) / 1e9 * settings.churnPerSecond)
        while churned < wanted {
          churn(now)
          churned += 1
        }
      }
      reopen(now)
      now = self.now()
      var wait = min(10_000_000, max(0, (isEnding ? lastMoment : end) - now))
      if !isClosedLoop, !isBlocked, let next = requests.nextStart { wait = min(wait, max(0, next - now)) }
      if settings.churnPerSecond > 0 { wait = min(wait, Int64(1e9 / settings.churnPerSecond)) }
      if !closed.isEmpty { wait = min(wait, Self.retryNanoseconds) }
      let count = cload_wait(epoll, events, Self.eventCount, wait)
      for index in 0..<max(0, Int(count)) {
        let connection = connections[Int(cepoll_token(events, Int32(index)))]
        guard connection.isOpen else { continue }
        let flags = cepoll_flags(events, Int32(index))
        if flags & (cepoll_in | cepoll_hup | cepoll_err) != 0 { receive(connection) }
        if connection.isOpen, flags & cepoll_out != 0 { flush(connection) }
      }
    }
    result.seconds = Double(endedAt) / 1e9
    if inFlightCount > 0 { fail("unanswered", count: inFlightCount) }
    result.log.finish()
    return result
  }

  private func now() -> Int64 { monotonicNanoseconds() - beginning }

  // MARK: Sending

  private var isBlocked = false

  private func sendDue(_ now: Int64) {
    isBlocked = false
    while !unsent.isEmpty, let connection = connectionWithRoom() {
      sendAgain(unsent.removeFirst(), on: connection)
    }
    while let start = requests.nextStart, start <= now {
      guard let connection = connectionWithRoom() else {
        isBlocked = true
        break
      }
      send(requests.next(), on: connection)
      result.latestSendNanoseconds = max(result.latestSendNanoseconds, now - start)
    }
    for connection in dirty {
      connection.isDirty = false
      if connection.isOpen { flush(connection) }
    }
    dirty.removeAll(keepingCapacity: true)
  }

  private func connectionWithRoom() -> LoadConnection? {
    for _ in connections {
      let connection = connections[nextConnection]
      nextConnection = nextConnection + 1 == connections.count ? 0 : nextConnection + 1
      if connection.hasRoom { return connection }
    }
    return nil
  }

  private func send(_ due: DueRequest, on connection: LoadConnection) {
    append(
      LoadConnection.Pending(
        entry: due.entry, start: due.start, versionMin: versions.acknowledged, call: result.sentCount),
      to: connection)
    inFlightCount += 1
    result.sentCount += 1
  }

  private func sendAgain(_ request: LoadConnection.Pending, on connection: LoadConnection) {
    var request = request
    request.versionMin = versions.acknowledged
    append(request, to: connection)
    result.sentAgainCount += 1
  }

  private func append(_ request: LoadConnection.Pending, to connection: LoadConnection) {
    let entry = table.entries[request.entry]
    table.bytes.withUnsafeBytes {
      connection.output.append(UnsafeRawBufferPointer(rebasing: $0[entry.bytes]))
    }
    if entry.kind == .report { connection.output.appendBulk(result.reports.callId(request.call)) }
    connection.push(request)
    if !connection.isDirty {
      connection.isDirty = true
      dirty.append(connection)
    }
  }

  /// Closed loop: asks `depth` requests at once.
  private func refill(_ connection: LoadConnection, now: Int64) {
    guard connection.hasRoom, !isEnding || !unsent.isEmpty else { return }
    while !unsent.isEmpty, connection.hasRoom { sendAgain(unsent.removeFirst(), on: connection) }
    while !isEnding, connection.hasRoom {
      send(DueRequest(start: now, entry: requests.draw()), on: connection)
    }
    dirty.removeAll(keepingCapacity: true)
    connection.isDirty = false
    flush(connection)
  }

  private func flush(_ connection: LoadConnection) {
    if connection.flush(epoll: epoll) { return }
    // What the server has got, it may still answer; the rest can be sent again without asking twice.
    unsent += connection.takeBackUnsent()
    if connection.pendingCount == 0 {
      result.closedIdleCount += 1
      connection.close()
      open(connection, now: now())
    }
  }

  // MARK: Receiving

  private func receive(_ connection: LoadConnection) {
    var hasEnded = false
    while true {
      connection.input.reserve(65_536)
      let space = connection.input.freeSpace
      let count = recv(connection.descriptor, space.baseAddress!, space.count, 0)
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EAGAIN { break }
      guard count > 0 else {
        hasEnded = true
        break
      }
      connection.input.didFill(count)
      if count < space.count { break }
    }
    let now = now()
    var offset = 0
    let bytes = connection.input.bytes
    while connection.pendingCount > 0, offset < bytes.count {
      guard
        let byteCount = take(
          ReplyFrame.first(in: UnsafeRawBufferPointer(rebasing: bytes[offset...])), connection, now)
      else { break }
      if byteCount < 0 { return lost(connection, "malformed reply") }
      offset += byteCount
    }
    if connection.pendingCount == 0, offset < bytes.count {
      result.wrongCount += 1
      result.note("a reply that nobody asked for")
      return lost(connection, "superfluous reply")
    }
    connection.input.removeFirst(offset)
    if hasEnded { return lost(connection, "closed") }
    if connection.pendingCount == 0 {
      if connection.isToBeChurned {
        connection.close()
        open(connection, now: now)
      } else if isClosedLoop {
        refill(connection, now: now)
      }
    }
  }

  /// Counts one reply.
  /// - Returns: its length; `nil` if it is not all there, -1 if it is none.
  private func take(_ frame: ReplyFrame, _ connection: LoadConnection, _ now: Int64) -> Int? {
    let length: Int
    var body: UnsafeRawBufferPointer?
    var error: String?
    switch frame {
    case .partial: return nil
    case .malformed: return -1
    case .bulk(let content, let byteCount): (body, length) = (content, byteCount)
    case .null(let byteCount): length = byteCount
    case .error(let text, let byteCount): (error, length) = (text, byteCount)
    case .other(let byteCount): (error, length) = ("OTHER reply of another type", byteCount)
    }
    let request = connection.pop()
    inFlightCount -= 1
    result.answeredCount += 1
    result.replyByteCount += length
    let isReport = table.entries[request.entry].kind == .report
    if !isReport { result.log.record(now - request.start, now: now) }
    if let error {
      result.note(error)
      fail(String(error.prefix { $0 != " " }), count: 1)
      return length
    }
    if isReport {
      if let number = check.report(body, entry: request.entry) {
        result.reports.acknowledged(call: request.call, report: number, nanoseconds: now - request.start)
      } else {
        result.wrongCount += 1
        result.note(
          "no receipt: \(String(decoding: body ?? UnsafeRawBufferPointer(start: nil, count: 0), as: UTF8.self))"
        )
      }
      return length
    }
    if body == nil { result.nullCount += 1 }
    guard settings.checksAnswers else { return length }
    let verdict = check.check(
      body, entry: request.entry, versionMin: request.versionMin, lastVersion: &connection.lastVersion)
    if case .wrong(let why) = verdict {
      result.wrongCount += 1
      result.note(why)
    }
    return length
  }

  private func fail(_ reason: String, count: Int) {
    result.failures[reason, default: 0] += count
  }

  // MARK: Opening and closing

  private func open(_ connection: LoadConnection, now: Int64) {
    switch connection.connect(address, epoll: epoll) {
    case .connected:
      result.connectCount += 1
      if isClosedLoop, beginning != 0 { refill(connection, now: now) }
    case .later:
      result.backlogWaitCount += 1
      closed.append((connection, now + Self.retryNanoseconds))
    case .refused(let reason):
      fail("connect: \(String(cString: strerror(reason)))", count: 1)
      closed.append((connection, now + Self.retryNanoseconds))
    }
  }

  private func reopen(_ now: Int64) {
    guard !closed.isEmpty else { return }
    let waiting = closed
    closed = []
    for (connection, retryAt) in waiting {
      if retryAt <= now { open(connection, now: now) } else { closed.append((connection, retryAt)) }
    }
  }

  /// The server has ended the connection, or it is unusable: what was pending has failed.
  private func lost(_ connection: LoadConnection, _ reason: String) {
    if connection.pendingCount > 0 {
      fail(reason, count: connection.pendingCount)
      result.note("\(reason) with \(connection.pendingCount) requests unanswered")
      inFlightCount -= connection.pendingCount
    } else {
      result.closedIdleCount += 1
    }
    connection.close()
    open(connection, now: now())
  }

  private func churn(_ now: Int64) {
    let connection = connections[nextConnection]
    nextConnection = nextConnection + 1 == connections.count ? 0 : nextConnection + 1
    guard connection.isOpen else { return }
    guard connection.pendingCount == 0 else {
      connection.isToBeChurned = true
      return
    }
    connection.close()
    open(connection, now: now)
  }
}
