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
    precondition(isOnOwnThread, "replies are completed on the connection's own loop")
    precondition(Int(id.loop) == index, "a connection of another loop")
    guard Int(id.slot) < connections.count, let connection = connections[Int(id.slot)],
      connection.id.generation == id.generation, connection.isDeferred
    else { return false }
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
}
