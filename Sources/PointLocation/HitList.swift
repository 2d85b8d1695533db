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

  /// Some of the hits, likewise.
  @inline(__always)
  func ids(_ range: Range<Int>) -> UnsafeBufferPointer<UInt32> {
    UnsafeBufferPointer(start: storage + range.lowerBound, count: range.count)
  }

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

  /// Makes room for more hits and returns where the next one goes; `finish` says how many were written there.
  @inline(__always)
  mutating func reserve(_ more: Int) -> UnsafeMutablePointer<UInt32> {
    while capacity - count < more { grow() }
    return storage + count
  }

  @inline(__always)
  mutating func finish(at end: UnsafeMutablePointer<UInt32>) { count = end - storage }

  /// Appends a set behind whose members at least seven more words may be read, and makes room for as many hits more.
  @inline(__always)
  mutating func append(paddedSet members: UnsafeBufferPointer<UInt32>, room: Int) {
    let target = reserve(members.count + max(room, 8))
    guard let source = members.baseAddress else { return }
    var copied = 0
    while copied < members.count {
      let eight = UnsafeRawPointer(source + copied).loadUnaligned(as: SIMD8<UInt32>.self)
      UnsafeMutableRawPointer(target + copied).storeBytes(of: eight, as: SIMD8<UInt32>.self)
      copied += 8
    }
    count += members.count
  }

  /// Inserts a hit into those from `start` on, which ascend; there must be room.
  @inline(__always)
  mutating func insert(_ id: UInt32, from start: Int) {
    var place = count
    while place > start && storage[place - 1] > id {
      storage[place] = storage[place - 1]
      place -= 1
    }
    storage[place] = id
    count += 1
  }

  /// Replaces the hits from `start` on by what `names` has for them, and drops those that it has no name for (`UInt32.max`).
  mutating func rename(from start: Int, _ names: UnsafePointer<UInt32>) {
    var kept = start
    for index in start..<count {
      let name = names[Int(storage[index])]
      storage[kept] = name
      kept += name == .max ? 0 : 1
    }
    count = kept
  }

  /// Whether these are the hits, in the same order.
  @inline(__always)
  func equals(_ ids: UnsafeBufferPointer<UInt32>) -> Bool {
    if count != ids.count { return false }
    for index in 0..<count where storage[index] != ids[index] { return false }
    return true
  }

  @inline(__always)
  mutating func keep(where isKept: (UInt32) -> Bool) {
    var kept = 0
    for index in 0..<count {
      let id = storage[index]
      storage[kept] = id
      kept += isKept(id) ? 1 : 0
    }
    count = kept
  }

  /// Merges the hits from `middle` on with those before, from `start` on: both ascend, and so does the whole then.
  mutating func merge(from start: Int, at middle: Int) {
    var tail = count - middle
    let copy = reserve(tail)
    copy.update(from: storage + middle, count: tail)
    var head = middle
    var place = count
    while tail > 0 {
      place -= 1
      if head > start && storage[head - 1] > copy[tail - 1] {
        head -= 1
        storage[place] = storage[head]
      } else {
        tail -= 1
        storage[place] = copy[tail]
      }
    }
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
