// From how many requests on slow work gives way.

import Testing

@testable import OutageDaemon
@testable import Reactor

@Suite struct CallerWatchTests {
  @Test func `what was served since the last look decides, whatever came before`() {
    let watch = CallerWatch()
    // Further on than the watch's own looks will ever be.
    let start = ContinuousClock.now + .seconds(3600)
    let loops = [LoopCounters(), LoopCounters()]
    for loop in loops { watch.add(loop) }
    watch.look(at: start)
    #expect(!watch.areMany)
    let limit = Int(CallerWatch.leastPerSecond)
    loops[0].requests.add(2 * limit - 1)
    watch.look(at: start + .seconds(2))
    #expect(!watch.areMany)
    loops[0].requests.add(limit)
    loops[1].requests.add(limit)
    watch.look(at: start + .seconds(4))
    #expect(watch.areMany)
    loops[1].requests.add(1)
    watch.look(at: start + .seconds(4))
    #expect(watch.areMany, "no time has passed")
    watch.look(at: start + .seconds(5))
    #expect(!watch.areMany)
  }
}
