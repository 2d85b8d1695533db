// Memory that grows, for the inner loops of building: no reference count, no check but the one for room.

/// A growing list of plain values. Its owner frees it.
///
/// Invariant: `pointer` has room for `capacity` elements, of which the first `count` are written.
struct GrowingBuffer<Element: BitwiseCopyable> {
  private(set) var pointer: UnsafeMutablePointer<Element>
  private(set) var count = 0
  private var capacity: Int

  init(capacity: Int = 16) {
    self.capacity = max(1, capacity)
    pointer = .allocate(capacity: self.capacity)
  }

  func free() { pointer.deallocate() }

  var buffer: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: pointer, count: count) }

  var mutableBuffer: UnsafeMutableBufferPointer<Element> {
    UnsafeMutableBufferPointer(start: pointer, count: count)
  }

  /// The elements as an array that owns the memory; the buffer must not be used or freed after that.
  func finished() -> FlatArray<Element> {
    let bytes = UnsafeRawBufferPointer(start: pointer, count: count * MemoryLayout<Element>.stride)
    let storage = FlatStorage(bytes: bytes) {
      UnsafeMutableRawPointer(mutating: $0.baseAddress!).deallocate()
    }
    return FlatArray(storage: storage, byteOffset: 0, count: count)
  }

  @inline(__always)
  mutating func removeAll() { count = 0 }

  @inline(__always)
  mutating func append(_ element: Element) {
    if count == capacity { grow(1) }
    pointer[count] = element
    count += 1
  }

  @inline(__always)
  mutating func append(from source: UnsafePointer<Element>, count more: Int) {
    if capacity - count < more { grow(more) }
    (pointer + count).update(from: source, count: more)
    count += more
  }

  mutating func append(repeating element: Element, count more: Int) {
    if capacity - count < more { grow(more) }
    (pointer + count).update(repeating: element, count: more)
    count += more
  }

  @inline(never)
  private mutating func grow(_ more: Int) {
    capacity = max(capacity * 2, count + more)
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
    larger.update(from: pointer, count: count)
    pointer.deallocate()
    pointer = larger
  }
}
