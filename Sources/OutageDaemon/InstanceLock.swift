// One daemon for each data directory: a lock that the kernel drops when its process ends, however it ends.

import Foundation

/// Another daemon serves the data directory.
public struct DirectoryInUse: Error, CustomStringConvertible {
  public let directory: String
  /// As the lock file names it; it may be empty in the instant in which the other one starts.
  public let holder: String

  public var description: String {
    "\(directory): another outaged serves this directory (process \(holder.isEmpty ? "unknown" : holder)); "
      + "stop it first, or use another --data"
  }
}

/// An exclusive `flock` on `DIR/daemon.lock`, held for as long as this object lives.
public final class InstanceLock: Sendable {
  let descriptor: Int32

  /// - Throws: `DirectoryInUse`, or `CocoaError`/`POSIXError` if the file cannot be made.
  public init(directory: String) throws {
    let path = directory + "/daemon.lock"
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw ConfigurationError.unreadable(file: path, reason: String(cString: strerror(errno)))
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      // `deinit` closes the descriptor.
      let holder = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
      throw DirectoryInUse(
        directory: directory, holder: holder.trimmingCharacters(in: .whitespacesAndNewlines))
    }
    nameHolder()
  }

  /// Shares the lock of the process that hands over: it is held for as long as one of the two holds its descriptor.
  init(adopting descriptor: Int32) {
    self.descriptor = descriptor
  }

  /// Writes down this process as the one that serves, for messages to others.
  func nameHolder() {
    ftruncate(descriptor, 0)
    let text = "\(getpid())\n"
    _ = text.withCString { pwrite(descriptor, $0, strlen($0), 0) }
  }

  deinit { close(descriptor) }
}
