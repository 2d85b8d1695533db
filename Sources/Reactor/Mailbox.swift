// Brings work from any thread to a loop's own: a queue, and an event counter that wakes the loop.

internal import CEpoll
internal import Glibc

/// A loop's queue of things to do.
final class Mailbox: Sendable {
  typealias Job = @Sendable (EventLoop) -> Void

  /// Becomes readable at each posting to an empty queue; to be watched edge-triggered, so that it need not be read.
  let descriptor: Int32
  private let state = Locked(State())

  private struct State {
    var jobs: [Job] = []
    var isClosed = false
  }

  init() throws(ReactorError) {
    descriptor = cepoll_event_counter()
    guard descriptor >= 0 else { throw .last("eventfd") }
  }

  deinit { Glibc.close(descriptor) }

  /// - Returns: `false` if the loop has ended and the jobs will not be done.
  func post(_ jobs: [Job]) -> Bool {
    let (wasEmpty, isClosed) = state.withLock { state in
      let wasEmpty = state.jobs.isEmpty
      if !state.isClosed { state.jobs.append(contentsOf: jobs) }
      return (wasEmpty, state.isClosed)
    }
    if wasEmpty && !isClosed { wake() }
    return !isClosed
  }

  /// All jobs that were posted since the last call, oldest first.
  func take() -> [Job] {
    state.withLock { state in
      let taken = state.jobs
      state.jobs = []
      return taken
    }
  }

  /// Accepts no further jobs.
  /// - Returns: those that were not taken.
  func close() -> [Job] {
    state.withLock { state in
      let taken = state.jobs
      state = State(jobs: [], isClosed: true)
      return taken
    }
  }

  private func wake() {
    var one: UInt64 = 1
    // It fails only where the counter is at its end, and then the loop is awake.
    _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
  }
}
