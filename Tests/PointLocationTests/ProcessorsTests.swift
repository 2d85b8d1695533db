// An index that is built by several processors at once.

import Dispatch
import Synchronization
import Testing

@testable import PointLocation

@Suite struct ProcessorsTests {
  /// Rings with more edges than one piece of work has, in two crowds.
  private static func crowd(seed: UInt64) -> PolygonSet {
    var random = SeededRandom(seed: seed)
    var builder = PolygonSetBuilder()
    for _ in 0..<200 {
      let middle = (x: random.double(0...1) + Double(random.int(0..<2)) * 5, y: random.double(0...1))
      let (columns, height) = (random.int(3..<100), random.double(0.01...0.5))
      var ring: [Double] = []
      for column in 0..<columns {
        ring += [middle.x + Double(column) * 0.005, middle.y + random.double(0...0.01)]
      }
      for column in (0..<columns).reversed() {
        ring += [middle.x + Double(column) * 0.005, middle.y + height - random.double(0...0.01)]
      }
      builder.append(coordinates: ring, ringStarts: [0, Int32(2 * columns)])
    }
    return builder.build()
  }

  /// Two that begin at the same time, so that both have something to do, however soon it is done.
  private static let together = Processors(count: 2) { count, work in
    if count > 2 { return (0..<count).forEach { work($0) } }
    let started = Atomic<Int>(0)
    let group = DispatchGroup()
    withoutActuallyEscaping(work) { work in
      for piece in 0..<count {
        DispatchQueue(label: "piece \(piece)").async(group: group) {
          started.add(1, ordering: .relaxed)
          while started.load(ordering: .relaxed) < count {}
          work(piece)
        }
      }
      group.wait()
    }
  }

  private static func bytes(_ index: PolygonIndex) -> [[UInt8]] {
    var writer = SectionWriter()
    index.write(to: &writer)
    return writer.sections.map { section in
      let bytes = section.bytes
      return withExtendedLifetime(bytes) { Array(bytes.buffer) }
    }
  }

  @Test(
    "what is built is the same on any number of processors, and answers as the R-tree does",
    arguments: [1, 2, 3] as [UInt64])
  func sameBytes(seed: UInt64) throws {
    let polygons = Self.crowd(seed: seed)
    let alone = PolygonIndex(polygons)
    let backwards = Processors(count: 4) { count, work in
      for piece in (0..<count).reversed() { work(piece) }
    }
    let sideBySide = Processors(count: 3) { DispatchQueue.concurrentPerform(iterations: $0, execute: $1) }
    let bytes = Self.bytes(alone)
    #expect(Self.bytes(PolygonIndex(polygons, backwards)) == bytes)
    #expect(Self.bytes(PolygonIndex(polygons, sideBySide)) == bytes)
    #expect(Self.bytes(PolygonIndex(polygons, Self.together)) == bytes)

    var writer = SectionWriter()
    alone.write(to: &writer)
    var reader = SectionReader(writer.sections)
    let read = try PolygonIndex(validating: &reader)
    var random = SeededRandom(seed: seed)
    var hits = HitList()
    var twin = HitList()
    for _ in 0..<50_000 {
      let (x, y) = (random.double(-0.1...7), random.double(-0.1...1.6))
      read.covering(x: x, y: y, into: &hits)
      read.coveringByRTree(x: x, y: y, into: &twin)
      #expect(hits.ids.elementsEqual(twin.ids), "seed \(seed), point (\(x), \(y))")
    }
  }

  @Test(arguments: [1, 2, 3, 7])
  func `a cell that is shared among processors is divided as by one`(processorCount: Int) {
    let polygons = Self.crowd(seed: 4)
    let frame = CellFrame(Box(minX: -0.1, minY: -0.1, maxX: 7, maxY: 1.6))
    let source = CellIndexSource(
      coordinates: polygons.coordinates.pointer, vertices: FrameVertices(polygons, frame, .one), frame: frame)
    // Every fifth covers all of the cell, and every third holds its reference point, which these polygons do not, but nobody looks.
    var (runs, wholes, edgeCount) = ([EdgeRun](), [UInt32](), 0)
    for polygon in 0..<polygons.count {
      if polygon % 5 == 0 {
        wholes.append(UInt32(polygon))
        continue
      }
      let vertices = polygons.vertices(of: polygon)
      runs.append(
        EdgeRun(
          polygon: UInt32(polygon), holdsReference: polygon % 3 == 0,
          firstVertex: UInt32(vertices.lowerBound), edgeCount: UInt32(vertices.count - 1)))
      edgeCount += vertices.count - 1
    }
    func parts(_ processors: Processors) -> [(runs: [EdgeRun], edgeCount: Int, wholes: [UInt32])] {
      var (stack, divider) = (CellStack(), CellDivider(source, processors))
      defer {
        stack.free()
        divider.free()
      }
      let whole = runs.withUnsafeBufferPointer { runs in
        wholes.withUnsafeBufferPointer { stack.push(runs, edgeCount: edgeCount, wholes: $0) }
      }
      return withUnsafeTemporaryAllocation(of: CellPart.self, capacity: 16) { parts in
        let division = divider.divide(.frame, whole, sideBits: 2, &stack, into: parts.baseAddress!)
        #expect(division != nil)
        return parts.map { (Array(stack.runs(of: $0)), $0.edgeCount, Array(stack.wholes(of: $0))) }
      }
    }
    let shared = Processors(count: processorCount) {
      DispatchQueue.concurrentPerform(iterations: $0, execute: $1)
    }
    for (part, twin) in zip(parts(shared), parts(.one)) {
      #expect(part.edgeCount == twin.edgeCount && part.wholes == twin.wholes)
      #expect(part.runs.count == twin.runs.count)
      for (run, other) in zip(part.runs, twin.runs) {
        #expect(
          run.polygon == other.polygon && run.firstVertex == other.firstVertex
            && run.edgeCount == other.edgeCount && run.holdsReference == other.holdsReference)
      }
    }
    #expect(edgeCount > 8192)
  }
}
