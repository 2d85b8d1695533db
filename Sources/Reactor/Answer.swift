// A value that one thread waits for and another brings.

internal import Glibc

/// A value that is set once, on any thread, and waited for by one.
final class Answer<Value: Sendable>: @unchecked Sendable {
  private let value = Locked<Value?>(nil)
  // Invariant: initialised here, destroyed in deinit, never moved.
  private let isSet: UnsafeMutablePointer<sem_t>

  init() {
    isSet = .allocate(capacity: 1)
    sem_init(isSet, 0, 0)
  }

  deinit {
    sem_destroy(isSet)
    isSet.deallocate()
  }

  func set(_ newValue: Value) {
    value.withLock { $0 = newValue }
    sem_post(isSet)
  }

  func wait() -> Value {
    while sem_wait(isSet) != 0 {}
    return value.withLock { $0! }
  }
}
