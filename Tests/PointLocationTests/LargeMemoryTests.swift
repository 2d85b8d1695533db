// Large blocks, and those that are kept for the next of their size.

import Testing

@testable import PointLocation

@Suite struct LargeMemoryTests {
  @Test func `the smallest block that fits is taken, and none that is much too large`() {
    var spares = SpareBlocks()
    #expect(spares.limit(toBytes: 100) == [])
    for (address, byteCount) in [(1, 30), (2, 10), (3, 20)] as [(UInt, Int)] {
      #expect(spares.keep(SpareBlocks.Block(address: address, byteCount: byteCount)) == [])
    }
    #expect(spares.take(atLeast: 31, atMost: 60) == nil)
    #expect(spares.take(atLeast: 4, atMost: 8) == nil)
    #expect(spares.take(atLeast: 11, atMost: 30)?.address == 3)
    #expect(spares.take(atLeast: 11, atMost: 30)?.address == 1)
    #expect(spares.byteCount == 10)
    #expect(spares.takeAll().map(\.address) == [2])
    #expect(spares.byteCount == 0)
  }

  @Test func `the oldest make room`() {
    var spares = SpareBlocks()
    // Before anything is to be kept, all goes back.
    #expect(spares.keep(SpareBlocks.Block(address: 1, byteCount: 1)).map(\.address) == [1])
    _ = spares.limit(toBytes: 50)
    #expect(spares.keep(SpareBlocks.Block(address: 2, byteCount: 20)) == [])
    #expect(spares.keep(SpareBlocks.Block(address: 3, byteCount: 20)) == [])
    #expect(spares.keep(SpareBlocks.Block(address: 4, byteCount: 20)).map(\.address) == [2])
    #expect(spares.keep(SpareBlocks.Block(address: 5, byteCount: 60)).map(\.address) == [3, 4, 5])
    #expect(spares.keep(SpareBlocks.Block(address: 6, byteCount: 50)) == [])
    #expect(spares.limit(toBytes: 0).map(\.address) == [6])
  }

  /// In a process of its own: spares are the process's.
  @Test func `what is built in blocks that were used before is the same`() async {
    await #expect(processExitsWith: .success) {
      func bytes(seed: UInt64) -> [[UInt8]] {
        var random = SeededRandom(seed: seed)
        var builder = PolygonSetBuilder()
        for _ in 0..<400 {
          let (x, y) = (random.double(0...3), random.double(0...3))
          var ring: [Double] = []
          for step in 0..<300 {
            ring += [x + Double(step % 150) / 100, y + random.double(0...0.01) + (step < 150 ? 0 : 1)]
          }
          builder.append(coordinates: ring, ringStarts: [0, 300])
        }
        var writer = SectionWriter()
        PolygonIndex(builder.build()).write(to: &writer)
        return writer.sections.map { section in
          let bytes = section.bytes
          return withExtendedLifetime(bytes) { Array(bytes.buffer) }
        }
      }
      let (first, second) = (bytes(seed: 1), bytes(seed: 2))
      LargeMemory.keepSpares(byteCountMax: 1 << 30)
      // Of one layer's blocks the next one's are made.
      let (firstAgain, secondAgain) = (bytes(seed: 1), bytes(seed: 2))
      precondition(LargeMemory.spareByteCount > 1 << 20, "blocks are kept")
      precondition(firstAgain == first && secondAgain == second, "the same bytes")
      LargeMemory.giveBackSpares()
      precondition(LargeMemory.spareByteCount == 0, "all go back")
    }
  }
}
