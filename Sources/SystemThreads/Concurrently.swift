// Parts of one piece of work on several processors, at the caller's own priority.

import Foundation
import Synchronization

/// Calls `part` once with each of `0 ..< count`, on as many threads as there are processors, and returns after the last call.
///
/// The threads begin with the caller's priority, as the system gives it on: work that gives way to queries does so on all of them.
/// `DispatchQueue.concurrentPerform` would do it at the priority of Dispatch's own threads.
public func concurrently(_ count: Int, _ part: @Sendable (Int) -> Void) {
  let next = Atomic(0)
  withoutActuallyEscaping(part) { part in
    let share = { @Sendable in
      while true {
        let number = next.add(1, ordering: .relaxed).oldValue
        if number >= count { return }
        part(number)
      }
    }
    // Where the system has no thread left, those that there are do it all.
    let others = (1..<max(1, min(count, ProcessInfo.processInfo.activeProcessorCount))).compactMap { _ in
      try? startThread(share)
    }
    share()
    for thread in others { pthread_join(thread, nil) }
  }
}
