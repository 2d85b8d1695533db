import CThread
import Foundation
import Synchronization
import SystemThreads
import Testing

@Suite struct GivingWayTests {
  /// What a new thread finds of itself, and what a thread finds that it has started.
  private func onNewThread<Value: Sendable>(_ look: @escaping @Sendable () -> Value) -> Value {
    let found = Mutex<Value?>(nil)
    let isDone = DispatchSemaphore(value: 0)
    withExtendedLifetime(isDone) {
      let thread = Thread {
        let value = look()
        found.withLock { $0 = value }
        isDone.signal()
      }
      thread.start()
      isDone.wait()
    }
    return found.withLock { $0! }
  }

  @Test func `A thread that gives way is nicer by so much, and asks for long turns`() {
    let before = cthread_niceness()
    let (niceness, slice, policy) = onNewThread {
      giveWay(niceness: 7)
      return (cthread_niceness(), cthread_slice(), sched_getscheduler(0))
    }
    #expect(niceness == min(19, before + 7))
    #expect(policy == SCHED_OTHER)
    // Systems before Linux 6.12 do not tell, and keep their own.
    #expect(slice == 12_000_000 || slice == 0)
    #expect(cthread_niceness() == before, "the others stay as they are")
  }

  @Test func `A lower priority leaves the turns as long as they were`() {
    let (niceness, turns) = onNewThread {
      let turn = cthread_slice()
      lowerPriority(niceness: 4)
      return (cthread_niceness(), [turn, cthread_slice()])
    }
    #expect(niceness == min(19, cthread_niceness() + 4))
    #expect(turns[0] == turns[1])
  }

  @Test func `Niceness ends at 19`() {
    #expect(
      onNewThread {
        giveWay(niceness: 12)
        giveWay(niceness: 12)
        return cthread_niceness()
      } == 19)
  }

  @Test func `Each part is done once, with the caller's priority`() {
    let (parts, nicenesses, expected) = onNewThread {
      giveWay(niceness: 3)
      let parts = Mutex<[Int]>([])
      let nicenesses = Mutex<Set<Int32>>([])
      concurrently(1000) { part in
        parts.withLock { $0.append(part) }
        nicenesses.withLock { _ = $0.insert(cthread_niceness()) }
      }
      return (parts.withLock { $0 }, nicenesses.withLock { $0 }, cthread_niceness())
    }
    #expect(parts.sorted() == Array(0..<1000))
    #expect(nicenesses == [expected])
  }

  @Test func `No parts and one part need no other thread`() {
    concurrently(0) { _ in Issue.record("no part") }
    let parts = Mutex<[Int]>([])
    concurrently(1) { part in parts.withLock { $0.append(part) } }
    #expect(parts.withLock { $0 } == [0])
  }
}
