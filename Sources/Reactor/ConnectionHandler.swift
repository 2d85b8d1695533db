// What the reactor calls when a connection has something to say: the seam between sockets and protocol.

public import ByteBuffers

/// Names a connection for as long as the reactor runs: a later one in the same slot has another generation.
public struct ConnectionID: Hashable, Sendable, BitwiseCopyable {
  /// Small numbers from 0 on, reused: an index for what a handler keeps about its connections.
  public let slot: UInt32
  public let generation: UInt32
  /// The loop's index.
  public let loop: UInt16

  @inlinable
  init(slot: UInt32, generation: UInt32, loop: UInt16) {
    self.slot = slot
    self.generation = generation
    self.loop = loop
  }
}

/// How much a handler may do before it lets others have their turn.
public struct TurnBudget: Sendable, BitwiseCopyable {
  public let requestCount: Int
  /// Of output, counted from the call on; the reply that passes it may be finished.
  public let outputByteCount: Int

  @inlinable
  init(requestCount: Int, outputByteCount: Int) {
    self.requestCount = requestCount
    self.outputByteCount = outputByteCount
  }
}

/// What a handler did with its input, and how it goes on.
public struct Verdict: Sendable, BitwiseCopyable {
  public enum Next: UInt8, Sendable, BitwiseCopyable {
    /// No whole request is left: call again when more has arrived.
    case wait
    /// The budget is used up and there may be whole requests left: call again with them after the others.
    case more
    /// The reply to the last consumed request comes later through `EventLoop.complete`; until then nothing further is handled.
    case deferred
    /// Close the connection once the output is sent; the rest of the input is dropped.
    case close
  }

  /// Bytes of the input that are done with.
  public var consumedByteCount: Int
  /// For the counters.
  public var requestCount: Int
  public var next: Next

  @inlinable
  public init(consumedByteCount: Int, requestCount: Int, next: Next) {
    self.consumedByteCount = consumedByteCount
    self.requestCount = requestCount
    self.next = next
  }
}

/// Answers the requests of all connections of one loop. There is one for each loop, which calls it on its own thread only, so that
/// it needs no lock for what it keeps.
public protocol ConnectionHandler: AnyObject {
  /// A connection was accepted by the listener that was added with this tag.
  func opened(_ connection: ConnectionID, listenerTag: Int)

  /// Consumes as many whole requests from the front of `input` as the budget allows and appends their replies to `output`.
  ///
  /// `input` holds what is not consumed yet and is valid during the call only. `output` is empty at first or holds the loop's own
  /// bytes: it is only to be appended to.
  func handle(
    _ input: UnsafeRawBufferPointer, of connection: ConnectionID, budget: TurnBudget, output: inout ByteBuffer
  ) -> Verdict

  /// The input of several connections, each of which is handled next, in this order: a chance to prepare for all of them together. It is valid during the call only, and
  /// each comes again as the front of what `handle` is given, or not at all if its connection closes before.
  func willHandle(_ inputs: UnsafeBufferPointer<UnsafeRawBufferPointer>)

  /// The connection is gone; its slot may be used again.
  func closed(_ connection: ConnectionID, because reason: CloseReason)
}

extension ConnectionHandler {
  public func willHandle(_ inputs: UnsafeBufferPointer<UnsafeRawBufferPointer>) {}
}

/// Why a connection was closed.
public enum CloseReason: Int, CaseIterable, Sendable {
  /// The client closed it, all being answered.
  case peer
  /// The client was gone before it had read everything.
  case reset
  /// The handler asked for it.
  case handler
  /// A request was begun and not finished in time.
  case requestTimeout
  /// There was no traffic for too long.
  case idleTimeout
  /// The client did not read its replies.
  case writeStall
  /// More unfinished input than the limit, which the handler should have refused.
  case inputOverflow
  /// The server drained.
  case drain
}
