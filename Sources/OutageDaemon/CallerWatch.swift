// Whether so many are asking at the moment that slow work has to give way to them.

import Foundation
import Reactor
import Synchronization

/// Looks twice a second at how many requests the loops have served.
final class CallerWatch: Sendable {
  private struct State: Sendable {
    var loops: [LoopCounters] = []
    var requests: UInt64 = 0
    var looked = ContinuousClock.now
  }

  private let state = Mutex(State())
  private let many = Atomic(false)
  // Invariant: set up by `init`, and then only cancelled.
  nonisolated(unsafe) private let timer = DispatchSource.makeTimerSource()

  private static let interval = DispatchTimeInterval.milliseconds(500)
  /// About a twentieth of what the processors can do. Fewer leave them idle nearly always, and a layer need not wait for that.
  static let leastPerSecond = 5000.0 * Double(ProcessInfo.processInfo.activeProcessorCount)

  init() {
    timer.setEventHandler { [weak self] in self?.look(at: .now) }
    timer.schedule(deadline: .now() + Self.interval, repeating: Self.interval)
    timer.resume()
  }

  deinit { timer.cancel() }

  func add(_ loop: LoopCounters) { state.withLock { $0.loops.append(loop) } }

  /// Whether many callers were served in the last moments. From any thread.
  var areMany: Bool { many.load(ordering: .relaxed) }

  /// Counts what was served since the last time.
  func look(at now: ContinuousClock.Instant) {
    state.withLock { state in
      guard now > state.looked else { return }
      let requests = state.loops.reduce(0) { $0 + $1.requests.value }
      let seconds = (now - state.looked) / .seconds(1)
      many.store(Double(requests - state.requests) >= Self.leastPerSecond * seconds, ordering: .relaxed)
      (state.requests, state.looked) = (requests, now)
    }
  }
}
