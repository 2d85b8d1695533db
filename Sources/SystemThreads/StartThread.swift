// A thread that can be joined.

internal import CThread
import Glibc

/// The system has no thread to give.
public struct NoThread: Error, Sendable {
  /// What `pthread_create` returned.
  public let errno: Int32
}

/// Runs `body` on a new thread, which holds it no longer when it ends. The thread stands back and rests as the calling one does.
/// - Returns: the thread, to be joined.
public func startThread(_ body: @escaping @Sendable () -> Void) throws(NoThread) -> pthread_t {
  var thread = pthread_t()
  let held = Unmanaged.passRetained(ThreadBody(body, restPercent: cthread_rest_percent()))
  let failure = pthread_create(
    &thread, nil,
    { held in
      Unmanaged<ThreadBody>.fromOpaque(held!).takeRetainedValue().run()
      return nil
    }, held.toOpaque())
  guard failure == 0 else {
    held.release()
    throw NoThread(errno: failure)
  }
  return thread
}

private final class ThreadBody: Sendable {
  private let body: @Sendable () -> Void
  private let restPercent: Int32

  init(_ body: @escaping @Sendable () -> Void, restPercent: Int32) {
    self.body = body
    self.restPercent = restPercent
  }

  func run() {
    _ = cthread_rest(restPercent)
    body()
    _ = cthread_rest(0)
  }
}
