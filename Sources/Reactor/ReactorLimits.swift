// Every bound of the reactor, with its name, unit and default.

/// How much a connection may take of the server, and for how long. Each loop keeps them for its own connections.
public struct ReactorLimits: Sendable {
  /// Connections of all loops; where they are reached, further ones wait in the listener's queue.
  public var connectionsMax = 100_000
  /// Bytes that one read takes at most.
  public var readBytesMax = 16_384
  /// Input that belongs to an unfinished request; a handler refuses what is longer long before.
  public var unfinishedRequestBytesMax = 65_536
  /// Requests that a connection may have answered before others get their turn.
  public var requestsPerTurn = 256
  /// Reply bytes that a connection may have written before others get their turn.
  public var outputBytesPerTurn = 131_072
  /// Replies that wait to be read by their client; from here on, no further request of its is handled.
  public var outputHighWaterBytes = 262_144
  /// Requests of such a client that are kept until it reads. Requests are shorter than replies, so that it is cheaper to keep
  /// these; and a client that sends a long pipeline before it reads the first reply gets through.
  public var inputBacklogBytesMax = 1_048_576
  /// A client that reads nothing of what waits for it is cut after this time.
  public var writeStallMilliseconds: Int64 = 30_000
  /// A request must have arrived in full this long after its first byte.
  public var requestMilliseconds: Int64 = 15_000
  /// A connection without any traffic is closed after this time; 0: never.
  public var idleMilliseconds: Int64 = 0
  /// How long a connection that the server closes waits for the client to close its end, so that the last reply is not lost.
  public var lingerMilliseconds: Int64 = 1_000
  /// Where descriptors have run out, the next try to accept comes after this time, or when a connection closes.
  public var acceptRetryMilliseconds: Int64 = 100
  /// Connections that are accepted before requests get their turn.
  public var acceptsPerTurn = 64
  /// Buffers that a loop keeps for reuse.
  public var pooledBytesMax = 8_388_608

  public init() {}
}
