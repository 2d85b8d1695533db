// Whether anybody is asking at the moment: what is written then gives way to them.

import Reactor
import Synchronization

/// Looks at how many requests the loops have served, a few times a second at most.
final class CallerWatch: Sendable {
  private struct State: Sendable {
    var loops: [LoopCounters] = []
    var requests: UInt64 = 0
    var looked = ContinuousClock.now
    var areAsking = false
  }

  private let state = Mutex(State())

  private static let interval = Duration.milliseconds(200)
  /// Fewer are commands by hand and what watches the daemon.
  private static let leastPerSecond = 50.0

  func add(_ loop: LoopCounters) { state.withLock { $0.loops.append(loop) } }

  /// Whether callers were served in the last moments. From any thread.
  var areAsking: Bool {
    state.withLock { state in
      let passed = ContinuousClock.now - state.looked
      if passed >= Self.interval {
        let requests = state.loops.reduce(0) { $0 + $1.requests.value }
        let perSecond = Double(requests - state.requests) / (passed / .seconds(1))
        state.areAsking = perSecond >= Self.leastPerSecond
        (state.requests, state.looked) = (requests, .now)
      }
      return state.areAsking
    }
  }
}
