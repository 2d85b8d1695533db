// An immutable array of plain values in memory that was either built here or mapped from a file.

/// Keeps a block of memory alive, and frees or unmaps it when the last array that points into it is gone.
public final class FlatStorage: @unchecked Sendable {
  // Invariant: `bytes` is never written to after an array that points into it was handed out.
  public let bytes: UnsafeRawBufferPointer
  private let release: @Sendable (UnsafeRawBufferPointer) -> Void

  /// - Parameter release: called once with `bytes`, on whichever thread drops the last reference.
  public init(bytes: UnsafeRawBufferPointer, release: @escaping @Sendable (UnsafeRawBufferPointer) -> Void) {
    self.bytes = bytes
    self.release = release
  }

  deinit { release(bytes) }
}

/// An immutable, contiguous array of plain values (`BitwiseCopyable`): the one form in which indexes and tables are held, so that the
/// same code serves memory that was built here and memory that is mapped from a file.
public struct FlatArray<Element: BitwiseCopyable>: @unchecked Sendable {
  /// The elements; valid for as long as this array, or a copy of it, lives. For hot loops, which check their bounds once.
  public let pointer: UnsafePointer<Element>
  public let count: Int
  /// Owns the memory behind `pointer`.
  public let storage: FlatStorage

  /// An array over part of a block of memory.
  /// - Precondition: the range lies in the block and starts at a multiple of the element's alignment.
  public init(storage: FlatStorage, byteOffset: Int, count: Int) {
    precondition(byteOffset >= 0 && count >= 0, "negative range")
    precondition(
      byteOffset + count * MemoryLayout<Element>.stride <= storage.bytes.count, "range beyond the storage")
    precondition(byteOffset % MemoryLayout<Element>.alignment == 0, "misaligned range")
    self.storage = storage
    self.count = count
    // An empty mapping has no address; any aligned non-null pointer serves an array that is never read.
    self.pointer =
      storage.bytes.baseAddress.map { ($0 + byteOffset).assumingMemoryBound(to: Element.self) }
      ?? UnsafePointer(bitPattern: MemoryLayout<Element>.alignment)!
  }

  /// One allocation of exactly `count` elements, all of which `fill` must write.
  public init(count: Int, fill: (UnsafeMutableBufferPointer<Element>) throws -> Void) rethrows {
    let byteCount = count * MemoryLayout<Element>.stride
    let memory = LargeMemory.allocate(byteCount: byteCount, isFilled: true)
    let elements = UnsafeMutableBufferPointer(
      start: memory.bindMemory(to: Element.self, capacity: count), count: count)
    do {
      try fill(elements)
    } catch {
      LargeMemory.free(memory, byteCount: byteCount)
      throw error
    }
    let storage = FlatStorage(
      bytes: UnsafeRawBufferPointer(start: memory, count: byteCount)
    ) { LargeMemory.free(UnsafeMutableRawPointer(mutating: $0.baseAddress!), byteCount: $0.count) }
    self.init(storage: storage, byteOffset: 0, count: count)
  }

  public init(_ elements: some Collection<Element>) {
    self.init(count: elements.count) { _ = $0.initialize(from: elements) }
  }

  public var byteCount: Int { count * MemoryLayout<Element>.stride }

  /// - Precondition: `index` lies in `0 ..< count`.
  @inlinable
  public subscript(index: Int) -> Element {
    precondition(index >= 0 && index < count, "index out of range")
    return pointer[index]
  }

  /// The elements as a buffer; it must not outlive this array.
  @inlinable
  public var buffer: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: pointer, count: count) }
}
