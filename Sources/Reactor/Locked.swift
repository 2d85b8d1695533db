// A value behind a lock that the thread sanitizer knows.

internal import Glibc

/// A value that one thread at a time may look at or change. For what is off the path of requests.
///
/// `Synchronization.Mutex` would do, but the thread sanitizer does not see its futex and reports each use of the value as a race.
final class Locked<Value: Sendable>: @unchecked Sendable {
  // Invariants: `value` is touched between lock and unlock only; the mutex is initialised here, destroyed in deinit, never moved.
  private var value: Value
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>

  init(_ value: Value) {
    self.value = value
    mutex = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body(&value)
  }
}
