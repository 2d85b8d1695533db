// Areas whose coordinates move into somebody else's memory.

import Foundation
import OutageModel
import Synchronization
import Testing

@Suite struct AreaCoordinatesTests {
  /// Memory that tells when it is freed.
  private final class Memory: @unchecked Sendable {
    let start: UnsafeMutablePointer<Double>
    private let onFree: @Sendable () -> Void

    init(_ numbers: [Double], onFree: @escaping @Sendable () -> Void = {}) {
      start = .allocate(capacity: numbers.count)
      start.initialize(from: numbers, count: numbers.count)
      self.onFree = onFree
    }

    deinit {
      start.deallocate()
      onFree()
    }
  }

  private static func area(_ shift: Double = 0) -> OutageArea {
    OutageArea(polygons: [
      [
        [(0, 0), (4, 0), (4, 4), (0, 0)].map {
          LonLat(lonDegrees: $0.0 + shift, latDegrees: Double($0.1))
        }
      ]
    ])
  }

  private static func start(_ area: OutageArea) -> UnsafePointer<Double>? {
    area.withCoordinates { $0.baseAddress }
  }

  @Test func `all copies of an area lean on the same numbers, and keep them alive`() {
    let area = Self.area()
    let copy = area
    let freed = Atomic(0)
    var memory: Memory? = Memory(area.coordinates) { freed.add(1, ordering: .relaxed) }
    let start = UnsafePointer(memory!.start)
    area.lean(on: memory!, at: start)
    memory = nil
    #expect(freed.load(ordering: .relaxed) == 0)
    #expect(Self.start(area) == start && Self.start(copy) == start)
    #expect(copy == Self.area() && copy.hashValue == Self.area().hashValue)
    #expect(copy.rings(ofPolygon: 0) == Self.area().rings(ofPolygon: 0))
    // What it leans on next lets the first go.
    let next = Memory(area.coordinates)
    copy.lean(on: next, at: next.start)
    #expect(freed.load(ordering: .relaxed) == 1)
    #expect(Self.start(area) == UnsafePointer(next.start))
  }

  @Test func `an area does not lean on other numbers, however alike`() {
    let area = Self.area()
    let own = Self.start(area)
    var numbers = area.coordinates
    numbers[0] = -0.0
    #expect(numbers == area.coordinates)
    let minusZero = Memory(numbers)
    area.lean(on: minusZero, at: minusZero.start)
    #expect(Self.start(area) == own)
    numbers[0] = 1
    let other = Memory(numbers)
    area.lean(on: other, at: other.start)
    #expect(Self.start(area) == own)
    #expect(area == Self.area())
  }

  @Test func `an area that is changed leaves its copies as they are`() {
    let area = Self.area()
    var larger = area
    larger.append(polygon: Self.area(10).rings(ofPolygon: 0))
    #expect(larger.polygonCount == 2 && area.polygonCount == 1)
    #expect(larger.coordinates == area.coordinates + Self.area(10).coordinates)
    #expect(area == Self.area() && area != larger)
  }

  /// Large ones, small ones and empty ones, one after another: each has memory of its own.
  @Test func `areas do not share what they do not lean on`() {
    let counts = (0..<400).map { ($0 * 7919) % 3 == 0 ? 0 : ($0 * 104_729) % 4_000 } + [200_000, 3]
    let all = counts.enumerated().map { number, count in
      AreaCoordinates(count: count) { $0.initialize(repeating: Double(number)) }
    }
    for (number, coordinates) in all.enumerated() {
      coordinates.withBuffer { buffer in
        #expect(buffer.count == counts[number] && buffer.allSatisfy { $0 == Double(number) })
      }
    }
  }

  @Test func `an area is read while it moves`() {
    let area = Self.area()
    let sum = area.coordinates.reduce(0, +)
    let wrong = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: 4) { part in
      for _ in 0..<2_000 {
        if part == 0 {
          let memory = Memory(area.coordinates)
          area.lean(on: memory, at: memory.start)
        } else if area.withCoordinates({ $0.reduce(0, +) }) != sum {
          wrong.add(1, ordering: .relaxed)
        }
      }
    }
    #expect(wrong.load(ordering: .relaxed) == 0)
  }
}
