// Memory for arrays: small ones from the heap, large ones on huge pages of their own.

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Blocks of memory whose size decides where they come from.
///
/// A query touches a few places anywhere in tens of megabytes, and on pages of 4 KiB most of them also miss in the processor's page
/// tables. So large blocks start at a multiple of 2 MiB and ask for huge pages (`madvise(2)`, `MADV_HUGEPAGE`); where the system has none
/// to give, they are ordinary memory. They stand outside the heap, so that freeing one gives its memory back to the system at once.
public enum LargeMemory {
  /// Blocks of at least so many bytes stand by themselves.
  private static let leastBytes = 1 << 20
  public static let hugePageBytes = 2 << 20
  private static let pageBytes = 4096
  /// `MADV_POPULATE_WRITE`, which not every C library names.
  private static let populateWrite: Int32 = 23

  /// - Parameter isFilled: whether all of it will be written to: then the system brings it at once, and not page by page.
  /// - Returns: memory that is aligned to 64 bytes at least, for `free` with the same number of bytes.
  static func allocate(byteCount: Int, isFilled: Bool = false) -> UnsafeMutableRawPointer {
    guard byteCount >= leastBytes else { return .allocate(byteCount: max(1, byteCount), alignment: 64) }
    let size = mappedBytes(byteCount)
    // As where the heap is exhausted: there is nobody who could go on.
    guard let start = mapAligned(byteCount: size) else { fatalError("no memory for \(byteCount) bytes") }
    // Refused by a Linux before 5.14.
    if isFilled { madvise(start, size, populateWrite) }
    return start
  }

  /// What is brought at once of memory whose end is not known.
  static let stepBytes = 4 << 20

  /// Has the system bring some of the pages of a block at once. On a virtual machine, it was measured to take 3 ms for 24 MB, and 40 ms where they came one by
  /// one between other work, some of them after 8 ms: presumably those that the host had yet to find.
  /// - Parameters:
  ///   - start: of what is brought, in bytes from the start of the block; rounded down to a page.
  ///   - end: inside of the block.
  static func bring(_ memory: UnsafeMutableRawPointer, from start: Int, to end: Int) {
    // Less than that may be of the heap.
    if end < stepBytes { return }
    let first = start & ~(pageBytes - 1)
    madvise(memory + first, (end - first) & ~(pageBytes - 1), populateWrite)
  }

  /// Memory that is not there before it is touched, and then on huge pages, where the system has any.
  /// - Parameter byteCount: a multiple of 4096.
  /// - Returns: where it starts, at a multiple of `hugePageBytes`; `nil` with `errno` where there is none. To be unmapped.
  public static func mapAligned(byteCount: Int) -> UnsafeMutableRawPointer? {
    let reserved = byteCount + hugePageBytes
    let anywhere = mmap(nil, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let anywhere, anywhere != MAP_FAILED else { return nil }
    let start = anywhere.alignedUp(toMultipleOf: hugePageBytes)
    let before = start - anywhere
    if before > 0 { munmap(anywhere, before) }
    if hugePageBytes > before { munmap(start + byteCount, hugePageBytes - before) }
    // Refused where the system has no huge pages.
    madvise(start, byteCount, MADV_HUGEPAGE)
    return start
  }

  static func free(_ memory: UnsafeMutableRawPointer, byteCount: Int) {
    if byteCount >= leastBytes {
      munmap(memory, mappedBytes(byteCount))
    } else {
      memory.deallocate()
    }
  }

  /// Gives back the pages behind the first bytes of a block.
  /// - Returns: the number of bytes with which the block is to be freed.
  static func shrink(_ memory: UnsafeMutableRawPointer, from byteCount: Int, to newByteCount: Int) -> Int {
    // What stands by itself must go on doing so, and what comes from the heap stays as it is.
    guard byteCount >= leastBytes else { return byteCount }
    let kept = max(newByteCount, leastBytes)
    let (size, newSize) = (mappedBytes(byteCount), mappedBytes(kept))
    if newSize < size { munmap(memory + newSize, size - newSize) }
    return kept
  }

  private static func mappedBytes(_ byteCount: Int) -> Int {
    (byteCount + pageBytes - 1) & ~(pageBytes - 1)
  }
}
