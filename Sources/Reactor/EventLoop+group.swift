// Connections that become readable together: all are read, then the handler may prepare for all, then each is answered.

internal import ByteBuffers
internal import CEpoll

extension EventLoop {
  /// Connections that are read before the first of them is answered: about as many as a handler can have memory fetched for at once.
  static let groupMax: Int32 = 8
  static let notReceived = -1
  /// Between the parts of `groupScratch`, so that their first bytes lie in different sets of the processor's cache.
  static let groupGapBytes = 576

  /// Takes what one wait has brought.
  func dispatchEvents(_ count: Int32) {
    var start: Int32 = 0
    while start < count {
      let end = min(count, start + Self.groupMax)
      if end - start > 1 {
        dispatchGroup(start, end)
      } else {
        dispatch(token: cepoll_token(events, start), flags: cepoll_flags(events, start))
      }
      start = end
    }
  }

  private func dispatchGroup(_ start: Int32, _ end: Int32) {
    var inputCount = 0
    for index in start..<end {
      let place = Int(index - start)
      groupByteCounts[place] = receiveAhead(index, into: part(place))
      if groupByteCounts[place] > 0 {
        groupInputs[inputCount] = UnsafeRawBufferPointer(rebasing: part(place)[..<groupByteCounts[place]])
        inputCount += 1
      }
    }
    if inputCount > 1 { handler.willHandle(UnsafeBufferPointer(start: groupInputs, count: inputCount)) }
    for index in start..<end {
      let byteCount = groupByteCounts[Int(index - start)]
      let token = cepoll_token(events, index)
      if byteCount == Self.notReceived {
        dispatch(token: token, flags: cepoll_flags(events, index))
        continue
      }
      connection(token: token)?._withUnsafeGuaranteedRef { connection in
        // Work that another thread has submitted may have closed it since.
        if connection.isClosed { return }
        if byteCount > 0 {
          let input = UnsafeRawBufferPointer(rebasing: part(Int(index - start))[..<byteCount])
          handle(connection, input, isScratch: true)
        } else {
          settle(connection)
        }
      }
    }
  }

  @inline(__always)
  private func part(_ place: Int) -> UnsafeMutableRawBufferPointer {
    let offset = place * (limits.readBytesMax + Self.groupGapBytes)
    return UnsafeMutableRawBufferPointer(rebasing: groupScratch[offset..<offset + limits.readBytesMax])
  }

  /// Reads a connection that has nothing but this to do.
  /// - Returns: what `receive` does; `notReceived` for everything else that an event may mean.
  @inline(__always)
  private func receiveAhead(_ index: Int32, into space: UnsafeMutableRawBufferPointer) -> Int {
    let token = cepoll_token(events, index)
    guard cepoll_flags(events, index) == cepoll_in, token < Self.listenerToken,
      let connection = connection(token: token)
    else { return Self.notReceived }
    return connection._withUnsafeGuaranteedRef { connection in
      guard !connection.isClosed, !connection.isQueued, !connection.isDeferred,
        !connection.closesAfterOutput, !connection.hasMore, connection.unsentByteCount == 0,
        connection.unconsumedByteCount == 0
      else { return Self.notReceived }
      connection.isReadable = true
      return receive(connection, into: space)
    }
  }
}
