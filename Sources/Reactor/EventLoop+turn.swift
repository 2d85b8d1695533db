// One turn of one connection: read once, let the handler answer, write once, decide what comes next.

internal import ByteBuffers
internal import CEpoll
internal import Glibc

extension EventLoop {
  /// Reads once, lets the handler answer, and writes once.
  func serve(_ connection: Connection) {
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
  func receive(_ connection: Connection, into space: UnsafeMutableRawBufferPointer) -> Int {
    let count = cepoll_receive(connection.descriptor, space.baseAddress, space.count)
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
  func receiveFailed(_ connection: Connection, _ count: Int) -> Int {
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

  func receiveBehindUnconsumed(_ connection: Connection) -> Int {
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

  func handle(_ connection: Connection, _ input: UnsafeRawBufferPointer, isScratch: Bool) {
    let budget = TurnBudget(
      requestCount: limits.requestsPerTurn, outputByteCount: limits.outputBytesPerTurn)
    let verdict = handler.handle(input, of: connection.id, budget: budget, output: &output.pointee)
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
    if output.pointee.count > 0 { send(connection) }
    guard !connection.isClosed else { return }
    connection.hasMore = false
    switch verdict.next {
    case .wait: break
    case .more: connection.hasMore = connection.unconsumedByteCount > 0
    case .deferred:
      connection.isDeferred = true
      connection.hasMore = connection.unconsumedByteCount > 0
      if _slowPath(connection.isGone) {
        closeIfGone(connection)
        if connection.isClosed { return }
      }
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

  /// Nobody is there to read the reply that is owed, and nothing was asked after it: a wait that may be long need not hold the descriptor.
  func closeIfGone(_ connection: Connection) {
    guard connection.isGone, connection.unconsumedByteCount == 0 else { return }
    var byte: UInt8 = 0
    let count = recv(connection.descriptor, &byte, 1, Int32(MSG_PEEK))
    if count == 0 || count < 0 && errno != EAGAIN && errno != EINTR { close(connection, because: .peer) }
  }

  /// Decides what comes next for a connection whose turn is over.
  func settle(_ connection: Connection) {
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

  func noteUnfinishedRequest(_ connection: Connection, consumed: Int) {
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
  func keepRequestsForLater(_ connection: Connection) {
    guard connection.isReadable, connection.unconsumedByteCount < limits.inputBacklogBytesMax else { return }
    if receiveBehindUnconsumed(connection) > 0 { connection.hasMore = true }
    if !connection.isClosed { settle(connection) }
  }

  func dropInput(_ connection: Connection) {
    pool.takeBack(&connection.input)
    connection.inputStart = 0
  }
}
