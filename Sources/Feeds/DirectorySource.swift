// A directory as a source of layers.

import Foundation
import OutageModel

/// Looks at a directory's files. Looking again and again, and not inotify: it works the same on NFS and SMB, which tell nothing of what
/// others write there, and finds what was put there while nobody looked.
final class DirectorySource: FeedSource {
  private let path: String
  private var watch: DirectoryWatch
  private let clock: () -> Double
  static let entriesMax = 10_000

  init(path: String, pattern: String?, settleSeconds: Double, clock: @escaping () -> Double) {
    self.path = path
    self.clock = clock
    watch = DirectoryWatch(settleSeconds: settleSeconds) { name in
      guard let pattern else { return true }
      return fnmatch(pattern, name, 0) == 0
    }
  }

  func look() -> SourceReading {
    guard let directory = opendir(path) else {
      return .failed(.unreachable, "\(path): \(String(cString: strerror(errno)))")
    }
    defer { closedir(directory) }
    var entries: [DirectoryEntry] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      var status = stat()
      guard fstatat(dirfd(directory), name, &status, 0) == 0, status.st_mode & S_IFMT == S_IFREG else {
        continue
      }
      func nanoseconds(_ time: timespec) -> Int64 { Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec) }
      entries.append(
        DirectoryEntry(
          name: name, sizeBytes: Int(status.st_size), modifiedNanoseconds: nanoseconds(status.st_mtim),
          changedNanoseconds: nanoseconds(status.st_ctim)))
      guard entries.count <= Self.entriesMax else {
        return .failed(
          .unreachable, "\(path): more than \(Self.entriesMax) files; what was read may be cleared away")
      }
    }
    guard let file = watch.look(entries, at: clock()) else { return .nothing }
    return .file(
      path: path + "/" + file.name, name: file.name,
      asOf: Timestamp(millisecondsSinceEpoch: file.modifiedNanoseconds / 1_000_000))
  }

  func wasRead() {}
}
