// Work on a thread of its own, beside what is done meanwhile.

import Foundation
import Synchronization
import SystemThreads

/// Begins with its creation, at the priority of the thread that creates it; where the system has no thread to give, it is done at once.
final class WorkBeside<Value: Sendable>: Sendable {
  private let found = Mutex<Value?>(nil)
  private let isDone = DispatchSemaphore(value: 0)

  /// - Parameter name: the thread's, up to 15 characters.
  init(_ name: String, _ work: @escaping @Sendable () -> Value) {
    let thread = try? startThread { [self] in
      nameThread(name)
      run(work)
    }
    if let thread { pthread_detach(thread) } else { run(work) }
  }

  private func run(_ work: () -> Value) {
    let value = work()
    found.withLock { $0 = value }
    isDone.signal()
  }

  /// Waits for the end; no longer held here then. To be called once.
  func value() -> Value {
    isDone.wait()
    let value = found.withLock { found in
      defer { found = nil }
      return found
    }
    guard let value else { preconditionFailure("a result is handed out once") }
    return value
  }
}
