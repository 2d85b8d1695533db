// A value that one thread waits for and another brings.

import Foundation
import Synchronization

/// A value that is set once, on any thread, and waited for by one.
final class Outcome<Value: Sendable>: Sendable {
  private let value = Mutex<Value?>(nil)
  private let isThere = DispatchSemaphore(value: 0)

  func set(_ newValue: Value) {
    value.withLock { $0 = newValue }
    isThere.signal()
  }

  func wait() -> Value {
    isThere.wait()
    return value.withLock { $0! }
  }
}
