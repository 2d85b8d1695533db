// The documentation's tables are the program's own.

import Foundation
import Testing

@Suite struct DocumentTests {
  @Test(arguments: [("Docs/PROTOCOL.md", "commands"), ("Docs/FORMATS.md", "formats")])
  func `a page ends with the tables that the program prints`(page: String, command: String) throws {
    let text = try String(contentsOfFile: checkout + "/" + page, encoding: .utf8)
    let tables = try outaged(command).output
    try #require(tables.contains("| --- |"))
    #expect(text.hasSuffix("<!-- outaged \(command) -->\n" + tables), "\(page) is old: `make docs` renews it")
  }
}
