// A progress bar on standard error, where that is a terminal.

import Foundation
import LayerImport

/// Shows records, rate and the time left, a few times a second; nothing where standard error is no terminal.
final class ProgressBar {
  private let label: String
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let start = ContinuousClock.now
  private var lastShown: ContinuousClock.Instant?
  private var last = ImportProgress()
  private static let widthCharacters = 24

  init(label: String) { self.label = label }

  func show(_ progress: ImportProgress) {
    guard isTerminal else { return }
    last = progress
    let now = ContinuousClock.now
    if let lastShown, now - lastShown < .milliseconds(200) { return }
    lastShown = now
    draw(at: now)
  }

  /// Shows where it ended, and leaves the line.
  func finish() {
    guard lastShown != nil else { return }
    draw(at: .now)
    FileHandle.standardError.write(Data("\n".utf8))
  }

  private func draw(at now: ContinuousClock.Instant) {
    let seconds = max(0.001, (now - start) / .seconds(1))
    let share = last.bytesTotal > 0 ? min(1, Double(last.bytesRead) / Double(last.bytesTotal)) : 0
    let filled = Int(share * Double(Self.widthCharacters))
    let bar =
      String(repeating: "#", count: filled) + String(repeating: ".", count: Self.widthCharacters - filled)
    let left = share > 0.001 ? Self.duration(seconds / share - seconds) : "?"
    let rate = Int(Double(last.recordsRead) / seconds)
    // ESC [ K takes away what a longer line has left.
    FileHandle.standardError.write(
      Data(
        "\r\(label) [\(bar)] \(Int(share * 100)) %  \(last.recordsRead) records, \(rate)/s, \(left) left\u{1b}[K"
          .utf8))
  }

  private static func duration(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded())
    return whole < 60 ? "\(whole) s" : "\(whole / 60) min \(whole % 60) s"
  }
}
