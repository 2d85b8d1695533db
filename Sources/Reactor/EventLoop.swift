// One epoll loop on one thread: reads, lets the handler answer, writes; all other work waits behind that.

public import ByteBuffers
internal import CEpoll
internal import Glibc
internal import Synchronization

/// One event loop. Everything but `submit`, `counters` and `index` belongs to its own thread; that, and not a lock, is what makes it
/// safe to share. Handlers and submitted closures run on that thread.
public final class EventLoop: @unchecked Sendable {
  public let index: Int
  public let counters = LoopCounters()
  /// The loop's handler: touch it from closures given to `submit` only.
  public private(set) var handler: (any ConnectionHandler)!

  let limits: ReactorLimits
  let clock: MillisecondClock
  let mailbox: Mailbox
  let epoll: Int32
  /// Connections that were dealt to this loop, waiting ones included. The acceptor adds, the loop takes away.
  let assigned = Atomic<Int>(0)

  var now: Int64
  var connections: [Connection?] = []
  var openCount = 0
  var output = ByteBuffer()
  let pool: BufferPool
  var acceptor: Acceptor?
  /// Called on the loop's thread when a connection has closed: the acceptor may have waited for its descriptor.
  var didClose: (@Sendable () -> Void)?

  private let events: UnsafeMutablePointer<epoll_event>
  private let scratch: UnsafeMutableRawBufferPointer
  private var generations: [UInt32] = []
  private var freeSlots: [UInt32] = []
  private var runQueue: [Connection] = []
  private var running: [Connection] = []
  private var watchedCount = 0
  private var nextSweepAt: Int64 = 0
  private var drainDeadline: Int64?
  private var isStopped = false
  private let thread = Atomic<UInt>(0)

  private static let eventsMax: Int32 = 256
  private static let mailboxToken = UInt64.max
  static let listenerToken = UInt64.max - 1
  static let sweepMilliseconds: Int64 = 250
  /// The output buffer's memory is given back after a reply larger than this.
  private static let keptOutputBytesMax = 1_048_576

  init(index: Int, limits: ReactorLimits, clock: @escaping MillisecondClock) throws(ReactorError) {
    self.index = index
    self.limits = limits
    self.clock = clock
    now = clock()
    let mailbox = try Mailbox()
    self.mailbox = mailbox
    epoll = cepoll_create()
    guard epoll >= 0 else { throw .last("epoll_create1") }
    pool = BufferPool(bytesMax: limits.pooledBytesMax)
    events = cepoll_events(Self.eventsMax)
    scratch = .allocate(byteCount: limits.readBytesMax, alignment: 64)
    guard cepoll_add(epoll, mailbox.descriptor, cepoll_in | cepoll_edge, Self.mailboxToken) == 0 else {
      throw .last("epoll_ctl")
    }
  }

  deinit {
    Glibc.close(epoll)
    free(events)
    scratch.deallocate()
  }

  /// Runs `work` on the loop's thread, after what it does just now. From any thread; closures run in the order of submission.
  /// - Returns: `false` if the loop has ended and the work will not be done.
  @discardableResult
  public func submit(_ work: @escaping @Sendable (EventLoop) -> Void) -> Bool {
    mailbox.post(work)
  }

  var isOnOwnThread: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }
}

// MARK: - The loop

extension EventLoop {
  /// Serves until it is drained. Called once, on the thread that becomes the loop's own.
  func run(makeHandler: (EventLoop) -> any ConnectionHandler) {
    thread.store(UInt(pthread_self()), ordering: .relaxed)
    handler = makeHandler(self)
    while !isStopped {
      let count = waitForEvents(timeoutMilliseconds)
      now = clock()
      counters.turns.add(1)
      var index: Int32 = 0
      while index < count {
        dispatch(token: cepoll_token(events, index), flags: cepoll_flags(events, index))
        index += 1
      }
      runQueued()
      acceptor?.turn(now: now)
      if now >= nextSweepAt { sweep() }
      if drainDeadline != nil && openCount == 0 { isStopped = true }
    }
    for job in mailbox.close() { job(self) }
    acceptor = nil
    handler = nil
  }

  private func waitForEvents(_ timeout: Int32) -> Int32 {
    let count = epoll_wait(epoll, events, Self.eventsMax, timeout)
    // Anything but an interruption would be a descriptor that this class closed too early.
    precondition(count >= 0 || errno == EINTR, "epoll_wait failed")
    return max(0, count)
  }

  private var timeoutMilliseconds: Int32 {
    if !runQueue.isEmpty || acceptor?.hasWaiting == true { return 0 }
    var timeout: Int64 = -1
    if isSweeping { timeout = max(1, nextSweepAt - now) }
    if let retryAt = acceptor?.retryAt {
      let wait = max(1, retryAt - now)
      timeout = timeout < 0 ? wait : min(timeout, wait)
    }
    return Int32(clamping: timeout)
  }

  private func dispatch(token: UInt64, flags: UInt32) {
    if _slowPath(token >= Self.listenerToken) {
      if token == Self.mailboxToken {
        for job in mailbox.take() { job(self) }
      } else {
        acceptor?.listenersAreReady()
      }
      return
    }
    let slot = Int(truncatingIfNeeded: token & 0xFFFF_FFFF)
    guard let connection = connections[slot],
      connection.id.generation == UInt32(truncatingIfNeeded: token >> 32)
    else { return }
    if flags & ~(cepoll_in | cepoll_out) != 0 { connection.sawHangup = true }
    if flags & ~cepoll_out != 0 { connection.isReadable = true }
    if _slowPath(connection.unsentByteCount > 0) {
      // A hang-up in both directions shows as a failure to send.
      if flags & (cepoll_out | cepoll_hup | cepoll_err) != 0 { resumeSending(connection) }
    }
    if !connection.isQueued && !connection.isClosed { serve(connection) }
  }

  private func runQueued() {
    guard !runQueue.isEmpty else { return }
    swap(&runQueue, &running)
    for connection in running where !connection.isClosed {
      connection.isQueued = false
      serve(connection)
    }
    running.removeAll(keepingCapacity: true)
  }

  private func enqueue(_ connection: Connection) {
    guard !connection.isQueued else { return }
    connection.isQueued = true
    runQueue.append(connection)
  }
}

// MARK: - One turn of one connection

extension EventLoop {
  /// Reads once, lets the handler answer, and writes once.
  private func serve(_ connection: Connection) {
    if _slowPath(connection.isDeferred || connection.closesAfterOutput) {
      if connection.isLingering { discardInput(connection) }
      return
    }
    if _slowPath(connection.unsentByteCount >= limits.outputHighWaterBytes) {
      keepRequestsForLater(connection)
      return
    }
    if connection.hasMore {
      handle(connection, connection.unconsumed, isScratch: false)
    } else if connection.isReadable {
      if connection.unconsumedByteCount == 0 {
        let count = receive(connection, into: scratch)
        if count > 0 {
          handle(connection, UnsafeRawBufferPointer(rebasing: scratch[..<count]), isScratch: true)
          return
        }
      } else if receiveBehindUnconsumed(connection) > 0 {
        handle(connection, connection.unconsumed, isScratch: false)
        return
      }
      if !connection.isClosed { settle(connection) }
    } else {
      settle(connection)
    }
  }

  /// - Returns: the bytes read; 0 at the end, where there is nothing yet, and where the connection had to be closed.
  @inline(__always)
  private func receive(_ connection: Connection, into space: UnsafeMutableRawBufferPointer) -> Int {
    let count = recv(connection.descriptor, space.baseAddress, space.count, 0)
    counters.reads.add(1)
    if count > 0 {
      // A short read took all there was; what comes later is reported anew (epoll(7), questions 9).
      if count < space.count && !connection.sawHangup { connection.isReadable = false }
      connection.lastTrafficAt = now
      counters.bytesRead.add(count)
      return count
    }
    return receiveFailed(connection, count)
  }

  @inline(never)
  private func receiveFailed(_ connection: Connection, _ count: Int) -> Int {
    if count == 0 {
      connection.isReadable = false
      connection.sawEnd = true
    } else if errno == EAGAIN || errno == EWOULDBLOCK {
      connection.isReadable = false
    } else if errno != EINTR {
      close(connection, because: .reset)
    }
    return 0
  }

  private func receiveBehindUnconsumed(_ connection: Connection) -> Int {
    if connection.inputStart > 0 {
      connection.input.removeFirst(connection.inputStart)
      connection.inputStart = 0
    }
    connection.input.reserve(limits.readBytesMax)
    let space = UnsafeMutableRawBufferPointer(rebasing: connection.input.freeSpace[..<limits.readBytesMax])
    let count = receive(connection, into: space)
    if !connection.isClosed { connection.input.didFill(count) }
    return count
  }

  private func handle(_ connection: Connection, _ input: UnsafeRawBufferPointer, isScratch: Bool) {
    let budget = TurnBudget(
      requestCount: limits.requestsPerTurn, outputByteCount: limits.outputBytesPerTurn)
    let verdict = handler.handle(input, of: connection.id, budget: budget, output: &output)
    let consumed = verdict.consumedByteCount
    precondition(consumed >= 0 && consumed <= input.count, "a handler consumed what it was not given")
    counters.requests.add(verdict.requestCount)
    if isScratch {
      if _slowPath(consumed < input.count) {
        pool.lend(to: &connection.input)
        connection.input.append(UnsafeRawBufferPointer(rebasing: input[consumed...]))
      }
    } else {
      connection.inputStart += consumed
      if connection.unconsumedByteCount == 0 { dropInput(connection) }
    }
    if output.count > 0 { send(connection) }
    guard !connection.isClosed else { return }
    connection.hasMore = false
    switch verdict.next {
    case .wait: break
    case .more: connection.hasMore = connection.unconsumedByteCount > 0
    case .deferred:
      connection.isDeferred = true
      connection.hasMore = connection.unconsumedByteCount > 0
    case .close:
      connection.closesAfterOutput = true
      dropInput(connection)
    }
    if _slowPath(connection.unconsumedByteCount > 0 || connection.requestBeganAt != 0) {
      noteUnfinishedRequest(connection, consumed: consumed)
      if connection.isClosed { return }
    }
    settle(connection)
  }

  /// Decides what comes next for a connection whose turn is over.
  private func settle(_ connection: Connection) {
    if _slowPath(connection.closesAfterOutput) {
      if connection.unsentByteCount == 0 { finishClosing(connection) }
      return
    }
    if connection.isDeferred { return }
    if connection.hasMore || connection.isReadable {
      if connection.unsentByteCount < limits.outputHighWaterBytes
        || (connection.isReadable && connection.unconsumedByteCount < limits.inputBacklogBytesMax)
      {
        enqueue(connection)
      }
    } else if connection.sawEnd {
      if connection.unsentByteCount == 0 {
        close(connection, because: drainDeadline == nil ? .peer : .drain)
      }
    }
  }

  private func noteUnfinishedRequest(_ connection: Connection, consumed: Int) {
    if connection.unconsumedByteCount == 0 || connection.hasMore || connection.isDeferred {
      connection.requestBeganAt = 0
    } else if connection.unconsumedByteCount > limits.unfinishedRequestBytesMax + limits.readBytesMax {
      close(connection, because: .inputOverflow)
      return
    } else if consumed > 0 || connection.requestBeganAt == 0 {
      connection.requestBeganAt = now
    }
    updateWatch(connection)
  }

  /// The client does not read: its requests are kept, unhandled, as long as there is room for them.
  private func keepRequestsForLater(_ connection: Connection) {
    guard connection.isReadable, connection.unconsumedByteCount < limits.inputBacklogBytesMax else { return }
    if receiveBehindUnconsumed(connection) > 0 { connection.hasMore = true }
    if !connection.isClosed { settle(connection) }
  }

  private func dropInput(_ connection: Connection) {
    pool.takeBack(&connection.input)
    connection.inputStart = 0
  }
}

// MARK: - Output

extension EventLoop {
  /// Sends what is in `output`; what the socket does not take waits in the connection.
  private func send(_ connection: Connection) {
    defer { output.removeAll(keepingAtMost: Self.keptOutputBytesMax) }
    guard connection.unsentByteCount == 0 else {
      connection.unsent.append(output.bytes)
      return
    }
    let sent = Glibc.send(
      connection.descriptor, output.bytes.baseAddress, output.count, Int32(MSG_NOSIGNAL))
    counters.writes.add(1)
    if sent == output.count {
      counters.bytesWritten.add(sent)
      return
    }
    guard sent >= 0 || errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR else {
      close(connection, because: .reset)
      return
    }
    counters.bytesWritten.add(max(0, sent))
    counters.writePauses.add(1)
    pool.lend(to: &connection.unsent)
    connection.unsent.append(UnsafeRawBufferPointer(rebasing: output.bytes[max(0, sent)...]))
    connection.stalledSince = now
    awaitWritable(connection, true)
    updateWatch(connection)
  }

  /// The socket takes output again.
  private func resumeSending(_ connection: Connection) {
    let rest = UnsafeRawBufferPointer(rebasing: connection.unsent.bytes[connection.unsentStart...])
    let sent = Glibc.send(connection.descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
    counters.writes.add(1)
    guard sent >= 0 else {
      if errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR { close(connection, because: .reset) }
      return
    }
    counters.bytesWritten.add(sent)
    connection.unsentStart += sent
    connection.stalledSince = now
    connection.lastTrafficAt = now
    if connection.unsentByteCount == 0 {
      pool.takeBack(&connection.unsent)
      connection.unsentStart = 0
      connection.stalledSince = 0
      awaitWritable(connection, false)
      updateWatch(connection)
    } else if connection.unsentStart > connection.unsent.count / 2 {
      connection.unsent.removeFirst(connection.unsentStart)
      connection.unsentStart = 0
    }
    settle(connection)
  }

  private func awaitWritable(_ connection: Connection, _ awaits: Bool) {
    guard connection.awaitsWritable != awaits else { return }
    connection.awaitsWritable = awaits
    let events = Self.connectionEvents | (awaits ? cepoll_out : 0)
    // The descriptor is open and registered, so that this cannot fail but for kernel memory; the sweep then cuts the connection.
    _ = cepoll_modify(epoll, connection.descriptor, events, Self.token(connection.id))
  }

  static let connectionEvents = cepoll_in | cepoll_rdhup | cepoll_edge

  static func token(_ id: ConnectionID) -> UInt64 {
    UInt64(id.generation) << 32 | UInt64(id.slot)
  }
}

// MARK: - Deferred replies

extension EventLoop {
  /// Brings the reply that a handler owed a connection since it said `deferred`, and goes on with the connection's next request.
  ///
  /// On the loop's own thread: `loop.submit { $0.complete(connection) { output in ... } }`.
  /// - Parameter next: `.wait`, or `.close` to close the connection after the reply.
  /// - Returns: whether the connection was still there and waiting.
  @discardableResult
  public func complete(
    _ id: ConnectionID, next: Verdict.Next = .wait, reply: (inout ByteBuffer) -> Void
  ) -> Bool {
    precondition(isOnOwnThread, "replies are completed on the connection's own loop")
    precondition(Int(id.loop) == index, "a connection of another loop")
    guard Int(id.slot) < connections.count, let connection = connections[Int(id.slot)],
      connection.id.generation == id.generation, connection.isDeferred
    else { return false }
    connection.isDeferred = false
    reply(&output)
    if output.count > 0 { send(connection) }
    guard !connection.isClosed else { return true }
    if next == .close {
      connection.closesAfterOutput = true
      dropInput(connection)
    } else if drainDeadline != nil {
      connection.isReadable = true
    }
    settle(connection)
    return true
  }
}

// MARK: - Opening and closing

extension EventLoop {
  /// Takes a connected, non-blocking descriptor as its own.
  func adopt(_ descriptor: Int32, listenerTag: Int) {
    let slot: UInt32
    if let free = freeSlots.popLast() {
      slot = free
    } else {
      slot = UInt32(connections.count)
      connections.append(nil)
      generations.append(0)
    }
    let id = ConnectionID(slot: slot, generation: generations[Int(slot)], loop: UInt16(index))
    let connection = Connection(id: id, descriptor: descriptor, now: now)
    connections[Int(slot)] = connection
    openCount += 1
    counters.accepted.add(1)
    handler.opened(id, listenerTag: listenerTag)
    // What has arrived already is reported as an edge too.
    guard cepoll_add(epoll, descriptor, Self.connectionEvents, Self.token(id)) == 0 else {
      close(connection, because: .reset)
      return
    }
    if drainDeadline != nil { beginDraining(connection) }
  }

  func close(_ connection: Connection, because reason: CloseReason) {
    guard !connection.isClosed else { return }
    connection.isClosed = true
    Glibc.close(connection.descriptor)
    dropInput(connection)
    pool.takeBack(&connection.unsent)
    connection.unsentStart = 0
    if connection.isWatched { watchedCount -= 1 }
    let slot = Int(connection.id.slot)
    connections[slot] = nil
    // The last generation is left out: with the last slot it would read as the mailbox's token.
    generations[slot] = generations[slot] == UInt32.max - 1 ? 0 : generations[slot] + 1
    freeSlots.append(connection.id.slot)
    openCount -= 1
    assigned.subtract(1, ordering: .relaxed)
    counters.closed(because: reason).add(1)
    handler.closed(connection.id, because: reason)
    didClose?()
  }

  /// All is sent. The sending end is closed first and the rest once the client has closed its own: to close a socket that holds
  /// unread input would make the client's next call fail before it has read the reply.
  private func finishClosing(_ connection: Connection) {
    guard !connection.isLingering else { return }
    if connection.sawEnd {
      close(connection, because: .handler)
      return
    }
    connection.isLingering = true
    connection.lingersSince = now
    shutdown(connection.descriptor, Int32(SHUT_WR))
    updateWatch(connection)
    connection.isReadable = true
    enqueue(connection)
  }

  private func discardInput(_ connection: Connection) {
    guard connection.isReadable else { return }
    _ = receive(connection, into: scratch)
    if connection.isClosed { return }
    if connection.sawEnd {
      close(connection, because: .handler)
    } else if connection.isReadable {
      enqueue(connection)
    }
  }
}

// MARK: - Time

extension EventLoop {
  private var isSweeping: Bool {
    watchedCount > 0 || drainDeadline != nil || (limits.idleMilliseconds > 0 && openCount > 0)
  }

  /// Only connections with something half done need to be looked at; while there are none, the loop sleeps without a time-out.
  private func updateWatch(_ connection: Connection) {
    let isWatched =
      connection.requestBeganAt != 0 || connection.stalledSince != 0 || connection.isLingering
    guard isWatched != connection.isWatched else { return }
    connection.isWatched = isWatched
    watchedCount += isWatched ? 1 : -1
  }

  private func sweep() {
    nextSweepAt = now + Self.sweepMilliseconds
    guard isSweeping else { return }
    for case .some(let connection) in connections {
      if let reason = expiry(connection) { close(connection, because: reason) }
    }
  }

  private func expiry(_ connection: Connection) -> CloseReason? {
    if let drainDeadline, now >= drainDeadline { return .drain }
    if connection.isLingering {
      return now - connection.lingersSince >= limits.lingerMilliseconds ? .handler : nil
    }
    if connection.stalledSince != 0, now - connection.stalledSince >= limits.writeStallMilliseconds {
      return .writeStall
    }
    if connection.requestBeganAt != 0, now - connection.requestBeganAt >= limits.requestMilliseconds {
      return .requestTimeout
    }
    if limits.idleMilliseconds > 0, !connection.isDeferred,
      now - connection.lastTrafficAt >= limits.idleMilliseconds
    {
      return .idleTimeout
    }
    return nil
  }

  /// Answers what was asked, closes all connections, and ends the loop; after `withinMilliseconds` whatever is left is cut.
  func drain(withinMilliseconds: Int64) {
    guard drainDeadline == nil else { return }
    drainDeadline = now + withinMilliseconds
    nextSweepAt = now
    for case .some(let connection) in connections { beginDraining(connection) }
  }

  /// Closes the receiving end: a client's next request fails to be sent, so that none is taken that would not be answered; those that
  /// the kernel has taken are read until the end.
  private func beginDraining(_ connection: Connection) {
    shutdown(connection.descriptor, Int32(SHUT_RD))
    connection.isReadable = true
    connection.sawHangup = true
    if !connection.isLingering { enqueue(connection) }
  }
}
