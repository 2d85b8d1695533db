// What the server's process has used, by the kernel's own accounting.

import Foundation

/// A reading of one process.
public struct ServerAccounting: Sendable {
  /// CPU time by thread name, from the scheduler (`/proc/PID/task/*/schedstat`). Threads that have ended are not in it.
  public var cpuNanoseconds: [String: Int64] = [:]
  public var residentBytes = 0
  public var peakResidentBytes = 0

  public init(pid: Int32) {
    let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
    for task in tasks {
      let folder = "/proc/\(pid)/task/\(task)"
      guard let times = Self.text("\(folder)/schedstat"),
        let nanoseconds = times.split(separator: " ").first.flatMap({ Int64($0) }),
        let name = Self.text("\(folder)/comm")
      else { continue }
      cpuNanoseconds[name.trimmingCharacters(in: .whitespacesAndNewlines), default: 0] += nanoseconds
    }
    for line in (Self.text("/proc/\(pid)/status") ?? "").split(separator: "\n") {
      let fields = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
      guard fields.count >= 2, let kibibytes = Int(fields[1]) else { continue }
      if fields[0] == "VmRSS:" { residentBytes = kibibytes << 10 }
      if fields[0] == "VmHWM:" { peakResidentBytes = kibibytes << 10 }
    }
  }

  /// CPU time by thread name since an earlier reading.
  public func cpuNanoseconds(since earlier: ServerAccounting) -> [String: Int64] {
    cpuNanoseconds.merging(earlier.cpuNanoseconds) { $0 - $1 }.filter { cpuNanoseconds[$0.key] != nil }
  }

  private static func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
}
