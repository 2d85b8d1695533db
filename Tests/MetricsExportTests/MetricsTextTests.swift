// The text format, read back by a reader that is strict; and the addresses at which it may be offered.

import TestSupport
import Testing

@testable import MetricsExport

@Suite struct MetricsTextTests {
  @Test func `families, labels and values are read as they were written`() throws {
    var text = MetricsText()
    text.append(MetricFamily(.counter, "a_total", "With a \\ and\na line."), [MetricSample(3)])
    text.append(
      MetricFamily(.gauge, "b_seconds", "Two labels.", labels: ["feed", "guard"]),
      [
        MetricSample(0.25, "a \"b\"\\\n", "x"), MetricSample(-1.5e-9, "", "y"),
        MetricSample(.infinity, "c", "z"),
      ])
    text.append(MetricFamily(.gauge, "empty", "Left out.", labels: ["x"]), [])
    let read = try Exposition(text.text)
    #expect(read.families.count == 2)
    #expect(read.families["a_total"]?.help == #"With a \\ and\na line."#)
    #expect(read.families["a_total"]?.kind == "counter")
    #expect(read["a_total"] == 3)
    #expect(read["b_seconds", "feed=a \"b\"\\\n", "guard=x"] == 0.25)
    #expect(read["b_seconds", "feed=", "guard=y"] == -1.5e-9)
    #expect(read["b_seconds", "feed=c", "guard=z"] == .infinity)
    #expect(text.text.hasPrefix("# HELP a_total "))
    #expect(text.text.contains("\na_total 3\n"))
  }

  @Test(arguments: [
    "a_total 1\n", "# HELP a A.\n# TYPE a gauge\na 1", "# HELP a A.\n# TYPE a gauge\n",
    "# TYPE a gauge\na 1\n",
    "# HELP a A.\n# TYPE a counter\na 1\n", "# HELP a A.\n# TYPE a gauge\na 1\na 2\n",
    "# HELP a A.\n# TYPE a gauge\na 1,5\n", "# HELP a A.\n# TYPE a gauge\na{b=1} 1\n",
    "# HELP a A.\n# TYPE a gauge\na{b=\"\\x\"} 1\n",
    "# HELP a_total A.\n# TYPE a_total counter\na_total -1\n",
    "# HELP a A.\n# TYPE a gauge\nb 1\n",
    "# HELP a A.\n# TYPE a gauge\na 1\n# HELP a A.\n# TYPE a gauge\na 2\n",
  ])
  func `the reader of these tests refuses what is not the format`(text: String) {
    #expect(throws: Exposition.Fault.self) { try Exposition(text) }
  }

  @Test(arguments: [
    ("127.0.0.1:9464", "127.0.0.1", 9464), ("[::1]:1", "::1", 1), ("10.0.0.7:0", "10.0.0.7", 0),
  ])
  func `one address of the machine is taken`(text: String, host: String, port: Int) throws {
    let address = try #require(MetricsAddress(text))
    #expect(address.host == host && address.port == port)
    #expect(address.description == text)
  }

  @Test(arguments: [
    "", "9464", ":9464", "*:9464", "0.0.0.0:9464", "[::]:9464", "[0:0::0]:9464", "::1:9464", "localhost:9464",
    "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1", "[127.0.0.1]:1",
    "127.0.0.1:9464 ",
  ])
  func `anything else is refused, all interfaces at once among them`(text: String) {
    #expect(MetricsAddress(text) == nil)
  }
}
