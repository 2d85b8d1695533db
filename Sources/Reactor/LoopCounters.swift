// Counts what a loop does: written by its thread alone, read by any.

internal import Synchronization

/// A number that one thread adds to and any thread reads. Adding is a plain load and store.
public final class Counter: Sendable {
  private let storage = Atomic<UInt64>(0)

  init() {}

  /// As the writing thread last left it; other threads may see it a moment later.
  public var value: UInt64 { storage.load(ordering: .relaxed) }

  /// Only on the counter's own thread.
  @inline(__always)
  func add(_ amount: Int) {
    storage.store(
      storage.load(ordering: .relaxed) &+ UInt64(truncatingIfNeeded: amount), ordering: .relaxed)
  }
}

/// The counters of one loop.
public final class LoopCounters: Sendable {
  public let accepted = Counter()
  public let requests = Counter()
  public let bytesRead = Counter()
  public let bytesWritten = Counter()
  public let reads = Counter()
  public let writes = Counter()
  /// Times that the loop went round.
  public let turns = Counter()
  /// Times that a client had to be waited for, because it did not read.
  public let writePauses = Counter()
  /// Times that accepting paused because descriptors, memory or `connectionsMax` ran out.
  public let acceptPauses = Counter()
  private let closedByReason = CloseReason.allCases.map { _ in Counter() }

  init() {}

  public func closed(because reason: CloseReason) -> Counter { closedByReason[reason.rawValue] }

  public var closed: UInt64 { closedByReason.reduce(0) { $0 + $1.value } }

  /// Connections that are open.
  public var connections: UInt64 {
    // Read in this order, an opening between the two reads does not make it negative; a closing may.
    let closed = closed
    let accepted = accepted.value
    return accepted > closed ? accepted - closed : 0
  }
}
