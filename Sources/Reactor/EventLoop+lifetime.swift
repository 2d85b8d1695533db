// How connections begin and end.

internal import ByteBuffers
internal import CEpoll
internal import Glibc
internal import Synchronization

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
    connections[Int(slot)] = .passRetained(connection)
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
    if let closed = connections[slot] { closedConnections.append(closed) }
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
  func finishClosing(_ connection: Connection) {
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

  func discardInput(_ connection: Connection) {
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
