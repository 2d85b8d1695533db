// Messages that nobody asked for: RESP3 pushes.

public import ByteBuffers

/// What became of a message that nobody asked for.
public enum PushOutcome: Sendable, Hashable {
  /// It is sent, or waits behind what the client has not read yet.
  case accepted
  /// The client does not read: more than `ReactorLimits.outputHighWaterBytes` wait for it already. Nothing was written.
  case congested
  /// The connection is closed, or about to be.
  case gone
}

extension EventLoop {
  /// Sends a connection what it has not asked for just now, such as a RESP3 push. It never stands within a reply.
  ///
  /// On the loop's own thread, and not from within a handler's call: `loop.submit { $0.push(to: connection) { output in ... } }`. A client that
  /// reads nothing of it is cut after `writeStallMilliseconds`, as one that reads no replies is.
  @discardableResult
  public func push(to id: ConnectionID, _ message: (inout ByteBuffer) -> Void) -> PushOutcome {
    guard let connection = connection(id), !connection.closesAfterOutput else { return .gone }
    guard connection.unsentByteCount < limits.outputHighWaterBytes else { return .congested }
    message(&output.pointee)
    guard output.pointee.count > 0 else { return .accepted }
    send(connection)
    connection.lastTrafficAt = now
    return connection.isClosed ? .gone : .accepted
  }
}
