// What a person sees at a terminal: the progress bar, and only there.

import Foundation
import Testing

@Suite struct TerminalTests {
  /// util-linux's `script` runs a command on a pseudo-terminal; Debian counts it as essential.
  private static let script = "/usr/bin/script"
  private static let hasScript = FileManager.default.isExecutableFile(atPath: script)

  @Test(.enabled(if: TerminalTests.hasScript, "script (bsdutils) is not installed"))
  func `an import shows records, rate and the time left on a terminal, and nothing elsewhere`() throws {
    let scratch = try ScratchDirectory()
    let rows = (0..<30_000).map {
      "SP-\($0),\(-121.9 + Double($0 % 1000) / 2000),\(38.1 + Double($0 / 1000) / 100)"
    }
    let file = try scratch.file("many.csv", "SP_ID,LON,LAT\n" + rows.joined(separator: "\n") + "\n")
    let arguments = ["import", "addresses", file, "--data", scratch.path + "/data"]
    let command = ([outagedBinary] + arguments).map { "'\($0)'" }.joined(separator: " ")
    let finished = try run(Self.script, ["--quiet", "--return", "--command", command, "/dev/null"])
    #expect(finished.status == 0, "\(finished)")
    let shown = finished.output
    let bar = try Regex(#"\rmany\.csv \[#*\.*\] \d+ %  \d+ records, \d+/s, (\d+ s|\?) left"#)
    #expect(shown.matches(of: bar).count >= 2, "\(shown)")
    #expect(shown.contains("[########################] 100 %  30000 records, "), "\(shown)")
    #expect(try run(outagedBinary, arguments).errors == "")
  }
}
