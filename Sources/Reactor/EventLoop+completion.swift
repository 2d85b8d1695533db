// Replies that come later than their turn.

public import ByteBuffers
internal import Glibc

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
    guard let connection = connection(id), connection.isDeferred else { return false }
    connection.isDeferred = false
    reply(&output.pointee)
    if output.pointee.count > 0 { send(connection) }
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

  /// Brings an owed reply with copies of open descriptors, which travel with its first byte (SCM_RIGHTS).
  /// - Returns: whether the descriptors are sent. If not, the connection has gone, or is closed here.
  public func complete(
    _ id: ConnectionID, passing descriptors: [Int32], reply: (inout ByteBuffer) -> Void
  ) -> Bool {
    guard let connection = connection(id), connection.isDeferred, connection.unsentByteCount == 0 else {
      return false
    }
    reply(&output.pointee)
    let first = output.pointee.bytes[0]
    do throws(ReactorError) {
      try DescriptorPassing.send(descriptors, with: first, over: connection.descriptor)
    } catch {
      output.pointee.removeAll()
      close(connection, because: .reset)
      return false
    }
    output.pointee.removeFirst(1)
    connection.isDeferred = false
    send(connection)
    if !connection.isClosed { settle(connection) }
    return true
  }
}
