// One epoll loop on one thread: reads, lets the handler answer, writes; all other work waits behind that.

internal import ByteBuffers
internal import CEpoll
internal import Glibc
internal import Synchronization

/// One event loop. Everything but `submit`, `counters` and `index` belongs to its own thread; that, and not a lock, is what makes it
/// safe to share. Handlers and submitted closures run on that thread.
public final class EventLoop: @unchecked Sendable {
  public let index: Int
  public let counters = LoopCounters()
  /// The loop's handler: touch it from closures given to `submit` only. Unchecked, like the buffers of a `Connection`: it is set before the first event and after
  /// the last.
  @exclusivity(unchecked) public private(set) var handler: (any ConnectionHandler)!

  let limits: ReactorLimits
  let clock: MillisecondClock
  let mailbox: Mailbox
  let epoll: Int32
  /// Connections that were dealt to this loop, waiting ones included. The acceptor adds, the loop takes away.
  let assigned = Atomic<Int>(0)

  var now: Int64
  // By slot; unchecked, like the buffers of a `Connection`: each event looks here. Each is held by hand, until the end of the turn in which it is closed: whoever
  // has it from here has it for the rest of the turn, and need not count that.
  @exclusivity(unchecked) var connections: [Unmanaged<Connection>?] = []
  /// Those that were closed in this turn.
  var closedConnections: [Unmanaged<Connection>] = []
  var openCount = 0
  /// Where handlers write replies. Behind a pointer, so that lending it to a handler costs no run-time exclusivity check; only `handle`,
  /// `complete` and `send` touch it, none of them from within another.
  let output: UnsafeMutablePointer<ByteBuffer>
  let pool: BufferPool
  var acceptor: Acceptor?
  /// Called on the loop's thread when a connection has closed: the acceptor may have waited for its descriptor.
  var didClose: (@Sendable () -> Void)?

  let events: UnsafeMutablePointer<epoll_event>
  let scratch: UnsafeMutableRawBufferPointer
  /// Where the connections of a group are read, each into a part of its own.
  let groupScratch: UnsafeMutableRawBufferPointer
  /// The group's input, and how much of it there is for each event; `notReceived` where nothing was tried.
  let groupInputs: UnsafeMutablePointer<UnsafeRawBufferPointer>
  let groupByteCounts: UnsafeMutablePointer<Int>
  var generations: [UInt32] = []
  var freeSlots: [UInt32] = []
  var runQueue: [Connection] = []
  var running: [Connection] = []
  /// What other threads have submitted, from `nextJob` on, in its order.
  var jobs: [Mailbox.Job] = []
  var nextJob = 0
  var watchedCount = 0
  var nextSweepAt: Int64 = 0
  var drainDeadline: Int64?
  var isStopped = false
  let thread = Atomic<UInt>(0)

  static let eventsMax: Int32 = 256
  /// Jobs that are done and still held, at most.
  static let doneJobsMax = 64
  static let mailboxToken = UInt64.max
  static let listenerToken = UInt64.max - 1
  static let sweepMilliseconds: Int64 = 250
  /// The output buffer's memory is given back after a reply larger than this.
  static let keptOutputBytesMax = 1_048_576

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
    output = .allocate(capacity: 1)
    output.initialize(to: ByteBuffer())
    events = cepoll_events(Self.eventsMax)
    scratch = .allocate(byteCount: limits.readBytesMax, alignment: 64)
    groupScratch = .allocate(
      byteCount: Int(Self.groupMax) * (limits.readBytesMax + Self.groupGapBytes), alignment: 64)
    groupInputs = .allocate(capacity: Int(Self.groupMax))
    groupByteCounts = .allocate(capacity: Int(Self.groupMax))
    guard cepoll_add(epoll, mailbox.descriptor, cepoll_in | cepoll_edge, Self.mailboxToken) == 0 else {
      throw .last("epoll_ctl")
    }
  }

  deinit {
    Glibc.close(epoll)
    letGoOfClosed()
    for connection in connections { connection?.release() }
    free(events)
    output.deinitialize(count: 1)
    output.deallocate()
    scratch.deallocate()
    groupScratch.deallocate()
    groupInputs.deallocate()
    groupByteCounts.deallocate()
  }

  /// Runs `work` on the loop's thread, after what it does just now. From any thread; closures run in the order of submission.
  /// - Returns: `false` if the loop has ended and the work will not be done.
  @discardableResult
  public func submit(_ work: @escaping @Sendable (EventLoop) -> Void) -> Bool {
    mailbox.post([work])
  }

  /// Submits several closures and wakes the loop once. Between two of them, it serves what has come meanwhile.
  @discardableResult
  public func submit(_ works: [@Sendable (EventLoop) -> Void]) -> Bool { mailbox.post(works) }

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
      dispatchEvents(count)
      runQueued()
      runJob()
      acceptor?.turn(now: now)
      if now >= nextSweepAt { sweep() }
      letGoOfClosed()
      if drainDeadline != nil && openCount == 0 { isStopped = true }
    }
    while !jobs.isEmpty { runJob() }
    for job in mailbox.close() { job(self) }
    acceptor = nil
    handler = nil
  }

  func waitForEvents(_ timeout: Int32) -> Int32 {
    let count = cepoll_wait(epoll, events, Self.eventsMax, timeout)
    // Anything but an interruption would be a descriptor that this class closed too early.
    precondition(count >= 0 || errno == EINTR, "epoll_wait failed")
    return max(0, count)
  }

  var timeoutMilliseconds: Int32 {
    if !runQueue.isEmpty || !jobs.isEmpty || acceptor?.hasWaiting == true { return 0 }
    var timeout: Int64 = -1
    if isSweeping { timeout = max(1, nextSweepAt - now) }
    if let retryAt = acceptor?.retryAt {
      let wait = max(1, retryAt - now)
      timeout = timeout < 0 ? wait : min(timeout, wait)
    }
    return Int32(clamping: timeout)
  }

  func dispatch(token: UInt64, flags: UInt32) {
    if _slowPath(token >= Self.listenerToken) {
      if token == Self.mailboxToken {
        jobs.append(contentsOf: mailbox.take())
      } else {
        acceptor?.listenersAreReady()
      }
      return
    }
    connection(token: token)?._withUnsafeGuaranteedRef { dispatch($0, flags: flags) }
  }

  private func dispatch(_ connection: Connection, flags: UInt32) {
    if _slowPath(flags & ~(cepoll_in | cepoll_out) != 0) {
      connection.sawHangup = true
      if flags & (cepoll_hup | cepoll_err) != 0 { connection.isGone = true }
      if connection.isDeferred { closeIfGone(connection) }
    }
    if flags & ~cepoll_out != 0 { connection.isReadable = true }
    if _slowPath(connection.unsentByteCount > 0) {
      // A hang-up in both directions shows as a failure to send.
      if flags & (cepoll_out | cepoll_hup | cepoll_err) != 0 { resumeSending(connection) }
    }
    if !connection.isQueued && !connection.isClosed { serve(connection) }
  }

  /// The connection that an event is about, for this turn; `nil` if it has gone since.
  @inline(__always)
  func connection(token: UInt64) -> Unmanaged<Connection>? {
    connection(
      slot: Int(truncatingIfNeeded: token & 0xFFFF_FFFF), generation: UInt32(truncatingIfNeeded: token >> 32))
  }

  @inline(__always)
  private func connection(slot: Int, generation: UInt32) -> Unmanaged<Connection>? {
    guard slot < connections.count, let connection = connections[slot],
      connection._withUnsafeGuaranteedRef({ $0.id.generation }) == generation
    else { return nil }
    return connection
  }

  /// `nil` if it has gone.
  func connection(_ id: ConnectionID) -> Connection? {
    precondition(isOnOwnThread, "a connection is touched on its own loop only")
    precondition(Int(id.loop) == index, "a connection of another loop")
    return connection(slot: Int(id.slot), generation: id.generation)?.takeUnretainedValue()
  }

  private func letGoOfClosed() {
    if closedConnections.isEmpty { return }
    for connection in closedConnections { connection.release() }
    closedConnections.removeAll(keepingCapacity: true)
  }

  func runQueued() {
    guard !runQueue.isEmpty else { return }
    swap(&runQueue, &running)
    for connection in running where !connection.isClosed {
      connection.isQueued = false
      serve(connection)
    }
    running.removeAll(keepingCapacity: true)
  }

  /// Does one thing that another thread has submitted: requests that come meanwhile wait for no more than that.
  func runJob() {
    guard !jobs.isEmpty else { return }
    let job = jobs[nextJob]
    nextJob += 1
    if nextJob == jobs.count || nextJob == Self.doneJobsMax {
      jobs.removeFirst(nextJob)
      nextJob = 0
    }
    job(self)
  }

  func enqueue(_ connection: Connection) {
    guard !connection.isQueued else { return }
    connection.isQueued = true
    runQueue.append(connection)
  }
}
