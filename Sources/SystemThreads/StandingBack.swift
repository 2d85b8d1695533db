// Slow work that runs where nobody else wants the processor, until it has taken too long.

internal import CThread
import Foundation
import Synchronization

/// Slow work that stands back behind everything else, but not for ever.
///
/// A thread that stands back (`SCHED_IDLE`, sched(7)) is put aside at once by any that wakes, and gets next to nothing while the processors are busy: those who answer callers
/// hardly notice it. It also keeps to a few of the processors: where no processor is ever idle, Linux moves those who wait in vain on one of them
/// to another only every few milliseconds. And it rests two fifths of the time: a virtual machine that leaves none of its
/// processors idle uses up what its host grants it, and then all of them stand still for milliseconds, whoever is at work there. So that a layer is not kept back all night by a storm of calls, work that takes longer than its patience goes on with the share of its niceness.
public final class StandingBack: Sendable {
  private let patienceSeconds: Double
  private let isNeeded: @Sendable () -> Bool

  /// - Parameters:
  ///   - patienceSeconds: after this time of some work, all threads of the process that stand back take their share again.
  ///   - isNeeded: asked when some work begins.
  public init(patienceSeconds: Double, isNeeded: @escaping @Sendable () -> Bool) {
    self.patienceSeconds = patienceSeconds
    self.isNeeded = isNeeded
  }

  /// Whether the system lets threads with the niceness of the one that asks first take their share again, which needs `RLIMIT_NICE` or `CAP_SYS_NICE`.
  public static let isPossible: Bool = {
    // On a thread of its own, which may be left standing back.
    if let thread = try? startThread({
      cthread_stand_back()
      hasSteppedForward.store(cthread_step_forward(0) == 0, ordering: .relaxed)
    }) {
      pthread_join(thread, nil)
    }
    return hasSteppedForward.load(ordering: .relaxed)
  }()

  private static let hasSteppedForward = Atomic(false)

  /// The processors that such work keeps to: a quarter of all, one at least.
  static let processorsBesideCallers = max(1, ProcessInfo.processInfo.activeProcessorCount / 4)

  /// How much of their time such work uses, all of it together.
  static let percentBesideCallers = 60

  /// Does some work on the calling thread, and on those that it starts meanwhile, behind everything else; as usual where that is not needed, or not possible. What it starts and leaves behind,
  /// such as other programs, goes on standing back.
  public func during<Value>(_ work: () throws -> Value) rethrows -> Value {
    guard isNeeded(), Self.isPossible else { return try work() }
    let end = DispatchWorkItem { Self.takeShareAgain() }
    DispatchQueue.global().asyncAfter(deadline: .now() + patienceSeconds, execute: end)
    cthread_confine(0, Int32(Self.processorsBesideCallers))
    cthread_stand_back()
    // Where the system has no timer to give, it goes on without a rest.
    _ = cthread_rest(Int32(Self.processorsBesideCallers * Self.percentBesideCallers))
    defer {
      _ = cthread_rest(0)
      end.cancel()
      Self.takeShareAgain(thread: 0)
    }
    return try work()
  }

  private static func takeShareAgain() {
    let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
    for thread in threads.compactMap({ Int32($0) }) where cthread_stands_back(thread) != 0 {
      takeShareAgain(thread: thread)
    }
  }

  /// - Parameter thread: 0 for the calling one.
  private static func takeShareAgain(thread: Int32) {
    cthread_confine(thread, 0)
    _ = cthread_step_forward(thread)
  }
}
