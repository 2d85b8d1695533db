// The sessions of one thread's connections, by slot: found without a hash, a lock or a run-time exclusivity check.

/// Holds a session for each connection of a loop. Only for that loop's thread.
///
/// An array property of a handler would do; but each request's change of a session in it would be checked for exclusive access at
/// run time, which costs as much as parsing the request.
public final class SessionTable {
  // Invariant: each block has `blockSize` initialised sessions and stays where it is until deinit. Unchecked: each request looks here, on the loop's thread.
  @exclusivity(unchecked) private var blocks: [UnsafeMutablePointer<SessionState>] = []

  private static let blockSize = 256

  public init() {}

  deinit {
    for block in blocks {
      block.deinitialize(count: Self.blockSize)
      block.deallocate()
    }
  }

  /// Begins a session in `slot`, in place of whatever was there.
  /// - Parameters:
  ///   - slot: small numbers from 0 on, reused.
  ///   - id: what `CLIENT ID` tells.
  public func begin(slot: Int, id: Int) {
    while slot >= blocks.count * Self.blockSize {
      let block = UnsafeMutablePointer<SessionState>.allocate(capacity: Self.blockSize)
      block.initialize(repeating: SessionState(id: 0), count: Self.blockSize)
      blocks.append(block)
    }
    self[slot].pointee = SessionState(id: id)
  }

  /// The session in `slot`, which must have begun. The pointer is valid for as long as the table; use it on the loop's thread only.
  @inline(__always)
  public subscript(slot: Int) -> UnsafeMutablePointer<SessionState> {
    blocks[slot / Self.blockSize] + slot % Self.blockSize
  }
}
