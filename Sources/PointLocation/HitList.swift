// Reusable result lists: they grow to the largest answer seen, and then allocate no more.

/// The ids of the polygons that cover a point, ascending. Keep one per thread and hand it to each query.
public struct HitList: ~Copyable {
  public private(set) var count = 0
  private var capacity: Int
  private var storage: UnsafeMutablePointer<UInt32>

  /// - Parameter capacity: how many hits fit before the list must grow.
  public init(capacity: Int = 64) {
    self.capacity = max(1, capacity)
    storage = .allocate(capacity: self.capacity)
  }

  deinit { storage.deallocate() }

  /// - Precondition: `index` lies in `0 ..< count`.
  public subscript(index: Int) -> UInt32 {
    precondition(index >= 0 && index < count, "index out of range")
    return storage[index]
  }

  /// The hits; valid until the list is written to again or goes away.
  public var ids: UnsafeBufferPointer<UInt32> { UnsafeBufferPointer(start: storage, count: count) }

  @inline(__always)
  mutating func removeAll() { count = 0 }

  @inline(__always)
  mutating func append(_ id: UInt32) {
    if count == capacity { grow() }
    storage[count] = id
    count += 1
  }

  @inline(__always)
  mutating func append(contentsOf ids: UnsafeBufferPointer<UInt32>) {
    for id in ids { append(id) }
  }

  mutating func sort() {
    // Answers are short and nearly in order: an insertion sort, which needs no memory.
    for index in 1..<max(1, count) {
      let id = storage[index]
      var place = index
      while place > 0 && storage[place - 1] > id {
        storage[place] = storage[place - 1]
        place -= 1
      }
      storage[place] = id
    }
  }

  @inline(never)
  private mutating func grow() {
    let larger = UnsafeMutablePointer<UInt32>.allocate(capacity: capacity * 2)
    larger.moveInitialize(from: storage, count: count)
    storage.deallocate()
    storage = larger
    capacity *= 2
  }
}

/// A polygon with an edge near a point.
public struct NearHit: Hashable, Sendable, BitwiseCopyable {
  public let polygon: UInt32
  /// The geodesic distance on the WGS 84 ellipsoid from the point to the polygon's nearest edge.
  public let distanceMetres: Double
}

/// The polygons near a point, nearest first; equal distances in order of id. Keep one per thread.
public struct NearList: ~Copyable {
  public private(set) var count = 0
  private var capacity: Int
  private var storage: UnsafeMutablePointer<NearHit>

  public init(capacity: Int = 64) {
    self.capacity = max(1, capacity)
    storage = .allocate(capacity: self.capacity)
  }

  deinit { storage.deallocate() }

  /// - Precondition: `index` lies in `0 ..< count`.
  public subscript(index: Int) -> NearHit {
    precondition(index >= 0 && index < count, "index out of range")
    return storage[index]
  }

  mutating func removeAll() { count = 0 }

  mutating func append(_ hit: NearHit) {
    if count == capacity {
      let larger = UnsafeMutablePointer<NearHit>.allocate(capacity: capacity * 2)
      larger.moveInitialize(from: storage, count: count)
      storage.deallocate()
      storage = larger
      capacity *= 2
    }
    storage[count] = hit
    count += 1
  }

  mutating func sort() {
    var hits = UnsafeMutableBufferPointer(start: storage, count: count)
    hits.sort {
      ($0.distanceMetres, $0.polygon) < ($1.distanceMetres, $1.polygon)
    }
  }
}
