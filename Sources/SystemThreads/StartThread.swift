// A thread that can be joined.

import Glibc

/// The system has no thread to give.
public struct NoThread: Error, Sendable {
  /// What `pthread_create` returned.
  public let errno: Int32
}

/// Runs `body` on a new thread, which holds it no longer when it ends.
/// - Returns: the thread, to be joined.
public func startThread(_ body: @escaping @Sendable () -> Void) throws(NoThread) -> pthread_t {
  var thread = pthread_t()
  let held = Unmanaged.passRetained(ThreadBody(body))
  let failure = pthread_create(
    &thread, nil,
    { held in
      Unmanaged<ThreadBody>.fromOpaque(held!).takeRetainedValue().body()
      return nil
    }, held.toOpaque())
  guard failure == 0 else {
    held.release()
    throw NoThread(errno: failure)
  }
  return thread
}

private final class ThreadBody: Sendable {
  let body: @Sendable () -> Void

  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}
