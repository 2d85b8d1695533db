// Time-outs, and the end of the loop.

internal import Glibc

extension EventLoop {
  var isSweeping: Bool {
    watchedCount > 0 || drainDeadline != nil || (limits.idleMilliseconds > 0 && openCount > 0)
  }

  /// Only connections with something half done need to be looked at; while there are none, the loop sleeps without a time-out.
  func updateWatch(_ connection: Connection) {
    let isWatched =
      connection.requestBeganAt != 0 || connection.stalledSince != 0 || connection.isLingering
    guard isWatched != connection.isWatched else { return }
    connection.isWatched = isWatched
    watchedCount += isWatched ? 1 : -1
  }

  func sweep() {
    nextSweepAt = now + Self.sweepMilliseconds
    if let drainDeadline, now < drainDeadline { nextSweepAt = min(nextSweepAt, drainDeadline) }
    guard isSweeping else { return }
    for connection in openConnections {
      if let reason = expiry(connection) { close(connection, because: reason) }
    }
  }

  private var openConnections: some Sequence<Connection> {
    connections.lazy.compactMap { $0?.takeUnretainedValue() }
  }

  func expiry(_ connection: Connection) -> CloseReason? {
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

  /// Answers what was asked, closes all connections, and ends the loop; from `deadline` on, whatever is left is cut.
  func drain(deadline: Int64) {
    guard drainDeadline == nil else { return }
    drainDeadline = deadline
    nextSweepAt = now
    for connection in openConnections { beginDraining(connection) }
  }

  /// Closes the receiving end: a client's next request fails to be sent, so that none is taken that would not be answered; those that
  /// the kernel has taken are read until the end.
  func beginDraining(_ connection: Connection) {
    shutdown(connection.descriptor, Int32(SHUT_RD))
    connection.isReadable = true
    connection.sawHangup = true
    if !connection.isLingering { enqueue(connection) }
  }
}
