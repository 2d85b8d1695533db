// Work that stands back does so on all its threads, and not for ever.

import CThread
import Foundation
import Synchronization
import Testing

@testable import SystemThreads

@Suite struct StandingBackTests {
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

  @Test func `where nobody is asking, nothing stands back`() throws {
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
}
