// A program as a source of layers: its output is one.

import Foundation
import OutageModel

/// Runs a program, with bounds on its time and its output.
final class CommandSource: FeedSource {
  private let words: [String]
  private let timeoutSeconds: Double
  private let sizeBytesMax: Int
  private let outputPath: String
  private static let errorBytesShown = 300

  /// - Parameter outputPath: of the file that takes the output; `.err` beside it takes what the program complains of.
  init(_ words: [String], timeoutSeconds: Double, sizeBytesMax: Int, outputPath: String) {
    self.words = words
    self.timeoutSeconds = timeoutSeconds
    self.sizeBytesMax = sizeBytesMax
    self.outputPath = outputPath
  }

  func wasRead() {}

  func look() -> SourceReading {
    guard let process = spawn() else {
      return .failed(.unreachable, "\(words[0]): \(String(cString: strerror(errno)))")
    }
    let deadline = ContinuousClock.now + .seconds(timeoutSeconds)
    var status: Int32 = 0
    var reason: String?
    while true {
      let result = waitpid(process, &status, WNOHANG)
      if result == process || result < 0 && errno == ECHILD { break }
      if reason == nil {
        if ContinuousClock.now > deadline { reason = "not done after \(timeoutSeconds) s" }
        if size(of: outputPath) > sizeBytesMax { reason = "more than \(sizeBytesMax) bytes" }
        // Its whole process group: a script's children go with it.
        if reason != nil { kill(-process, SIGKILL) }
      }
      usleep(10_000)
    }
    if let reason { return .failed(.unreachable, "\(words[0]): \(reason)") }
    guard status == 0 else {
      let complaint = String(
        decoding: (FileManager.default.contents(atPath: outputPath + ".err") ?? Data()).suffix(
          Self.errorBytesShown),
        as: UTF8.self
      ).split(whereSeparator: \.isNewline).joined(separator: "; ")
      let end = status & 0x7f == 0 ? "status \(status >> 8 & 0xff)" : "signal \(status & 0x7f)"
      return .failed(
        .unreachable, "\(words[0]): ended with \(end)\(complaint.isEmpty ? "" : ": \(complaint)")")
    }
    guard size(of: outputPath) <= sizeBytesMax else {
      return .failed(.unreachable, "\(words[0]): more than \(sizeBytesMax) bytes")
    }
    return .file(path: outputPath, name: (words[0] as NSString).lastPathComponent, asOf: nil)
  }

  private func size(of path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : 0
  }

  /// The daemon ignores some signals and blocks others: the program gets them as a shell would give them.
  private func spawn() -> pid_t? {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, outputPath + ".err", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var process: pid_t = 0
    let result = posix_spawnp(&process, words[0], &actions, &attributes, &arguments, environ)
    errno = result
    return result == 0 ? process : nil
  }
}
