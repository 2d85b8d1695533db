// Does the next parts of some work on a thread of its own, while the parts before are used.

import Foundation
import Synchronization
import SystemThreads

/// Parts that are filled in turn on a thread of their own, as many ahead as there are, and taken in the same order.
///
/// The thread has the priority of the one that begins the work, and ends with this object. Where the system has none to give, each part is filled when it is wanted.
final class WorkAhead<Part: AnyObject> {
  private let shared: Shared
  private let thread: pthread_t?

  /// - Parameters:
  ///   - parts: to be filled again and again: what bounds the work ahead.
  ///   - start: starts the thread; `nil` where there is none.
  ///   - fill: fills a part; false where there is nothing left. It is called on the thread only, where there is one, and not again after it has thrown.
  init(
    parts: [Part], start: (@escaping @Sendable () -> Void) -> pthread_t? = { try? startThread($0) },
    _ fill: @escaping (_ part: Part) throws(ImportError) -> Bool
  ) {
    let shared = Shared(parts, fill)
    self.shared = shared
    thread = start { shared.run() }
  }

  /// Waits until the thread is done with the part that it is at.
  deinit {
    shared.stop()
    if let thread { pthread_join(thread, nil) }
  }

  /// The next part, filled; `nil` after the last.
  /// - Parameter used: a part that was handed out before, to be filled again.
  /// - Throws: what filling threw, when all parts before are handed out.
  func next(giving used: Part?) throws(ImportError) -> Part? {
    if let used { shared.take(back: used) }
    if thread == nil { shared.fillOne() }
    return try shared.next()
  }

  // Invariant: each part is with one thread at a time: it lies in `empty` or `filled`, or is with the thread that fills or with the one that takes.
  // `fill`, and what it holds, is used by the thread alone until that has ended; without one, by the one that takes.
  private final class Shared: @unchecked Sendable {
    private struct State: @unchecked Sendable {
      var empty: [Part]
      var filled: [Part] = []
      /// Nothing more comes.
      var end: Result<Void, ImportError>?
      var isStopping = false
    }

    private let state: Mutex<State>
    private let emptyCount = DispatchSemaphore(value: 0)
    private let filledCount = DispatchSemaphore(value: 0)
    private let fill: (Part) throws(ImportError) -> Bool

    init(_ parts: [Part], _ fill: @escaping (Part) throws(ImportError) -> Bool) {
      state = Mutex(State(empty: parts))
      self.fill = fill
      for _ in parts { emptyCount.signal() }
    }

    func run() { while fillOne() {} }

    /// Waits for an empty part, and fills it.
    /// - Returns: whether there may be more to fill.
    @discardableResult
    func fillOne() -> Bool {
      if state.withLock({ $0.end != nil }) { return false }
      emptyCount.wait()
      guard let part = state.withLock({ $0.isStopping ? nil : $0.empty.removeLast() }) else { return false }
      do throws(ImportError) {
        guard try fill(part) else { return end(.success(())) }
      } catch {
        return end(.failure(error))
      }
      state.withLock { $0.filled.append(part) }
      filledCount.signal()
      return true
    }

    private func end(_ result: Result<Void, ImportError>) -> Bool {
      state.withLock { $0.end = result }
      filledCount.signal()
      return false
    }

    func take(back used: Part) {
      state.withLock { $0.empty.append(used) }
      emptyCount.signal()
    }

    func next() throws(ImportError) -> Part? {
      filledCount.wait()
      let (part, end) = state.withLock { state -> (Part?, Result<Void, ImportError>?) in
        state.filled.isEmpty ? (nil, state.end) : (state.filled.removeFirst(), nil)
      }
      if let part { return part }
      // The end stays the end for whoever asks again.
      filledCount.signal()
      try end?.get()
      return nil
    }

    func stop() {
      state.withLock { $0.isStopping = true }
      emptyCount.signal()
    }
  }
}
