// Sends replies, and keeps what the socket does not take until it does.

internal import ByteBuffers
internal import CEpoll
internal import Glibc

extension EventLoop {
  /// Sends what is in `output`; what the socket does not take waits in the connection.
  func send(_ connection: Connection) {
    defer { output.pointee.removeAll(keepingAtMost: Self.keptOutputBytesMax) }
    guard connection.unsentByteCount == 0 else {
      connection.unsent.append(output.pointee.bytes)
      return
    }
    let sent = cepoll_send(
      connection.descriptor, output.pointee.bytes.baseAddress, output.pointee.count)
    counters.writes.add(1)
    if sent == output.pointee.count {
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
    connection.unsent.append(UnsafeRawBufferPointer(rebasing: output.pointee.bytes[max(0, sent)...]))
    connection.stalledSince = now
    awaitWritable(connection, true)
    updateWatch(connection)
  }

  /// The socket takes output again.
  func resumeSending(_ connection: Connection) {
    let rest = UnsafeRawBufferPointer(rebasing: connection.unsent.bytes[connection.unsentStart...])
    let sent = cepoll_send(connection.descriptor, rest.baseAddress, rest.count)
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

  func awaitWritable(_ connection: Connection, _ awaits: Bool) {
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
