// Writes large files so that the disk gets a little at a time.

internal import CFile
import Glibc
import Synchronization

/// How fast files are written beside callers.
///
/// Left alone, the system keeps what is written and brings it to the disk half a minute later, or when somebody asks for it (`fsync(2)`), all at once: tens and
/// hundreds of megabytes, during which whoever else needs the disk waits, and on a virtual machine often the processors, too. So each part is
/// brought there before the next one is written.
public final class WritingPace: Sendable {
  /// A part, after which there is a pause.
  static let partBytes = 256 << 10

  private let bytesPerSecond: Double
  private let disturbsNobody: @Sendable () -> Bool
  private let hurried: Atomic<Bool>
  private let givenUp = Atomic(false)
  /// When the disk has had its time for all parts so far.
  private let free = Mutex(ContinuousClock.Instant?.none)

  /// - Parameters:
  ///   - mebibytesPerSecond: of all files at this pace together.
  ///   - isHurried: without pauses, as fast as can be.
  ///   - disturbsNobody: asked at each part: whether it, too, may be written as fast as can be.
  public init(
    mebibytesPerSecond: Double = 16, isHurried: Bool = false,
    disturbsNobody: @escaping @Sendable () -> Bool = { false }
  ) {
    bytesPerSecond = mebibytesPerSecond * 1_048_576
    hurried = Atomic(isHurried)
    self.disturbsNobody = disturbsNobody
  }

  /// Whether somebody waits now; heeded from the next part on.
  public var isHurried: Bool {
    get { hurried.load(ordering: .relaxed) }
    set { hurried.store(newValue, ordering: .relaxed) }
  }

  /// Nobody wants the file any more: no further part is written, until this is taken back.
  public var isGivenUp: Bool {
    get { givenUp.load(ordering: .relaxed) }
    set { givenUp.store(newValue, ordering: .relaxed) }
  }

  /// Whether parts are brought to the disk one by one.
  var isKept: Bool { !isHurried && !disturbsNobody() }

  /// Waits until a part has had the time that it is to take, after the parts of all other files at this pace.
  /// - Parameter start: when its writing began.
  func rest(byteCount: Int, since start: ContinuousClock.Instant) {
    let end = free.withLock { free in
      free = max(free ?? start, start) + .seconds(Double(byteCount) / bytesPerSecond)
      return free!
    }
    let rest = (end - .now) / .seconds(1)
    if rest > 0 { usleep(UInt32(rest * 1e6)) }
  }

  /// Writes all bytes at a place in a file.
  /// - Returns: `false` with `errno` where that failed; `ECANCELED` where it was given up.
  public func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int) -> Bool {
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
      if isKept {
        // Where that fails, the file is as good: it is not this that keeps it.
        _ = cfile_write_back(descriptor, Int64(offset + written), Int64(count))
        rest(byteCount: count, since: start)
      }
      written += count
    }
    return true
  }
}
