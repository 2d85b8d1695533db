// Work ahead of its use, with a thread and where the system has none to give.

import Foundation
import Synchronization
import SystemThreads
import Testing

@testable import LayerImport

@Suite struct WorkAheadTests {
  private final class Box { var number = -1 }

  private static let fault = ImportError.refused(
    ImportFault(reason: .truncated, file: "a.geojson", found: "the end", expected: "more"))

  /// The numbers below `count`, and then the end or a fault.
  private func numbers(
    below count: Int, fails: Bool = false, hasThread: Bool
  ) -> (work: WorkAhead<Box>, filledOnCaller: Counter) {
    let filledOnCaller = Counter()
    let caller = pthread_self()
    var next = 0
    let work = WorkAhead(
      parts: [Box(), Box(), Box()], start: { hasThread ? try? startThread($0) : nil }
    ) { (box) throws(ImportError) in
      if pthread_equal(pthread_self(), caller) != 0 { filledOnCaller.count.add(1, ordering: .relaxed) }
      if next == count {
        if fails { throw Self.fault }
        return false
      }
      box.number = next
      next += 1
      return true
    }
    return (work, filledOnCaller)
  }

  private final class Counter: Sendable { let count = Atomic(0) }

  @Test(arguments: [true, false])
  func `parts come in order, and the end stays the end`(hasThread: Bool) throws {
    let (work, filledOnCaller) = numbers(below: 100, hasThread: hasThread)
    var found: [Int] = []
    var used: Box?
    while let box = try work.next(giving: used) {
      found.append(box.number)
      used = box
    }
    #expect(found == Array(0..<100))
    for _ in 0..<10 { #expect(try work.next(giving: nil) == nil) }
    #expect(filledOnCaller.count.load(ordering: .relaxed) == (hasThread ? 0 : 101))
  }

  @Test(arguments: [true, false])
  func `what filling threw comes behind the parts before it`(hasThread: Bool) throws {
    let (work, _) = numbers(below: 2, fails: true, hasThread: hasThread)
    #expect(try work.next(giving: nil)?.number == 0)
    #expect(try work.next(giving: nil)?.number == 1)
    for _ in 0..<10 { #expect(throws: ImportError.self) { try work.next(giving: nil) } }
  }

  @Test(arguments: [true, false])
  func `work that nobody wants any more ends`(hasThread: Bool) throws {
    let (work, _) = numbers(below: .max, hasThread: hasThread)
    #expect(try work.next(giving: nil)?.number == 0)
  }
}
