// What a loop keeps about one connection: flags, times, and buffers only while something is half done.

internal import ByteBuffers

/// One accepted socket. Only for the thread of the loop that owns it.
final class Connection {
  let id: ConnectionID
  let descriptor: Int32

  // Both buffers are unchecked because each request asks for their counts, and a run-time exclusivity check costs more than the answer. Invariant: only
  // the loop's thread has them, and nothing that is given one of them reaches the connection.

  /// Input that is not consumed yet, from `inputStart` on. Without memory where there is none.
  @exclusivity(unchecked) var input = ByteBuffer()
  var inputStart = 0
  /// Output that the socket did not take yet, from `unsentStart` on. Without memory where there is none.
  @exclusivity(unchecked) var unsent = ByteBuffer()
  var unsentStart = 0

  /// The kernel may hold input (epoll reports that once).
  var isReadable = false
  /// The client closed its sending end: read until the end, however short a read was.
  var sawHangup = false
  /// The client has closed both ends.
  var isGone = false
  /// The last byte was read.
  var sawEnd = false
  /// The input may hold whole requests that no turn was left for.
  var hasMore = false
  /// The handler owes a reply; nothing is handled until it is there.
  var isDeferred = false
  /// In the loop's run queue.
  var isQueued = false
  /// Epoll reports when the socket takes output again.
  var awaitsWritable = false
  /// Close once the output is sent.
  var closesAfterOutput = false
  /// Output is sent, the sending end closed; what still arrives is dropped.
  var isLingering = false
  var isClosed = false
  /// Counted among those that the sweep must look at.
  var isWatched = false

  /// Times in the loop's monotonic milliseconds; 0: does not apply.
  var lastTrafficAt: Int64
  var requestBeganAt: Int64 = 0
  var stalledSince: Int64 = 0
  var lingersSince: Int64 = 0

  init(id: ConnectionID, descriptor: Int32, now: Int64) {
    self.id = id
    self.descriptor = descriptor
    lastTrafficAt = now
  }

  var unconsumedByteCount: Int { input.count - inputStart }
  var unsentByteCount: Int { unsent.count - unsentStart }

  var unconsumed: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: input.bytes[inputStart...])
  }
}
