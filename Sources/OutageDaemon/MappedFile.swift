// A file as memory: the system's copy of it at first, and then one on huge pages.

import CMemory
import Foundation
import PointLocation
import Synchronization

/// A file that is mapped, to be only read.
///
/// It is there at once, but on pages of 4 KiB, and a query touches a few places anywhere in hundreds of megabytes: at most of them it misses in the
/// processor's page tables, too. So all of it is moved to huge pages when there is time (`moveToHugePages`), where it is, and while it is read.
final class MappedFile: Sendable {
  private struct State {
    /// Kept until all has been moved.
    var descriptor: Int32?
    /// What nobody needs any more.
    var givenBack = RangeSet<Int>()
  }

  private let start: UInt
  let byteCount: Int
  private let state: Mutex<State>

  /// Valid for as long as this object lives.
  var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: start), count: byteCount)
  }

  /// Maps a file from its start; `nil` with `errno` where that fails.
  /// - Parameters:
  ///   - descriptor: of the file, which must only ever be replaced, and never be written to. It stays the caller's.
  ///   - byteCount: its size, 1 or more.
  init?(descriptor: Int32, byteCount: Int) {
    let size = Self.roundedUp(byteCount, LargeMemory.hugePageBytes)
    guard let start = LargeMemory.mapAligned(byteCount: size) else { return nil }
    let own = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    // From here on, `deinit` gives back what there is.
    self.start = UInt(bitPattern: start)
    self.byteCount = byteCount
    state = Mutex(State(descriptor: own < 0 ? nil : own))
    if own < 0 { return nil }
    if mmap(start, byteCount, PROT_READ, MAP_PRIVATE | MAP_FIXED, own, 0) == MAP_FAILED { return nil }
  }

  deinit {
    munmap(pointer(0), Self.roundedUp(byteCount, LargeMemory.hugePageBytes))
    state.withLock { if let descriptor = $0.descriptor { close(descriptor) } }
  }

  /// A part of the file, which keeps it alive. Its pages are given back when the last array over it is gone.
  func part(_ range: Range<Int>) -> FlatArray<UInt8> {
    let storage = FlatStorage(bytes: UnsafeRawBufferPointer(rebasing: bytes[range])) { _ in
      self.giveBack(range)
    }
    return FlatArray(storage: storage, byteOffset: 0, count: range.count)
  }

  /// Whole pages only: at both ends stand other parts.
  private func giveBack(_ range: Range<Int>) {
    let first = Self.roundedUp(range.lowerBound, Self.pageBytes)
    let end = range.upperBound / Self.pageBytes * Self.pageBytes
    guard first < end else { return }
    state.withLock { state in
      state.givenBack.insert(contentsOf: first..<end)
      madvise(pointer(first), end - first, MADV_DONTNEED)
    }
  }

  /// Whether the system gives huge pages to those who ask for them (`transparent_hugepage`).
  static var isWorthMoving: Bool {
    let setting = try? String(contentsOfFile: "/sys/kernel/mm/transparent_hugepage/enabled", encoding: .utf8)
    return setting.map { !$0.contains("[never]") } ?? false
  }

  /// Moves all that is still needed to memory of the process's own, on huge pages where the system has any, 2 MiB at a time. From any thread, while others
  /// read; to be called once. Where there is no memory, the rest stays as it was.
  func moveToHugePages() {
    let step = LargeMemory.hugePageBytes
    let size = Self.roundedUp(byteCount, step)
    guard let copy = LargeMemory.mapAligned(byteCount: size) else { return }
    for first in stride(from: 0, to: size, by: step) {
      let isMoved = state.withLock { state in
        let needed = RangeSet(first..<min(first + step, byteCount)).subtracting(state.givenBack).ranges
        // Of a huge page all is there. Where that is mostly for nothing, the file's pages stay.
        if needed.reduce(0, { $0 + $1.count }) < step / 2 {
          munmap(copy + first, step)
          return true
        }
        for range in needed {
          (copy + range.lowerBound).copyMemory(from: pointer(range.lowerBound), byteCount: range.count)
        }
        mprotect(copy + first, step, PROT_READ)
        if cmemory_replace(copy + first, step, pointer(first)) == 0 { return true }
        // As Linux looks first whether it can, this is not to be expected.
        mapFileAgain(first..<min(first + step, byteCount), state.descriptor)
        return false
      }
      if !isMoved {
        munmap(copy + first, size - first)
        return
      }
    }
    state.withLock { state in
      if let descriptor = state.descriptor { close(descriptor) }
      state.descriptor = nil
    }
  }

  private func mapFileAgain(_ range: Range<Int>, _ descriptor: Int32?) {
    guard let descriptor,
      mmap(
        pointer(range.lowerBound), range.count, PROT_READ, MAP_PRIVATE | MAP_FIXED, descriptor,
        off_t(range.lowerBound)) != MAP_FAILED
    else { fatalError("no memory for a mapping") }
  }

  private func pointer(_ offset: Int) -> UnsafeMutableRawPointer {
    UnsafeMutableRawPointer(bitPattern: start + UInt(offset)).unsafelyUnwrapped
  }

  private static let pageBytes = Int(sysconf(Int32(_SC_PAGESIZE)))

  private static func roundedUp(_ count: Int, _ step: Int) -> Int { (count + step - 1) / step * step }
}
