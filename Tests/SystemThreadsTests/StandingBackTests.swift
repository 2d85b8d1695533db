// Work that stands back does so on all its threads, and not for ever.

import CThread
import Foundation
import Synchronization
import Testing

@testable import SystemThreads

// One after another: what loses its patience lets all threads of the process have their share again.
@Suite(.serialized) struct StandingBackTests {
  private func onNewThread<Value: Sendable>(_ look: @escaping @Sendable () -> Value) throws -> Value {
    let found = Found<Value>()
    pthread_join(try startThread { found.value.withLock { $0 = look() } }, nil)
    return try #require(found.value.withLock { $0 })
  }

  private final class Found<Value: Sendable>: Sendable { let value = Mutex<Value?>(nil) }

  private static var standsBack: Bool { cthread_stands_back(0) != 0 }

  @Test func `the work and what it starts stand back, and what comes after does not`() throws {
    let (during, helpers, after, nicenesses) = try onNewThread {
      lowerPriority(niceness: 10)
      let before = cthread_niceness()
      let helpers = Mutex<Set<Bool>>([])
      let during = StandingBack(patienceSeconds: 60) { true }.during {
        concurrently(8) { _ in helpers.withLock { _ = $0.insert(Self.standsBack) } }
        return Self.standsBack
      }
      return (during, helpers.withLock { $0 }, Self.standsBack, [before, cthread_niceness()])
    }
    #expect(during == StandingBack.isPossible && helpers == [StandingBack.isPossible])
    #expect(!after)
    #expect(nicenesses[0] == nicenesses[1])
  }

  @Test func `the work keeps to a few processors, and gets all of them back`() throws {
    let (during, helpers, after) = try onNewThread {
      lowerPriority(niceness: 10)
      let before = cthread_processors(0)
      let helpers = Mutex<Set<Int32>>([])
      let during = StandingBack(patienceSeconds: 60) { true }.during {
        concurrently(8) { _ in helpers.withLock { _ = $0.insert(cthread_processors(0)) } }
        return cthread_processors(0)
      }
      return (during, helpers.withLock { $0 }, cthread_processors(0) == before)
    }
    let expected = StandingBack.isPossible ? StandingBack.processorsBesideCallers : Int(during)
    #expect(Int(during) == expected && helpers == [during])
    #expect(after)
  }

  @Test func `where that is not needed, nothing stands back`() throws {
    let (standsBack, processors) = try onNewThread {
      let before = cthread_processors(0)
      return StandingBack(patienceSeconds: 60) { false }.during {
        (Self.standsBack, cthread_processors(0) == before)
      }
    }
    #expect(!standsBack && processors)
  }

  @Test func `errors go through, and end it, too`() throws {
    struct Failure: Error {}
    let (isThrown, after) = try onNewThread {
      lowerPriority(niceness: 10)
      do {
        try StandingBack(patienceSeconds: 60) { true }.during { throw Failure() }
        return (false, Self.standsBack)
      } catch {
        return (error is Failure, Self.standsBack)
      }
    }
    #expect(isThrown && !after)
  }

  @Test(.enabled(if: StandingBack.isPossible, "the system does not let threads back"))
  func `work that takes longer than its patience takes its share again`() throws {
    let seconds = try onNewThread {
      lowerPriority(niceness: 10)
      let start = ContinuousClock.now
      let helped = Atomic(false)
      let processors = cthread_processors(0)
      StandingBack(patienceSeconds: 0.1) { true }.during {
        // Another thread of the same work, too.
        concurrently(2) { _ in
          while Self.standsBack, ContinuousClock.now - start < .seconds(60) { usleep(1000) }
          if !Self.standsBack && cthread_processors(0) == processors {
            helped.store(true, ordering: .relaxed)
          }
        }
      }
      return helped.load(ordering: .relaxed) ? (ContinuousClock.now - start) / .seconds(1) : .infinity
    }
    #expect(seconds >= 0.1 && seconds < 60)
  }

  @Test(.enabled(if: StandingBack.isPossible, "the system does not let threads back"))
  func `the work and what it starts use no more than their share of the time`() throws {
    let spentSeconds = 0.4
    let took = try onNewThread {
      lowerPriority(niceness: 10)
      let start = ContinuousClock.now
      let spent = Mutex(0.0)
      StandingBack(patienceSeconds: 60) { true }.during {
        concurrently(4) { _ in
          let before = Self.processorSeconds
          while Self.processorSeconds - before < spentSeconds / 4 {}
          spent.withLock { $0 += Self.processorSeconds - before }
        }
      }
      #expect(cthread_rest_percent() == 0)
      return (spent: spent.withLock { $0 }, wall: (ContinuousClock.now - start) / .seconds(1))
    }
    let processors = Double(StandingBack.processorsBesideCallers)
    let share = processors * Double(StandingBack.percentBesideCallers) / 100
    // The last turn of each thread may end before its rest.
    #expect(took.spent >= spentSeconds && took.wall >= (took.spent - 4 * 0.02) / share, "\(took)")
  }

  /// Of the calling thread.
  private static var processorSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  @Test func `a thread that is told to rest, and does not stand back, is not held up`() throws {
    let rested = try onNewThread {
      let before = Self.processorSeconds
      let start = ContinuousClock.now
      let (told, percent) = (cthread_rest(1), cthread_rest_percent())
      while Self.processorSeconds - before < 0.05 {}
      let spent = Self.processorSeconds - before
      return (
        told, percent, cthread_rest(0), cthread_rest_percent(), spent,
        (ContinuousClock.now - start) / .seconds(1)
      )
    }
    #expect(rested.0 == 0 && rested.1 == 1 && rested.2 == 0 && rested.3 == 0)
    // A rest at one hundredth would have taken five seconds.
    #expect(rested.5 < rested.4 + 3, "\(rested)")
  }
}
