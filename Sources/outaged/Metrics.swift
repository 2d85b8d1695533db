// `outaged metrics`: what there is to graph.

import ArgumentParser
import OutageDaemon

struct Metrics: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints the daemon's metrics in the Prometheus text format.",
    discussion:
      "The same text as the HTTP endpoint's, from the admin socket: for a collector that reads files, for example."
  )

  @OptionGroup var data: DataOptions

  @Flag(help: "List the metrics that there are, as Docs/METRICS.md has them; needs no daemon.")
  var list = false

  func run() throws {
    if list { return print(MetricsReport.markdown, terminator: "") }
    let client: SocketClient
    do {
      client = try SocketClient(path: data.adminSocketPath)
    } catch {
      throw Failure(error)
    }
    print(try askDaemon(client, ["METRICS"]), terminator: "")
  }
}
