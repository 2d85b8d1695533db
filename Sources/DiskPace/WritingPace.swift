// Writes large files so that the disk gets a little at a time.

internal import CFile
import Glibc
import Synchronization

/// How fast a file is written that nobody waits for.
///
/// Left alone, the system keeps what is written and brings it to the disk half a minute later, all at once: hundreds of megabytes, during which whoever else needs the
/// disk waits, and on a virtual machine often the processors, too. So each part is brought there before the next one is written.
final class WritingPace: Sendable {
  /// A part, after which there is a pause.
  static let partBytes = 256 << 10
  static let bytesPerSecond = 16.0 * 1_048_576

  private let hurried: Atomic<Bool>
  private let givenUp = Atomic(false)

  /// - Parameter isHurried: without pauses, as fast as can be.
  init(isHurried: Bool = false) { hurried = Atomic(isHurried) }

  /// Whether somebody waits now; heeded from the next part on.
  var isHurried: Bool {
    get { hurried.load(ordering: .relaxed) }
    set { hurried.store(newValue, ordering: .relaxed) }
  }

  /// Nobody wants the file any more: no further part is written, until this is taken back.
  var isGivenUp: Bool {
    get { givenUp.load(ordering: .relaxed) }
    set { givenUp.store(newValue, ordering: .relaxed) }
  }

  /// Writes all bytes at a place in a file.
  /// - Returns: `false` with `errno` where that failed; `ECANCELED` where it was given up.
  func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int) -> Bool {
    var written = 0
    while written < bytes.count {
      if isGivenUp {
        errno = ECANCELED
        return false
      }
      let start = ContinuousClock.now
      let count = pwrite(
        descriptor, bytes.baseAddress! + written, min(bytes.count - written, Self.partBytes), offset + written
      )
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return false }
      if !isHurried {
        // Where that fails, the file is as good: it is not this that keeps it.
        _ = cfile_write_back(descriptor, Int64(offset + written), Int64(count))
        let rest = Double(count) / Self.bytesPerSecond - (ContinuousClock.now - start) / .seconds(1)
        if rest > 0 { usleep(UInt32(rest * 1e6)) }
      }
      written += count
    }
    return true
  }
}
