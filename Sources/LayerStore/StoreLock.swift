// Locks between the processes that share a data directory: the daemon, imports, publishes by hand.

import Glibc

/// A lock on one byte of the lock file, held until it is released or its process ends, however it ends.
///
/// Open-file-description locks (Linux `F_OFD_SETLK`): unlike POSIX locks, they also exclude two threads of one process, and
/// they are not lost when somebody closes another descriptor of the file.
final class StoreLock {
  /// What a lock stands for: the byte's offset in the lock file.
  enum Purpose: Int {
    /// Held while the file is created, checked and migrated.
    case opening = 0
    /// Held by the one address load that may run, and while remains of dead ones are cleared away.
    case addressLoad = 1
    /// Held by one who publishes. An import passes through it between two batches, so that it cannot starve a publish:
    /// SQLite's own write lock is polled, and an import leaves it free for microseconds only.
    case publish = 2
  }

  private static let setLock: Int32 = 37  // F_OFD_SETLK
  /// 2 ms apart, so 30 s: longer than anybody holds one, but for a stopped process.
  private static let attemptsMax = 15_000

  private let descriptor: Int32

  /// Takes the lock, or gives `nil` if somebody else holds it.
  convenience init?(ifFree purpose: Purpose, file: String) throws(StoreError) {
    try self.init(purpose, file: file, attemptsMax: 1)
  }

  /// Takes the lock for the time of `body`, once it is free.
  /// - Throws: `busy` if it does not get free in time.
  static func with<Result>(
    _ purpose: Purpose, file: String, _ body: () throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    guard let lock = try StoreLock(purpose, file: file, attemptsMax: attemptsMax) else {
      throw .busy(
        SQLiteFault(
          file: file, doing: "wait for the \(purpose) lock", code: 5, message: "another process holds it"))
    }
    defer { withExtendedLifetime(lock) {} }
    return try body()
  }

  private init?(_ purpose: Purpose, file: String, attemptsMax: Int) throws(StoreError) {
    descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
    guard descriptor >= 0 else {
      throw .fileSystem(path: file, doing: "open the lock file", errorNumber: errno)
    }
    var region = Self.region(Int16(F_WRLCK), at: purpose.rawValue, length: 1)
    var attempts = 0
    while fcntl(descriptor, Self.setLock, &region) != 0 {
      let problem = errno
      guard problem == EAGAIN || problem == EACCES || problem == EINTR else {
        throw .fileSystem(path: file, doing: "lock", errorNumber: problem)
      }
      attempts += 1
      if attempts == attemptsMax { return nil }
      usleep(2000)
    }
  }

  // Not by `close` alone: a process that another thread has just forked holds the lock as well, until it executes its program.
  deinit {
    var whole = Self.region(Int16(F_UNLCK), at: 0, length: 0)
    _ = fcntl(descriptor, Self.setLock, &whole)
    close(descriptor)
  }

  /// - Parameter length: in bytes; 0 for all behind `start`.
  private static func region(_ type: Int16, at start: Int, length: Int) -> flock {
    flock(l_type: type, l_whence: Int16(SEEK_SET), l_start: start, l_len: length, l_pid: 0)
  }
}
