// Memory that grows, for the inner loops of building: no reference count, no check but the one for room.

/// A growing list of plain values. Its owner frees it.
///
/// Invariant: `pointer` has room for `capacity` elements, of which the first `count` are written.
struct GrowingBuffer<Element: BitwiseCopyable> {
  private(set) var pointer: UnsafeMutablePointer<Element>
  private(set) var count = 0
  private var capacity: Int

  /// - Parameter capacity: room for so many elements. What is not written to costs nothing.
  init(capacity: Int = 16) {
    self.capacity = max(1, capacity)
    pointer = LargeMemory.allocate(byteCount: self.capacity * MemoryLayout<Element>.stride)
      .bindMemory(to: Element.self, capacity: self.capacity)
  }

  func free() { LargeMemory.free(pointer, byteCount: capacity * MemoryLayout<Element>.stride) }

  /// Gives back what was never used.
  /// - Returns: the number of bytes with which the memory is to be freed.
  private func shrunk() -> Int {
    let stride = MemoryLayout<Element>.stride
    return LargeMemory.shrink(pointer, from: capacity * stride, to: count * stride)
  }

  var buffer: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: pointer, count: count) }

  /// The elements as an array that owns the memory; the buffer must not be used or freed after that.
  func finished() -> FlatArray<Element> {
    let storage = FlatStorage(bytes: UnsafeRawBufferPointer(start: pointer, count: shrunk())) {
      LargeMemory.free(UnsafeMutableRawPointer(mutating: $0.baseAddress!), byteCount: $0.count)
    }
    return FlatArray(storage: storage, byteOffset: 0, count: count)
  }

  /// Has the system bring the memory of what comes next, `LargeMemory.stepBytes` at once or twice as much.
  /// - Parameters:
  ///   - more: so many elements will be written.
  ///   - brought: how many elements have their memory, from the first one on; 0 where the buffer is new.
  func bring(_ more: Int, _ brought: inout Int) {
    if count + more <= brought { return }
    let stride = MemoryLayout<Element>.stride
    let end = min(capacity, max(brought, count + more) + LargeMemory.stepBytes / stride)
    LargeMemory.bring(pointer, from: brought * stride, to: end * stride)
    brought = end
  }

  @inline(__always)
  mutating func removeAll() { count = 0 }

  mutating func removeLast(_ some: Int) { count -= some }

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

  /// Appends elements that the caller must write, at the address that is returned.
  @inline(__always)
  mutating func appendUnwritten(_ more: Int) -> UnsafeMutablePointer<Element> {
    if capacity - count < more { grow(more) }
    defer { count += more }
    return pointer + count
  }

  /// Where the next elements go, with room for some; those that are to stay are appended once they are written there.
  @inline(__always)
  mutating func unwritten(room: Int) -> UnsafeMutablePointer<Element> {
    if capacity - count < room { grow(room) }
    return pointer + count
  }

  @inline(__always)
  mutating func append(written some: Int) { count += some }

  mutating func append(repeating element: Element, count more: Int) {
    if capacity - count < more { grow(more) }
    (pointer + count).update(repeating: element, count: more)
    count += more
  }

  @inline(never)
  private mutating func grow(_ more: Int) {
    let capacity = max(capacity * 2, count + more)
    let larger = LargeMemory.allocate(byteCount: capacity * MemoryLayout<Element>.stride)
      .bindMemory(to: Element.self, capacity: capacity)
    larger.update(from: pointer, count: count)
    free()
    pointer = larger
    self.capacity = capacity
  }
}
