// Counts one loop's requests by command, and its error replies by their first word.

import Synchronization
import WireProtocol

/// Written by the loop's thread alone, read by any: counting is a plain load and store.
public final class RequestCounters: Sendable {
  private let requests: InlineArray<48, Atomic<UInt64>>
  private let errors: InlineArray<8, Atomic<UInt64>>
  private let unknownKeys = Atomic<UInt64>(0)

  public init() {
    precondition(CommandID.allCases.count <= 48 && RequestError.Word.allCases.count <= 8)
    requests = InlineArray { _ in Atomic(0) }
    errors = InlineArray { _ in Atomic(0) }
  }

  /// Requests of a command that were well-formed.
  public func requests(_ command: CommandID) -> UInt64 { requests[command.rawValue].load(ordering: .relaxed) }

  /// Error replies, but for those that come late, such as of a report that cannot be stored.
  public func errors(_ word: RequestError.Word) -> UInt64 {
    errors[Self.index(word)].load(ordering: .relaxed)
  }

  /// Lookups of an account, a meter, a telephone number or a service point that the addresses do not have.
  public var unknownKeyCount: UInt64 { unknownKeys.load(ordering: .relaxed) }

  // MARK: Only on the loop's thread

  @inline(__always)
  func count(_ command: CommandID) { Self.increment(requests[command.rawValue]) }

  func count(_ word: RequestError.Word) { Self.increment(errors[Self.index(word)]) }

  func countUnknownKey() { Self.increment(unknownKeys) }

  @inline(__always)
  private static func increment(_ counter: borrowing Atomic<UInt64>) {
    counter.store(counter.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
  }

  private static func index(_ word: RequestError.Word) -> Int {
    RequestError.Word.allCases.firstIndex(of: word)!
  }
}
