// The documentation's tables are the program's own, and its links lead somewhere.

import Foundation
import Testing

@Suite struct DocumentTests {
  @Test(arguments: [
    ("Docs/PROTOCOL.md", "commands"), ("Docs/FORMATS.md", "formats"), ("Docs/METRICS.md", "metrics --list"),
  ])
  func `a page ends with the tables that the program prints`(page: String, command: String) throws {
    let text = try String(contentsOfFile: checkout + "/" + page, encoding: .utf8)
    let tables = try run(outagedBinary, command.split(separator: " ").map(String.init)).output
    try #require(tables.contains("| --- |"))
    #expect(text.hasSuffix("<!-- outaged \(command) -->\n" + tables), "\(page) is old: `make docs` renews it")
  }

  @Test(arguments: [
    "README.md", "CONTRIBUTING.md", "Docs/ARCHITECTURE.md", "Docs/BENCHMARKS.md", "Docs/OPERATIONS.md",
    "Docs/METRICS.md",
  ])
  func `every page, plot and file that a page links to is there`(page: String) throws {
    let text = try String(contentsOfFile: checkout + "/" + page, encoding: .utf8)
    let folder = (checkout + "/" + page as NSString).deletingLastPathComponent
    for link in text.matches(of: /\]\(([^)#:]+)(#[^)]*)?\)/) {
      let target = folder + "/" + link.output.1
      #expect(FileManager.default.fileExists(atPath: target), "\(page) links to \(link.output.1)")
    }
  }
}
