// The one thread on which slow work is done: imports, builds, renderings. It runs at a lower priority than the event loops.

import Foundation
import Synchronization
import SystemThreads

/// Runs jobs one after another on a thread of its own, and one timed job at its moment.
public final class ControlThread: Sendable {
  private struct State: Sendable {
    var jobs: [@Sendable () -> Void] = []
    var timed: (due: ContinuousClock.Instant, job: @Sendable () -> Void)?
    var isStopping = false
  }

  /// Of those that read, build and serve layers, where they do not stand back.
  static let layerNiceness: Int32 = 10

  private let state = Mutex(State())
  private let wake = DispatchSemaphore(value: 0)
  private let behind: StandingBack?

  /// - Parameters:
  ///   - niceness: added to the thread's nice value.
  ///   - isWaitedFor: somebody waits for each job; without, the thread gives way to queries at once (`giveWay`).
  ///   - behind: each job stands back like this; `nil`: not at all.
  public init(name: String, niceness: Int32, isWaitedFor: Bool = false, behind: StandingBack? = nil) {
    self.behind = behind
    let thread = Thread { [self] in
      nameThread(name)
      if isWaitedFor { lowerPriority(niceness: niceness) } else { giveWay(niceness: niceness) }
      run()
    }
    thread.stackSize = 8 << 20
    thread.start()
  }

  /// Runs `job` after those that were submitted before it. After `stop`, it is dropped.
  public func submit(_ job: @escaping @Sendable () -> Void) {
    state.withLock { if !$0.isStopping { $0.jobs.append(job) } }
    wake.signal()
  }

  /// Runs `job` in `seconds`, in place of the timed job that was set before.
  public func schedule(afterSeconds seconds: Double, _ job: @escaping @Sendable () -> Void) {
    let due = ContinuousClock.now + .seconds(max(0, seconds))
    state.withLock { $0.timed = (due, job) }
    wake.signal()
  }

  /// Ends the thread after the job that it is at.
  public func stop() {
    state.withLock {
      $0.isStopping = true
      $0.jobs = []
      $0.timed = nil
    }
    wake.signal()
  }

  private enum Next {
    case run(@Sendable () -> Void)
    case wait(seconds: Double?)
    case stop
  }

  private func run() {
    while true {
      let next: Next = state.withLock { state in
        if state.isStopping { return .stop }
        if !state.jobs.isEmpty { return .run(state.jobs.removeFirst()) }
        guard let timed = state.timed else { return .wait(seconds: nil) }
        let seconds = (timed.due - .now) / .seconds(1)
        if seconds > 0 { return .wait(seconds: seconds) }
        state.timed = nil
        return .run(timed.job)
      }
      switch next {
      case .run(let job):
        if let behind { behind.during(job) } else { job() }
      case .wait(seconds: nil): wake.wait()
      case .wait(seconds: .some(let seconds)): _ = wake.wait(timeout: .now() + seconds)
      case .stop: return
      }
    }
  }
}
