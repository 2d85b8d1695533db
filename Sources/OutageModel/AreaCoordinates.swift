// The coordinates of an area, in memory that others may share.

import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Longitude, latitude, longitude, ... in degrees: numbers that never change, in memory that may.
///
/// The coordinates of its areas are most of what a layer is. Who has them in an array of their own, as an index has, lets the areas lean on that:
/// then their own memory is freed, for all copies of an area at once, wherever they are held.
public final class AreaCoordinates: Sendable {
  static let none = AreaCoordinates(count: 0) { _ in }

  public let count: Int
  private let place: Mutex<Place>

  private struct Place: @unchecked Sendable {
    // Invariant: the owner keeps the memory as it is.
    let owner: any AnyObject & Sendable
    let start: UnsafePointer<Double>
  }

  /// - Parameter fill: must write all of the numbers.
  public init(count: Int, fill: (UnsafeMutableBufferPointer<Double>) -> Void) {
    self.count = count
    let (slab, numbers) = CoordinateSlab.room(for: count)
    fill(numbers)
    place = Mutex(Place(owner: slab, start: UnsafePointer(numbers.baseAddress.unsafelyUnwrapped)))
  }

  /// Coordinates in somebody else's memory.
  /// - Parameters:
  ///   - owner: keeps the memory as it is for as long as it lives.
  ///   - start: longitude, latitude, longitude, ... in degrees.
  public init(leaningOn owner: any AnyObject & Sendable, at start: UnsafePointer<Double>, count: Int) {
    self.count = count
    place = Mutex(Place(owner: owner, start: start))
  }

  /// Lies in somebody else's memory from now on, if the very same numbers stand there.
  /// - Parameters:
  ///   - owner: keeps the memory as it is for as long as it lives.
  ///   - start: as many numbers as there are coordinates.
  public func lean(on owner: any AnyObject & Sendable, at start: UnsafePointer<Double>) {
    // Bit by bit: 0 and -0 are the same degrees, but are not hashed alike.
    let canLean = withBuffer { own in
      guard let now = own.baseAddress, now != start else { return false }
      return memcmp(now, start, count * MemoryLayout<Double>.stride) == 0
    }
    if !canLean { return }
    // What it leaves is freed when nobody waits for the lock.
    _ = place.withLock { place in
      let before = place
      place = Place(owner: owner, start: start)
      return before
    }
  }

  /// Calls `body` with the numbers, which must not be used after that.
  public func withBuffer<Result>(_ body: (UnsafeBufferPointer<Double>) throws -> Result) rethrows -> Result {
    let place = place.withLock { $0 }
    return try withExtendedLifetime(place.owner) {
      try body(UnsafeBufferPointer(start: place.start, count: count))
    }
  }
}

/// A block of memory for the coordinates of many areas. Those of one layer come one after another and leave together: so their memory goes back to the
/// system as a whole, where single blocks of the heap would leave holes.
private final class CoordinateSlab: @unchecked Sendable {
  // Invariant: only `room` looks at `used`, under the lock of `current`; each part is written to once, by the one who took it.
  private let numbers: UnsafeMutableBufferPointer<Double>
  private var used = 0

  /// A mebibyte.
  private static let capacity = 1 << 17
  private static let current = Mutex(CoordinateSlab(capacity: 0))

  private init(capacity: Int) { numbers = .allocate(capacity: capacity) }

  deinit { numbers.deallocate() }

  static func room(for count: Int) -> (CoordinateSlab, UnsafeMutableBufferPointer<Double>) {
    current.withLock { slab in
      if slab.numbers.count - slab.used < count { slab = CoordinateSlab(capacity: max(capacity, count)) }
      defer { slab.used += count }
      return (slab, UnsafeMutableBufferPointer(rebasing: slab.numbers[slab.used..<slab.used + count]))
    }
  }
}
